#include "features/backup_file.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "adapters/archive_header.h"
#include "adapters/bzip2.h"
#include "adapters/tls.h"
#include "features/backup_manifest.h"

#define CHUNK ((size_t)64 * 1024)

static int refuse(const struct mr_backup_file *file, const char *name, const char *what,
		  struct mr_error *err)
{
	return mr_fail(err, MR_E_ARCHIVE, "%s: %s%s%s", file->path, name ? name : "",
		       name ? ": " : "", what);
}

static int open_file(struct mr_backup_file *file, struct mr_error *err)
{
	char magic[3];
	struct stat st;

	file->fd = mr_archive_open_file(file->path, err);
	if (file->fd < 0)
		return -1;
	if (fstat(file->fd, &st) < 0)
		return mr_fail_errno(err, "%s", file->path);
	file->size = st.st_size;
	if (pread(file->fd, magic, sizeof(magic), 0) != sizeof(magic) ||
	    memcmp(magic, "BZh", sizeof(magic)) != 0)
		return refuse(file, NULL, _("is not a .tar.bz2 archive"), err);
	return 0;
}

/* Eleven octal digits, as all numbers below 8 GiB are written; -1: something else. */
static int64_t octal(const char *field)
{
	int64_t number = 0;

	for (int i = 0; i < 11; i++) {
		if (field[i] < '0' || field[i] > '7')
			return -1;
		number = number << 3 | (field[i] - '0');
	}
	return number;
}

/* True if it is the header that we would write for the manifest. */
static bool is_our_header(const char *header, int64_t *size, int64_t *time)
{
	char want[MR_ARCHIVE_BLOCK];
	struct mr_error ignored;

	*size = octal(header + 124);
	*time = octal(header + 136);
	return *size >= 0 && *time >= 0 && *size <= (int64_t)MR_MANIFEST_MOST &&
	       mr_archive_header(MR_MANIFEST_NAME, *size, *time, want, &ignored) == 0 &&
	       memcmp(header, want, sizeof(want)) == 0;
}

/* 1: the manifest's text is in `out`; 0: this is not how an archive of format 2 begins. */
static int read_text(const struct mr_backup_file *file, struct mr_bzip2 *stream, struct mr_buf *out,
		     int64_t *time, struct mr_error *err)
{
	char block[CHUNK];
	int64_t size;
	long n = mr_bzip2_read(stream, block, MR_ARCHIVE_BLOCK, err);

	if (n < 0)
		return mr_fail_in(err, "%s", file->path);
	if (n < MR_ARCHIVE_BLOCK || !is_our_header(block, &size, time))
		return 0;
	while (size > 0) {
		n = mr_bzip2_read(stream, block, size < (int64_t)CHUNK ? (size_t)size : CHUNK, err);
		if (n < 0)
			return mr_fail_in(err, "%s", file->path);
		if (n == 0)
			return refuse(file, MR_MANIFEST_NAME, _("is cut short"), err);
		mr_buf_add(out, block, (size_t)n);
		size -= n;
	}
	return 1;
}

/* Decompressed, its stream may look the same and yet be another: bits of bzip2 that mean nothing
 * could be altered without anybody noticing. */
static int check_stream(const struct mr_backup_file *file, struct mr_error *err)
{
	MR_BUF want = { 0 }, have = { 0 };
	char block[CHUNK];

	if (mr_manifest_pack(file->manifest, &want, err) < 0)
		return -1;
	if (strcmp(file->manifest->bzip2, mr_bzip2_version()) != 0)
		return 0;
	while ((int64_t)have.len < file->rest) {
		size_t left = (size_t)file->rest - have.len;
		ssize_t n = pread(file->fd, block, left < CHUNK ? left : CHUNK, (off_t)have.len);

		if (n <= 0)
			return mr_fail_errno(err, "%s", file->path);
		mr_buf_add(&have, block, (size_t)n);
	}
	if (want.len != have.len || memcmp(want.data, have.data, want.len) != 0)
		return refuse(file, MR_MANIFEST_NAME, _("altered"), err);
	return 0;
}

/* What follows the text in its stream, and what the stream is beside the file. */
static int check_seal(struct mr_backup_file *file, struct mr_bzip2 *stream, size_t len,
		      int64_t time, struct mr_error *err)
{
	size_t padding = -len & (MR_ARCHIVE_BLOCK - 1);
	char rest[MR_ARCHIVE_BLOCK];
	long n = mr_bzip2_read(stream, rest, sizeof(rest), err);

	if (n < 0)
		return mr_fail_in(err, "%s", file->path);
	for (size_t i = 0; i < padding && n == (long)padding; i++)
		if (rest[i])
			n = -1;
	if (n != (long)padding || time != file->manifest->created)
		return refuse(file, MR_MANIFEST_NAME, _("something lies behind its end"), err);
	file->rest = mr_bzip2_end(stream);
	if (check_stream(file, err) < 0)
		return -1;
	if (file->manifest->rest_size > file->size - file->rest)
		return refuse(file, NULL, _("is cut short"), err);
	if (file->manifest->rest_size < file->size - file->rest)
		return refuse(file, NULL, _("something follows the archive's end"), err);
	return 0;
}

