#include "test.h"

#include "adapters/csv.h"

/* Rows as text: "line:[a][b] line!why ", without the reasons' words. */
static void show(void *context, unsigned long line, const char *const *fields, size_t count,
		 const char *why)
{
	struct mr_buf *out = context;

	mr_buf_printf(out, "%lu%s", line, fields ? ":" : "!");
	for (size_t i = 0; i < count; i++)
		mr_buf_printf(out, "[%s]", fields[i]);
	mr_buf_putc(out, ' ');
	assert_true(fields ? !why : why && *why);
}

static void rows_come_with_the_line_they_begin_in(void **state)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
		{ "", "" },
		{ "a,b\n", "1:[a][b] " },
		{ "a,b", "1:[a][b] " },
		{ "a,b\r\nc,d\r\n", "1:[a][b] 2:[c][d] " },
		{ "a,\n,\n", "1:[a][] 2:[][] " },
		{ "\n\n a , b c \n", "3:[a][b c] " },
		{ "\xef\xbb\xbf"
		  "a\n",
		  "1:[a] " },
		{ "\"a \"\"b\"\", c\",d\n", "1:[a \"b\", c][d] " },
		{ "\" a \"\n", "1:[ a ] " },
		{ "x\n\"two\nlines\",b\ny\n", "1:[x] 2:[two\nlines][b] 4:[y] " },
		{ "\"\"\n", "1:[] " },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		MR_SECRET store = { 0 };
		MR_BUF got = { 0 };

		mr_csv_parse(cases[i].text, strlen(cases[i].text), &store, show, &got);
		assert_string_equal(mr_buf_text(&got), cases[i].want);
	}
}

static void a_malformed_row_is_named_and_the_next_line_is_read(void **state)
{
	static const struct {
		const char *text;
		size_t len;
		const char *want;
	} cases[] = {
		{ "a\"b,c\nd\n", 8, "1! 2:[d] " },
		{ "\"a\"b,c\nd\n", 9, "1! 2:[d] " },
		{ "a\n\"b,c\nd\n", 9, "1:[a] 2! " },
		{ "a\0b\nc\n", 6, "1! 2:[c] " },
		{ "x\n\"a\nb\0\nc\n", 10, "1:[x] 2! 4:[c] " },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		MR_SECRET store = { 0 };
		MR_BUF got = { 0 };

		mr_csv_parse(cases[i].text, cases[i].len, &store, show, &got);
		assert_string_equal(mr_buf_text(&got), cases[i].want);
	}
}

static void fields_stay_where_they_are(void **state)
{
	MR_SECRET store = { 0 };
	MR_BUF text = { 0 }, got = { 0 };

	(void)state;
	for (int i = 0; i < 5000; i++)
		mr_buf_puts(&text, "0123456789,,\"x\"\n");
	mr_csv_parse(text.data, text.len, &store, show, &got);
	assert_non_null(strstr(mr_buf_text(&got), "5000:[0123456789][][x] "));
	assert_memory_equal(store.data, "0123456789\0\0x\0", 14);
}

static void what_is_formatted_is_read_back(void **state)
{
	static const char *const fields[] = { "plain",   "a,b", "say \"x\"", "two\r\nlines",
					      " blank ", "",    NULL };
	static const char *const empty[] = { "" };
	MR_SECRET store = { 0 };
	MR_BUF text = { 0 }, got = { 0 };

	(void)state;
	mr_csv_format(&text, fields, 7);
	mr_csv_format(&text, empty, 1);
	assert_string_equal(mr_buf_text(&text), "plain,\"a,b\",\"say \"\"x\"\"\",\"two\r\nlines\","
						"\" blank \",,\r\n\"\"\r\n");
	mr_csv_parse(text.data, text.len, &store, show, &got);
	assert_string_equal(mr_buf_text(&got),
			    "1:[plain][a,b][say \"x\"][two\r\nlines][ blank ][][] 3:[] ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_come_with_the_line_they_begin_in),
		cmocka_unit_test(a_malformed_row_is_named_and_the_next_line_is_read),
		cmocka_unit_test(fields_stay_where_they_are),
		cmocka_unit_test(what_is_formatted_is_read_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
