#include "adapters/archive.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "adapters/archive_name.h"
#include "adapters/archive_source.h"

#define BLOCK ((size_t)64 * 1024)
#define MOST_MEMBERS 10000
#define MOST_MEMBER_SIZE ((int64_t)1 << 40)
#define END_MARK 1024                   /* two blocks of zeros end a tar */
#define MOST_PADDING ((int64_t)1 << 20) /* zeros after it: tar fills up its last record */

struct mr_archive_reader {
	struct mr_arena *arena;
	const char *path;
	int fd; /* -1: the caller's */
	struct mr_archive_source *source;
	struct archive *tar;
	struct mr_list names;
	bool ended;
	int64_t size, zeros; /* of the tar so far, and how many zeros are at its end */
	char block[BLOCK];
};

static int refuse(struct mr_archive_reader *reader, const char *name, const char *fault,
		  struct mr_error *err)
{
	return mr_fail(err, MR_E_ARCHIVE, "%s: %s%s%s", reader->path, name ? name : "",
		       name ? ": " : "", fault);
}

static int fail_tar(struct mr_archive_reader *reader, struct mr_error *err)
{
	const char *reason = archive_error_string(reader->tar);

	return refuse(reader, NULL, reason ? reason : _("the archive is damaged"), err);
}

static void count_zeros(struct mr_archive_reader *reader, size_t len)
{
	size_t zeros = 0;

	while (zeros < len && reader->block[len - 1 - zeros] == '\0')
		zeros++;
	reader->size += (int64_t)len;
	reader->zeros = zeros == len ? reader->zeros + (int64_t)len : (int64_t)zeros;
}

static la_ssize_t read_block(struct archive *tar, void *context, const void **data)
{
	struct mr_archive_reader *reader = context;
	struct mr_error err = { 0 };
	long n = mr_archive_source_read(reader->source, reader->block, BLOCK, &err);

	if (n < 0) {
		archive_set_error(tar, EIO, "%s", err.message);
		return -1;
	}
	count_zeros(reader, (size_t)n);
	*data = reader->block;
	return n;
}

int mr_archive_open_at(int fd, const char *path, struct mr_archive_reader **out,
		       struct mr_error *err)
{
	struct mr_arena *arena = mr_arena_open();
	struct mr_archive_reader *reader = MR_NEW(arena, struct mr_archive_reader);

	*out = NULL;
	reader->arena = arena;
	reader->path = mr_strdup(arena, path);
	reader->fd = -1;
	reader->tar = archive_read_new();
	if (!reader->tar)
		abort();
	if (mr_archive_source_open(fd, path, &reader->source, err) < 0) {
		mr_archive_close(reader);
		return -1;
	}
	archive_read_support_format_tar(reader->tar);
	if (archive_read_open(reader->tar, reader, NULL, read_block, NULL) != ARCHIVE_OK) {
		fail_tar(reader, err);
		mr_archive_close(reader);
		return -1;
	}
	*out = reader;
	return 0;
}

int mr_archive_open(const char *path, struct mr_archive_reader **out, struct mr_error *err)
{
	int fd = mr_archive_open_file(path, err);

	*out = NULL;
	if (fd < 0)
		return -1;
	if (mr_archive_open_at(fd, path, out, err) < 0) {
		close(fd);
		return -1;
	}
	(*out)->fd = fd;
	return 0;
}

static const char *kind_fault(struct archive_entry *entry)
{
	if (archive_entry_hardlink(entry) || archive_entry_filetype(entry) != AE_IFREG)
		return _("is not a plain file");
	if (archive_entry_perm(entry) & 07000)
		return _("has the setuid, setgid or sticky bit");
	if (archive_entry_sparse_count(entry) > 0)
		return _("is a file with holes");
	if (archive_entry_xattr_count(entry) > 0 || archive_entry_acl_types(entry))
		return _("has extended attributes");
	if (!archive_entry_size_is_set(entry) || archive_entry_size(entry) < 0 ||
	    archive_entry_size(entry) > MOST_MEMBER_SIZE)
		return _("has no possible size");
	return NULL;
}

static int check_member(struct mr_archive_reader *reader, struct archive_entry *entry,
			struct mr_error *err)
{
	const char *name = archive_entry_pathname(entry), *fault;

	if (!name)
		return refuse(reader, NULL, _("a member has no readable name"), err);
	fault = kind_fault(entry);
	if (fault)
		return refuse(reader, name, fault, err);
	if (!mr_archive_name_valid(name))
		return refuse(reader, name, _("this name is not allowed"), err);
	if (mr_list_has(&reader->names, name))
		return refuse(reader, name, _("is there twice"), err);
	if (reader->names.count == MOST_MEMBERS)
		return refuse(reader, NULL, _("has too many members"), err);
	mr_list_add(reader->arena, &reader->names, name);
	return 0;
}

/* The library takes the end of its input for the end of the archive, and does not look at what
 * follows the end mark. So: the mark must be there, nothing but zeros after it, and the
 * decompressor must be content. */
static int check_end(struct mr_archive_reader *reader, struct mr_error *err)
{
	int64_t consumed = archive_filter_bytes(reader->tar, -1);
	long n;

	do {
		n = mr_archive_source_read(reader->source, reader->block, BLOCK, err);
		if (n < 0)
			return mr_fail_in(err, "%s", reader->path);
		count_zeros(reader, (size_t)n);
		if (reader->size - consumed > MOST_PADDING)
			return refuse(reader, NULL, _("something follows the archive's end"), err);
	} while (n > 0);
	if (reader->zeros < END_MARK)
		return refuse(reader, NULL, _("the archive is cut short: its end is missing"), err);
	if (reader->size - reader->zeros > consumed)
		return refuse(reader, NULL, _("something follows the archive's end"), err);
	return 0;
}

int mr_archive_next(struct mr_archive_reader *reader, struct mr_archive_member *out,
		    struct mr_error *err)
{
	struct archive_entry *entry;
	int rc;

	if (reader->ended)
		return 0;
	rc = archive_read_next_header(reader->tar, &entry);
	if (rc == ARCHIVE_EOF) {
		rc = check_end(reader, err);
		reader->ended = rc == 0;
		return rc;
	}
	if (rc != ARCHIVE_OK)
		return fail_tar(reader, err);
	if (check_member(reader, entry, err) < 0)
		return -1;
	out->name = reader->names.items[reader->names.count - 1];
	out->size = archive_entry_size(entry);
	return 1;
}

long mr_archive_read(struct mr_archive_reader *reader, void *buf, size_t size, struct mr_error *err)
{
	la_ssize_t n = archive_read_data(reader->tar, buf, size);

	return n < 0 ? fail_tar(reader, err) : (long)n;
}

void mr_archive_close(struct mr_archive_reader *reader)
{
	if (!reader)
		return;
	archive_read_free(reader->tar);
	mr_archive_source_close(reader->source);
	if (reader->fd >= 0)
		close(reader->fd);
	mr_arena_close(reader->arena);
}
