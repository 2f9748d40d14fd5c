/* Other programs: argv, never a shell. Children die with their parent (PR_SET_PDEATHSIG) unless
 * detached, have default signals, a process group of their own and none of our descriptors but
 * these three. */
#ifndef MR_BASE_PROCESS_H
#define MR_BASE_PROCESS_H

#include "base/strings.h"

struct mr_process {
	const char *const
		*argv; /* argv[0] is looked up in PATH plus /usr/sbin and /sbin; ends in NULL */
	const char *const *env; /* NULL: LANG=C.UTF-8 and PATH only, or "NAME=value" added to these
				 * (or put in their place); ends in NULL */
	int in_fd;              /* 0 or -1: /dev/null */
	int out_fd;     /* 0 or -1: captured into `output` (stdout and stderr, first 64 KiB) */
	int timeout_ms; /* 0: 60 seconds; then SIGKILL to its process group and MR_E_TEMPORARY */
	bool daemon;    /* the program puts itself into the background: no death signal */
};

struct mr_process_result {
	int status; /* exit status, or 128 + signal */
	struct mr_buf
		output; /* caller closes; kept also after a failure. With out_fd: stderr only */
};

/* Runs to the end. 0 whatever the exit status is; -1 if it could not be started (MR_E_SYSTEM) or
 * timed out. What it leaves in the background is not waited for. */
int mr_process_run(const struct mr_process *process, struct mr_process_result *result,
		   struct mr_error *err) MR_MUST_CHECK;

/* The same, but a non-zero exit status is MR_E_SYSTEM: "<program>: <last non-empty line it wrote>".
 * One that was killed (SIGKILL: no memory left) and has said nothing is MR_E_TEMPORARY. */
int mr_process_check(const struct mr_process *process, struct mr_error *err) MR_MUST_CHECK;

/* Waits until the process behind a pidfd (pidfd_open(2)) has ended; false: it has not within
 * `timeout_ms`. */
bool mr_process_await(int pidfd, int timeout_ms);

/* mr_process_run with `input` as its standard input (in_fd and out_fd are not looked at). *said: what it writes to its
 * standard output, NUL-terminated; more than `most` bytes are MR_E_INVALID. */
int mr_process_talk(struct mr_arena *arena, const struct mr_process *process, const char *input,
		    size_t most, char **said, struct mr_process_result *result,
		    struct mr_error *err) MR_MUST_CHECK;

/* Starts a program with its standard output (read) or standard input (write) connected to *fd.
 * mr_process_end closes *fd, waits (timeout_ms counts from there), frees the child in any case, and
 * fails like mr_process_check; its stderr is kept for that (1 MiB, then its writes fail), and so is
 * the stdout of a program that is written to, if it has no out_fd. Ending a program that is still
 * writing makes it fail by SIGPIPE: read to the end, or use mr_process_kill. mr_process_write_to
 * sets SIGPIPE to be ignored in this process, so that writing to a program that has ended fails
 * with EPIPE. */
struct mr_child;
int mr_process_read_from(const struct mr_process *process, struct mr_child **child, int *fd,
			 struct mr_error *err) MR_MUST_CHECK;
int mr_process_write_to(const struct mr_process *process, struct mr_child **child, int *fd,
			struct mr_error *err) MR_MUST_CHECK;
int mr_process_end(struct mr_child *child, struct mr_error *err) MR_MUST_CHECK;
/* Closes *fd before mr_process_end does: of several programs that are written to, all come to their
 * end while one is waited for. */
void mr_process_hang_up(struct mr_child *child);
void mr_process_kill(struct mr_child *child); /* ends and forgets it; NULL-safe */
/* Closes *fd and forgets it: a daemon runs on. */
void mr_process_leave(struct mr_child *child);

#endif
