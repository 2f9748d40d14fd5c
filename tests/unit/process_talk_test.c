#include "test.h"

#include "base/process.h"

#define ARGV(...) ((const char *const[]){ __VA_ARGS__, NULL })

static int talk(struct mr_arena *arena, const char *const *argv, const char *input, size_t most,
		char **said, int *status, struct mr_error *err)
{
	const struct mr_process process = { .argv = argv };
	struct mr_process_result result = { 0 };
	int rc = mr_process_talk(arena, &process, input, most, said, &result, err);

	*status = result.status;
	mr_buf_close(&result.output);
	return rc;
}

static void what_goes_in_comes_out_and_the_status_with_it(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_error err;
	char *said;
	int status;

	(void)state;
	assert_ok(talk(arena, ARGV("sh", "-c", "cat; echo aside >&2; exit 3"), "one\ntwo\n", 100,
		       &said, &status, &err),
		  err);
	assert_string_equal(said, "one\ntwo\n");
	assert_int_equal(status, 3);
}

static void a_program_that_says_nothing_has_said_an_empty_text(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_error err;
	char *said;
	int status;

	(void)state;
	assert_ok(talk(arena, ARGV("true"), "nobody reads this", 0, &said, &status, &err), err);
	assert_string_equal(said, "");
}

static void more_than_what_may_be_said_is_an_error(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_error err;
	char *said;
	int status;

	(void)state;
	assert_ok(talk(arena, ARGV("cat"), "12345678", 8, &said, &status, &err), err);
	assert_fails(talk(arena, ARGV("cat"), "123456789", 8, &said, &status, &err), MR_E_INVALID,
		     err);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_goes_in_comes_out_and_the_status_with_it),
		cmocka_unit_test(a_program_that_says_nothing_has_said_an_empty_text),
		cmocka_unit_test(more_than_what_may_be_said_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
