#include "base/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/spawn.h"

#define HEAD_SIZE ((size_t)64 * 1024)
#define TAIL_SIZE ((size_t)4096)
#define STORE_SIZE ((size_t)1024 * 1024)
#define DEFAULT_TIMEOUT_MS 60000

/* What a program said: its beginning for the caller, its end for the error message. */
struct capture {
	struct mr_buf head, tail;
	int fd; /* where it is read from: a pipe, non-blocking, or a store; -1: closed */
};

struct job {
	pid_t pid;
	int pidfd;
	const char *name;
	int timeout_ms, status;
	struct capture capture;
};

struct mr_child {
	struct mr_arena *arena;
	struct job job;
	int fd;
};

static void capture_add(struct capture *capture, const char *data, size_t len)
{
	size_t room = HEAD_SIZE - capture->head.len;
	struct mr_buf *tail = &capture->tail;

	mr_buf_add(&capture->head, data, len < room ? len : room);
	mr_buf_add(tail, data, len);
	if (tail->len > 2 * TAIL_SIZE) {
		memmove(tail->data, tail->data + tail->len - TAIL_SIZE, TAIL_SIZE + 1);
		tail->len = TAIL_SIZE;
	}
}

static void capture_close(struct capture *capture)
{
	if (capture->fd >= 0)
		close(capture->fd);
	capture->fd = -1;
	mr_buf_close(&capture->head);
	mr_buf_close(&capture->tail);
}

/* Reads once. False at the end, or when there is nothing now. */
static bool capture_read(struct capture *capture)
{
	char block[16384];
	ssize_t n = read(capture->fd, block, sizeof(block));

	if (n > 0)
		capture_add(capture, block, (size_t)n);
	return n > 0 || (n < 0 && errno == EINTR);
}

/* Takes what lies in the pipe, without waiting for grandchildren that hold it open, and not for
 * ever if one of them never stops writing. */
static void capture_drain(struct capture *capture)
{
	for (int i = 0; i < 256 && capture_read(capture); i++)
		continue;
}

/* The writers share the offset of the store, so it tells how much they wrote. */
static void capture_store(struct capture *capture)
{
	off_t left = lseek(capture->fd, 0, SEEK_CUR);

	lseek(capture->fd, 0, SEEK_SET);
	while (left > 0) {
		char block[16384];
		ssize_t n = read(capture->fd, block,
				 (size_t)left < sizeof(block) ? (size_t)left : sizeof(block));

		if (n <= 0)
			return;
		capture_add(capture, block, (size_t)n);
		left -= n;
	}
}

/* A file in memory that cannot grow over STORE_SIZE. Nobody has to empty it, so it cannot block a
 * program while we are busy with its other stream, and a daemon that keeps it gets an error from
 * write(2) one day, not a SIGPIPE. */
static int open_store(struct mr_error *err)
{
	int fd = memfd_create("output", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd >= 0 && ftruncate(fd, (off_t)STORE_SIZE) == 0 &&
	    fcntl(fd, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) == 0)
		return fd;
	mr_fail_errno(err, _("making a buffer"));
	if (fd >= 0)
		close(fd);
	return -1;
}

static int open_pipe(int ends[2], struct mr_error *err)
{
	return pipe2(ends, O_CLOEXEC) < 0 ? mr_fail_errno(err, _("making a pipe")) : 0;
}

static int start(const struct mr_process *process, int in, int out, int err_fd, struct job *job,
		 struct mr_error *err)
{
	struct mr_spawn spawn = { process->argv, process->env, in, out, err_fd, process->daemon };
	int null = -1, rc;

	if (in <= 0) {
		null = open("/dev/null", O_RDONLY | O_CLOEXEC);
		if (null < 0)
			return mr_fail_errno(err, "/dev/null");
		spawn.in = null;
	}
	job->name = process->argv[0];
	job->timeout_ms = process->timeout_ms > 0 ? process->timeout_ms : DEFAULT_TIMEOUT_MS;
	rc = mr_spawn(&spawn, &job->pid, &job->pidfd, err);
	if (null >= 0)
		close(null);
	return rc;
}

