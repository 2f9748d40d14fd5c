#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "adapters/service.h"
#include "adapters/tls.h"
#include "base/paths.h"
#include "base/process.h"

/* A private slapd below a folder: the real one, and the real mailrepl-slapd (from
 * MAILREPL_LIBEXEC). */

#define SLAPD MR_SERVICE_SLAPD

static struct mr_arena *arena;
static const char *root;

static const char *under(const char *path)
{
	return mr_path(arena, root, path);
}

static void save(const char *path, const char *text)
{
	struct mr_error err = { 0 };

	assert_ok(mr_file_replace(under(path), text, strlen(text), MR_FILE_PUBLIC, &err), err);
}

static int run(const char **output, const char *const argv[])
{
	struct mr_process process = { .argv = argv, .timeout_ms = 50000 };
	static const char *const env[] = { "LDAPTLS_REQCERT=never", NULL };
	struct mr_process_result result;
	struct mr_error err = { 0 };

	process.env = env;
	assert_ok(mr_process_run(&process, &result, &err), err);
	if (output)
		*output = mr_strdup(arena, mr_buf_text(&result.output));
	mr_buf_close(&result.output);
	return result.status;
}
#define RUN(output, ...) run(output, (const char *const[]){ __VA_ARGS__, NULL })

static int program(const char **output, const char *verb)
{
	return RUN(output, mr_printf(arena, "%s/mailrepl-slapd", mr_libexec_folder()), "--root",
		   root, verb);
}

/* Everything that slapd must reach belongs to whom it becomes. */
static void give_away(const char *path)
{
	struct mr_error err = { 0 };
	uid_t uid;
	gid_t gid;

	if (geteuid() != 0)
		return;
	assert_ok(mr_user_id("openldap", &uid, &gid, &err), err);
	assert_ok(mr_tree_own(under(path), uid, gid, &err), err);
}

static void make_certificates(void)
{
	struct mr_identity ca, host;
	struct mr_error err = { 0 };

	assert_ok(mr_tls_make_ca(arena, "test", &ca, &err), err);
	assert_ok(mr_tls_issue(arena, &ca, "mail1.lan", 2, &host, &err), err);
	save("/var/ca.crt", ca.cert);
	save("/var/host.crt", host.cert);
	save("/var/host.key", mr_strdup(arena, host.key.data));
	mr_identity_close(&ca);
	mr_identity_close(&host);
}

static void make_instance(void)
{
	struct mr_error err = { 0 };

	assert_int_equal(chmod(root, 0755), 0);
	assert_ok(mr_folder_make(under(MR_PATH_SLAPD_D), MR_FILE_PUBLIC, &err), err);
	assert_int_equal(chmod(under(MR_PATH_SLAPD_D), 0755), 0);
	make_certificates();
	save(MR_PATH_SLAPD_LDIF,
	     mr_printf(arena,
		       "dn: cn=config\nobjectClass: olcGlobal\ncn: config\nolcPidFile: %s\n"
		       "olcTLSCACertificateFile: %s\nolcTLSCertificateFile: %s\n"
		       "olcTLSCertificateKeyFile: %s\nolcTLSVerifyClient: demand\n\n"
		       "dn: cn=schema,cn=config\nobjectClass: olcSchemaConfig\ncn: schema\n\n"
		       "include: file:///etc/ldap/schema/core.ldif\n\n"
		       "dn: olcDatabase={0}config,cn=config\nobjectClass: olcDatabaseConfig\n"
		       "olcDatabase: {0}config\n",
		       under(MR_PATH_PID), under("/var/ca.crt"), under("/var/host.crt"),
		       under("/var/host.key")));
	assert_int_equal(RUN(NULL, "slapadd", "-n0", "-F", under(MR_PATH_SLAPD_D), "-l",
			     under(MR_PATH_SLAPD_LDIF)),
			 0);
	give_away("/var");
}

static int instance_setup(void **state)
{
	if (folder_setup(state) < 0)
		return -1;
	arena = mr_arena_open();
	root = *state;
	make_instance();
	return 0;
}

static int instance_teardown(void **state)
{
	if (mr_path_exists(under(MR_PATH_RUN)))
		program(NULL, "stop");
	mr_arena_close(arena);
	return folder_teardown(state);
}

static pid_t slapd_pid(void)
{
	struct mr_error err = { 0 };
	char *text;

	assert_ok(mr_file_read(arena, under(MR_PATH_PID), 64, &text, NULL, &err), err);
	return (pid_t)strtol(text, NULL, 10);
}

