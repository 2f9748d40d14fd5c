#include "test.h"

#include "base/value.h"

static void members_keep_their_order_and_are_replaced_in_place(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_value *object = mr_value_object(arena);

	(void)state;
	for (int i = 0; i < 50; i++)
		mr_value_set_int(arena, object, mr_printf(arena, "key%d", i), i);
	mr_value_set_string(arena, object, "key7", "seven");
	assert_int_equal(object->count, 50);
	assert_string_equal(object->keys[7], "key7");
	assert_string_equal(mr_value_get_string(object, "key7", ""), "seven");
	assert_int_equal(mr_value_get_int(object, "key49", -1), 49);
}

static void what_is_absent_or_of_another_kind_gives_the_other_value(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_value *object = mr_value_object(arena);

	(void)state;
	mr_value_set_bool(arena, object, "yes", true);
	mr_value_set_string(arena, object, "null", NULL);
	assert_null(mr_value_get(object, "absent"));
	assert_null(mr_value_get(NULL, "x"));
	assert_null(mr_value_get(mr_value_list(arena), "x"));
	assert_true(mr_value_get(object, "yes")->boolean);
	assert_int_equal(mr_value_get(object, "null")->kind, MR_VALUE_NULL);
	assert_string_equal(mr_value_get_string(object, "null", "other"), "other");
	assert_string_equal(mr_value_get_string(object, "yes", "other"), "other");
	assert_int_equal(mr_value_get_int(object, "yes", 9), 9);
}

static void lists_grow_and_trees_are_built_in_passing(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_value *object = mr_value_object(arena);
	struct mr_value *hosts = mr_value_set(arena, object, "hosts", mr_value_list(arena));
	struct mr_list names = mr_list_split(arena, "mail1.lan mail2.lan", ' ');

	(void)state;
	for (int i = 0; i < 20; i++)
		mr_value_append(arena, hosts, mr_value_strings(arena, &names));
	assert_int_equal(mr_value_get(object, "hosts")->count, 20);
	assert_string_equal(hosts->items[19]->items[1]->string, "mail2.lan");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(members_keep_their_order_and_are_replaced_in_place),
		cmocka_unit_test(what_is_absent_or_of_another_kind_gives_the_other_value),
		cmocka_unit_test(lists_grow_and_trees_are_built_in_passing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
