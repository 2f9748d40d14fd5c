#include "adapters/bzip2.h"

#include <bzlib.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BLOCK ((size_t)64 * 1024)
#define MOST_IN_ONE ((size_t)1 << 30) /* libbz2 counts in unsigned int */

struct mr_bzip2 {
	bz_stream stream;
	int fd;
	int64_t offset; /* of what was read of the file */
	bool ended;
	char block[BLOCK];
};

const char *mr_bzip2_version(void)
{
	static char version[32];

	/* "1.0.8, 13-Jul-2019" */
	memcpy(version, BZ2_bzlibVersion(), strnlen(BZ2_bzlibVersion(), sizeof(version) - 1));
	version[strcspn(version, ", ")] = '\0';
	return version;
}

void mr_bzip2_compress(struct mr_buf *out, const void *data, size_t len)
{
	unsigned size = (unsigned)(len + len / 50 + 1024);
	char *room;

	if (len > MOST_IN_ONE || !(room = malloc(size)))
		abort();
	if (BZ2_bzBuffToBuffCompress(room, &size, (char *)(uintptr_t)data, (unsigned)len, 1, 0,
				     0) != BZ_OK)
		abort();
	mr_buf_add(out, room, size);
	free(room);
}

struct mr_bzip2 *mr_bzip2_open(int fd, int64_t offset)
{
	struct mr_bzip2 *stream = calloc(1, sizeof(*stream));

	if (!stream || BZ2_bzDecompressInit(&stream->stream, 0, 0) != BZ_OK)
		abort();
	stream->fd = fd;
	stream->offset = offset;
	return stream;
}

static int fill(struct mr_bzip2 *stream, struct mr_error *err)
{
	ssize_t n;

	do {
		n = pread(stream->fd, stream->block, BLOCK, stream->offset);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return mr_fail_errno(err, _("reading the archive"));
	if (n == 0)
		return mr_fail(err, MR_E_ARCHIVE, "%s", _("is cut short"));
	stream->offset += n;
	stream->stream.next_in = stream->block;
	stream->stream.avail_in = (unsigned)n;
	return 0;
}

long mr_bzip2_read(struct mr_bzip2 *stream, void *buf, size_t size, struct mr_error *err)
{
	if (size > MOST_IN_ONE)
		size = MOST_IN_ONE;
	stream->stream.next_out = buf;
	stream->stream.avail_out = (unsigned)size;
	while (!stream->ended && stream->stream.avail_out > 0) {
		int rc;

		if (stream->stream.avail_in == 0 && fill(stream, err) < 0)
			return -1;
		rc = BZ2_bzDecompress(&stream->stream);
		if (rc == BZ_MEM_ERROR)
			abort();
		if (rc != BZ_OK && rc != BZ_STREAM_END)
			return mr_fail(err, MR_E_ARCHIVE, "%s",
				       _("is damaged: it does not decompress"));
		stream->ended = rc == BZ_STREAM_END;
	}
	return (long)(size - stream->stream.avail_out);
}

int64_t mr_bzip2_end(const struct mr_bzip2 *stream)
{
	return stream->offset - (int64_t)stream->stream.avail_in;
}

void mr_bzip2_close(struct mr_bzip2 *stream)
{
	if (!stream)
		return;
	BZ2_bzDecompressEnd(&stream->stream);
	free(stream);
}
