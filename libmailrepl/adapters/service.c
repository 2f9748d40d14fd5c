#include "adapters/service.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/paths.h"
#include "base/process.h"

#define DEADLINE_MS 30000
#define CHROOT_MS 30000
#define PROGRAM_TIMEOUT_MS 45000 /* mailrepl-slapd and postfix wait themselves, too */
#define FIRST_PAUSE_MS 5
#define MOST_PAUSE_MS 200
#define SYSTEMD_RUNS "/run/systemd/system"
#define DOVECOT_PID "/run/dovecot/master.pid"
#define NSLCD_PID "/run/nslcd/nslcd.pid"
#define EXIM_PID "/run/exim4/exim.pid"

enum verb { START, STOP, RESTART, RELOAD };

struct service {
	const char *word, *unit;
	const char *verbs[4]; /* systemctl's */
	bool (*running)(const char *root);
	int (*act)(enum verb verb, const char *root, struct mr_error *err);
};

static int run(struct mr_error *err, const char *const argv[])
{
	struct mr_process process = { .argv = argv,
				      .timeout_ms = PROGRAM_TIMEOUT_MS,
				      .daemon = true };

	return mr_process_check(&process, err);
}
#define RUN(err, ...) run(err, (const char *const[]){ __VA_ARGS__, NULL })

/* A slapd that hangs still has its socket: it runs. EAGAIN: so many wait that there is no room in
 * the queue. */
static bool slapd_running(const char *root)
{
	MR_ARENA arena = mr_arena_open();
	const char *path = mr_path(arena, root, MR_PATH_SOCKET);
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	bool answers;
	int fd;

	if (strlen(path) >= sizeof(address.sun_path))
		return false;
	memcpy(address.sun_path, path, strlen(path));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return false;
	answers = connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0 ||
		  errno == EAGAIN;
	close(fd);
	return answers;
}

static bool postfix_running(const char *root)
{
	static const char *const argv[] = { "postfix", "status", NULL };
	struct mr_process process = { .argv = argv };
	struct mr_process_result result;
	struct mr_error err;
	int rc = mr_process_run(&process, &result, &err);

	(void)root;
	mr_buf_close(&result.output);
	return rc == 0 && result.status == 0;
}

/* The process that the file names may be somebody else by now. */
static bool process_runs(const char *pid_file, const char *name)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_error err;
	char *pid, *comm;

	if (mr_file_read(arena, pid_file, 64, &pid, NULL, &err) < 0)
		return false;
	pid[strcspn(pid, "\n")] = '\0';
	if (*pid == '\0' || strspn(pid, "0123456789") != strlen(pid))
		return false;
	if (mr_file_read(arena, mr_printf(arena, "/proc/%s/comm", pid), 64, &comm, NULL, &err) < 0)
		return false;
	comm[strcspn(comm, "\n")] = '\0';
	return strcmp(comm, name) == 0;
}

static bool dovecot_running(const char *root)
{
	(void)root;
	return process_runs(DOVECOT_PID, "dovecot");
}

static bool nslcd_running(const char *root)
{
	(void)root;
	return process_runs(NSLCD_PID, "nslcd");
}

static bool exim_running(const char *root)
{
	(void)root;
	return process_runs(EXIM_PID, "exim4");
}

