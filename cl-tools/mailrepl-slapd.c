/* mailrepl-slapd: runs this host's own slapd. systemd's unit and adapters/service.c call it; an
 * administrator may. What slapd serves is in its configuration folder; this program knows where and
 * as whom. */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/resource.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "adapters/config.h"
#include "adapters/directory.h"
#include "adapters/service.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/paths.h"
#include "base/process.h"
#include "features/advance.h"
#include "features/catchup.h"
#include "features/instance.h"

#define DEADLINE_MS 30000
#define KILL_DEADLINE_MS 5000
#define POLL_MS 10
#define NOT_RUNNING 3 /* exit status of `status`, as init scripts have it (LSB) */
/* slapd makes a table with a row for each descriptor that it may have: 700 MB where a container
 * allows a million. */
#define MOST_FILES 8192
#define SEARCH_PATH "/usr/sbin:/usr/bin:/sbin:/bin"
#define USER "openldap"

struct instance {
	struct mr_arena *arena;
	struct mr_config config;
	const char *folder, *socket, *run, *pid_file, *stopped, *started;
	bool privileged; /* slapd is started as root and gives that up itself */
};

/* The machine's ldap.conf is for other clients: it could, for one, switch the check of certificates
 * off. */
static const char *const environment[] = { "LDAPNOINIT=1", NULL };

static int check_paths(const struct instance *it, struct mr_error *err)
{
	if (strlen(it->socket) >= sizeof(((struct sockaddr_un *)NULL)->sun_path))
		return mr_fail(err, MR_E_CONFIG,
			       _("%s: too long for the name of a socket: choose a shorter --root"),
			       it->socket);
	if (!mr_path_exists(it->folder))
		return mr_fail(err, MR_E_CONFIG,
			       _("%s: not there: this host has no directory yet (cl-setup or "
				 "cl-rebuild --repl makes it)"),
			       it->folder);
	return 0;
}

static int prepare(const struct instance *it, struct mr_error *err)
{
	struct mr_file_attrs attrs = { 0755, (uid_t)-1, (gid_t)-1 };

	if (!it->privileged && !*it->config.root)
		return mr_fail(err, MR_E_DENIED,
			       _("only root may do this (or anybody with --root DIR)"));
	if (check_paths(it, err) < 0)
		return -1;
	if (it->privileged && mr_user_id(USER, &attrs.uid, &attrs.gid, err) < 0)
		return -1;
	return mr_folder_make(it->run, attrs, err);
}

/* A private instance below a folder must not stand in the way of others, so it has only its
 * socket. */
static const char *listeners(const struct instance *it)
{
	const char *uri = mr_directory_socket_uri(it->arena, it->socket);

	if (*it->config.root || it->config.directory_port == 0)
		return uri;
	return mr_printf(it->arena, "%s ldap://*:%lld", uri, it->config.directory_port);
}

static const char *const *slapd_argv(const struct instance *it, const char *uris, bool foreground)
{
	struct mr_list argv = { 0 };
	const char *const always[] = {
		"slapd", "-F", it->folder, "-h", uris, "-n", "mailrepl-slapd"
	};
	const char *const user[] = { "-u", USER, "-g", USER };
	const char *const stay[] = { "-d", "0" };

	for (size_t i = 0; i < 7; i++)
		mr_list_add(it->arena, &argv, always[i]);
	for (size_t i = 0; it->privileged && i < 4; i++)
		mr_list_add(it->arena, &argv, user[i]);
	for (size_t i = 0; foreground && i < 2; i++)
		mr_list_add(it->arena, &argv, stay[i]);
	mr_list_add(it->arena, &argv, NULL);
	return argv.items;
}

