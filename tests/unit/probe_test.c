#include "test.h"

#include <arpa/inet.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "adapters/probe.h"

#define PATIENCE_MS 60000

static struct mr_error err;

/* A server that greets each connection with the next of these words, and the rest with the last; "" hangs up. */
struct server {
	pid_t pid;
	unsigned port;
};

static void greet(int listener, const char *const *greetings)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (size_t i = 0;;) {
		int fd = accept(listener, NULL, NULL);

		(void)!write(fd, greetings[i], strlen(greetings[i]));
		close(fd);
		if (greetings[i + 1])
			i++;
	}
}

static struct server start(const char *const *greetings)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(at);
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	struct server server;

	assert_int_equal(bind(listener, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(listener, 5), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&at, &len), 0);
	server.port = ntohs(at.sin_port);
	server.pid = fork();
	if (server.pid == 0)
		greet(listener, greetings);
	close(listener);
	return server;
}

static void stop(struct server server)
{
	kill(server.pid, SIGKILL);
	waitpid(server.pid, NULL, 0);
}

static void who_takes_leave_or_hangs_up_is_asked_again(void **state)
{
	static const char *const greetings[] = { "* BYE Shutting down\r\n", "421 later\r\n", "",
						 "* OK ready\r\n", NULL };
	static const struct mr_probe_line line = { NULL, "* OK" };
	struct server server = start(greetings);

	(void)state;
	assert_ok(mr_probe("127.0.0.1", server.port, &line, 1, PATIENCE_MS, &err), err);
	stop(server);
}

static void another_answer_than_wanted_is_told_at_once(void **state)
{
	static const char *const greetings[] = { "* NO nothing here\r\n", "* OK ready\r\n", NULL };
	static const struct mr_probe_line line = { NULL, "* OK" };
	struct server server = start(greetings);

	(void)state;
	assert_fails(mr_probe("127.0.0.1", server.port, &line, 1, PATIENCE_MS, &err), MR_E_CONFIG,
		     err);
	assert_contains(err.message, "* NO nothing here");
	stop(server);
}

static void nobody_listens_any_more_when_the_time_is_over(void **state)
{
	static const char *const greetings[] = { "* BYE\r\n", NULL };
	static const struct mr_probe_line line = { NULL, "* OK" };
	struct server server = start(greetings);

	(void)state;
	assert_fails(mr_probe("127.0.0.1", server.port, &line, 1, 300, &err), MR_E_UNAVAILABLE,
		     err);
	stop(server);
	assert_fails(mr_probe("127.0.0.1", server.port, &line, 1, 300, &err), MR_E_UNAVAILABLE,
		     err);
	assert_contains(err.message, "nobody listens");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_takes_leave_or_hangs_up_is_asked_again),
		cmocka_unit_test(another_answer_than_wanted_is_told_at_once),
		cmocka_unit_test(nobody_listens_any_more_when_the_time_is_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
