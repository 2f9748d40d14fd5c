#include "test.h"

static void a_buffer_grows_and_stays_terminated(void **state)
{
	MR_BUF buf = { 0 };

	(void)state;
	assert_string_equal(mr_buf_text(&buf), "");
	for (int i = 0; i < 1000; i++)
		mr_buf_printf(&buf, "%d,", i);
	assert_int_equal(buf.len, 3890);
	assert_int_equal(strlen(buf.data), 3890);
	assert_true(mr_ends_with(buf.data, "998,999,"));
}

static void a_buffer_takes_any_bytes(void **state)
{
	MR_BUF buf = { 0 };

	(void)state;
	mr_buf_add(&buf, "a\0b", 3);
	mr_buf_add(&buf, NULL, 0);
	mr_buf_putc(&buf, 'c');
	mr_buf_puts(&buf, "de");
	assert_int_equal(buf.len, 6);
	assert_memory_equal(buf.data, "a\0bcde", 7);
	mr_buf_close(&buf);
	assert_null(buf.data);
}

static void prefixes_and_suffixes_are_found(void **state)
{
	static const struct {
		const char *text, *part;
		bool starts, ends;
	} rows[] = {
		{ "mail1.lan", "mail1", true, false },
		{ "mail1.lan", ".lan", false, true },
		{ "lan", "mail1.lan", false, false },
		{ "x", "", true, true },
		{ "", "", true, true },
		{ "same", "same", true, true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(mr_starts_with(rows[i].text, rows[i].part), rows[i].starts);
		assert_int_equal(mr_ends_with(rows[i].text, rows[i].part), rows[i].ends);
	}
}

static void only_ascii_is_lowered(void **state)
{
	MR_ARENA arena = mr_arena_open();

	(void)state;
	assert_string_equal(mr_lower(arena, "AZaz09@[`{\xc3\x84"), "azaz09@[`{\xc3\x84");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_buffer_grows_and_stays_terminated),
		cmocka_unit_test(a_buffer_takes_any_bytes),
		cmocka_unit_test(prefixes_and_suffixes_are_found),
		cmocka_unit_test(only_ascii_is_lowered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
