#include "adapters/archive_source.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/process.h"

#define BLOCK ((size_t)64 * 1024)
#define END_TIMEOUT_MS 600000
#define STREAM_END 0x177245385090ULL /* in front of the stream's last 32 bits, its checksum */
#define SHORTEST 14                  /* an empty stream */

struct mr_archive_source {
	int file;                /* -1: the caller's */
	struct mr_child *lbzip2; /* NULL: ended, or `raw` is used */
	int pipe;
	struct archive *raw;
};

/* A stream ends with STREAM_END, its checksum and less than a byte of zeros. Both decompressors
 * ignore, without a word, what follows it, so we look for it where the file ends. */
static bool ends_stream(const unsigned char tail[11])
{
	uint64_t before = 0; /* all but the last 32 bits */

	for (int i = 0; i < 7; i++)
		before = before << 8 | tail[i];
	for (unsigned padding = 0; padding < 8; padding++)
		if ((before >> padding & 0xffffffffffffULL) == STREAM_END &&
		    (tail[10] & ((1U << padding) - 1)) == 0)
			return true;
	return false;
}

static int check_file(int file, const char *path, struct mr_error *err)
{
	unsigned char tail[11];
	struct stat info;
	char magic[3];
	off_t start;

	if (fstat(file, &info) < 0)
		return mr_fail_errno(err, "%s", path);
	if (!S_ISREG(info.st_mode))
		return mr_fail(err, MR_E_ARCHIVE, _("%s: is not a plain file"), path);
	start = lseek(file, 0, SEEK_CUR);
	if (start < 0)
		return mr_fail_errno(err, "%s", path);
	if (info.st_size - start < SHORTEST || pread(file, magic, 3, start) != 3 ||
	    memcmp(magic, "BZh", 3) != 0)
		return mr_fail(err, MR_E_ARCHIVE, _("%s: is not a .tar.bz2 archive"), path);
	if (pread(file, tail, sizeof(tail), info.st_size - (off_t)sizeof(tail)) !=
	    (ssize_t)sizeof(tail))
		return mr_fail_errno(err, "%s", path);
	if (!ends_stream(tail))
		return mr_fail(err, MR_E_ARCHIVE,
			       _("%s: is cut short, or something follows the archive's end"), path);
	return 0;
}

static int open_raw(struct mr_archive_source *source, int file, struct mr_error *err)
{
	struct archive_entry *entry;

	source->raw = archive_read_new();
	if (!source->raw)
		abort();
	archive_read_support_filter_bzip2(source->raw);
	archive_read_support_format_raw(source->raw);
	if (archive_read_open_fd(source->raw, file, BLOCK) != ARCHIVE_OK ||
	    archive_read_next_header(source->raw, &entry) != ARCHIVE_OK)
		return mr_fail(err, MR_E_ARCHIVE, "%s", archive_error_string(source->raw));
	/* What does not look like bzip2 to it, the library would hand on as it is. */
	if (archive_filter_code(source->raw, 0) != ARCHIVE_FILTER_BZIP2)
		return mr_fail(err, MR_E_ARCHIVE, "%s", _("is not a bzip2 stream"));
	return 0;
}

static int start(struct mr_archive_source *source, int file, const char *path, struct mr_error *err)
{
	static const char *const argv[] = { "lbzip2", "-dc", NULL };
	struct mr_process lbzip2 = { .argv = argv, .in_fd = file, .timeout_ms = END_TIMEOUT_MS };

	if (check_file(file, path, err) < 0)
		return -1;
	if (mr_process_read_from(&lbzip2, &source->lbzip2, &source->pipe, err) == 0)
		return 0;
	source->lbzip2 = NULL;
	return open_raw(source, file, err) < 0 ? mr_fail_in(err, "%s", path) : 0;
}

int mr_archive_source_open(int fd, const char *path, struct mr_archive_source **out,
			   struct mr_error *err)
{
	struct mr_archive_source *source = calloc(1, sizeof(*source));

	if (!source)
		abort();
	*out = NULL;
	if (start(source, fd, path, err) < 0) {
		mr_archive_source_close(source);
		return -1;
	}
	*out = source;
	return 0;
}

static long read_raw(struct mr_archive_source *source, char *buf, size_t size, struct mr_error *err)
{
	la_ssize_t n = archive_read_data(source->raw, buf, size);

	return n < 0 ? mr_fail(err, MR_E_ARCHIVE, "%s", archive_error_string(source->raw))
		     : (long)n;
}

static int end_lbzip2(struct mr_archive_source *source, struct mr_error *err)
{
	struct mr_child *child = source->lbzip2;

	source->lbzip2 = NULL;
	if (mr_process_end(child, err) == 0)
		return 0;
	/* Killed, it says nothing about the archive, and no older one may be taken instead. */
	if (err->code == MR_E_SYSTEM)
		err->code = MR_E_ARCHIVE;
	return -1;
}

long mr_archive_source_read(struct mr_archive_source *source, char *buf, size_t size,
			    struct mr_error *err)
{
	size_t len = 0;

	if (source->raw)
		return read_raw(source, buf, size, err);
	while (source->lbzip2 && len < size) {
		ssize_t n = read(source->pipe, buf + len, size - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return mr_fail_errno(err, _("reading what lbzip2 decompressed"));
		if (n == 0 && end_lbzip2(source, err) < 0)
			return -1;
		len += (size_t)n;
	}
	return (long)len;
}

void mr_archive_source_close(struct mr_archive_source *source)
{
	if (!source)
		return;
	mr_process_kill(source->lbzip2);
	/* Closed first: freeing alone leaks the filter's memory after a failure. */
	if (source->raw) {
		archive_read_close(source->raw);
		archive_read_free(source->raw);
	}
	free(source);
}
