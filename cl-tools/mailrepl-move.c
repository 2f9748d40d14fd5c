/* mailrepl-move: this host's part in moving mailboxes. mailrepl-watch and cl-usermod start it,
 * doveadm runs it to reach the other host. What it does is in libmailrepl/features/move.h. */
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "features/move.h"

struct program {
	struct mr_config config;
	const char *file; /* its own */
	int argc;
	char **argv; /* operands after the verb */
};

static int work(const struct program *it, struct mr_error *err)
{
	if (mr_move_work(&it->config, it->file, err) == 0)
		return 0;
	/* Somebody does it already. */
	return err->code == MR_E_EXISTS ? 0 : -1;
}

static int do_run(const struct program *it, struct mr_error *err)
{
	return work(it, err);
}

static int do_start(const struct program *it, struct mr_error *err)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	pid_t pid = null < 0 ? -1 : fork();

	if (pid < 0)
		return mr_fail_errno(err, _("starting mailrepl-move"));
	if (pid > 0) {
		close(null);
		return 0;
	}
	if (setsid() < 0 || chdir("/") < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 ||
	    dup2(null, 2) < 0)
		_exit(EX_OSERR);
	if (work(it, err) < 0)
		mr_audit("%s", err->message);
	_exit(EX_OK);
}

static int do_fetch(const struct program *it, struct mr_error *err)
{
	/* doveadm adds a word of its own. */
	if (it->argc < 2)
		return mr_fail(err, MR_E_USAGE, _("a host and a user are needed"));
	return mr_move_fetch(&it->config, it->argv[0], it->argv[1], err);
}

static const struct {
	const char *name;
	int (*run)(const struct program *it, struct mr_error *err);
} verbs[] = { { "run", do_run }, { "start", do_start }, { "fetch", do_fetch } };

static int run_verb(struct mr_arena *arena, const char *root, int argc, char **argv,
		    struct mr_error *err)
{
	struct program it = { .argc = argc - 1, .argv = argv + 1 };
	char file[PATH_MAX] = "";

	if (readlink("/proc/self/exe", file, sizeof(file) - 1) < 0)
		return mr_fail_errno(err, "/proc/self/exe");
	it.file = file;
	if (mr_config_load(arena, root, NULL, &it.config, err) < 0)
		return -1;
	if (!it.config.exists || !it.config.host)
		return mr_fail(err, MR_E_CONFIG, _("mailrepl is not set up here (%s)"),
			       it.config.path);
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (strcmp(verbs[i].name, argv[0]) == 0)
			return verbs[i].run(&it, err);
	return mr_fail(err, MR_E_USAGE, _("%s: must be run, start or fetch"), argv[0]);
}

static const char usage[] =
	N_("Usage: mailrepl-move [-v] [--root DIR] run|start|fetch HOST USER\n"
	   "This host's part in moving mailboxes between hosts.\n\n"
	   "  -v          say more, on stderr\n"
	   "  --root DIR  everything lies below DIR\n"
	   "  run         in the foreground, until there is nothing to do\n"
	   "  start       in the background\n"
	   "  fetch       for doveadm: the mail of USER, whom HOST gives away\n");

int main(int argc, char **argv)
{
	static const struct option options[] = { { "root", required_argument, NULL, 'r' },
						 { "verbose", no_argument, NULL, 'v' },
						 { "help", no_argument, NULL, 'h' },
						 { "version", no_argument, NULL, 'V' },
						 { 0 } };
	MR_ARENA arena = mr_arena_open();
	enum mr_log_level most = MR_LOG_INFO;
	struct mr_error err = { 0 };
	const char *root = NULL;
	int option;

	umask(022);
	signal(SIGPIPE, SIG_IGN);
	while ((option = getopt_long(argc, argv, "+hv", options, NULL)) != -1) {
		if (option == 'r') {
			root = optarg;
		} else if (option == 'v') {
			most = MR_LOG_DEBUG;
		} else if (option == 'V') {
			puts("mailrepl-move " MR_VERSION);
			return EX_OK;
		} else {
			fputs(_(usage), option == 'h' ? stdout : stderr);
			return option == 'h' ? EX_OK : EX_USAGE;
		}
	}
	mr_log_init("mailrepl-move", most);
	if (optind >= argc) {
		fputs(_(usage), stderr);
		return EX_USAGE;
	}
	if (run_verb(arena, root, argc - optind, argv + optind, &err) == 0)
		return EX_OK;
	mr_log(MR_LOG_ERROR, "%s", err.message);
	return mr_error_status(err.code);
}