static char *socket_uri(void)
{
	char *uri = mr_strdup(arena, "ldapi://");

	for (const char *c = under(MR_PATH_SOCKET); *c; c++)
		uri = *c == '/' ? mr_printf(arena, "%s%%2F", uri)
				: mr_printf(arena, "%s%c", uri, *c);
	return uri;
}

static void slapd_starts_answers_and_stops(void **state)
{
	struct mr_error err = { 0 };
	const char *said;
	pid_t pid;

	(void)state;
	assert_false(mr_service_running(SLAPD, root));
	assert_ok(mr_service_start(SLAPD, root, &err), err);
	assert_true(mr_service_running(SLAPD, root));
	pid = slapd_pid();
	assert_int_equal(program(&said, "status"), 0);
	assert_string_equal(said, mr_printf(arena, "slapd is running (process %d)\n", pid));
	assert_int_equal(RUN(&said, "ldapwhoami", "-Q", "-Y", "EXTERNAL", "-H", socket_uri()), 0);
	assert_contains(said,
			mr_printf(arena, "uidNumber=%d,cn=peercred,cn=external", (int)geteuid()));
	assert_ok(mr_service_stop(SLAPD, root, &err), err);
	assert_false(mr_service_running(SLAPD, root));
	assert_false(mr_path_exists(under(MR_PATH_PID)));
	assert_int_equal(RUN(NULL, "pgrep", "-f", under(MR_PATH_SLAPD_D)), 1);
	assert_int_equal(program(NULL, "status"), 3);
}

static void starting_twice_and_stopping_twice_are_no_errors(void **state)
{
	struct mr_error err = { 0 };
	pid_t pid;

	(void)state;
	assert_ok(mr_service_start(SLAPD, root, &err), err);
	pid = slapd_pid();
	assert_ok(mr_service_start(SLAPD, root, &err), err);
	assert_int_equal(program(NULL, "start"), 0);
	assert_int_equal(slapd_pid(), pid);
	assert_ok(mr_service_stop(SLAPD, root, &err), err);
	assert_ok(mr_service_stop(SLAPD, root, &err), err);
}

static void only_an_administrator_s_stop_leaves_a_mark(void **state)
{
	struct mr_error err = { 0 };

	(void)state;
	assert_ok(mr_service_start(SLAPD, root, &err), err);
	assert_int_equal(program(NULL, "stop"), 0);
	assert_true(mr_path_exists(under(MR_PATH_STOPPED)));
	assert_int_equal(program(NULL, "start"), 0);
	assert_false(mr_path_exists(under(MR_PATH_STOPPED)));
	assert_ok(mr_service_restart(SLAPD, root, &err), err);
	assert_false(mr_path_exists(under(MR_PATH_STOPPED)));
}

static void reload_starts_what_does_not_run_and_restarts_slapd(void **state)
{
	struct mr_error err = { 0 };
	pid_t first;

	(void)state;
	assert_ok(mr_service_reload(SLAPD, root, &err), err);
	first = slapd_pid();
	assert_ok(mr_service_reload(SLAPD, root, &err), err);
	assert_int_not_equal(slapd_pid(), first);
	assert_true(mr_service_running(SLAPD, root));
}

static void a_killed_slapd_is_started_again(void **state)
{
	struct mr_error err = { 0 };
	pid_t pid;

	(void)state;
	assert_ok(mr_service_start(SLAPD, root, &err), err);
	pid = slapd_pid();
	assert_int_equal(kill(pid, SIGKILL), 0);
	while (mr_service_running(SLAPD, root))
		usleep(1000);
	assert_int_equal(program(NULL, "status"), 3);
	assert_ok(mr_service_start(SLAPD, root, &err), err);
	assert_int_not_equal(slapd_pid(), pid);
}

static void two_starts_at_once_make_one_slapd(void **state)
{
	struct mr_error err = { 0 };
	pid_t children[4];

	(void)state;
	for (int i = 0; i < 4; i++) {
		children[i] = fork();
		if (children[i] == 0)
			_exit(mr_service_start(SLAPD, root, &err) < 0);
	}
	for (int i = 0; i < 4; i++) {
		int status;

		assert_int_equal(waitpid(children[i], &status, 0), children[i]);
		assert_int_equal(status, 0);
	}
	/* One that had been overtaken would still hold the folder's name in its arguments. */
	kill(slapd_pid(), SIGKILL);
	while (mr_service_running(SLAPD, root))
		usleep(1000);
	assert_int_equal(RUN(NULL, "pgrep", "-f", under(MR_PATH_SLAPD_D)), 1);
}