static void limit_files(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	if (limit.rlim_max > MOST_FILES)
		limit.rlim_max = MOST_FILES;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

/* True if that process is a slapd with our configuration folder, not whoever got its number
 * since. */
static bool is_ours(const struct instance *it, int pid)
{
	struct mr_error ignored;
	const char *name;
	char *line;
	size_t len;

	if (mr_file_read(it->arena, mr_printf(it->arena, "/proc/%d/cmdline", pid), 65536, &line,
			 &len, &ignored) < 0 ||
	    len == 0)
		return false;
	name = strrchr(line, '/');
	if (strcmp(name ? name + 1 : line, "slapd") != 0)
		return false;
	for (const char *arg = line; arg < line + len; arg += strlen(arg) + 1)
		if (strcmp(arg, it->folder) == 0)
			return true;
	return false;
}

/* A descriptor of our slapd's process, which no other process can take the place of; -1: it does
 * not run. */
static int find_slapd(const struct instance *it, int *pid)
{
	struct mr_error ignored;
	char *text, *end;
	long number;
	int fd;

	if (mr_file_read(it->arena, it->pid_file, 64, &text, NULL, &ignored) < 0)
		return -1;
	number = strtol(text, &end, 10);
	if (end == text || number <= 0 || number > 4194304)
		return -1;
	*pid = (int)number;
	fd = pidfd_open(*pid, 0);
	/* Opened first: if it is ours now, the descriptor means it and will not mean another. */
	if (fd >= 0 && !is_ours(it, *pid)) {
		close(fd);
		return -1;
	}
	return fd;
}

static int fail_foreign(const struct instance *it, struct mr_error *err)
{
	return mr_fail(err, MR_E_EXISTS,
		       _("%s: something answers there, but %s names no slapd of ours"), it->socket,
		       it->pid_file);
}

static int kill_slapd(int fd, int pid, struct mr_error *err)
{
	if (pidfd_send_signal(fd, SIGKILL, NULL, 0) < 0 && errno != ESRCH)
		return mr_fail_errno(err, _("killing slapd, process %d"), pid);
	if (mr_process_await(fd, KILL_DEADLINE_MS))
		return 0;
	return mr_fail(err, MR_E_TEMPORARY, _("slapd (process %d) does not even end when killed"),
		       pid);
}

static int end_slapd(int fd, int pid, struct mr_error *err)
{
	if (pidfd_send_signal(fd, SIGTERM, NULL, 0) < 0 && errno != ESRCH)
		return mr_fail_errno(err, _("stopping slapd, process %d"), pid);
	if (mr_process_await(fd, DEADLINE_MS))
		return 0;
	mr_log(MR_LOG_WARNING,
	       _("slapd (process %d) has not ended within %d seconds and is killed"), pid,
	       DEADLINE_MS / 1000);
	return kill_slapd(fd, pid, err);
}

/* The directory at a socket of a slapd that was just started. */
static int open_soon(const char *uri, struct mr_directory **dir, struct mr_error *err)
{
	const struct mr_directory_target target = { .uri = uri, .deadline_ms = DEADLINE_MS };
	const struct timespec pause = { 0, POLL_MS * 1000000L };
	long long deadline = mr_now_ms() + DEADLINE_MS;

	while (mr_directory_open(&target, dir, err) < 0) {
		if (mr_left_ms(deadline) == 0)
			return -1;
		nanosleep(&pause, NULL);
	}
	return 0;
}

/* *lost: why the last change may not reach the other hosts; "" if it will. */
static int advance_at(const struct instance *it, const char *uri, bool always,
		      struct mr_error *lost, struct mr_error *err)
{
	struct mr_process slapd = { .argv = slapd_argv(it, uri, false),
				    .env = environment,
				    .timeout_ms = DEADLINE_MS,
				    .daemon = true };
	MR_DIRECTORY dir = NULL;
	int pid, rc, fd;

	if (mr_process_check(&slapd, err) < 0)
		return mr_fail_in(err, _("starting the directory (the system's log says more)"));
	*lost = (struct mr_error){ 0 };
	if (open_soon(uri, &dir, lost) == 0 && mr_advance(dir, it->config.host, always, lost) == 0)
		*lost = (struct mr_error){ 0 };
	/* What was answered is on the disk, its contextCSN too, and only a slapd that is killed
	 * ends without waiting for the hosts that it pulls from. */
	fd = find_slapd(it, &pid);
	if (fd < 0)
		return 0;
	rc = kill_slapd(fd, pid, err);
	close(fd);
	return rc;
}

/* After slapd has died, or the machine may have: features/advance.h. A directory that starts is
 * worth more than one that waits until this succeeds; but never two slapds with the same databases.
 */
static int recover(const struct instance *it, struct mr_error *err)
{
	const char *socket = mr_printf(it->arena, "%s/first", it->run);
	bool died = mr_path_exists(it->pid_file);
	struct mr_error lost;

	if ((!died && mr_path_exists(it->started)) || !it->config.host)
		return 0;
	unlink(it->pid_file);
	limit_files();
	if (advance_at(it, mr_directory_socket_uri(it->arena, socket), died, &lost, err) < 0)
		return -1;
	if (*lost.message)
		mr_log(MR_LOG_WARNING,
		       _("the other hosts may miss the last change that was made here: %s; see "
			 "cl-replication --verify"),
		       lost.message);
	unlink(socket);
	return mr_file_replace(it->started, "", 0, MR_FILE_PUBLIC, err);
}

/* An incomplete copy is worth more than no directory; one that slapd may die of is not. */
static int prepare_copies(const struct instance *it, struct mr_error *err)
{
	struct mr_error ignored = { 0 };

	if (!it->config.host)
		return 0;
	if (mr_catchup_recover(&it->config, err) < 0)
		return -1;
	if (mr_database_revive(&it->config, &ignored) < 0)
		mr_log(MR_LOG_WARNING, "%s", ignored.message);
	return 0;
}

static int do_run(struct instance *it, struct mr_error *err)
{
	if (prepare(it, err) < 0)
		return -1;
	if (mr_service_running(MR_SERVICE_SLAPD, it->config.root))
		return mr_fail(err, MR_E_EXISTS, _("%s: slapd is running already"), it->socket);
	unlink(it->stopped);
	if (prepare_copies(it, err) < 0 || recover(it, err) < 0)
		return -1;
	unlink(it->pid_file);
	limit_files();
	clearenv();
	putenv((char[]){ "PATH=" SEARCH_PATH });
	for (const char *const *name = environment; *name; name++)
		putenv(mr_strdup(it->arena, *name));
	execvp("slapd", (char *const *)slapd_argv(it, listeners(it), true));
	return mr_fail_errno(err, _("starting slapd"));
}

static int await_socket(const struct instance *it, struct mr_error *err)
{
	const struct timespec pause = { 0, POLL_MS * 1000000L };
	long long deadline = mr_now_ms() + DEADLINE_MS;

	while (!mr_service_running(MR_SERVICE_SLAPD, it->config.root)) {
		if (mr_left_ms(deadline) == 0)
			return mr_fail(err, MR_E_TEMPORARY,
				       _("slapd has not opened %s within %d seconds"), it->socket,
				       DEADLINE_MS / 1000);
		nanosleep(&pause, NULL);
	}
	return 0;
}

static int start_slapd(struct instance *it, struct mr_error *err)
{
	struct mr_process slapd = { .argv = slapd_argv(it, listeners(it), false),
				    .env = environment,
				    .timeout_ms = DEADLINE_MS,
				    .daemon = true };
	int pid, fd = find_slapd(it, &pid);

	if (fd >= 0) {
		close(fd);
		return await_socket(it, err);
	}
	if (mr_service_running(MR_SERVICE_SLAPD, it->config.root))
		return fail_foreign(it, err);
	if (prepare_copies(it, err) < 0 || recover(it, err) < 0)
		return -1;
	/* What is left of one that was killed could belong to somebody whom slapd may not
	 * overrule. */
	unlink(it->pid_file);
	limit_files();
	if (mr_process_check(&slapd, err) < 0)
		return mr_fail_in(err, _("starting the directory (the system's log says more)"));
	return await_socket(it, err);
}

/* Two slapds that were started at once would both open the databases. */
static int do_start(struct instance *it, struct mr_error *err)
{
	int lock, rc;

	if (prepare(it, err) < 0 || mr_lock_open(mr_printf(it->arena, "%s/start.lock", it->run),
						 DEADLINE_MS, &lock, err) < 0)
		return -1;
	unlink(it->stopped);
	rc = start_slapd(it, err);
	mr_lock_close(lock);
	return rc;
}

static int stop_slapd(struct instance *it, struct mr_error *err)
{
	int pid, rc, fd = find_slapd(it, &pid);

	if (fd < 0)
		return mr_service_running(MR_SERVICE_SLAPD, it->config.root) ? fail_foreign(it, err)
									     : 0;
	rc = end_slapd(fd, pid, err);
	close(fd);
	return rc;
}

/* Whoever watches over slapd sees that it was meant. It is no failure if he cannot be told. */
static int do_stop(struct instance *it, struct mr_error *err)
{
	struct mr_error ignored;

	if (mr_path_exists(it->run) &&
	    mr_file_replace(it->stopped, "", 0, MR_FILE_PUBLIC, &ignored) < 0)
		mr_log(MR_LOG_WARNING, "%s", ignored.message);
	return stop_slapd(it, err);
}

static int do_restart(struct instance *it, struct mr_error *err)
{
	return stop_slapd(it, err) < 0 ? -1 : do_start(it, err);
}

static int do_status(struct instance *it, struct mr_error *err)
{
	int pid, fd = find_slapd(it, &pid);

	(void)err;
	if (fd < 0) {
		puts(_("slapd is not running"));
		return NOT_RUNNING;
	}
	close(fd);
	printf(mr_service_running(MR_SERVICE_SLAPD, it->config.root)
		       ? _("slapd is running (process %d)\n")
		       : _("slapd is running (process %d), but nobody answers at its socket\n"),
	       pid);
	return 0;
}

static const struct {
	const char *name;
	int (*run)(struct instance *it, struct mr_error *err);
} verbs[] = {
	{ "run", do_run },         { "start", do_start },   { "stop", do_stop },
	{ "restart", do_restart }, { "status", do_status },
};

/* 0 or an exit status; -1 with *err. */
static int run_verb(const char *name, const char *root, struct mr_error *err)
{
	MR_ARENA arena = mr_arena_open();
	struct instance it = { .arena = arena, .privileged = geteuid() == 0 };

	if (mr_config_load(arena, root, NULL, &it.config, err) < 0)
		return -1;
	it.folder = mr_path(arena, it.config.root, MR_PATH_SLAPD_D);
	it.socket = mr_path(arena, it.config.root, MR_PATH_SOCKET);
	it.run = mr_path(arena, it.config.root, MR_PATH_RUN);
	it.pid_file = mr_path(arena, it.config.root, MR_PATH_PID);
	it.stopped = mr_path(arena, it.config.root, MR_PATH_STOPPED);
	it.started = mr_path(arena, it.config.root, MR_PATH_STARTED);
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (strcmp(verbs[i].name, name) == 0)
			return verbs[i].run(&it, err);
	return mr_fail(err, MR_E_USAGE, _("%s: must be run, start, stop, restart or status"), name);
}

static const char usage[] =
	N_("Usage: mailrepl-slapd [--root DIR] run|start|stop|restart|status\n"
	   "Runs this host's own directory server.\n\n"
	   "  --root DIR  everything lies below DIR; only a socket, no port\n"
	   "  run         in the foreground, for systemd\n"
	   "  start       in the background; returns when the socket answers\n"
	   "  stop        returns when it has ended; mailrepl-watch leaves it so\n"
	   "  restart     stop and start\n"
	   "  status      exit status 0: it runs, 3: it does not\n");

int main(int argc, char **argv)
{
	static const struct option options[] = { { "root", required_argument, NULL, 'r' },
						 { "help", no_argument, NULL, 'h' },
						 { "version", no_argument, NULL, 'V' },
						 { 0 } };
	struct mr_error err = { 0 };
	const char *root = NULL;
	int option, rc;

	mr_log_init("mailrepl-slapd", MR_LOG_WARNING);
	while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (option == 'r') {
			root = optarg;
		} else if (option == 'V') {
			puts("mailrepl-slapd " MR_VERSION);
			return EX_OK;
		} else {
			fputs(_(usage), option == 'h' ? stdout : stderr);
			return option == 'h' ? EX_OK : EX_USAGE;
		}
	}
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
