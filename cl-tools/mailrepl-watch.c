/* mailrepl-watch: the service that keeps a host in step. systemd's unit and adapters/service.c call
 * it; an administrator may. What it does is in libmailrepl/features/watch.h; here are its process
 * and its life. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <poll.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "adapters/service.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/paths.h"
#include "base/process.h"
#include "features/watch.h"

#define START_DEADLINE_MS 40000
#define STOP_DEADLINE_MS 30000
#define KILL_DEADLINE_MS 5000
#define NOT_RUNNING 3 /* exit status of `status`, as init scripts have it (LSB) */

struct program {
	struct mr_arena *arena;
	struct mr_config config;
	const char *pid_file;
	int ready; /* where it is told that the gate is decided; -1: nobody waits */
};

static int check(const struct program *it, struct mr_error *err)
{
	if (geteuid() != 0 && !*it->config.root)
		return mr_fail(err, MR_E_DENIED,
			       _("only root may do this (or anybody with --root DIR)"));
	if (it->config.exists && it->config.host)
		return 0;
	return mr_fail(err, MR_E_CONFIG,
		       _("mailrepl is not set up here (%s): run cl-setup or cl-rebuild --repl"),
		       it->config.path);
}

static bool is_same_file(int fd, const char *path)
{
	struct stat open, there;

	return fstat(fd, &open) == 0 && lstat(path, &there) == 0 && open.st_ino == there.st_ino &&
	       open.st_dev == there.st_dev;
}

/* The lock on the file, not the file, says that somebody runs. The folder belongs to slapd's user:
 * what is not ours there is put aside. */
static int claim(const struct program *it, int *fd, struct mr_error *err)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	const char *folder = mr_path(it->arena, it->config.root, MR_PATH_RUN);
	struct stat st;

	if (!mr_path_exists(folder) && mr_folder_make(folder, MR_FILE_PUBLIC_FOLDER, err) < 0)
		return -1;
	if (lstat(it->pid_file, &st) == 0 && (!S_ISREG(st.st_mode) || st.st_uid != geteuid()))
		(void)unlink(it->pid_file);
	*fd = open(it->pid_file, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0644);
	if (*fd < 0)
		return mr_fail_errno(err, "%s", it->pid_file);
	if (fcntl(*fd, F_OFD_SETLK, &lock) < 0 || !is_same_file(*fd, it->pid_file)) {
		close(*fd);
		return mr_fail(err, MR_E_EXISTS, _("mailrepl-watch runs already (%s)"),
			       it->pid_file);
	}
	if (ftruncate(*fd, 0) < 0 || dprintf(*fd, "%ld\n", (long)getpid()) < 0) {
		close(*fd);
		return mr_fail_errno(err, "%s", it->pid_file);
	}
	return 0;
}

/* A file that was removed no longer keeps another from running: then it is made again, or the other
 * has won. */
static int keep_claim(const struct program *it, int *fd, struct mr_error *err)
{
	int fresh;

	if (is_same_file(*fd, it->pid_file))
		return 0;
	if (claim(it, &fresh, err) < 0)
		return -1;
	close(*fd);
	*fd = fresh;
	return 0;
}

/* sd_notify(3), which is one datagram. */
static void notify(const char *text)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	socklen_t len;
	int fd;

	if (!path || (*path != '/' && *path != '@') || strlen(path) >= sizeof(address.sun_path))
		return;
	memcpy(address.sun_path, path, strlen(path));
	len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
	if (*path == '@')
		address.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	(void)sendto(fd, text, strlen(text), MSG_NOSIGNAL, (const struct sockaddr *)&address, len);
	close(fd);
}

static void tell_ready(struct program *it)
{
	notify("READY=1");
	if (it->ready < 0)
		return;
	if (write(it->ready, "", 1) < 0)
		mr_log(MR_LOG_DEBUG, "nobody waits any more");
	close(it->ready);
	it->ready = -1;
}

/* True if the service shall end. Signals wait until here, so no look is cut short. */
static bool wait_for_end(const sigset_t *ends, long long seconds)
{
	const struct timespec time = { seconds, 0 };

	return sigtimedwait(ends, NULL, &time) > 0;
}