/* Whoever runs the service holds a lock on the file for as long as he lives. */
static bool watch_running(const char *root)
{
	MR_ARENA arena = mr_arena_open();
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int fd = open(mr_path(arena, root, MR_PATH_WATCH_PID),
		      O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	bool held = fd >= 0 && fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;

	if (fd >= 0)
		close(fd);
	return held;
}

static const char *const own_verbs[] = { "start", "stop", "restart", "restart" };

static int act_own(const char *name, enum verb verb, const char *root, struct mr_error *err)
{
	MR_ARENA arena = mr_arena_open();
	const char *program = mr_printf(arena, "%s/%s", mr_libexec_folder(), name);
	const char *word = own_verbs[verb];

	if (*root)
		return RUN(err, program, "--root", root, word);
	return RUN(err, program, word);
}

static int slapd_act(enum verb verb, const char *root, struct mr_error *err)
{
	return act_own("mailrepl-slapd", verb, root, err);
}

static int watch_act(enum verb verb, const char *root, struct mr_error *err)
{
	return act_own("mailrepl-watch", verb, root, err);
}

/* Debian's unit fills the chroot with what has changed in /etc since; nobody else does. Two that do
 * so at the same time, a command and mailrepl-watch, take each other's files away. */
static int fill_chroot(const char *root, struct mr_error *err)
{
	MR_ARENA arena = mr_arena_open();
	int lock, rc;

	if (!mr_path_exists("/usr/lib/postfix/configure-instance.sh"))
		return 0;
	if (mr_lock_open(mr_path(arena, root, MR_PATH_POSTFIX_LOCK), CHROOT_MS, &lock, err) < 0)
		return -1;
	rc = RUN(err, "/usr/lib/postfix/configure-instance.sh", "-");
	mr_lock_close(lock);
	return rc;
}

static int postfix_act(enum verb verb, const char *root, struct mr_error *err)
{
	if (verb == STOP)
		return RUN(err, "postfix", "stop");
	if (fill_chroot(root, err) < 0)
		return -1;
	/* It writes to its log, and to nobody else who is not a terminal. */
	if (RUN(err, "postfix", verb == RELOAD ? "reload" : "start") < 0)
		return mr_fail_in(err, _("the mail log says why"));
	return 0;
}

static int dovecot_act(enum verb verb, const char *root, struct mr_error *err)
{
	(void)root;
	if (verb == STOP)
		return RUN(err, "doveadm", "stop");
	if (verb == RELOAD)
		return RUN(err, "doveadm", "reload");
	return RUN(err, "dovecot");
}

/* It has no verbs of its own; its package's script has. */
static int nslcd_act(enum verb verb, const char *root, struct mr_error *err)
{
	(void)root;
	return RUN(err, "/etc/init.d/nslcd", own_verbs[verb]);
}

/* Debian's script is all that it has under systemd, too. */
static int exim_act(enum verb verb, const char *root, struct mr_error *err)
{
	static const char *const words[] = { "start", "stop", "restart", "reload" };

	(void)root;
	return RUN(err, "/etc/init.d/exim4", words[verb]);
}

/* Debian's postfix.service is a shell around its instances that counts as active when they are
 * dead: "start" would do nothing. slapd is ours to enable, so that it comes back after a reboot;
 * the others' packages do it. */
static const struct service services[] = {
	[MR_SERVICE_SLAPD] = { "slapd",
			       "mailrepl-slapd.service",
			       { "enable --now", "stop", "restart", "restart" },
			       slapd_running,
			       slapd_act },
	[MR_SERVICE_POSTFIX] = { "postfix",
				 "postfix.service",
				 { "restart", "stop", "restart", "reload" },
				 postfix_running,
				 postfix_act },
	[MR_SERVICE_DOVECOT] = { "dovecot",
				 "dovecot.service",
				 { "start", "stop", "restart", "reload" },
				 dovecot_running,
				 dovecot_act },
	[MR_SERVICE_WATCH] = { "mailrepl-watch",
			       "mailrepl-watch.service",
			       { "enable --now", "stop", "restart", "restart" },
			       watch_running,
			       watch_act },
	[MR_SERVICE_NSLCD] = { "nslcd",
			       "nslcd.service",
			       { "start", "stop", "restart", "restart" },
			       nslcd_running,
			       nslcd_act },
	[MR_SERVICE_EXIM] = { "exim",
			      "exim4.service",
			      { "start", "stop", "restart", "reload" },
			      exim_running,
			      exim_act },
};

const char *mr_service_word(enum mr_service_name name)
{
	return services[name].word;
}

static bool under_systemd(const char *root)
{
	return !*root && mr_path_exists(SYSTEMD_RUNS);
}

bool mr_service_is_supervised(const char *root)
{
	return under_systemd(root);
}

static bool is_own(enum mr_service_name name)
{
	return name == MR_SERVICE_SLAPD || name == MR_SERVICE_WATCH;
}

static int systemctl(const struct service *service, enum verb verb, struct mr_error *err)
{
	if (strcmp(service->verbs[verb], "enable --now") == 0)
		return RUN(err, "systemctl", "enable", "--now", service->unit);
	return RUN(err, "systemctl", service->verbs[verb], service->unit);
}

static int check_root(enum mr_service_name name, const char *root, struct mr_error *err)
{
	if (!*root || is_own(name))
		return 0;
	return mr_fail(err, MR_E_CONFIG,
		       _("%s belongs to the whole machine and cannot be run under --root"),
		       services[name].word);
}

static int await(const struct service *service, const char *root, bool wanted, struct mr_error *err)
{
	long long deadline = mr_now_ms() + DEADLINE_MS;
	const char *log = under_systemd(root) ? _("journalctl -u shows why")
					      : _("the system's log shows why");

	for (long pause = FIRST_PAUSE_MS; service->running(root) != wanted;) {
		struct timespec time = { 0, pause * 1000000L };

		if (mr_left_ms(deadline) == 0)
			return mr_fail(
				err, MR_E_TEMPORARY,
				wanted ? _("%s does not answer %d seconds after its start: %s")
				       : _("%s still runs %d seconds after it was told to stop: "
					   "%s"),
				service->word, DEADLINE_MS / 1000, log);
		nanosleep(&time, NULL);
		pause = pause * 2 < MOST_PAUSE_MS ? pause * 2 : MOST_PAUSE_MS;
	}
	return 0;
}

static int act(enum mr_service_name name, const char *root, enum verb verb, struct mr_error *err)
{
	static const char *const doing[] = { N_("starting %s"), N_("stopping %s"),
					     N_("restarting %s"), N_("reloading %s") };
	const struct service *service = &services[name];
	int rc =
		under_systemd(root) ? systemctl(service, verb, err) : service->act(verb, root, err);

	if (rc < 0)
		return mr_fail_in(err, _(doing[verb]), service->word);
	return await(service, root, verb != STOP, err);
}

bool mr_service_running(enum mr_service_name name, const char *root)
{
	return (!*root || is_own(name)) && services[name].running(root);
}

int mr_service_start(enum mr_service_name name, const char *root, struct mr_error *err)
{
	if (check_root(name, root, err) < 0)
		return -1;
	return services[name].running(root) ? 0 : act(name, root, START, err);
}

/* A slapd that has not opened its socket yet does not count as running, but must be stopped all the
 * same. */
int mr_service_stop(enum mr_service_name name, const char *root, struct mr_error *err)
{
	if (check_root(name, root, err) < 0)
		return -1;
	if (name != MR_SERVICE_SLAPD && !services[name].running(root))
		return 0;
	return act(name, root, STOP, err);
}

int mr_service_restart(enum mr_service_name name, const char *root, struct mr_error *err)
{
	if (check_root(name, root, err) < 0)
		return -1;
	if (under_systemd(root) || is_own(name))
		return act(name, root, RESTART, err);
	return mr_service_stop(name, root, err) < 0 ? -1 : act(name, root, START, err);
}

int mr_service_reload(enum mr_service_name name, const char *root, struct mr_error *err)
{
	if (check_root(name, root, err) < 0)
		return -1;
	if (!services[name].running(root))
		return act(name, root, START, err);
	return is_own(name) ? mr_service_restart(name, root, err) : act(name, root, RELOAD, err);
}

int mr_service_refresh(enum mr_service_name name, const char *root, struct mr_error *err)
{
	if (check_root(name, root, err) < 0)
		return -1;
	if (!services[name].running(root) || act(name, root, RELOAD, err) == 0)
		return 0;
	return services[name].running(root) ? -1 : 0;
}
