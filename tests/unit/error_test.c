#include "test.h"

#include <errno.h>

#include "base/error.h"

static void fail_sets_code_and_message(void **state)
{
	struct mr_error err = { 0 };

	(void)state;
	assert_int_equal(mr_fail(&err, MR_E_EXISTS, "mailbox %s", "user1"), -1);
	assert_int_equal(err.code, MR_E_EXISTS);
	assert_string_equal(err.message, "mailbox user1");
}

static void context_comes_before_the_message_and_keeps_the_code(void **state)
{
	struct mr_error err = { 0 };

	(void)state;
	mr_fail(&err, MR_E_NO_HOST, "no such host");
	assert_int_equal(mr_fail_in(&err, "adding %s", "mail2.lan"), -1);
	assert_int_equal(err.code, MR_E_NO_HOST);
	assert_string_equal(err.message, "adding mail2.lan: no such host");
}

static void a_message_may_quote_the_one_it_replaces(void **state)
{
	struct mr_error err = { 0 };

	(void)state;
	mr_fail(&err, MR_E_IO, "first");
	mr_fail(&err, MR_E_CONFIG, "second after %s", err.message);
	assert_string_equal(err.message, "second after first");
}

static void errno_chooses_the_code(void **state)
{
	static const struct {
		int number;
		const char *want;
	} rows[] = {
		{ ENOENT, "not-found" }, { EACCES, "denied" },       { EPERM, "denied" },
		{ EAGAIN, "temporary" }, { ETIMEDOUT, "temporary" }, { ENOSPC, "io" },
		{ EIO, "io" },
	};
	struct mr_error err = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		errno = rows[i].number;
		mr_fail_errno(&err, "writing %s", "/x");
		assert_string_equal(mr_error_word(err.code), rows[i].want);
	}
	assert_string_equal(err.message, "writing /x: Input/output error");
}

static void control_characters_become_question_marks(void **state)
{
	static const struct {
		const char *input, *want;
	} rows[] = {
		{ "a\nb\rc\td", "a?b?c?d" },
		{ "\033[31mred", "?[31mred" },
		{ "del\x7f", "del?" },
		{ "c1 \xc2\x9b"
		  "2J",
		  "c1 ??2J" },
		{ "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x93\xac",
		  "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x93\xac" },
		{ "latin1 \xe9t", "latin1 ?t" },
		{ "overlong \xc0\xaf", "overlong ??" },
		{ "surrogate \xed\xa0\x80", "surrogate ???" },
		{ "cut \xe2\x82", "cut ??" },
	};
	struct mr_error err = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		mr_fail(&err, MR_E_INVALID, "%s", rows[i].input);
		assert_string_equal(err.message, rows[i].want);
	}
}

static void a_long_message_ends_in_dots_and_in_a_whole_character(void **state)
{
	struct mr_error err = { 0 };
	char text[4001];

	(void)state;
	for (size_t shift = 0; shift < 3; shift++) {
		memset(text, 'x', shift);
		for (size_t i = shift; i + 3 < sizeof(text); i += 3)
			memcpy(text + i, "\xe2\x82\xac", 4);
		mr_fail(&err, MR_E_INVALID, "%s", text);
		assert_true(strlen(err.message) > 1000 &&
			    strlen(err.message) < sizeof(err.message));
		assert_true(mr_ends_with(err.message, "\xe2\x82\xac..."));
		assert_null(strchr(err.message, '?'));
	}
}

static void a_long_context_keeps_its_own_beginning(void **state)
{
	struct mr_error err = { 0 };
	char text[2000];

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	mr_fail(&err, MR_E_INVALID, "%s", text);
	mr_fail_in(&err, "reading %s", "/etc/mailrepl/mailrepl.conf");
	assert_true(mr_starts_with(err.message, "reading /etc/mailrepl/mailrepl.conf: xxx"));
	assert_true(mr_ends_with(err.message, "x..."));
}

static void codes_have_the_statuses_of_sysexits(void **state)
{
	static const struct {
		enum mr_error_code code;
		int status;
		const char *word;
	} rows[] = {
		{ MR_E_OK, 0, "ok" },
		{ MR_E_USAGE, 64, "usage" },
		{ MR_E_INVALID, 65, "invalid" },
		{ MR_E_NOT_FOUND, 66, "not-found" },
		{ MR_E_NO_USER, 67, "no-user" },
		{ MR_E_NO_HOST, 68, "no-host" },
		{ MR_E_UNAVAILABLE, 69, "unavailable" },
		{ MR_E_EXISTS, 73, "exists" },
		{ MR_E_TEMPORARY, 75, "temporary" },
		{ MR_E_DENIED, 77, "denied" },
		{ MR_E_CONFIG, 78, "config" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(mr_error_status(rows[i].code), rows[i].status);
		assert_string_equal(mr_error_word(rows[i].code), rows[i].word);
	}
	assert_int_equal(mr_error_status((enum mr_error_code)999), 70);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fail_sets_code_and_message),
		cmocka_unit_test(context_comes_before_the_message_and_keeps_the_code),
		cmocka_unit_test(a_message_may_quote_the_one_it_replaces),
		cmocka_unit_test(errno_chooses_the_code),
		cmocka_unit_test(control_characters_become_question_marks),
		cmocka_unit_test(a_long_message_ends_in_dots_and_in_a_whole_character),
		cmocka_unit_test(a_long_context_keeps_its_own_beginning),
		cmocka_unit_test(codes_have_the_statuses_of_sysexits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