static int watch(struct program *it, struct mr_error *err)
{
	struct mr_watch *watch;
	sigset_t ends;
	bool kept;
	int lock;

	if (claim(it, &lock, err) < 0)
		return -1;
	sigemptyset(&ends);
	sigaddset(&ends, SIGTERM);
	sigaddset(&ends, SIGINT);
	sigaddset(&ends, SIGHUP);
	/* Before there is a second thread, which would get them instead. */
	sigprocmask(SIG_BLOCK, &ends, NULL);
	signal(SIGPIPE, SIG_IGN);
	watch = mr_watch_open(it->config.root);
	mr_watch_judge(watch);
	tell_ready(it);
	do {
		mr_watch_look(watch);
		notify("WATCHDOG=1");
		kept = keep_claim(it, &lock, err) == 0;
	} while (kept && !wait_for_end(&ends, mr_watch_interval(watch)));
	mr_watch_close(watch);
	if (kept)
		unlink(it->pid_file);
	close(lock);
	return kept ? 0 : -1;
}

static int do_run(struct program *it, struct mr_error *err)
{
	return check(it, err) < 0 ? -1 : watch(it, err);
}

static int do_once(struct program *it, struct mr_error *err)
{
	struct mr_watch *watch;
	const struct mr_gate *gate;
	int lock;

	if (check(it, err) < 0 || claim(it, &lock, err) < 0)
		return -1;
	watch = mr_watch_open(it->config.root);
	mr_watch_look(watch);
	gate = mr_watch_gate(watch);
	if (gate->closed)
		printf(_("gate closed: %s\n"), gate->why);
	else
		puts(_("gate open"));
	mr_watch_close(watch);
	unlink(it->pid_file);
	close(lock);
	return 0;
}

/* The child's: nobody's terminal, nobody's session. Its words go to syslog. */
static int live_on(struct program *it, int ready)
{
	struct mr_error err = { 0 };
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0 || setsid() < 0 || chdir("/") < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0)
		return EX_OSERR;
	it->ready = ready;
	if (watch(it, &err) == 0)
		return EX_OK;
	mr_log(MR_LOG_ERROR, "%s", err.message);
	mr_audit("%s", err.message);
	return mr_error_status(err.code);
}

static int await_ready(int fd, struct mr_error *err)
{
	struct pollfd ready = { .fd = fd, .events = POLLIN };
	char byte;
	int n;

	do {
		n = poll(&ready, 1, START_DEADLINE_MS);
	} while (n < 0 && errno == EINTR);
	if (n > 0 && read(fd, &byte, 1) == 1)
		return 0;
	return mr_fail(err, MR_E_TEMPORARY,
		       n > 0 ? _("mailrepl-watch has ended at once: the mail log says why")
			     : _("mailrepl-watch is not ready yet"));
}

static int do_start(struct program *it, struct mr_error *err)
{
	int ends[2], rc;
	pid_t pid;

	if (check(it, err) < 0)
		return -1;
	if (mr_service_running(MR_SERVICE_WATCH, it->config.root))
		return 0;
	if (pipe2(ends, O_CLOEXEC) < 0)
		return mr_fail_errno(err, _("starting mailrepl-watch"));
	pid = fork();
	if (pid < 0)
		return mr_fail_errno(err, _("starting mailrepl-watch"));
	if (pid == 0) {
		int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

		close(ends[0]);
		/* Whoever reads our caller's stderr to its end must not wait for us. */
		if (null >= 0)
			dup2(null, 2);
		_exit(live_on(it, ends[1]));
	}
	close(ends[1]);
	rc = await_ready(ends[0], err);
	close(ends[0]);
	return rc;
}

/* A descriptor of the process that holds the lock; -1: there is none. */
static int find_watch(const struct program *it, int *pid)
{
	struct mr_error ignored;
	char *text;
	int fd;

	if (mr_file_read(it->arena, it->pid_file, 64, &text, NULL, &ignored) < 0)
		return -1;
	*pid = atoi(text);
	fd = *pid > 1 ? pidfd_open(*pid, 0) : -1;
	/* Locked now, so the number is still the holder's: he wrote it, and he lives. */
	if (fd >= 0 && !mr_service_running(MR_SERVICE_WATCH, it->config.root)) {
		close(fd);
		return -1;
	}
	return fd;
}

