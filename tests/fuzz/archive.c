#include "fuzz.h"

#include <sys/mman.h>

#include "archive_fixture.h"
#include "features/backup.h"

/* An archive of which a fuzzer knows how to reach each part. First byte:
 *	0  all bytes are the file
 *	1  they are a tar, compressed here: a file of format 1 or nothing
 *	2  they are the tar behind a manifest that is all right, with its sums made to fit
 *	3  they are the manifest's text, in a stream of its own
 *	4  they are XORed into a whole archive, from the place that the next two bytes name
 *	5  they are the last member, a database, with all sums right */

static void build(const uint8_t *data, size_t size, struct mr_buf *out)
{
	MR_ARENA arena = mr_arena_open();
	unsigned kind = size ? data[0] % 6 : 0;
	char header[MR_ARCHIVE_BLOCK];
	struct mr_error err = { 0 };
	MR_BUF tar = { 0 };
	struct fx fx;
	size_t at;

	data += size ? 1 : 0;
	size -= size ? 1 : 0;
	fx_init(&fx, arena);
	mr_buf_add(&tar, data, size);
	if (kind == 0) {
		mr_buf_add(out, data, size);
	} else if (kind == 1) {
		mr_bzip2_compress(out, tar.data, tar.len);
	} else if (kind == 2) {
		fx_file(&fx, &tar, out);
	} else if (kind == 3) {
		FUZZ_MUST(mr_archive_header(MR_MANIFEST_NAME, (int64_t)size, FX_TIME, header,
					    &err) == 0);
		tar.len = 0;
		mr_buf_add(&tar, header, sizeof(header));
		mr_buf_add(&tar, data, size);
		while (tar.len % MR_ARCHIVE_BLOCK)
			mr_buf_putc(&tar, '\0');
		mr_bzip2_compress(out, tar.data, tar.len);
	} else if (kind == 4) {
		fx_whole(&fx, out);
		at = size > 2 ? (size_t)(data[0] << 8 | data[1]) % out->len : 0;
		for (size_t i = 2; i < size && at + i - 2 < out->len; i++)
			out->data[at + i - 2] = (char)(out->data[at + i - 2] ^ data[i]);
	} else {
		fx.held[fx.count - 1].data = mr_buf_text(&tar);
		fx.held[fx.count - 1].len = size;
		fx_list(&fx, fx.count - 1);
		fx_whole(&fx, out);
	}
	mr_secret_close(&fx.key);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_backup_reading reading = { .entries = true };
	struct mr_manifest manifest;
	struct mr_error err = { 0 };
	MR_BUF file = { 0 };
	int fd = memfd_create("archive", MFD_CLOEXEC);

	/* Without lbzip2: a process for each input would be slow. */
	setenv("PATH", "/nonexistent", 1);
	build(data, size, &file);
	if (fd < 0 || (file.len && write(fd, file.data, file.len) != (ssize_t)file.len))
		abort();
	reading.path = mr_printf(arena, "/proc/self/fd/%d", fd);
	if (mr_backup_read(arena, &reading, &manifest, &err) < 0)
		FUZZ_MUST(err.message[0] && (err.code == MR_E_ARCHIVE || err.code == MR_E_DENIED));
	else
		FUZZ_MUST(manifest.count >= 5);
	close(fd);
	return 0;
}