/* Waits for the end while emptying the pipe, if there is one. False: the deadline has passed. */
static bool await_end(struct job *job, bool pipe)
{
	long long deadline = mr_now_ms() + job->timeout_ms;
	struct pollfd fds[] = {
		{ .fd = job->pidfd, .events = POLLIN },
		{ .fd = pipe ? job->capture.fd : -1, .events = POLLIN },
	};

	for (;;) {
		int n = poll(fds, 2, mr_left_ms(deadline));

		if (n == 0)
			return false;
		if (n < 0)
			continue; /* EINTR: nothing else can happen to these */
		if (fds[1].revents && !capture_read(&job->capture))
			fds[1].fd = -1;
		if (fds[0].revents)
			return true;
		/* A chatty program must not talk its way past the deadline. */
		if (mr_left_ms(deadline) == 0)
			return false;
	}
}

/* -1 if the deadline passed; then the whole group is dead. */
static int finish(struct job *job, bool pipe, struct mr_error *err)
{
	bool ended = await_end(job, pipe);
	int status = 0;

	if (!ended)
		kill(-job->pid, SIGKILL);
	while (waitpid(job->pid, &status, 0) < 0 && errno == EINTR)
		continue;
	close(job->pidfd);
	job->status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	if (pipe)
		capture_drain(&job->capture);
	else
		capture_store(&job->capture);
	if (ended)
		return 0;
	return mr_fail(err, MR_E_TEMPORARY, _("%s: did not end within %.1f seconds and was killed"),
		       job->name, job->timeout_ms / 1000.0);
}

/* The last line that is not empty, in place. */
static char *last_line(struct mr_buf *text)
{
	char *line;

	while (text->len && strchr(" \t\r\n", text->data[text->len - 1]))
		text->data[--text->len] = '\0';
	if (!text->len)
		return NULL;
	line = memrchr(text->data, '\n', text->len);
	return line ? line + 1 : text->data;
}

static int judge(struct job *job, struct mr_error *err)
{
	const char *line;

	if (job->status == 0)
		return 0;
	line = last_line(&job->capture.tail);
	if (line)
		return mr_fail(err, MR_E_SYSTEM, "%s: %s", job->name, line);
	/* The kernel kills when there is no memory left. */
	if (job->status > 128)
		return mr_fail(err, job->status == 128 + SIGKILL ? MR_E_TEMPORARY : MR_E_SYSTEM,
			       _("%s: ended by signal %d (%s)"), job->name, job->status - 128,
			       strsignal(job->status - 128));
	return mr_fail(err, MR_E_SYSTEM, _("%s: failed with status %d and said nothing"), job->name,
		       job->status);
}

/* A daemon leaves the pipe open behind it, so it gets a store instead. */
static int run_daemon(const struct mr_process *process, struct job *job, struct mr_error *err)
{
	int fd = open_store(err);

	job->capture.fd = fd;
	if (fd < 0 || start(process, process->in_fd, process->out_fd > 0 ? process->out_fd : fd, fd,
			    job, err) < 0)
		return -1;
	return finish(job, false, err);
}

static int run_piped(const struct mr_process *process, struct job *job, struct mr_error *err)
{
	int ends[2], rc;

	if (open_pipe(ends, err) < 0)
		return -1;
	job->capture.fd = ends[0];
	/* Only our end: O_NONBLOCK belongs to the description, and each end has its own. */
	fcntl(ends[0], F_SETFL, O_NONBLOCK);
	rc = start(process, process->in_fd, process->out_fd > 0 ? process->out_fd : ends[1],
		   ends[1], job, err);
	close(ends[1]);
	return rc < 0 ? -1 : finish(job, true, err);
}

