#include "adapters/archive.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "adapters/archive_name.h"
#include "base/process.h"

#define BLOCK ((size_t)64 * 1024)
#define END_TIMEOUT_MS 600000

struct mr_archive_writer {
	struct archive *tar;
	struct mr_child *lbzip2; /* NULL: the library's own filter */
	int fd;                  /* lbzip2's standard input, or the caller's */
	bool abandoned;
};

static ssize_t write_block(struct archive *tar, void *context, const void *data, size_t len)
{
	const struct mr_archive_writer *writer = context;
	const char *from = data;

	if (writer->abandoned)
		return -1;
	for (size_t left = len; left > 0;) {
		ssize_t n = write(writer->fd, from, left);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			archive_set_error(tar, errno, "%s", strerror(errno));
			return -1;
		}
		from += n;
		left -= (size_t)n;
	}
	return (ssize_t)len;
}

static int fail_tar(struct mr_archive_writer *writer, const char *name, struct mr_error *err)
{
	const char *reason = archive_error_string(writer->tar);

	return mr_fail(err, MR_E_IO, _("writing %s into the archive: %s"), name,
		       reason ? reason : _("the archive library failed"));
}

/* What lbzip2 says about its end explains more than our broken pipe does. */
static int fail_write(struct mr_archive_writer *writer, const char *name, struct mr_error *err)
{
	struct mr_child *child = writer->lbzip2;

	fail_tar(writer, name, err);
	if (child && archive_errno(writer->tar) == EPIPE) {
		writer->lbzip2 = NULL;
		if (mr_process_end(child, err) < 0)
			return mr_fail_in(err, _("writing %s into the archive"), name);
	}
	return -1;
}

int mr_archive_create(int fd, struct mr_archive_writer **out, struct mr_error *err)
{
	static const char *const argv[] = { "lbzip2", "-zc", NULL };
	struct mr_process lbzip2 = { .argv = argv, .out_fd = fd, .timeout_ms = END_TIMEOUT_MS };
	struct mr_archive_writer *writer = calloc(1, sizeof(*writer));

	*out = NULL;
	if (!writer || !(writer->tar = archive_write_new()))
		abort();
	if (mr_process_write_to(&lbzip2, &writer->lbzip2, &writer->fd, err) < 0) {
		writer->lbzip2 = NULL;
		writer->fd = fd;
		archive_write_add_filter_bzip2(writer->tar);
	}
	/* The last block is not filled up: what follows the end mark is never more than its own
	 * zeros. */
	archive_write_set_format_pax_restricted(writer->tar);
	archive_write_set_bytes_per_block(writer->tar, (int)BLOCK);
	archive_write_set_bytes_in_last_block(writer->tar, 1);
	if (archive_write_open(writer->tar, writer, NULL, write_block, NULL) != ARCHIVE_OK) {
		fail_tar(writer, "-", err);
		mr_archive_abandon(writer);
		return -1;
	}
	*out = writer;
	return 0;
}

static int put_header(struct mr_archive_writer *writer, const char *name, int64_t size,
		      struct mr_error *err)
{
	struct archive_entry *entry;
	int rc;

	if (!mr_archive_name_valid(name) || size < 0)
		return mr_fail(err, MR_E_INVALID, _("%s: no name for a member of an archive"),
			       name);
	entry = archive_entry_new();
	if (!entry)
		abort();
	archive_entry_set_pathname(entry, name);
	archive_entry_set_filetype(entry, AE_IFREG);
	archive_entry_set_perm(entry, 0600);
	archive_entry_set_uname(entry, "root");
	archive_entry_set_gname(entry, "root");
	archive_entry_set_mtime(entry, time(NULL), 0);
	archive_entry_set_size(entry, size);
	rc = archive_write_header(writer->tar, entry);
	archive_entry_free(entry);
	return rc == ARCHIVE_OK ? 0 : fail_write(writer, name, err);
}

static int put_data(struct mr_archive_writer *writer, const char *name, const void *data,
		    size_t len, struct mr_error *err)
{
	if (len == 0 || archive_write_data(writer->tar, data, len) == (la_ssize_t)len)
		return 0;
	return fail_write(writer, name, err);
}

int mr_archive_put(struct mr_archive_writer *writer, const char *name, const void *data, size_t len,
		   struct mr_error *err)
{
	if (put_header(writer, name, (int64_t)len, err) < 0)
		return -1;
	return put_data(writer, name, data, len, err);
}

int mr_archive_put_fd(struct mr_archive_writer *writer, const char *name, int fd, int64_t size,
		      struct mr_error *err)
{
	char block[BLOCK];

	if (put_header(writer, name, size, err) < 0)
		return -1;
	while (size > 0) {
		ssize_t n = read(fd, block, size < (int64_t)BLOCK ? (size_t)size : BLOCK);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return mr_fail_errno(err, _("reading %s for the archive"), name);
		if (n == 0)
			return mr_fail(err, MR_E_IO,
				       _("%s ended %lld bytes too early for the archive"), name,
				       (long long)size);
		if (put_data(writer, name, block, (size_t)n, err) < 0)
			return -1;
		size -= n;
	}
	return 0;
}

int mr_archive_finish(struct mr_archive_writer *writer, struct mr_error *err)
{
	struct mr_child *child;
	int rc = 0;

	if (archive_write_close(writer->tar) != ARCHIVE_OK)
		rc = fail_write(writer, _("its end"), err);
	child = writer->lbzip2;
	writer->lbzip2 = NULL;
	if (rc < 0)
		mr_process_kill(child);
	else if (child && mr_process_end(child, err) < 0)
		rc = mr_fail_in(err, _("compressing the archive"));
	mr_archive_abandon(writer);
	return rc;
}

/* The library writes an end mark when it closes, and leaks when it is freed without that: so it may
 * try, and nothing of it reaches the file. */
void mr_archive_abandon(struct mr_archive_writer *writer)
{
	if (!writer)
		return;
	writer->abandoned = true;
	archive_write_close(writer->tar);
	archive_write_free(writer->tar);
	mr_process_kill(writer->lbzip2);
	free(writer);
}
