#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

#define POLL_MS 20

static void write_holder(int fd)
{
	char text[32];
	int len = snprintf(text, sizeof(text), "%ld\n", (long)getpid());

	/* Only for the message of whoever waits: the lock holds on a full disk too. */
	if (ftruncate(fd, 0) == 0 && pwrite(fd, text, (size_t)len, 0) < 0)
		return;
}

static long read_holder(int fd)
{
	char text[32];
	ssize_t len = pread(fd, text, sizeof(text) - 1, 0);

	if (len <= 0)
		return 0;
	text[len] = '\0';
	return strtol(text, NULL, 10);
}

static int fail_held(int fd, const char *path, struct mr_error *err)
{
	MR_ARENA arena = mr_arena_open();
	long pid = read_holder(fd);
	struct mr_error ignored;
	char *name = NULL;

	if (pid <= 0)
		return mr_fail(err, MR_E_TEMPORARY,
			       _("%s is locked by another process; try again when it has ended"),
			       path);
	if (mr_file_read(arena, mr_printf(arena, "/proc/%ld/comm", pid), 64, &name, NULL,
			 &ignored) < 0)
		name = mr_strdup(arena, "?");
	name[strcspn(name, "\n")] = '\0';
	return mr_fail(err, MR_E_TEMPORARY,
		       _("%s is locked by process %ld (%s); try again when it has ended"), path,
		       pid, name);
}

/* flock(2) has no deadline of its own and an alarm would belong to the program, so it is asked
 * often. */
static int wait_for_lock(int fd, const char *path, int timeout_ms, struct mr_error *err)
{
	const struct timespec pause = { 0, POLL_MS * 1000000L };
	long long deadline = mr_now_ms() + timeout_ms;

	while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return mr_fail_errno(err, _("locking %s"), path);
		if (mr_now_ms() >= deadline)
			return fail_held(fd, path, err);
		nanosleep(&pause, NULL);
	}
	return 0;
}

int mr_lock_open(const char *path, int timeout_ms, int *fd, struct mr_error *err)
{
	int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY, 0600);

	*fd = -1;
	if (file < 0)
		return mr_fail_errno(err, _("locking %s"), path);
	if (wait_for_lock(file, path, timeout_ms, err) < 0) {
		close(file);
		return -1;
	}
	write_holder(file);
	*fd = file;
	return 0;
}

void mr_lock_close(int fd)
{
	if (fd < 0)
		return;
	if (ftruncate(fd, 0) < 0) {
		/* a stale pid in a free lock misleads nobody */
	}
	close(fd);
}
