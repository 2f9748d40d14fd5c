/* tar.bz2 archives through libarchive: written with lbzip2 on all cores where it is installed,
 * otherwise with the library's own filter; read back the same way. Nothing is ever extracted to a
 * path that an archive names: the reader streams members to its caller, who knows which names there
 * may be. */
#ifndef MR_ADAPTERS_ARCHIVE_H
#define MR_ADAPTERS_ARCHIVE_H

#include <stdint.h>

#include "base/file.h"

struct mr_archive_writer;
/* Writes to `fd` (borrowed, not fsynced here). Members are regular files, mode 0600, owner root. */
int mr_archive_create(int fd, struct mr_archive_writer **out, struct mr_error *err) MR_MUST_CHECK;
int mr_archive_put(struct mr_archive_writer *writer, const char *name, const void *data, size_t len,
		   struct mr_error *err) MR_MUST_CHECK;
/* The next `size` bytes of `fd`; fewer is an error. */
int mr_archive_put_fd(struct mr_archive_writer *writer, const char *name, int fd, int64_t size,
		      struct mr_error *err) MR_MUST_CHECK;
int mr_archive_finish(struct mr_archive_writer *writer,
		      struct mr_error *err) MR_MUST_CHECK; /* frees it also on failure */
void mr_archive_abandon(struct mr_archive_writer *writer); /* NULL-safe */

struct mr_archive_member {
	const char *name;
	int64_t size; /* as its header says */
};

/* How the whole process opens archives that are sealed (adapters/age.h): `*plain` becomes a
 * descriptor of the same in the clear, the caller's to close. Without one they are refused
 * (MR_E_DENIED). */
typedef int (*mr_archive_unsealer)(int sealed, const char *path, int *plain, struct mr_error *err);
void mr_archive_set_unsealer(mr_archive_unsealer unseal);
/* A descriptor of the .tar.bz2 in the clear, at its beginning, the caller's to close; -1: MR_E_ARCHIVE
 * if it is not a plain file. */
int mr_archive_open_file(const char *path, struct mr_error *err) MR_MUST_CHECK;

struct mr_archive_reader;
int mr_archive_open(const char *path, struct mr_archive_reader **out,
		    struct mr_error *err) MR_MUST_CHECK;
/* The same from a descriptor (borrowed, moved); `path` is for messages. */
int mr_archive_open_at(int fd, const char *path, struct mr_archive_reader **out,
		       struct mr_error *err) MR_MUST_CHECK;
/* 1: *out is the next member; 0: the end, and the whole file was sound; -1. Anything but a plain
 * regular file with a relative name of [A-Za-z0-9._/-] without empty or ".." parts and at most 200
 * bytes is MR_E_ARCHIVE, so are a second member of the same name, more than 10,000 members and
 * headers out of bounds. What was not read of the member before is skipped. */
int mr_archive_next(struct mr_archive_reader *reader, struct mr_archive_member *out,
		    struct mr_error *err) MR_MUST_CHECK;
/* Up to `size` bytes of the current member into `buf`: the number, 0 at its end, or -1. */
long mr_archive_read(struct mr_archive_reader *reader, void *buf, size_t size,
		     struct mr_error *err) MR_MUST_CHECK;
void mr_archive_close(struct mr_archive_reader *reader); /* NULL-safe */

#endif