static void the_socket_is_open_to_others_whatever_our_mask_is(void **state)
{
	struct mr_error err = { 0 };
	struct stat info;
	mode_t before = umask(0077);

	(void)state;
	assert_ok(mr_service_start(SLAPD, root, &err), err);
	umask(before);
	assert_int_equal(stat(under(MR_PATH_RUN), &info), 0);
	assert_int_equal(info.st_mode & 07777, 0755);
	assert_int_equal(stat(under(MR_PATH_SOCKET), &info), 0);
	assert_int_equal(info.st_mode & 0006, 0006);
}

static int free_port(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&address, len), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
	close(fd);
	return ntohs(address.sin_port);
}

/* Over TCP, which mailrepl-slapd does not offer under a folder: so slapd itself. */
static void slapd_reads_a_certificate_as_cn_and_o(void **state)
{
	const char *uri = mr_printf(arena, "ldap://127.0.0.1:%d", free_port()), *said;
	const char *const argv[] = { "slapd", "-F", under(MR_PATH_SLAPD_D), "-h", uri, "-d",
				     "0",     NULL };
	struct mr_process slapd = { .argv = argv };
	struct mr_child *child;
	struct mr_error err = { 0 };
	int fd, status;

	(void)state;
	assert_ok(mr_folder_make(under(MR_PATH_RUN), MR_FILE_PUBLIC, &err), err);
	assert_ok(mr_process_read_from(&slapd, &child, &fd, &err), err);
	do {
		status = RUN(&said, "env",
			     mr_printf(arena, "LDAPTLS_CACERT=%s", under("/var/ca.crt")),
			     mr_printf(arena, "LDAPTLS_CERT=%s", under("/var/host.crt")),
			     mr_printf(arena, "LDAPTLS_KEY=%s", under("/var/host.key")),
			     "ldapwhoami", "-ZZ", "-Q", "-Y", "EXTERNAL", "-H", uri);
	} while (strstr(said, "Can't contact LDAP server"));
	mr_process_kill(child);
	if (status != 0)
		fail_msg("ldapwhoami: %s", said);
	assert_string_equal(said, "dn:cn=mail1.lan,o=mailrepl\n");
}

/* The test's own process is no slapd, whatever the file says. */
static void a_process_that_is_no_slapd_is_left_alone(void **state)
{
	struct mr_error err = { 0 };

	(void)state;
	assert_ok(mr_folder_make(under(MR_PATH_RUN), MR_FILE_PUBLIC, &err), err);
	save(MR_PATH_PID, mr_printf(arena, "%d\n", getpid()));
	assert_int_equal(program(NULL, "status"), 3);
	assert_int_equal(program(NULL, "stop"), 0);
	save(MR_PATH_PID, "not a number\n");
	assert_int_equal(program(NULL, "stop"), 0);
	assert_ok(mr_service_start(SLAPD, root, &err), err);
}

static void a_foreign_server_at_the_socket_is_an_error(void **state)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct mr_error err = { 0 };
	const char *said;

	(void)state;
	assert_ok(mr_folder_make(under(MR_PATH_RUN), MR_FILE_PUBLIC, &err), err);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", under(MR_PATH_SOCKET));
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(fd, 1), 0);
	assert_int_equal(program(&said, "start"), EX_CANTCREAT);
	assert_contains(said, "something answers there");
	assert_int_equal(program(&said, "stop"), EX_CANTCREAT);
	assert_int_equal(program(&said, "run"), EX_CANTCREAT);
	/* So many wait that nobody gets in: it still runs. */
	for (int i = 0; i < 5; i++)
		assert_true(mr_service_running(SLAPD, root));
	close(fd);
	unlink(under(MR_PATH_SOCKET));
}

static void without_a_directory_the_way_out_is_named(void **state)
{
	struct mr_error err = { 0 };

	(void)state;
	assert_ok(mr_tree_remove(under(MR_PATH_SLAPD_D), &err), err);
	assert_fails(mr_service_start(SLAPD, root, &err), MR_E_SYSTEM, err);
	assert_contains(err.message, "starting slapd: ");
	assert_contains(err.message, "cl-setup");
	assert_int_equal(program(NULL, "start"), EX_CONFIG);
	assert_int_equal(program(NULL, "stop"), 0);
}

