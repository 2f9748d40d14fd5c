#include "test.h"

#include <crypt.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <sys/wait.h>
#include <termios.h>

#include "adapters/password.h"

static void a_hash_is_yescrypt_in_the_form_of_openldap(void **state)
{
	MR_SECRET password = { 0 };
	MR_SECRET hash = { 0 };
	MR_SECRET again = { 0 };
	struct mr_error err = { 0 };

	(void)state;
	mr_secret_set(&password, "s3cret \xc3\xa9", 9);
	assert_ok(mr_password_hash(&password, &hash, &err), err);
	assert_int_equal(strncmp(hash.data, "{CRYPT}$y$", 10), 0);
	assert_int_equal(hash.len, strlen(hash.data));
	assert_string_equal(crypt("s3cret \xc3\xa9", hash.data + 7), hash.data + 7);
	assert_string_not_equal(crypt("other", hash.data + 7), hash.data + 7);
	assert_ok(mr_password_hash(&password, &again, &err), err);
	assert_string_not_equal(hash.data, again.data);
}

static void empty_and_endless_passwords_are_refused(void **state)
{
	MR_SECRET password = { 0 };
	MR_SECRET hash = { 0 };
	struct mr_error err = { 0 };
	char text[512];

	(void)state;
	assert_fails(mr_password_hash(&password, &hash, &err), MR_E_INVALID, err);
	mr_secret_set(&password, "", 0);
	assert_fails(mr_password_hash(&password, &hash, &err), MR_E_INVALID, err);
	memset(text, 'x', sizeof(text));
	mr_secret_set(&password, text, 511);
	assert_ok(mr_password_hash(&password, &hash, &err), err);
	mr_secret_set(&password, text, 512);
	assert_fails(mr_password_hash(&password, &hash, &err), MR_E_INVALID, err);
	assert_null(strstr(err.message, "xxx"));
}

/* A child that asks on a terminal of its own; the other side of it is *fd. It exits with the
 * error's code, or 0 if the password is `want`. */
static pid_t ask_in_child(int *fd, const char *want)
{
	pid_t pid = forkpty(fd, NULL, NULL, NULL);

	assert_true(pid >= 0);
	if (pid == 0) {
		MR_SECRET password = { 0 };
		struct mr_error err = { 0 };

		/* A shell that put us into the background has them ignored. */
		signal(SIGHUP, SIG_DFL);
		signal(SIGINT, SIG_DFL);
		signal(SIGQUIT, SIG_DFL);
		if (mr_password_ask("user1", &password, &err) < 0)
			_exit(password.data ? 99 : (int)err.code);
		_exit(password.len == strlen(want) && memcmp(password.data, want, password.len) == 0
			      ? 0
			      : 98);
	}
	return pid;
}

/* Reads until `part` has come; all of it is in `seen`. */
static void expect(int fd, char *seen, size_t size, const char *part)
{
	struct pollfd ready = { .fd = fd, .events = POLLIN };

	while (!strstr(seen, part)) {
		size_t len = strlen(seen);
		ssize_t n;

		if (poll(&ready, 1, 5000) <= 0)
			fail_msg("\"%s\" did not come, only \"%s\"", part, seen);
		n = read(fd, seen + len, size - 1 - len);
		if (n <= 0)
			fail_msg("\"%s\" did not come, only \"%s\"", part, seen);
		seen[len + (size_t)n] = '\0';
	}
}

static int status_of(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static bool echoes(int fd)
{
	struct termios terminal;

	assert_int_equal(tcgetattr(fd, &terminal), 0);
	return terminal.c_lflag & ECHO;
}

static void type(int fd, const char *text)
{
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
}

static void a_password_is_asked_twice_and_not_shown(void **state)
{
	char seen[4096] = "";
	int fd;
	pid_t pid = ask_in_child(&fd, "s3cret word");

	(void)state;
	expect(fd, seen, sizeof(seen), "Password for user1: ");
	assert_false(echoes(fd));
	type(fd, "s3cret word\n");
	expect(fd, seen, sizeof(seen), "The same again for user1: ");
	type(fd, "s3cret word\n");
	assert_int_equal(status_of(pid), 0);
	assert_true(echoes(fd));
	assert_null(strstr(seen, "s3cret"));
	close(fd);
}

static void two_that_differ_are_refused(void **state)
{
	char seen[4096] = "";
	int fd;
	pid_t pid = ask_in_child(&fd, "");

	(void)state;
	expect(fd, seen, sizeof(seen), "Password for user1: ");
	type(fd, "one\n");
	expect(fd, seen, sizeof(seen), "again for user1: ");
	type(fd, "two\n");
	assert_int_equal(status_of(pid), MR_E_INVALID);
	assert_true(echoes(fd));
	close(fd);
}

static void an_empty_one_is_refused_at_once(void **state)
{
	char seen[4096] = "";
	int fd;
	pid_t pid = ask_in_child(&fd, "");

	(void)state;
	expect(fd, seen, sizeof(seen), "Password for user1: ");
	type(fd, "\n");
	assert_int_equal(status_of(pid), MR_E_INVALID);
	close(fd);
}

static void a_signal_ends_us_with_the_terminal_restored(void **state)
{
	static const struct {
		const char *typed;
		int number;
	} cases[] = {
		{ "\003", SIGINT }, { "\034", SIGQUIT }, { NULL, SIGTERM }, { NULL, SIGHUP }
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char seen[4096] = "";
		int fd;
		pid_t pid = ask_in_child(&fd, "");

		expect(fd, seen, sizeof(seen), "Password for user1: ");
		assert_false(echoes(fd));
		if (cases[i].typed)
			type(fd, cases[i].typed);
		else
			kill(pid, cases[i].number);
		assert_int_equal(status_of(pid), 128 + cases[i].number);
		assert_true(echoes(fd));
		close(fd);
	}
}

static void without_a_terminal_the_option_is_named(void **state)
{
	pid_t pid = fork();

	(void)state;
	assert_true(pid >= 0);
	if (pid == 0) {
		MR_SECRET password = { 0 };
		struct mr_error err = { 0 };

		setsid();
		if (mr_password_ask("user1", &password, &err) < 0)
			_exit(strstr(err.message, "-P") ? (int)err.code : 99);
		_exit(0);
	}
	assert_int_equal(status_of(pid), MR_E_USAGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_hash_is_yescrypt_in_the_form_of_openldap),
		cmocka_unit_test(empty_and_endless_passwords_are_refused),
		cmocka_unit_test(a_password_is_asked_twice_and_not_shown),
		cmocka_unit_test(two_that_differ_are_refused),
		cmocka_unit_test(an_empty_one_is_refused_at_once),
		cmocka_unit_test(a_signal_ends_us_with_the_terminal_restored),
		cmocka_unit_test(without_a_terminal_the_option_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
