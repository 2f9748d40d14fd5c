#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Everything goes through the descriptor of the folder, so that nobody can put a link between us
 * and the entry. `path` is for messages only. */
struct walk {
	int (*visit)(int folder, const char *name, const struct stat *st, struct walk *walk);
	struct mr_buf path;
	uid_t uid;
	gid_t gid;
	bool lenient; /* others are at work there: what vanishes is no error */
	const char *const *folders;
	unsigned long long bytes, files;
	struct mr_error *err;
};

static int walk_one(int folder, const char *name, struct walk *walk);

static void path_cut(struct mr_buf *path, size_t len)
{
	path->len = len;
	path->data[len] = '\0';
}

static bool is_dot(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* Calls `each` for what lies in the open folder `fd`, which it takes over. */
static int for_each(int fd, struct mr_buf *path, struct mr_error *err,
		    int (*each)(int folder, const char *name, void *data), void *data)
{
	DIR *dir = fdopendir(fd);
	struct dirent *item;
	int rc = 0;

	if (!dir) {
		rc = mr_fail_errno(err, "%s", path->data);
		close(fd);
		return rc;
	}
	while (errno = 0, (item = readdir(dir))) {
		size_t len = path->len;

		if (is_dot(item->d_name))
			continue;
		mr_buf_printf(path, "/%s", item->d_name);
		rc = each(dirfd(dir), item->d_name, data);
		path_cut(path, len);
		if (rc < 0)
			break;
	}
	if (!item && errno)
		rc = mr_fail_errno(err, "%s", path->data);
	closedir(dir);
	return rc;
}

static int walk_child(int folder, const char *name, void *data)
{
	return walk_one(folder, name, data);
}

/* What is inside comes before the folder itself: fsync and rmdir both need that order. */
static int walk_one(int folder, const char *name, struct walk *walk)
{
	struct stat st;

	if (fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return walk->lenient && errno == ENOENT
			       ? 0
			       : mr_fail_errno(walk->err, "%s", walk->path.data);
	if (S_ISDIR(st.st_mode)) {
		int fd = openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

		if (fd < 0)
			return walk->lenient && errno == ENOENT
				       ? 0
				       : mr_fail_errno(walk->err, "%s", walk->path.data);
		if (for_each(fd, &walk->path, walk->err, walk_child, walk) < 0)
			return -1;
	}
	return walk->visit(folder, name, &st, walk);
}

static int walk_tree(const char *path, struct walk *walk)
{
	int rc;

	mr_buf_puts(&walk->path, path);
	rc = walk_one(AT_FDCWD, path, walk);
	mr_buf_close(&walk->path);
	return rc;
}

static int sync_one(int folder, const char *name, const struct stat *st, struct walk *walk)
{
	int fd, rc = 0;

	if (!S_ISDIR(st->st_mode) && !S_ISREG(st->st_mode))
		return 0;
	fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return mr_fail_errno(walk->err, "%s", walk->path.data);
	if (fsync(fd) < 0 && !(errno == EINVAL && S_ISDIR(st->st_mode)))
		rc = mr_fail_errno(walk->err, _("making %s durable"), walk->path.data);
	close(fd);
	return rc;
}

static int sync_parent(const char *path, struct mr_error *err)
{
	MR_ARENA arena = mr_arena_open();
	size_t len = strlen(path);

	while (len > 1 && path[len - 1] == '/')
		len--;
	while (len && path[len - 1] != '/')
		len--;
	return mr_folder_sync(len ? mr_strndup(arena, path, len) : ".", err);
}

int mr_tree_sync(const char *path, struct mr_error *err)
{
	struct walk walk = { .visit = sync_one, .err = err };

	return walk_tree(path, &walk) < 0 ? -1 : sync_parent(path, err);
}

static int remove_one(int folder, const char *name, const struct stat *st, struct walk *walk)
{
	if (unlinkat(folder, name, S_ISDIR(st->st_mode) ? AT_REMOVEDIR : 0) < 0 && errno != ENOENT)
		return mr_fail_errno(walk->err, _("removing %s"), walk->path.data);
	return 0;
}

int mr_tree_remove(const char *path, struct mr_error *err)
{
	struct walk walk = { .visit = remove_one, .lenient = true, .err = err };
	struct stat st;

	if (lstat(path, &st) < 0 && errno == ENOENT)
		return 0;
	return walk_tree(path, &walk);
}

/* Is the file that the walk is at in a folder of one of these names? */
static bool is_counted(const struct walk *walk)
{
	const char *path = walk->path.data, *end = strrchr(path, '/'), *start = end;

	while (start && start > path && start[-1] != '/')
		start--;
	for (const char *const *name = walk->folders; start && *name; name++)
		if (strlen(*name) == (size_t)(end - start) &&
		    strncmp(start, *name, strlen(*name)) == 0)
			return true;
	return false;
}

static int measure_one(int folder, const char *name, const struct stat *st, struct walk *walk)
{
	(void)folder, (void)name;
	if (!S_ISREG(st->st_mode))
		return 0;
	walk->bytes += (unsigned long long)st->st_size;
	walk->files += is_counted(walk);
	return 0;
}

int mr_tree_measure(const char *path, const char *const *folders, unsigned long long *bytes,
		    unsigned long long *files, struct mr_error *err)
{
	struct walk walk = {
		.visit = measure_one, .lenient = true, .folders = folders, .err = err
	};

	if (walk_tree(path, &walk) < 0)
		return -1;
	*bytes = walk.bytes;
	*files = walk.files;
	return 0;
}

static int own_one(int folder, const char *name, const struct stat *st, struct walk *walk)
{
	if ((walk->uid == (uid_t)-1 || walk->uid == st->st_uid) &&
	    (walk->gid == (gid_t)-1 || walk->gid == st->st_gid))
		return 0;
	if (fchownat(folder, name, walk->uid, walk->gid, AT_SYMLINK_NOFOLLOW) < 0)
		return mr_fail_errno(walk->err, _("setting the owner of %s"), walk->path.data);
	return 0;
}

int mr_tree_own(const char *path, uid_t uid, gid_t gid, struct mr_error *err)
{
	struct walk walk = { .visit = own_one, .uid = uid, .gid = gid, .err = err };

	return walk_tree(path, &walk);
}