static int run(const struct mr_process *process, struct job *job, struct mr_error *err)
{
	*job = (struct job){ .status = 127, .capture.fd = -1 };
	return process->daemon ? run_daemon(process, job, err) : run_piped(process, job, err);
}

int mr_process_run(const struct mr_process *process, struct mr_process_result *result,
		   struct mr_error *err)
{
	struct job job;
	int rc = run(process, &job, err);

	*result = (struct mr_process_result){ .status = job.status, .output = job.capture.head };
	job.capture.head = (struct mr_buf){ 0 };
	capture_close(&job.capture);
	return rc;
}

int mr_process_check(const struct mr_process *process, struct mr_error *err)
{
	struct job job;
	int rc = run(process, &job, err);

	if (rc == 0)
		rc = judge(&job, err);
	capture_close(&job.capture);
	return rc;
}

static struct mr_child *child_open(void)
{
	struct mr_arena *arena = mr_arena_open();
	struct mr_child *child = MR_NEW(arena, struct mr_child);

	*child = (struct mr_child){ .arena = arena, .job.capture.fd = -1, .fd = -1 };
	return child;
}

static void child_close(struct mr_child *child)
{
	if (child->fd >= 0)
		close(child->fd);
	capture_close(&child->job.capture);
	mr_arena_close(child->arena);
}

/* `ours` is the index of the end of the pipe that we keep. */
static int open_child(const struct mr_process *process, int ours, struct mr_child **out, int *fd,
		      struct mr_error *err)
{
	struct mr_child *child = child_open();
	int ends[2], store = open_store(err),
		     stdout_fd = process->out_fd > 0 ? process->out_fd : store;

	*out = NULL;
	*fd = -1;
	child->job.capture.fd = store;
	if (store < 0 || open_pipe(ends, err) < 0) {
		child_close(child);
		return -1;
	}
	child->fd = ends[ours];
	if (start(process, ours == 0 ? process->in_fd : ends[0], ours == 0 ? ends[1] : stdout_fd,
		  store, &child->job, err) < 0) {
		close(ends[1 - ours]);
		child_close(child);
		return -1;
	}
	close(ends[1 - ours]);
	child->job.name = mr_strdup(child->arena, child->job.name);
	*out = child;
	*fd = child->fd;
	return 0;
}

int mr_process_read_from(const struct mr_process *process, struct mr_child **child, int *fd,
			 struct mr_error *err)
{
	return open_child(process, 0, child, fd, err);
}

int mr_process_write_to(const struct mr_process *process, struct mr_child **child, int *fd,
			struct mr_error *err)
{
	/* A program that ends early must be an error of write(2), not our death. */
	signal(SIGPIPE, SIG_IGN);
	return open_child(process, 1, child, fd, err);
}

void mr_process_hang_up(struct mr_child *child)
{
	if (child->fd >= 0)
		close(child->fd);
	child->fd = -1;
}

int mr_process_end(struct mr_child *child, struct mr_error *err)
{
	int rc;

	mr_process_hang_up(child);
	rc = finish(&child->job, false, err);
	if (rc == 0)
		rc = judge(&child->job, err);
	child_close(child);
	return rc;
}

void mr_process_kill(struct mr_child *child)
{
	if (!child)
		return;
	kill(-child->job.pid, SIGKILL);
	while (waitpid(child->job.pid, NULL, 0) < 0 && errno == EINTR)
		continue;
	close(child->job.pidfd);
	child_close(child);
}

void mr_process_leave(struct mr_child *child)
{
	close(child->job.pidfd);
	child_close(child);
}

bool mr_process_await(int pidfd, int timeout_ms)
{
	long long deadline = mr_now_ms() + timeout_ms;
	struct pollfd end = { .fd = pidfd, .events = POLLIN };
	int n;

	do {
		n = poll(&end, 1, mr_left_ms(deadline));
	} while (n < 0 && errno == EINTR);
	return n > 0;
}
