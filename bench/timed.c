/* timed [-m PID] [-p] [-i FILE] [-d SECONDS] [-w URI BASE FILTER]... -- COMMAND ARGUMENT...
 *
 * Runs one command and measures it. Prints "wall <us> delay <us> peak <KiB>":
 *	wall	from fork to the command's exit;
 *	delay	with -w: from its exit until every look-up has found an entry. The connections are open before the command
 *		starts, so that nothing but look-ups is timed;
 *	peak	with -p: the most memory that the command itself, not its children, ever had resident. The command is
 *		traced for that, so measure its time in another run.
 *
 *	-m PID	in the mount, UTS, IPC, network and PID namespaces of that process: inside a host of the lab, without a
 *		helper process whose own exit would be measured
 *	-i FILE	the command's standard input
 *	-d N	seconds after which a look-up that finds nothing counts as failed (60)
 *
 * The command's standard output is dropped. Status: the command's, 75 if a look-up failed, 70 if anything else did. */
#include <errno.h>
#include <fcntl.h>
#include <ldap.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MOST_WATCHES 16
#define FAILED 70
#define TOO_LATE 75

struct watch {
	LDAP *ldap;
	const char *uri, *base, *filter;
};

struct run {
	const char *pid, *input;
	char **argv;
	bool peak;
	long long deadline_us;
	struct watch watches[MOST_WATCHES];
	size_t count;
};

static _Noreturn void die(const char *what, const char *why)
{
	fprintf(stderr, "timed: %s: %s\n", what, why);
	exit(FAILED);
}

static long long now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000LL + now.tv_nsec / 1000;
}

/* SASL EXTERNAL has nothing to ask. */
static int no_interaction(LDAP *ldap, unsigned flags, void *defaults, void *interact)
{
	(void)ldap;
	(void)flags;
	(void)defaults;
	(void)interact;
	return LDAP_SUCCESS;
}

static void open_watch(struct watch *watch)
{
	int version = LDAP_VERSION3;
	int rc = ldap_initialize(&watch->ldap, watch->uri);

	if (rc == LDAP_SUCCESS)
		rc = ldap_set_option(watch->ldap, LDAP_OPT_PROTOCOL_VERSION, &version);
	if (rc == LDAP_SUCCESS)
		rc = ldap_sasl_interactive_bind_s(watch->ldap, NULL, "EXTERNAL", NULL, NULL, LDAP_SASL_QUIET,
						  no_interaction, NULL);
	if (rc != LDAP_SUCCESS)
		die(watch->uri, ldap_err2string(rc));
}

static bool finds(const struct watch *watch)
{
	static char *attrs[] = { "1.1", NULL };
	LDAPMessage *result = NULL;
	int rc = ldap_search_ext_s(watch->ldap, watch->base, LDAP_SCOPE_SUBTREE, watch->filter, attrs, 0, NULL,
				   NULL, NULL, LDAP_NO_LIMIT, &result);
	int count = rc == LDAP_SUCCESS ? ldap_count_entries(watch->ldap, result) : 0;

	ldap_msgfree(result);
	if (rc != LDAP_SUCCESS && rc != LDAP_NO_SUCH_OBJECT)
		die(watch->uri, ldap_err2string(rc));
	return count > 0;
}

static long long await_all(const struct run *run, long long start)
{
	const struct timespec pause = { 0, 100000 };

	for (size_t i = 0; i < run->count;) {
		if (finds(&run->watches[i])) {
			i++;
			continue;
		}
		if (now_us() - start > run->deadline_us) {
			fprintf(stderr, "timed: %s does not find %s\n", run->watches[i].uri, run->watches[i].filter);
			exit(TOO_LATE);
		}
		nanosleep(&pause, NULL);
	}
	return now_us() - start;
}

static void open_namespaces(const char *pid, int *fds)
{
	static const char *const names[] = { "uts", "ipc", "net", "mnt" };
	char own[64];
	int processes;

	/* That of the processes takes effect with the fork: a server that the command starts writes down its own id. */
	snprintf(own, sizeof(own), "/proc/%s/ns/pid", pid);
	processes = open(own, O_RDONLY | O_CLOEXEC);
	if (processes < 0 || setns(processes, CLONE_NEWPID) < 0)
		die(own, strerror(errno));
	close(processes);
	for (size_t i = 0; i < 4; i++) {
		char path[64];

		snprintf(path, sizeof(path), "/proc/%s/ns/%s", pid, names[i]);
		fds[i] = open(path, O_RDONLY | O_CLOEXEC);
		if (fds[i] < 0)
			die(path, strerror(errno));
	}
}

