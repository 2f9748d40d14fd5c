#include "base/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/strings.h"

/* Everything the child needs, made before the fork: after it only async-signal-safe calls are
 * allowed, since the program may have threads. */
struct plan {
	const char *program;
	char *const *argv, *const *env;
	int fds[3], report;
	bool daemon;
	pid_t parent;
};

/* Administration programs lie in sbin, which a user's PATH often lacks. Relative folders are left
 * out: what root runs must not depend on where it stands. */
static const char *search_path(struct mr_arena *arena)
{
	const char *given = getenv("PATH");
	struct mr_list folders = mr_list_split(arena, given ? given : "", ':'), path = { 0 };
	static const char *const always[] = { "/usr/sbin", "/usr/bin", "/sbin", "/bin" };

	for (size_t i = 0; i < folders.count; i++)
		if (folders.items[i][0] == '/')
			mr_list_add(arena, &path, folders.items[i]);
	for (size_t i = 0; i < sizeof(always) / sizeof(always[0]); i++)
		if (!mr_list_has(&path, always[i]))
			mr_list_add(arena, &path, always[i]);
	return mr_list_join(arena, &path, ":");
}

static const char *find_program(struct mr_arena *arena, const char *name, const char *path)
{
	struct mr_list folders;

	if (strchr(name, '/'))
		return name;
	folders = mr_list_split(arena, path, ':');
	for (size_t i = 0; i < folders.count; i++) {
		const char *file = mr_printf(arena, "%s/%s", folders.items[i], name);

		if (access(file, X_OK) == 0)
			return file;
	}
	return NULL;
}

static bool sets(const char *const *env, const char *name)
{
	for (; env && *env; env++)
		if (mr_starts_with(*env, name) && (*env)[strlen(name)] == '=')
			return true;
	return false;
}

static char *const *build_env(struct mr_arena *arena, const char *const *env, const char *path)
{
	struct mr_list list = { 0 };

	if (!sets(env, "LANG"))
		mr_list_add(arena, &list, "LANG=C.UTF-8");
	if (!sets(env, "PATH"))
		mr_list_add(arena, &list, mr_printf(arena, "PATH=%s", path));
	for (; env && *env; env++)
		mr_list_add(arena, &list, *env);
	mr_list_add(arena, &list, NULL);
	return (char *const *)list.items;
}

/* The caller's descriptors may be 0, 1 or 2 themselves, in any order: out of the way first. */
static int place_fds(struct plan *plan)
{
	int *const fds[] = { &plan->fds[0], &plan->fds[1], &plan->fds[2], &plan->report };

	for (int i = 0; i < 4; i++) {
		if (*fds[i] < 3 && (*fds[i] = fcntl(*fds[i], F_DUPFD_CLOEXEC, 3)) < 0)
			return -1;
	}
	for (int i = 0; i < 3; i++)
		if (dup2(plan->fds[i], i) < 0)
			return -1;
	/* A library may have opened something without close-on-exec; an old kernel lacks the call.
	 */
	(void)close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
	return 0;
}

static void default_signals(void)
{
	sigset_t none;

	for (int number = 1; number < NSIG; number++)
		signal(number, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

_Noreturn static void run_child(struct plan *plan)
{
	int number;

	if (plan->daemon) {
		setsid();
	} else {
		setpgid(0, 0);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		/* The parent may have died before the line above. */
		if (getppid() != plan->parent)
			_exit(127);
	}
	if (place_fds(plan) == 0) {
		default_signals();
		execve(plan->program, plan->argv, plan->env);
	}
	number = errno;
	if (write(plan->report, &number, sizeof(number)) < 0)
		_exit(126);
	_exit(127);
}

/* All signals are blocked around the fork, so that no handler of ours runs in the child. */
static pid_t fork_child(struct plan *plan)
{
	sigset_t all, before;
	pid_t pid;
	int number;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	plan->parent = getpid();
	pid = fork();
	number = errno;
	if (pid == 0)
		run_child(plan);
	sigprocmask(SIG_SETMASK, &before, NULL);
	errno = number;
	return pid;
}

/* The pipe closes at the exec, or brings the errno of what failed before it. */
static int await_exec(int report)
{
	int number = 0;
	ssize_t n;

	do {
		n = read(report, &number, sizeof(number));
	} while (n < 0 && errno == EINTR);
	return n == (ssize_t)sizeof(number) ? number : 0;
}

static void reap(pid_t pid)
{
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		continue;
}

static int start(struct plan *plan, pid_t *pid, int *pidfd)
{
	int report[2], number;

	if (pipe2(report, O_CLOEXEC) < 0)
		return errno;
	plan->report = report[1];
	*pid = fork_child(plan);
	number = errno;
	close(report[1]);
	if (*pid > 0)
		number = await_exec(report[0]);
	close(report[0]);
	if (*pid < 0)
		return number;
	if (number == 0 && (*pidfd = pidfd_open(*pid, 0)) < 0) {
		number = errno;
		kill(-*pid, SIGKILL);
	}
	if (number)
		reap(*pid);
	return number;
}

int mr_spawn(const struct mr_spawn *spawn, pid_t *pid, int *pidfd, struct mr_error *err)
{
	MR_ARENA arena = mr_arena_open();
	const char *path = search_path(arena), *name = spawn->argv[0];
	struct plan plan = {
		.program = find_program(arena, name, path),
		.argv = (char *const *)spawn->argv,
		.env = build_env(arena, spawn->env, path),
		.fds = { spawn->in, spawn->out, spawn->err },
		.daemon = spawn->daemon,
	};
	struct sigaction child;
	int number;

	if (!plan.program)
		return mr_fail(err, MR_E_SYSTEM, _("%s: no such program in %s"), name, path);
	/* Whoever started us may have left SIGCHLD ignored; then exit statuses would get lost. */
	if (sigaction(SIGCHLD, NULL, &child) == 0 && child.sa_handler == SIG_IGN)
		signal(SIGCHLD, SIG_DFL);
	number = start(&plan, pid, pidfd);
	if (number)
		return mr_fail(err, MR_E_SYSTEM, _("%s: cannot be started: %s"), name,
			       strerror(number));
	return 0;
}
