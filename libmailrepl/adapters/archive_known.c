#include "adapters/archive_known.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/archive_header.h"
#include "adapters/archive_source.h"

#define BLOCK ((size_t)64 * 1024)
#define END_SIZE (2 * MR_ARCHIVE_BLOCK)

struct mr_archive_known {
	struct mr_archive_source *source;
	const char *path;
	const char *name; /* of the member that is read */
	int64_t time;
	int64_t left;   /* of it */
	size_t padding; /* zeros after it */
	size_t at, len; /* what of `block` is not used yet */
	char block[BLOCK];
};

int mr_archive_known_open(int fd, const char *path, int64_t time, struct mr_archive_known **out,
			  struct mr_error *err)
{
	struct mr_archive_known *known = calloc(1, sizeof(*known));

	*out = NULL;
	if (!known)
		abort();
	known->path = path;
	known->time = time;
	if (mr_archive_source_open(fd, path, &known->source, err) < 0) {
		free(known);
		return -1;
	}
	*out = known;
	return 0;
}

static int refuse(const struct mr_archive_known *known, const char *what, struct mr_error *err)
{
	return mr_fail(err, MR_E_ARCHIVE, "%s: %s%s%s", known->path, known->name ? known->name : "",
		       known->name ? ": " : "", what);
}

/* Up to `most` bytes of the tar at *data; 0 at its end. */
static long take(struct mr_archive_known *known, size_t most, const char **data,
		 struct mr_error *err)
{
	size_t n;

	if (known->at == known->len) {
		long got = mr_archive_source_read(known->source, known->block, BLOCK, err);

		if (got < 0)
			return mr_fail_in(err, "%s", known->path);
		known->at = 0;
		known->len = (size_t)got;
	}
	n = known->len - known->at < most ? known->len - known->at : most;
	*data = known->block + known->at;
	known->at += n;
	return (long)n;
}

static bool is_zero(const char *data, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (data[i])
			return false;
	return true;
}

/* `len` bytes that must be `want`, or zeros if that is NULL. */
static int expect(struct mr_archive_known *known, const char *want, size_t len, const char *fault,
		  struct mr_error *err)
{
	while (len > 0) {
		const char *data = NULL;
		long n = take(known, len, &data, err);

		if (n < 0)
			return -1;
		if (n == 0)
			return refuse(known, _("missing: the archive was cut"), err);
		if (want ? memcmp(data, want, (size_t)n) != 0 : !is_zero(data, (size_t)n))
			return refuse(known, fault, err);
		want = want ? want + n : NULL;
		len -= (size_t)n;
	}
	return 0;
}

static int finish_member(struct mr_archive_known *known, struct mr_error *err)
{
	char rest[4096];
	long n;

	while ((n = mr_archive_known_read(known, rest, sizeof(rest), err)) > 0)
		continue;
	if (n < 0 ||
	    expect(known, NULL, known->padding, _("something lies behind its end"), err) < 0)
		return -1;
	known->padding = 0;
	return 0;
}

int mr_archive_known_member(struct mr_archive_known *known, const char *name, int64_t size,
			    struct mr_error *err)
{
	char header[MR_ARCHIVE_BLOCK];

	if (finish_member(known, err) < 0)
		return -1;
	known->name = name;
	if (mr_archive_header(name, size, known->time, header, err) < 0) {
		err->code = MR_E_ARCHIVE;
		return mr_fail_in(err, "%s", known->path);
	}
	if (expect(known, header, sizeof(header),
		   _("its header is not what the manifest says (altered, renamed, left out, twice "
		     "or out of order)"),
		   err) < 0)
		return -1;
	known->left = size;
	known->padding = (size_t)(-size & (MR_ARCHIVE_BLOCK - 1));
	return 0;
}

long mr_archive_known_read(struct mr_archive_known *known, void *buf, size_t size,
			   struct mr_error *err)
{
	const char *data = NULL;
	long n;

	if ((int64_t)size > known->left)
		size = (size_t)known->left;
	if (size == 0)
		return 0;
	n = take(known, size, &data, err);
	if (n == 0)
		return refuse(known, _("missing: the archive was cut"), err);
	if (n > 0) {
		memcpy(buf, data, (size_t)n);
		known->left -= n;
	}
	return n;
}

int mr_archive_known_end(struct mr_archive_known *known, struct mr_error *err)
{
	const char *data = NULL;
	long n;

	if (finish_member(known, err) < 0)
		return -1;
	known->name = NULL;
	if (expect(known, NULL, END_SIZE, _("holds more than its manifest says"), err) < 0)
		return -1;
	n = take(known, 1, &data, err);
	if (n < 0)
		return -1;
	return n ? refuse(known, _("something follows the archive's end"), err) : 0;
}

void mr_archive_known_close(struct mr_archive_known *known)
{
	if (!known)
		return;
	mr_archive_source_close(known->source);
	/* A key may have gone through it. */
	explicit_bzero(known->block, sizeof(known->block));
	free(known);
}