static _Noreturn void start(const struct run *run, const int *namespaces, int input)
{
	int nothing;

	for (size_t i = 0; run->pid && i < 4; i++)
		if (setns(namespaces[i], 0) < 0)
			die("setns", strerror(errno));
	nothing = open("/dev/null", O_RDWR);
	if (dup2(input < 0 ? nothing : input, STDIN_FILENO) < 0 || dup2(nothing, STDOUT_FILENO) < 0)
		die("dup2", strerror(errno));
	if (run->peak && (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0 || raise(SIGSTOP) != 0))
		die("ptrace", strerror(errno));
	execvp(run->argv[0], run->argv);
	die(run->argv[0], strerror(errno));
}

static long read_peak(pid_t pid)
{
	char path[64], line[256];
	long peak = -1;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file))
		if (strncmp(line, "VmHWM:", 6) == 0)
			peak = strtol(line + 6, NULL, 10);
	if (file)
		fclose(file);
	return peak;
}

/* Stops at the command's exit while it still has its memory. */
static long trace(pid_t pid, int *status)
{
	long peak = -1;

	if (waitpid(pid, status, 0) != pid || !WIFSTOPPED(*status) ||
	    ptrace(PTRACE_SETOPTIONS, pid, NULL, PTRACE_O_TRACEEXIT | PTRACE_O_EXITKILL) < 0)
		die("ptrace", strerror(errno));
	for (long signal = 0;;) {
		if (ptrace(PTRACE_CONT, pid, NULL, signal) < 0 || waitpid(pid, status, 0) != pid)
			die("ptrace", strerror(errno));
		if (!WIFSTOPPED(*status))
			return peak;
		signal = WSTOPSIG(*status);
		if (*status >> 8 == (SIGTRAP | (PTRACE_EVENT_EXIT << 8)))
			peak = read_peak(pid);
		if (signal == SIGTRAP)
			signal = 0;
	}
}

static int measure(const struct run *run)
{
	int namespaces[4] = { -1, -1, -1, -1 }, input = -1, status;
	long long begin, end, delay = 0;
	long peak = 0;
	pid_t pid;

	if (run->pid)
		open_namespaces(run->pid, namespaces);
	if (run->input && (input = open(run->input, O_RDONLY | O_CLOEXEC)) < 0)
		die(run->input, strerror(errno));
	begin = now_us();
	pid = fork();
	if (pid < 0)
		die("fork", strerror(errno));
	if (pid == 0)
		start(run, namespaces, input);
	if (run->peak)
		peak = trace(pid, &status);
	else if (waitpid(pid, &status, 0) != pid)
		die("waitpid", strerror(errno));
	end = now_us();
	if (status != 0) {
		fprintf(stderr, "timed: %s ended with status %d\n", run->argv[0],
			WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
		return WIFEXITED(status) ? WEXITSTATUS(status) : FAILED;
	}
	if (run->count)
		delay = await_all(run, end);
	printf("wall %lld delay %lld peak %ld\n", end - begin, delay, peak);
	return 0;
}

static void add_watch(struct run *run, int argc, char **argv)
{
	if (optind + 1 >= argc || run->count == MOST_WATCHES)
		die("-w", "needs URI BASE FILTER");
	run->watches[run->count++] =
		(struct watch){ .uri = optarg, .base = argv[optind], .filter = argv[optind + 1] };
	optind += 2;
}

int main(int argc, char **argv)
{
	struct run run = { .deadline_us = 60 * 1000000LL };
	int option;

	while ((option = getopt(argc, argv, "+m:pi:d:w:")) != -1) {
		switch (option) {
		case 'm':
			run.pid = optarg;
			break;
		case 'p':
			run.peak = true;
			break;
		case 'i':
			run.input = optarg;
			break;
		case 'd':
			run.deadline_us = strtoll(optarg, NULL, 10) * 1000000;
			break;
		case 'w':
			add_watch(&run, argc, argv);
			break;
		default:
			return FAILED;
		}
	}
	run.argv = argv + optind;
	if (!*run.argv)
		die("usage", "timed [-m PID] [-p] [-i FILE] [-d SECONDS] [-w URI BASE FILTER]... -- COMMAND...");
	for (size_t i = 0; i < run.count; i++)
		open_watch(&run.watches[i]);
	return measure(&run);
}
