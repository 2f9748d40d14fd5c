#include "test.h"

#include "model/dit.h"
#include "model/group.h"
#include "model/mailbox.h"

#define UNIX1 "cn=mail1.lan,ou=Unix,ou=Owned,dc=mailrepl"

static void a_group_of_accounts_becomes_an_entry_and_comes_back(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_unix_group group = { .name = "staff", .gid_number = 1100007 }, got;
	struct mr_error err = { 0 };
	struct mr_entry *entry;

	(void)state;
	mr_list_add(arena, &group.members, "anna");
	mr_list_add(arena, &group.members, "bert");
	entry = mr_unix_group_format(arena, &group, UNIX1);
	assert_string_equal(entry->dn, "cn=staff," UNIX1);
	assert_true(mr_entry_is(entry, "posixGroup"));
	assert_string_equal(mr_entry_value(entry, "gidNumber"), "1100007");
	assert_int_equal(mr_unix_group_parse(arena, entry, &got, &err), 0);
	assert_string_equal(got.name, "staff");
	assert_int_equal(got.gid_number, 1100007);
	assert_string_equal(mr_list_join(arena, &got.members, ","), "anna,bert");
}

static void a_number_that_is_not_there_yet_is_left_out(void **state)
{
	MR_ARENA arena = mr_arena_open();
	const struct mr_unix_group group = { .name = "staff" };

	(void)state;
	assert_null(mr_entry_value(mr_unix_group_format(arena, &group, UNIX1), "gidNumber"));
}

static void a_group_without_a_proper_number_is_refused_with_its_dn(void **state)
{
	static const char *const numbers[] = {
		NULL, "0", "-1", "x", "12x", "99999999999999999999"
	};

	(void)state;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		MR_ARENA arena = mr_arena_open();
		struct mr_entry *entry = mr_entry_new(arena, "cn=staff," UNIX1);
		struct mr_unix_group got;
		struct mr_error err = { 0 };

		mr_entry_add(arena, entry, "cn", "staff");
		if (numbers[i])
			mr_entry_add(arena, entry, "gidNumber", numbers[i]);
		assert_int_equal(mr_unix_group_parse(arena, entry, &got, &err), -1);
		assert_int_equal(err.code, MR_E_PROTOCOL);
		assert_non_null(strstr(err.message, "cn=staff," UNIX1));
	}
}

static void members_outside_keep_their_case(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_group group = { .name = "sales",
				  .owner = "mail1.lan",
				  .routing_address = "sales@mail1.lan" },
			got;
	struct mr_error err = { 0 };

	(void)state;
	mr_list_add(arena, &group.members, "Partner@outside.test");
	assert_int_equal(mr_group_parse(arena,
					mr_group_format(arena, &group,
							mr_dit_owned(arena, MR_MAIL, "mail1.lan")),
					&got, &err),
			 0);
	assert_string_equal(got.members.items[0], "Partner@outside.test");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_group_of_accounts_becomes_an_entry_and_comes_back),
		cmocka_unit_test(a_number_that_is_not_there_yet_is_left_out),
		cmocka_unit_test(a_group_without_a_proper_number_is_refused_with_its_dn),
		cmocka_unit_test(members_outside_keep_their_case),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
