#include "test.h"

#include "adapters/json_record.h"
#include "base/strings.h"

static int show(void *context, const char *name, const char *const *values, size_t count,
		struct mr_error *err)
{
	struct mr_buf *out = context;

	if (strcmp(name, "refused") == 0)
		return mr_fail(err, MR_E_USAGE, "no %s", name);
	mr_buf_printf(out, "%s:", name);
	for (size_t i = 0; i < count; i++)
		mr_buf_printf(out, "[%s]", values[i]);
	mr_buf_putc(out, ' ');
	return 0;
}

static int read_text(const char *text, struct mr_buf *out, struct mr_error *err)
{
	return mr_json_record(text, strlen(text), show, out, err);
}

static void each_member_gives_its_texts(void **state)
{
	struct mr_error err = { 0 };
	MR_BUF got = { 0 };

	(void)state;
	assert_ok(read_text("{\"a\":\"\\u00e9\",\"b\":[\"x\",\"\"],\"c\":-7,\"d\":true,\"e\":false,"
			    "\"f\":null,\"g\":[]}",
			    &got, &err),
		  err);
	assert_string_equal(mr_buf_text(&got), "a:[\xc3\xa9] b:[x][] c:[-7] d:[yes] e:[no] f: g: ");
}

static void what_is_no_flat_object_is_refused(void **state)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
		{ "", "" },
		{ "{", "" },
		{ "[]", "not a JSON object" },
		{ "\"x\"", "" },
		{ "{\"a\":1,\"a\":2}", "duplicate" },
		{ "{\"a\":{}}", "a: must be" },
		{ "{\"a\":[1]}", "a: must be" },
		{ "{\"a\":1.5}", "a: must be" },
		{ "{\"a\":\"\\u0000\"}", "\\u0000" },
		{ "{} x", "end of file" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct mr_error err = { 0 };
		MR_BUF got = { 0 };

		assert_int_equal(read_text(cases[i].text, &got, &err), -1);
		assert_int_equal(err.code, MR_E_INVALID);
		if (!strstr(err.message, cases[i].want))
			fail_msg("%s: %s", cases[i].text, err.message);
	}
}

static void what_the_visitor_refuses_ends_the_reading(void **state)
{
	struct mr_error err = { 0 };
	MR_BUF got = { 0 };

	(void)state;
	assert_int_equal(read_text("{\"a\":\"1\",\"refused\":\"2\",\"c\":\"3\"}", &got, &err), -1);
	assert_int_equal(err.code, MR_E_USAGE);
	assert_string_equal(mr_buf_text(&got), "a:[1] ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_member_gives_its_texts),
		cmocka_unit_test(what_is_no_flat_object_is_refused),
		cmocka_unit_test(what_the_visitor_refuses_ends_the_reading),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
