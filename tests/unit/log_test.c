#include "test.h"

#include <fcntl.h>
#include <poll.h>
#include <pty.h>

#include "base/log.h"

/* What `act` writes to stderr. */
static const char *stderr_of(void (*act)(void))
{
	static char text[8192];
	int before = dup(STDERR_FILENO), ends[2];
	ssize_t n;

	assert_int_equal(pipe2(ends, O_NONBLOCK), 0);
	dup2(ends[1], STDERR_FILENO);
	act();
	dup2(before, STDERR_FILENO);
	n = read(ends[0], text, sizeof(text) - 1);
	text[n > 0 ? n : 0] = '\0';
	close(before);
	close(ends[0]);
	close(ends[1]);
	return text;
}

static void say(void)
{
	mr_log(MR_LOG_ERROR, "error %d", 1);
	mr_log(MR_LOG_INFO, "news");
	mr_log(MR_LOG_DEBUG, "detail");
	mr_audit("nobody listens");
	mr_progress("loading", 1, 2);
	mr_progress_end();
}

static void say_as_program(void)
{
	mr_log_init("cl-useradd", MR_LOG_INFO);
	say();
}

static void say_quietly(void)
{
	mr_log_init("cl-useradd", MR_LOG_ERROR);
	say();
}

static void say_something_nasty(void)
{
	char text[5000];

	mr_log_init("cl-useradd", MR_LOG_INFO);
	mr_log(MR_LOG_INFO, "two\nlines \033[2J");
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	mr_log(MR_LOG_INFO, "%s", text);
}

/* The first test: the log cannot be made silent again. */
static void before_init_nothing_is_written(void **state)
{
	(void)state;
	assert_string_equal(stderr_of(say), "");
}

static void lines_carry_the_program_and_the_level_chooses_them(void **state)
{
	(void)state;
	assert_string_equal(stderr_of(say_as_program), "cl-useradd: error 1\ncl-useradd: news\n");
	assert_string_equal(stderr_of(say_quietly), "cl-useradd: error 1\n");
}

static void one_message_is_one_line_without_controls(void **state)
{
	const char *text = stderr_of(say_something_nasty);

	(void)state;
	assert_true(mr_starts_with(text, "cl-useradd: two?lines ?[2J\ncl-useradd: xxxx"));
	assert_true(mr_ends_with(text, "xxx\n"));
}

/* The first line on a terminal that has `want` in it, while `step` goes on. */
static const char *drawn(void (*step)(unsigned long long n), const char *want)
{
	static char text[8192];
	int before = dup(STDERR_FILENO), terminal, inside;
	unsigned long long n = 0;
	size_t len = 0;

	assert_int_equal(openpty(&terminal, &inside, NULL, NULL, NULL), 0);
	dup2(inside, STDERR_FILENO);
	mr_log_init("cl-backup", MR_LOG_INFO);
	text[0] = '\0';
	/* A minute at most. */
	while (!strstr(text, want) && n < 6000) {
		struct pollfd poller = { .fd = terminal, .events = POLLIN };

		step(++n);
		if (poll(&poller, 1, 10) > 0 && len < sizeof(text) - 1)
			len += (size_t)read(terminal, text + len, sizeof(text) - 1 - len);
		text[len] = '\0';
	}
	mr_progress_end();
	dup2(before, STDERR_FILENO);
	close(before);
	close(inside);
	close(terminal);
	return text;
}

static void step_known(unsigned long long n)
{
	mr_progress_bytes("loading x", n * 1000000, 8000000000);
}

static void step_exceeded(unsigned long long n)
{
	mr_progress_bytes("dumping x", n * 1000000, n * 1000000 - 1);
}

static void bytes_go_by_with_rate_and_time_left(void **state)
{
	const char *text = drawn(step_known, "left");

	(void)state;
	assert_non_null(strstr(text, "cl-backup: loading x: "));
	assert_non_null(strstr(text, " of 8000.0 MB, "));
	assert_non_null(strstr(text, " MB/s, "));
	assert_non_null(strstr(text, "s left"));
}

static void more_than_expected_has_no_end(void **state)
{
	const char *text = drawn(step_exceeded, "MB/s");

	(void)state;
	assert_non_null(strstr(text, "cl-backup: dumping x: "));
	assert_null(strstr(text, " of "));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(before_init_nothing_is_written),
		cmocka_unit_test(lines_carry_the_program_and_the_level_chooses_them),
		cmocka_unit_test(one_message_is_one_line_without_controls),
		cmocka_unit_test(bytes_go_by_with_rate_and_time_left),
		cmocka_unit_test(more_than_expected_has_no_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