/* 1: format 2, read; 0: not that; -1. */
static int read_sealed(struct mr_arena *arena, struct mr_backup_file *file, struct mr_error *err)
{
	struct mr_bzip2 *stream = mr_bzip2_open(file->fd, 0);
	MR_BUF text = { 0 };
	int64_t time;
	int rc = read_text(file, stream, &text, &time, err);

	if (rc > 0 &&
	    mr_manifest_parse(arena, mr_buf_text(&text), text.len, file->manifest, err) < 0)
		rc = mr_fail_in(err, "%s", file->path);
	if (rc > 0 && file->manifest->format == 1)
		rc = 0;
	else if (rc > 0 && check_seal(file, stream, text.len, time, err) < 0)
		rc = -1;
	mr_bzip2_close(stream);
	return rc;
}

/* Format 1: whatever tar it is. */
static int read_old(struct mr_arena *arena, struct mr_backup_file *file, struct mr_error *err)
{
	struct mr_archive_member member;
	char block[CHUNK];
	MR_BUF text = { 0 };
	long n;
	int more;

	if (mr_archive_open_at(file->fd, file->path, &file->old, err) < 0)
		return -1;
	more = mr_archive_next(file->old, &member, err);
	if (more < 0)
		return -1;
	if (more == 0 || strcmp(member.name, MR_MANIFEST_NAME) != 0)
		return refuse(file, MR_MANIFEST_NAME,
			      _("is not the first member: not an archive of mailrepl"), err);
	while ((n = mr_archive_read(file->old, block, sizeof(block), err)) > 0) {
		if (text.len + (size_t)n > MR_MANIFEST_MOST)
			return refuse(file, MR_MANIFEST_NAME, _("too long"), err);
		mr_buf_add(&text, block, (size_t)n);
	}
	if (n < 0)
		return -1;
	if (mr_manifest_parse(arena, mr_buf_text(&text), text.len, file->manifest, err) < 0)
		return mr_fail_in(err, "%s", file->path);
	if (file->manifest->format != 1)
		return refuse(file, MR_MANIFEST_NAME, _("altered: its header"), err);
	return 0;
}

int mr_backup_file_open(struct mr_arena *arena, const char *path, struct mr_backup_file *out,
			struct mr_manifest *manifest, struct mr_error *err)
{
	int rc;

	*out = (struct mr_backup_file){ .path = path, .fd = -1, .manifest = manifest };
	if (open_file(out, err) < 0)
		return -1;
	rc = read_sealed(arena, out, err);
	if (rc == 0)
		return read_old(arena, out, err);
	return rc < 0 ? -1 : 0;
}

static int check_rest(const struct mr_backup_file *file, struct mr_error *err)
{
	struct mr_sha256 *sum = mr_sha256_open();
	int64_t at = file->rest;
	char block[CHUNK], hex[65];
	ssize_t n;

	while ((n = pread(file->fd, block, sizeof(block), at)) > 0 || (n < 0 && errno == EINTR)) {
		if (n < 0)
			continue;
		mr_sha256_add(sum, block, (size_t)n);
		at += n;
	}
	mr_sha256_close(sum, hex);
	if (n < 0)
		return mr_fail_errno(err, "%s", file->path);
	if (strcmp(hex, file->manifest->rest_sha256) != 0)
		return refuse(file, NULL,
			      _("altered: what follows the manifest is not what it says"), err);
	return 0;
}

int mr_backup_file_begin(struct mr_backup_file *file, struct mr_error *err)
{
	if (file->old)
		return 0;
	if (check_rest(file, err) < 0)
		return -1;
	if (lseek(file->fd, file->rest, SEEK_SET) < 0)
		return mr_fail_errno(err, "%s", file->path);
	return mr_archive_known_open(file->fd, file->path, file->manifest->created, &file->known,
				     err);
}

static int next_old(struct mr_backup_file *file, const struct mr_manifest_member *want,
		    struct mr_error *err)
{
	struct mr_archive_member member;
	int more = mr_archive_next(file->old, &member, err);

	if (more < 0)
		return -1;
	if (more == 0)
		return refuse(file, want->name, _("missing: the archive was cut"), err);
	if (strcmp(member.name, want->name) != 0)
		return refuse(file, member.name, _("not what the manifest names here"), err);
	if (member.size != want->size)
		return refuse(file, want->name,
			      _("altered: its size is not what the manifest says"), err);
	return 0;
}

int mr_backup_file_member(struct mr_backup_file *file, const struct mr_manifest_member *want,
			  struct mr_error *err)
{
	if (file->old)
		return next_old(file, want, err);
	return mr_archive_known_member(file->known, want->name, want->size, err);
}

long mr_backup_file_read(struct mr_backup_file *file, void *buf, size_t size, struct mr_error *err)
{
	if (file->old)
		return mr_archive_read(file->old, buf, size, err);
	return mr_archive_known_read(file->known, buf, size, err);
}

int mr_backup_file_end(struct mr_backup_file *file, struct mr_error *err)
{
	struct mr_archive_member member;
	int more;

	if (!file->old)
		return mr_archive_known_end(file->known, err);
	more = mr_archive_next(file->old, &member, err);
	return more > 0 ? refuse(file, member.name, _("not in the manifest"), err) : more;
}

void mr_backup_file_close(struct mr_backup_file *file)
{
	mr_archive_close(file->old);
	mr_archive_known_close(file->known);
	if (file->fd >= 0)
		close(file->fd);
	*file = (struct mr_backup_file){ .fd = -1 };
}
