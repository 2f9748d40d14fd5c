#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The same name below two folders; `path` is for messages only. */
struct copy {
	int from, to;
	const char *from_name, *to_name;
	struct mr_buf *path;
	struct mr_error *err;
};

static int copy_one(struct copy copy);

static int fail(const struct copy *copy)
{
	return mr_fail_errno(copy->err, _("copying %s"), copy->path->data);
}

static int copy_bytes(int in, int out)
{
	char block[65536];

	for (;;) {
		ssize_t n = read(in, block, sizeof(block));

		if (n == 0)
			return 0;
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		for (ssize_t done = 0; done < n;) {
			ssize_t w = write(out, block + done, (size_t)(n - done));

			if (w < 0 && errno != EINTR)
				return -1;
			done += w > 0 ? w : 0;
		}
	}
}

/* Nobody but root can give files away, and need not where the owner is right already. */
static int set_owner_and_mode(int fd, const struct stat *st)
{
	struct stat now;

	if (fstat(fd, &now) < 0)
		return -1;
	if ((now.st_uid != st->st_uid || now.st_gid != st->st_gid) &&
	    fchown(fd, st->st_uid, st->st_gid) < 0)
		return -1;
	return fchmod(fd, st->st_mode & 07777);
}

static int copy_file(const struct copy *copy, const struct stat *st)
{
	int out, rc = 0,
		 in = openat(copy->from, copy->from_name,
			     O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	if (in < 0)
		return fail(copy);
	out = openat(copy->to, copy->to_name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (out < 0 || copy_bytes(in, out) < 0 || set_owner_and_mode(out, st) < 0)
		rc = fail(copy);
	close(in);
	if (out >= 0 && close(out) < 0 && rc == 0)
		rc = fail(copy);
	return rc;
}

static int copy_link(const struct copy *copy, const struct stat *st)
{
	char target[PATH_MAX];
	struct stat now;
	ssize_t len = readlinkat(copy->from, copy->from_name, target, sizeof(target) - 1);

	if (len < 0)
		return fail(copy);
	target[len] = '\0';
	if (symlinkat(target, copy->to, copy->to_name) < 0 ||
	    fstatat(copy->to, copy->to_name, &now, AT_SYMLINK_NOFOLLOW) < 0)
		return fail(copy);
	if (now.st_uid == st->st_uid && now.st_gid == st->st_gid)
		return 0;
	if (fchownat(copy->to, copy->to_name, st->st_uid, st->st_gid, AT_SYMLINK_NOFOLLOW) < 0)
		return fail(copy);
	return 0;
}

/* Takes over neither descriptor. */
static int copy_items(const struct copy *copy, DIR *in, int out)
{
	struct dirent *item;
	int rc = 0;

	while (rc == 0 && (errno = 0, (item = readdir(in)))) {
		const char *name = item->d_name;
		size_t len = copy->path->len;

		if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
			continue;
		mr_buf_printf(copy->path, "/%s", name);
		rc = copy_one((struct copy){ dirfd(in), out, name, name, copy->path, copy->err });
		copy->path->len = len;
		copy->path->data[len] = '\0';
	}
	return rc == 0 && errno ? fail(copy) : rc;
}

static DIR *open_folder(const struct copy *copy)
{
	int fd = openat(copy->from, copy->from_name,
			O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (fd >= 0 && !dir)
		close(fd);
	return dir;
}

/* Closed to everybody else until its content has the right owners. */
static int copy_folder(const struct copy *copy, const struct stat *st)
{
	DIR *in = open_folder(copy);
	int out = -1, rc;

	if (!in)
		return fail(copy);
	if (mkdirat(copy->to, copy->to_name, 0700) == 0)
		out = openat(copy->to, copy->to_name,
			     O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	rc = out < 0 ? fail(copy) : copy_items(copy, in, out);
	if (rc == 0 && set_owner_and_mode(out, st) < 0)
		rc = fail(copy);
	closedir(in);
	if (out >= 0)
		close(out);
	return rc;
}

static int copy_one(struct copy copy)
{
	struct stat st;

	if (fstatat(copy.from, copy.from_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return fail(&copy);
	if (S_ISDIR(st.st_mode))
		return copy_folder(&copy, &st);
	if (S_ISREG(st.st_mode))
		return copy_file(&copy, &st);
	if (S_ISLNK(st.st_mode))
		return copy_link(&copy, &st);
	return mr_fail(copy.err, MR_E_INVALID, _("copying %s: neither a file, a folder nor a link"),
		       copy.path->data);
}

int mr_tree_copy(const char *from, const char *to, struct mr_error *err)
{
	MR_BUF path = { 0 };
	struct mr_error ignored;

	if (mr_path_exists(to))
		return mr_fail(err, MR_E_EXISTS, _("copying %s to %s: the latter exists already"),
			       from, to);
	mr_buf_puts(&path, from);
	if (copy_one((struct copy){ AT_FDCWD, AT_FDCWD, from, to, &path, err }) < 0) {
		if (mr_tree_remove(to, &ignored) < 0)
			return mr_fail_in(err, _("an incomplete copy remains at %s"), to);
		return -1;
	}
	return mr_tree_sync(to, err);
}
