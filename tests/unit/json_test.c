#include "test.h"

#include "adapters/json.h"

static int parse(struct mr_arena *arena, const char *text, struct mr_value **out,
		 struct mr_error *err)
{
	return mr_json_parse(arena, "manifest.json", text, strlen(text), out, err);
}

static void each_kind_is_read(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_value *value;
	struct mr_error err = { 0 };

	(void)state;
	assert_ok(parse(arena,
			"{\"s\":\"\\u00e9\\n\",\"i\":-9223372036854775808,\"b\":true,"
			"\"l\":[1,[]],\"o\":{},\"n\":null}",
			&value, &err),
		  err);
	assert_int_equal(value->kind, MR_VALUE_OBJECT);
	assert_int_equal(value->count, 6);
	assert_string_equal(value->keys[0], "s");
	assert_string_equal(mr_value_get_string(value, "s", ""), "\xc3\xa9\n");
	assert_true(mr_value_get_int(value, "i", 0) == INT64_MIN);
	assert_true(mr_value_get(value, "b")->boolean);
	assert_int_equal(mr_value_get(value, "l")->count, 2);
	assert_int_equal(mr_value_get(value, "n")->kind, MR_VALUE_NULL);
}

static void what_is_wrong_is_refused_with_its_place(void **state)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
		{ "", "manifest.json:1:0: " },
		{ "{", "manifest.json:1:1: " },
		{ "{}\n x", "manifest.json:2:2: end of file expected" },
		{ "{\"a\":1,\n\"a\":2}", "manifest.json:2:3: duplicate object key" },
		{ "\"a\\u0000b\"", "manifest.json:1:" },
		{ "\"\xff\"", "manifest.json:1:" },
		{ "99999999999999999999", "manifest.json:1:20: too big integer" },
		{ "[1e400]", "manifest.json:1:" },
		{ "01", "manifest.json:1:" },
		{ "[1,]", "manifest.json:1:4: " },
		{ "{\"a\" 1}", "manifest.json:1:" },
		{ "/* x */ {}", "manifest.json:1:" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		MR_ARENA arena = mr_arena_open();
		struct mr_value *value;
		struct mr_error err = { 0 };

		if (parse(arena, cases[i].text, &value, &err) != -1)
			fail_msg("accepted: %s", cases[i].text);
		assert_string_equal(mr_error_word(err.code), "invalid");
		assert_contains(err.message, cases[i].want);
	}
}

static void nesting_has_a_bottom(void **state)
{
	char text[4096] = "";
	MR_ARENA arena = mr_arena_open();
	struct mr_value *value;
	struct mr_error err = { 0 };

	(void)state;
	memset(text, '[', 64);
	memset(text + 64, ']', 64);
	assert_ok(parse(arena, text, &value, &err), err);
	memset(text, '[', 65);
	memset(text + 65, ']', 65);
	assert_fails(parse(arena, text, &value, &err), MR_E_INVALID, err);
	assert_contains(err.message, "nested deeper than 64");
	memset(text, '[', 4095);
	assert_fails(parse(arena, text, &value, &err), MR_E_INVALID, err);
}

static void only_the_given_length_is_read(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_value *value;
	struct mr_error err = { 0 };

	(void)state;
	assert_ok(mr_json_parse(arena, "x", "12345", 2, &value, &err), err);
	assert_int_equal(value->integer, 12);
	assert_fails(mr_json_parse(arena, "x", "{}\0{}", 5, &value, &err), MR_E_INVALID, err);
}

static void values_are_formatted_in_their_order(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_value *object = mr_value_object(arena), *list = mr_value_list(arena);

	(void)state;
	mr_value_set_string(arena, object, "z", "say \"hi\"\n");
	mr_value_set_int(arena, object, "a", -5);
	mr_value_set_bool(arena, object, "m", false);
	mr_value_set_string(arena, object, "none", NULL);
	mr_value_append(arena, list, mr_value_string(arena, "\xc3\xa9"));
	mr_value_set(arena, object, "list", list);
	mr_value_set(arena, object, "empty", mr_value_object(arena));
	assert_string_equal(
		mr_json_format(arena, object),
		"{\n  \"z\": \"say \\\"hi\\\"\\n\",\n  \"a\": -5,\n  \"m\": false,\n"
		"  \"none\": null,\n  \"list\": [\n    \"\xc3\xa9\"\n  ],\n  \"empty\": {}\n}\n");
	assert_string_equal(mr_json_format(arena, mr_value_int(arena, 7)), "7\n");
}

static void bytes_that_are_not_utf8_are_shown_as_question_marks(void **state)
{
	MR_ARENA arena = mr_arena_open();

	(void)state;
	assert_string_equal(mr_json_format(arena, mr_value_string(arena, "a\xff"
									 "b")),
			    "\"a?b\"\n");
}

static void what_is_formatted_reads_back(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_value *value;
	struct mr_error err = { 0 };
	static const char text[] = "{\n  \"b\": [\n    1,\n    \"\\u0001\\\\\",\n    null\n  ],\n  "
				   "\"a\": {\n    \"x\": true\n  }\n}\n";

	(void)state;
	assert_ok(parse(arena, text, &value, &err), err);
	assert_string_equal(mr_json_format(arena, value), text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_kind_is_read),
		cmocka_unit_test(what_is_wrong_is_refused_with_its_place),
		cmocka_unit_test(nesting_has_a_bottom),
		cmocka_unit_test(only_the_given_length_is_read),
		cmocka_unit_test(values_are_formatted_in_their_order),
		cmocka_unit_test(bytes_that_are_not_utf8_are_shown_as_question_marks),
		cmocka_unit_test(what_is_formatted_reads_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
