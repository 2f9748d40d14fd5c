#include "test.h"

#include "base/entry.h"

static void values_gather_under_one_attribute_whatever_its_case(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_entry *entry = mr_entry_new(arena, "uid=user1,ou=Mail,dc=mailrepl");

	(void)state;
	mr_entry_add(arena, entry, "mailLocalAddress", "user1@maildomain.org");
	mr_entry_add(arena, entry, "maillocaladdress", "sales@maildomain.org");
	assert_int_equal(entry->count, 1);
	assert_string_equal(mr_entry_value(entry, "MAILLOCALADDRESS"), "user1@maildomain.org");
	assert_true(mr_entry_has(entry, "mailLocalAddress", "sales@maildomain.org"));
	assert_false(mr_entry_has(entry, "mailLocalAddress", "Sales@maildomain.org"));
	assert_null(mr_entry_attr(entry, "mailHost"));
	assert_null(mr_entry_value(entry, "mailHost"));
}

static void many_attributes_and_entries_find_room(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_entry *entry = mr_entry_new(arena, "cn=x");
	struct mr_entries entries = { 0 };

	(void)state;
	for (int i = 0; i < 100; i++) {
		mr_entry_add(arena, entry, mr_printf(arena, "attr%d", i),
			     mr_printf(arena, "%d", i));
		mr_entries_add(arena, &entries, entry);
	}
	assert_int_equal(entry->count, 100);
	assert_int_equal(entries.count, 100);
	assert_string_equal(mr_entry_value(entry, "attr73"), "73");
	assert_string_equal(entries.items[99]->dn, "cn=x");
}

static void an_empty_list_adds_no_attribute(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_entry *entry = mr_entry_new(arena, "cn=x");
	struct mr_list two = mr_list_split(arena, "a b", ' ');

	(void)state;
	mr_entry_add_list(arena, entry, "mail", &(struct mr_list){ 0 });
	assert_int_equal(entry->count, 0);
	mr_entry_add_list(arena, entry, "mail", &two);
	assert_int_equal(mr_entry_attr(entry, "mail")->values.count, 2);
}

static void object_classes_compare_without_case(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_entry *entry = mr_entry_new(arena, "cn=x");

	(void)state;
	assert_false(mr_entry_is(entry, "mailReplHost"));
	mr_entry_add(arena, entry, "objectclass", "top");
	mr_entry_add(arena, entry, "objectclass", "MAILREPLHOST");
	assert_true(mr_entry_is(entry, "mailReplHost"));
}

static void a_secret_is_not_among_the_values(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_entry *entry = mr_entry_new(arena, "cn=x");
	MR_SECRET hash = { 0 };

	(void)state;
	mr_secret_set(&hash, "{CRYPT}x", 8);
	mr_entry_add(arena, entry, "userPassword", "placeholder");
	mr_entry_add_secret(arena, entry, "userPassword", &hash);
	assert_null(mr_entry_value(entry, "userPassword"));
	assert_ptr_equal(mr_entry_attr(entry, "userPassword")->secret, &hash);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_gather_under_one_attribute_whatever_its_case),
		cmocka_unit_test(many_attributes_and_entries_find_room),
		cmocka_unit_test(an_empty_list_adds_no_attribute),
		cmocka_unit_test(object_classes_compare_without_case),
		cmocka_unit_test(a_secret_is_not_among_the_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
