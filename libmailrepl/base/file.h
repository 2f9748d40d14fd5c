/* Files: every replacement is atomic and durable, so a reader sees the old text or the new one,
 * also after a power cut: written beside, fsync, rename, fsync of the folder. */
#ifndef MR_BASE_FILE_H
#define MR_BASE_FILE_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/strings.h"

struct mr_file_attrs {
	mode_t mode;
	uid_t uid; /* (uid_t)-1: leave (what is new belongs to the caller) */
	gid_t gid; /* (gid_t)-1: leave */
};
#define MR_FILE_PRIVATE ((struct mr_file_attrs){ 0600, (uid_t)-1, (gid_t)-1 })
#define MR_FILE_PRIVATE_FOLDER ((struct mr_file_attrs){ 0700, (uid_t)-1, (gid_t)-1 })
#define MR_FILE_PUBLIC_FOLDER ((struct mr_file_attrs){ 0755, (uid_t)-1, (gid_t)-1 })
#define MR_FILE_PUBLIC ((struct mr_file_attrs){ 0644, (uid_t)-1, (gid_t)-1 })

/* Whole regular file into the arena, NUL-terminated. More than `most` bytes: MR_E_INVALID.
 * A missing one: MR_E_NOT_FOUND. `len` may be NULL. */
int mr_file_read(struct mr_arena *arena, const char *path, size_t most, char **text, size_t *len,
		 struct mr_error *err) MR_MUST_CHECK;

/* The temporary file (".<name>.mailrepl-XXXXXX" in the same folder) has its final owner and mode
 * before the first byte is written; it is removed on failure, and by the next mr_file_replace of
 * `path` if the writer was killed. A symlink at `path` is replaced, not followed. */
int mr_file_replace(const char *path, const void *data, size_t len, struct mr_file_attrs attrs,
		    struct mr_error *err) MR_MUST_CHECK;

/* All of it to a descriptor that is a file or a pipe. */
int mr_write_all(int fd, const void *data, size_t len, struct mr_error *err) MR_MUST_CHECK;

/* Everything that is still to be read from one to the other. */
int mr_copy_all(int from, int to, struct mr_error *err) MR_MUST_CHECK;

/* True if `path` is a regular file with just this content, mode and owner. */
bool mr_file_same(const char *path, const void *data, size_t len, struct mr_file_attrs attrs);
bool mr_path_exists(const char *path); /* any kind, symlinks not followed */

/* True if `path` is a folder with just this mode and owner. */
bool mr_folder_same(const char *path, struct mr_file_attrs attrs);
/* Missing parents are made too, with mode 0755; the last one gets `attrs` also if it existed.
 * Made folders are durable when this returns. */
int mr_folder_make(const char *path, struct mr_file_attrs attrs,
		   struct mr_error *err) MR_MUST_CHECK;
int mr_folder_sync(const char *path,
		   struct mr_error *err) MR_MUST_CHECK; /* fsync of the folder itself */
/* fsync of every file and folder below `path`, and of its parent. */
int mr_tree_sync(const char *path, struct mr_error *err) MR_MUST_CHECK;
/* Removes `path` and everything below; symlinks are not followed; one that is absent is no error.
 */
int mr_tree_remove(const char *path, struct mr_error *err) MR_MUST_CHECK;
/* Sums up the sizes of the regular files below `path`, and counts those in folders whose name is one of `folders`
 * (NULL-terminated). Symlinks are not followed; what vanishes meanwhile does not count. */
int mr_tree_measure(const char *path, const char *const *folders, unsigned long long *bytes,
		    unsigned long long *files, struct mr_error *err) MR_MUST_CHECK;
/* chown of `path` and everything below, symlinks not followed. */
int mr_tree_own(const char *path, uid_t uid, gid_t gid, struct mr_error *err) MR_MUST_CHECK;
/* Copies a tree of regular files, folders and symlinks with modes and owners; `to` must not exist
 * (MR_E_EXISTS). Anything else in it is MR_E_INVALID. Durable; nothing is left at `to` after a
 * failure. */
int mr_tree_copy(const char *from, const char *to, struct mr_error *err) MR_MUST_CHECK;

/* Puts the folder `fresh` where `path` is, in one step (renameat2 RENAME_EXCHANGE, or a plain
 * rename if `path` is absent); afterwards the old folder, if any, is at `fresh`. Durable. */
int mr_folder_swap(const char *fresh, const char *path, struct mr_error *err) MR_MUST_CHECK;

/* Exclusive flock(2) on `path` (made 0600), waiting up to `timeout_ms`; then MR_E_TEMPORARY with
 * the holder's pid. The lock goes with the process or mr_lock_close. */
int mr_lock_open(const char *path, int timeout_ms, int *fd, struct mr_error *err) MR_MUST_CHECK;
void mr_lock_close(int fd);

/* Looks up ids; MR_E_CONFIG with "install the package …"-style help if absent. NULL name: (id)-1.
 */
int mr_user_id(const char *user, uid_t *uid, gid_t *gid, struct mr_error *err) MR_MUST_CHECK;
int mr_group_id(const char *group, gid_t *gid, struct mr_error *err) MR_MUST_CHECK;

#endif
