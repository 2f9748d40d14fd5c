/* An archive that is being read, of either format: its manifest first, then its members in the
 * manifest's order. Nobody but features/backup_unpack.c needs this header. */
#ifndef MR_FEATURES_BACKUP_FILE_H
#define MR_FEATURES_BACKUP_FILE_H

#include "adapters/archive.h"
#include "adapters/archive_known.h"
#include "features/backup.h"

struct mr_backup_file {
	const char *path;
	int fd;
	int64_t size;                   /* of the file */
	int64_t rest;                   /* format 2: where the compressed rest begins */
	struct mr_manifest *manifest;   /* borrowed */
	struct mr_archive_reader *old;  /* format 1 */
	struct mr_archive_known *known; /* format 2, once mr_backup_file_begin has been called */
};

/* Opens it and reads the manifest, which is checked in itself; in format 2 its whole stream is, and
 * the length of what follows. MR_E_ARCHIVE. Close the file also on failure. */
int mr_backup_file_open(struct mr_arena *arena, const char *path, struct mr_backup_file *out,
			struct mr_manifest *manifest, struct mr_error *err) MR_MUST_CHECK;
/* Reads the compressed rest once and checks its SHA-256 (format 2), before anything of it is
 * decompressed. */
int mr_backup_file_begin(struct mr_backup_file *file, struct mr_error *err) MR_MUST_CHECK;
/* The next member, which must be this one. */
int mr_backup_file_member(struct mr_backup_file *file, const struct mr_manifest_member *want,
			  struct mr_error *err) MR_MUST_CHECK;
/* Up to `size` bytes of it: the number, 0 at its end, or -1. */
long mr_backup_file_read(struct mr_backup_file *file, void *buf, size_t size,
			 struct mr_error *err) MR_MUST_CHECK;
/* MR_E_ARCHIVE unless there is nothing more. */
int mr_backup_file_end(struct mr_backup_file *file, struct mr_error *err) MR_MUST_CHECK;
void mr_backup_file_close(struct mr_backup_file *file);

#endif
