#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define OPEN_READ (O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)

static int too_long(const char *path, size_t most, struct mr_error *err)
{
	return mr_fail(err, MR_E_INVALID, _("%s: longer than %zu bytes"), path, most);
}

/* Reads to the end, not to st_size: files of proc(5) say 0, and a file may grow meanwhile. */
static int read_all(struct mr_arena *arena, int fd, const char *path, size_t size, size_t most,
		    char **text, size_t *len, struct mr_error *err)
{
	char *data = mr_alloc(arena, size + 1);

	for (*len = 0;;) {
		ssize_t n = read(fd, data + *len, size + 1 - *len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return mr_fail_errno(err, "%s", path);
		if (n == 0)
			break;
		*len += (size_t)n;
		if (*len > most)
			return too_long(path, most, err);
		if (*len > size) {
			char *more = mr_alloc(arena, 2 * *len + 4097);

			memcpy(more, data, *len);
			data = more;
			size = 2 * *len + 4096;
		}
	}
	data[*len] = '\0';
	*text = data;
	return 0;
}

int mr_file_read(struct mr_arena *arena, const char *path, size_t most, char **text, size_t *len,
		 struct mr_error *err)
{
	/* O_NONBLOCK: a FIFO in the place of the file must not hang us. */
	int fd = open(path, OPEN_READ), rc;
	struct stat st;
	size_t length;

	if (fd < 0)
		return mr_fail_errno(err, "%s", path);
	if (fstat(fd, &st) < 0)
		rc = mr_fail_errno(err, "%s", path);
	else if (!S_ISREG(st.st_mode))
		rc = mr_fail(err, MR_E_INVALID, _("%s: not a regular file"), path);
	else if ((unsigned long long)st.st_size > most)
		rc = too_long(path, most, err);
	else
		rc = read_all(arena, fd, path, (size_t)st.st_size, most, text, len ? len : &length,
			      err);
	close(fd);
	return rc;
}

static int write_all(int fd, const char *data, size_t len)
{
	while (len) {
		ssize_t n = write(fd, data, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

int mr_write_all(int fd, const void *data, size_t len, struct mr_error *err)
{
	if (write_all(fd, data, len) < 0)
		return mr_fail_errno(err, _("writing"));
	return 0;
}

int mr_copy_all(int from, int to, struct mr_error *err)
{
	char block[65536];
	ssize_t n;

	while ((n = read(from, block, sizeof(block))) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return mr_fail_errno(err, _("reading"));
		if (mr_write_all(to, block, (size_t)n, err) < 0)
			return -1;
	}
	return 0;
}

/* "<folder>" and "<name>" of a path; the folder of "name" is ".". */
static const char *split_path(struct mr_arena *arena, const char *path, char **folder)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		*folder = mr_strdup(arena, ".");
	else
		*folder = mr_strndup(arena, path, slash == path ? 1 : (size_t)(slash - path));
	return slash ? slash + 1 : path;
}

/* A writer that was killed leaves its temporary file behind. A living one holds a lock on it. */
static void remove_stale(const char *folder, const char *prefix)
{
	DIR *dir = opendir(folder);
	struct dirent *item;

	while (dir && (item = readdir(dir))) {
		int fd;

		if (!mr_starts_with(item->d_name, prefix) ||
		    strlen(item->d_name) != strlen(prefix) + 6)
			continue;
		fd = openat(dirfd(dir), item->d_name, OPEN_READ | O_NOFOLLOW);
		if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0)
			unlinkat(dirfd(dir), item->d_name, 0);
		if (fd >= 0)
			close(fd);
	}
	if (dir)
		closedir(dir);
}

/* chown before chmod, since chown clears the set-id bits; both before the first byte, so that
 * nobody who may not read the result can open it early. */
static int fill(int fd, const void *data, size_t len, struct mr_file_attrs attrs)
{
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return -1;
	if (fchown(fd, attrs.uid, attrs.gid) < 0 || fchmod(fd, attrs.mode & 07777) < 0)
		return -1;
	if (write_all(fd, data, len) < 0)
		return -1;
	return fsync(fd);
}

int mr_file_replace(const char *path, const void *data, size_t len, struct mr_file_attrs attrs,
		    struct mr_error *err)
{
	MR_ARENA arena = mr_arena_open();
	char *folder, *temporary;
	const char *name = split_path(arena, path, &folder);
	int fd, rc = 0;

	remove_stale(folder, mr_printf(arena, ".%s.mailrepl-", name));
	temporary = mr_printf(arena, "%s/.%s.mailrepl-XXXXXX", folder, name);
	fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0)
		return mr_fail_errno(err, _("writing %s"), path);
	if (fill(fd, data, len, attrs) < 0 || rename(temporary, path) < 0)
		rc = mr_fail_errno(err, _("writing %s"), path);
	if (rc < 0)
		unlink(temporary);
	close(fd);
	return rc < 0 ? -1 : mr_folder_sync(folder, err);
}

static bool content_is(int fd, const char *data, size_t len)
{
	char block[16384];

	while (len) {
		ssize_t n = read(fd, block, len < sizeof(block) ? len : sizeof(block));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0 || memcmp(block, data, (size_t)n) != 0)
			return false;
		data += n;
		len -= (size_t)n;
	}
	return true;
}

bool mr_file_same(const char *path, const void *data, size_t len, struct mr_file_attrs attrs)
{
	int fd = open(path, OPEN_READ | O_NOFOLLOW);
	struct stat st;
	bool same;

	if (fd < 0)
		return false;
	same = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	       (st.st_mode & 07777) == (attrs.mode & 07777) &&
	       (attrs.uid == (uid_t)-1 || st.st_uid == attrs.uid) &&
	       (attrs.gid == (gid_t)-1 || st.st_gid == attrs.gid) &&
	       (unsigned long long)st.st_size == len && content_is(fd, data, len);
	close(fd);
	return same;
}

bool mr_path_exists(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0;
}