static int do_stop(struct program *it, struct mr_error *err)
{
	int pid, fd = find_watch(it, &pid), rc = 0;

	if (fd < 0)
		return 0;
	if (pidfd_send_signal(fd, SIGTERM, NULL, 0) < 0 && errno != ESRCH)
		rc = mr_fail_errno(err, _("stopping mailrepl-watch, process %d"), pid);
	/* All that it does survives that, too. */
	else if (!mr_process_await(fd, STOP_DEADLINE_MS) &&
		 (pidfd_send_signal(fd, SIGKILL, NULL, 0) < 0 ||
		  !mr_process_await(fd, KILL_DEADLINE_MS)))
		rc = mr_fail(err, MR_E_TEMPORARY, _("mailrepl-watch (process %d) does not end"),
			     pid);
	close(fd);
	return rc;
}

static int do_restart(struct program *it, struct mr_error *err)
{
	return do_stop(it, err) < 0 ? -1 : do_start(it, err);
}

static int do_status(struct program *it, struct mr_error *err)
{
	int pid, fd = find_watch(it, &pid);
	struct mr_gate gate;

	if (mr_gate_read(it->arena, &it->config, &gate, err) < 0)
		gate = (struct mr_gate){ .closed = true, .why = err->message };
	if (fd < 0)
		puts(_("mailrepl-watch is not running"));
	else
		printf(_("mailrepl-watch is running (process %d)\n"), pid);
	if (gate.closed)
		printf(_("gate closed: %s\n"), gate.why);
	else
		puts(_("gate open"));
	if (fd < 0)
		return NOT_RUNNING;
	close(fd);
	return 0;
}

static const struct {
	const char *name;
	int (*run)(struct program *it, struct mr_error *err);
} verbs[] = {
	{ "run", do_run },   { "start", do_start },     { "stop", do_stop },
	{ "once", do_once }, { "restart", do_restart }, { "status", do_status },
};

/* 0 or an exit status; -1 with *err. */
static int run_verb(const char *name, const char *root, struct mr_error *err)
{
	MR_ARENA arena = mr_arena_open();
	struct program it = { .arena = arena, .ready = -1 };

	if (mr_config_load(arena, root, NULL, &it.config, err) < 0)
		return -1;
	it.pid_file = mr_path(arena, it.config.root, MR_PATH_WATCH_PID);
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (strcmp(verbs[i].name, name) == 0)
			return verbs[i].run(&it, err);
	return mr_fail(err, MR_E_USAGE, _("%s: must be run, start, stop, restart, status or once"),
		       name);
}

static const char usage[] =
	N_("Usage: mailrepl-watch [-v] [--root DIR] run|start|stop|restart|status|once\n"
	   "Keeps this host in step: topology, directory, gate.\n\n"
	   "  -v          say more, on stderr\n"
	   "  --root DIR  everything lies below DIR\n"
	   "  run         in the foreground, for systemd\n"
	   "  start       in the background; returns when the gate is decided\n"
	   "  stop        returns when it has ended\n"
	   "  restart     stop and start\n"
	   "  status      whether it runs, and the gate; exit status 0: it runs, 3: it does not\n"
	   "  once        one look, with what it leads to\n");

int main(int argc, char **argv)
{
	static const struct option options[] = { { "root", required_argument, NULL, 'r' },
						 { "verbose", no_argument, NULL, 'v' },
						 { "help", no_argument, NULL, 'h' },
						 { "version", no_argument, NULL, 'V' },
						 { 0 } };
	enum mr_log_level most = MR_LOG_INFO;
	struct mr_error err = { 0 };
	const char *root = NULL;
	int option, rc;

	umask(022);
	while ((option = getopt_long(argc, argv, "hv", options, NULL)) != -1) {
		if (option == 'r') {
			root = optarg;
		} else if (option == 'v') {
			most = MR_LOG_DEBUG;
		} else if (option == 'V') {
			puts("mailrepl-watch " MR_VERSION);
			return EX_OK;
		} else {
			fputs(_(usage), option == 'h' ? stdout : stderr);
			return option == 'h' ? EX_OK : EX_USAGE;
		}
	}
	mr_log_init("mailrepl-watch", most);
	if (optind != argc - 1) {
		fputs(_(usage), stderr);
		return EX_USAGE;
	}
	rc = run_verb(argv[optind], root, &err);
	if (rc >= 0)
		return rc;
	mr_log(MR_LOG_ERROR, "%s", err.message);
	return mr_error_status(err.code);
}