static void a_configuration_that_slapd_refuses_is_reported_at_once(void **state)
{
	struct mr_error err = { 0 };

	(void)state;
	save("/var/host.crt", "not a certificate");
	assert_fails(mr_service_start(SLAPD, root, &err), MR_E_SYSTEM, err);
	assert_contains(err.message, "starting the directory");
	assert_false(mr_service_running(SLAPD, root));
}

static void in_the_foreground_slapd_is_the_process_itself(void **state)
{
	const char *const argv[] = { mr_printf(arena, "%s/mailrepl-slapd", mr_libexec_folder()),
				     "--root", root, "run", NULL };
	struct mr_process process = { .argv = argv };
	struct mr_child *child;
	struct mr_error err = { 0 };
	int fd;

	(void)state;
	assert_ok(mr_process_read_from(&process, &child, &fd, &err), err);
	while (!mr_service_running(SLAPD, root))
		usleep(1000);
	assert_int_equal(program(NULL, "run"), EX_CANTCREAT);
	assert_ok(mr_service_stop(SLAPD, root, &err), err);
	assert_ok(mr_process_end(child, &err), err);
}

static void wrong_arguments_are_a_usage_error(void **state)
{
	const char *path = mr_printf(arena, "%s/mailrepl-slapd", mr_libexec_folder()), *said;

	(void)state;
	assert_int_equal(program(&said, "dance"), EX_USAGE);
	assert_contains(said,
			"mailrepl-slapd: dance: must be run, start, stop, restart or status\n");
	assert_int_equal(RUN(&said, path), EX_USAGE);
	assert_int_equal(RUN(&said, path, "--nonsense", "start"), EX_USAGE);
	assert_int_equal(RUN(&said, path, "--help"), 0);
	assert_contains(said, "Usage: mailrepl-slapd");
	assert_int_equal(RUN(&said, path, "--root", mr_printf(arena, "/%0120d", 0), "start"),
			 EX_CONFIG);
	assert_contains(said, "too long for the name of a socket");
}

static void a_wrong_setting_stops_it_with_file_and_line(void **state)
{
	struct mr_error err = { 0 };
	const char *said;

	(void)state;
	assert_ok(mr_folder_make(under("/etc/mailrepl"), MR_FILE_PUBLIC, &err), err);
	save(MR_PATH_CONFIG, "directory: { prot = 1; };");
	assert_int_equal(program(&said, "start"), EX_CONFIG);
	assert_contains(said,
			"/etc/mailrepl/mailrepl.conf:1: directory.prot: there is no such setting");
}

static void mail_servers_cannot_be_run_under_a_folder(void **state)
{
	struct mr_error err = { 0 };

	(void)state;
	assert_fails(mr_service_start(MR_SERVICE_POSTFIX, root, &err), MR_E_CONFIG, err);
	assert_fails(mr_service_reload(MR_SERVICE_DOVECOT, root, &err), MR_E_CONFIG, err);
	assert_contains(err.message, "dovecot belongs to the whole machine");
	assert_false(mr_service_running(MR_SERVICE_POSTFIX, root));
	assert_string_equal(mr_service_word(MR_SERVICE_POSTFIX), "postfix");
}

#define WITH_INSTANCE(test) cmocka_unit_test_setup_teardown(test, instance_setup, instance_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_INSTANCE(slapd_starts_answers_and_stops),
		WITH_INSTANCE(starting_twice_and_stopping_twice_are_no_errors),
		WITH_INSTANCE(only_an_administrator_s_stop_leaves_a_mark),
		WITH_INSTANCE(reload_starts_what_does_not_run_and_restarts_slapd),
		WITH_INSTANCE(a_killed_slapd_is_started_again),
		WITH_INSTANCE(two_starts_at_once_make_one_slapd),
		WITH_INSTANCE(the_socket_is_open_to_others_whatever_our_mask_is),
		WITH_INSTANCE(slapd_reads_a_certificate_as_cn_and_o),
		WITH_INSTANCE(a_process_that_is_no_slapd_is_left_alone),
		WITH_INSTANCE(a_foreign_server_at_the_socket_is_an_error),
		WITH_INSTANCE(without_a_directory_the_way_out_is_named),
		WITH_INSTANCE(a_configuration_that_slapd_refuses_is_reported_at_once),
		WITH_INSTANCE(in_the_foreground_slapd_is_the_process_itself),
		WITH_INSTANCE(wrong_arguments_are_a_usage_error),
		WITH_INSTANCE(a_wrong_setting_stops_it_with_file_and_line),
		WITH_INSTANCE(mail_servers_cannot_be_run_under_a_folder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
