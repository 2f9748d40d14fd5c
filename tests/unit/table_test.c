#include "test.h"

#include <locale.h>

#include "base/table.h"

static void assert_table(const char *const *cells, size_t columns, size_t rows, size_t most,
			 const char *want)
{
	MR_BUF text = { 0 };

	mr_table_format(cells, columns, rows, most, &text);
	if (strcmp(mr_buf_text(&text), want) != 0)
		fail_msg("got:\n%s\nwant:\n%s", mr_buf_text(&text), want);
}

static void columns_are_padded_by_what_is_seen_and_the_last_is_not(void **state)
{
	static const char *const cells[] = { "HOST",         "NAME", "m\xc3\xbcnchen",
					     "\xe6\x9d\xb1", "x",    NULL };

	(void)state;
	assert_table(cells, 2, 3, 0, "HOST     NAME\nm\xc3\xbcnchen  \xe6\x9d\xb1\nx        \n");
}

static void what_would_harm_a_terminal_is_shown_as_a_question_mark(void **state)
{
	static const char *const cells[] = { "A\x1b[2J", "B\n", "C\xff" };

	(void)state;
	assert_table(cells, 3, 1, 0, "A?[2J  B?  C?\n");
}

static void the_widest_cells_are_cut_until_a_line_fits(void **state)
{
	static const char *const cells[] = {
		"a-long-name.example.org",
		"b",
		"another-name.org",
		"short",
		"\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc",
		"c"
	};

	(void)state;
	assert_table(
		cells, 3, 2, 38,
		"a-long-na...  b          another-na...\n"
		"short         "
		"\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc  c\n");
	assert_table(cells, 3, 2, 20,
		     "a-lon...  b         anoth...\n"
		     "short     \xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc...  c\n");
}

static void text_is_wrapped_at_spaces(void **state)
{
	MR_BUF text = { 0 };

	(void)state;
	mr_table_wrap("one two three a-word-that-is-longer-than-a-line four", 2, 16, &text);
	assert_string_equal(mr_buf_text(&text),
			    "  one two three\n    a-word-that-is-longer-than-a-line\n    four\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(columns_are_padded_by_what_is_seen_and_the_last_is_not),
		cmocka_unit_test(what_would_harm_a_terminal_is_shown_as_a_question_mark),
		cmocka_unit_test(the_widest_cells_are_cut_until_a_line_fits),
		cmocka_unit_test(text_is_wrapped_at_spaces),
	};

	setlocale(LC_CTYPE, "C.UTF-8");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
