#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int mr_folder_sync(const char *path, struct mr_error *err)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc = 0;

	if (fd < 0)
		return mr_fail_errno(err, "%s", path);
	/* EINVAL: a file system that cannot sync folders has nothing better to offer. */
	if (fsync(fd) < 0 && errno != EINVAL)
		rc = mr_fail_errno(err, _("making %s durable"), path);
	close(fd);
	return rc;
}

static const char *parent_of(struct mr_arena *arena, const char *path)
{
	size_t len = strlen(path);

	while (len > 1 && path[len - 1] == '/')
		len--;
	while (len && path[len - 1] != '/')
		len--;
	while (len > 1 && path[len - 1] == '/')
		len--;
	return len ? mr_strndup(arena, path, len) : ".";
}

/* The umask has no say in the mode: what is made here was asked for exactly. */
static int make_one(struct mr_arena *arena, const char *path, mode_t mode, struct mr_error *err)
{
	if (mkdir(path, mode & 0777) < 0) {
		struct stat st;

		if (errno != EEXIST)
			return mr_fail_errno(err, _("making the folder %s"), path);
		if (stat(path, &st) == 0 && !S_ISDIR(st.st_mode))
			return mr_fail(err, MR_E_EXISTS, _("%s is in the way: not a folder"), path);
		return 0;
	}
	if (chmod(path, mode) < 0)
		return mr_fail_errno(err, _("making the folder %s"), path);
	return mr_folder_sync(parent_of(arena, path), err);
}

static int make_parents(struct mr_arena *arena, const char *path, struct mr_error *err)
{
	char *part = mr_strdup(arena, path);

	for (char *p = part + strspn(part, "/"); (p = strchr(p, '/'));) {
		size_t slashes = strspn(p, "/");

		if (!p[slashes])
			break;
		*p = '\0';
		if (make_one(arena, part, 0755, err) < 0)
			return -1;
		*p = '/';
		p += slashes;
	}
	return 0;
}

/* A link that root or we made is the administrator's wish; one made by anybody else must not choose
 * what we chown. */
static int refuse_foreign_link(const char *path, struct mr_error *err)
{
	struct stat st;

	if (lstat(path, &st) == 0 && S_ISLNK(st.st_mode) && st.st_uid != 0 &&
	    st.st_uid != geteuid())
		return mr_fail(err, MR_E_DENIED, _("%s is a link that belongs to somebody else"),
			       path);
	return 0;
}

static int set_attrs(int fd, struct mr_file_attrs attrs)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -1;
	if ((attrs.uid != (uid_t)-1 && attrs.uid != st.st_uid) ||
	    (attrs.gid != (gid_t)-1 && attrs.gid != st.st_gid)) {
		if (fchown(fd, attrs.uid, attrs.gid) < 0 || fstat(fd, &st) < 0)
			return -1;
	}
	if ((st.st_mode & 07777) != (attrs.mode & 07777) && fchmod(fd, attrs.mode & 07777) < 0)
		return -1;
	return fsync(fd) < 0 && errno != EINVAL ? -1 : 0;
}

int mr_folder_make(const char *path, struct mr_file_attrs attrs, struct mr_error *err)
{
	bool given_away = attrs.uid != (uid_t)-1 || attrs.gid != (gid_t)-1;
	MR_ARENA arena = mr_arena_open();
	int fd, rc = 0;

	/* One that gets another owner is opened up only once that is right; any other has its mode
	 * at once, so that whoever is killed here leaves none behind that nobody can enter. */
	if (make_parents(arena, path, err) < 0 || refuse_foreign_link(path, err) < 0 ||
	    make_one(arena, path, given_away ? 0700 : attrs.mode, err) < 0)
		return -1;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return mr_fail_errno(err, "%s", path);
	if (set_attrs(fd, attrs) < 0)
		rc = mr_fail_errno(err, _("setting owner and mode of %s"), path);
	close(fd);
	return rc;
}

bool mr_folder_same(const char *path, struct mr_file_attrs attrs)
{
	struct stat st;

	return lstat(path, &st) == 0 && S_ISDIR(st.st_mode) &&
	       (st.st_mode & 07777) == attrs.mode &&
	       (attrs.uid == (uid_t)-1 || st.st_uid == attrs.uid) &&
	       (attrs.gid == (gid_t)-1 || st.st_gid == attrs.gid);
}

int mr_folder_swap(const char *fresh, const char *path, struct mr_error *err)
{
	MR_ARENA arena = mr_arena_open();
	int rc = renameat2(AT_FDCWD, fresh, AT_FDCWD, path, RENAME_EXCHANGE);

	if (rc < 0 && errno == ENOENT)
		rc = renameat2(AT_FDCWD, fresh, AT_FDCWD, path, RENAME_NOREPLACE);
	if (rc < 0)
		return mr_fail_errno(err, _("putting %s in the place of %s"), fresh, path);
	if (mr_folder_sync(parent_of(arena, path), err) < 0)
		return -1;
	return mr_folder_sync(parent_of(arena, fresh), err);
}
