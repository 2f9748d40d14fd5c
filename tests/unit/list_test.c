#include "test.h"

static void items_are_copied_and_keep_their_order(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_list list = { 0 };
	char item[16];

	(void)state;
	for (int i = 0; i < 100; i++) {
		snprintf(item, sizeof(item), "item%d", i);
		mr_list_add(arena, &list, item);
	}
	assert_int_equal(list.count, 100);
	assert_string_equal(list.items[0], "item0");
	assert_string_equal(list.items[99], "item99");
	assert_true(mr_list_has(&list, "item57"));
	assert_false(mr_list_has(&list, "Item57"));
}

static void splitting_keeps_empty_items_and_joining_gives_the_text_back(void **state)
{
	static const struct {
		const char *text;
		size_t count;
	} rows[] = {
		{ "a,b", 2 }, { "a,,b", 3 }, { "", 1 }, { ",", 2 }, { "a,", 2 }, { "abc", 1 }
	};
	MR_ARENA arena = mr_arena_open();

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct mr_list list = mr_list_split(arena, rows[i].text, ',');

		assert_int_equal(list.count, rows[i].count);
		assert_string_equal(mr_list_join(arena, &list, ","), rows[i].text);
	}
	assert_string_equal(mr_list_join(arena, &(struct mr_list){ 0 }, ","), "");
}

static void lists_are_equal_as_sets(void **state)
{
	static const struct {
		const char *a, *b;
		bool want;
	} rows[] = {
		{ "a b c", "c a b", true }, { "a b", "a b c", false }, { "a b c", "a b", false },
		{ "a a b", "a b b", true }, { "a", "A", false },       { "a b", "a c", false },
	};
	MR_ARENA arena = mr_arena_open();
	struct mr_list none = { 0 };

	(void)state;
	assert_true(mr_list_equal(&none, &none));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct mr_list a = mr_list_split(arena, rows[i].a, ' ');
		struct mr_list b = mr_list_split(arena, rows[i].b, ' ');

		if (mr_list_equal(&a, &b) != rows[i].want)
			fail_msg("\"%s\" and \"%s\": want %d", rows[i].a, rows[i].b, rows[i].want);
		assert_string_equal(mr_list_join(arena, &a, " "), rows[i].a);
	}
}

static void sorting_is_bytewise(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_list list = mr_list_split(arena, "b a \xc3\xa4 B 10 9", ' '), none = { 0 };

	(void)state;
	mr_list_sort(&none);
	mr_list_sort(&list);
	assert_string_equal(mr_list_join(arena, &list, " "), "10 9 B a b \xc3\xa4");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(items_are_copied_and_keep_their_order),
		cmocka_unit_test(splitting_keeps_empty_items_and_joining_gives_the_text_back),
		cmocka_unit_test(lists_are_equal_as_sets),
		cmocka_unit_test(sorting_is_bytewise),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
