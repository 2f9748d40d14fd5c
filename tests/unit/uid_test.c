#include "test.h"

#include "features/account_uid.h"
#include "features/restore_uid.h"

#define CONTAINER(mark)                                                                            \
	"dn: cn=mail1.lan,ou=Unix,ou=Owned,dc=mailrepl\nobjectClass: mailReplContainer\n"          \
	"cn: mail1.lan\nmailReplUidHighWater: " mark "\n\n"
#define OWNED(user, number)                                                                        \
	"dn: uid=" user ",cn=mail1.lan,ou=Unix,ou=Owned,dc=mailrepl\nobjectClass: posixAccount\n"  \
	"uid: " user "\nuidNumber: " number "\n\n"
#define COPIES                                                                                     \
	"dn: ou=Unix,dc=mailrepl\nobjectClass: organizationalUnit\nou: Unix\n\n"                   \
	"dn: cn=mail2.lan,ou=Unix,dc=mailrepl\nobjectClass: mailReplContainer\ncn: mail2.lan\n\n"
#define COPIED(user, number)                                                                       \
	"dn: uid=" user ",cn=mail2.lan,ou=Unix,dc=mailrepl\nobjectClass: posixAccount\n"           \
	"uid: " user "\nuidNumber: " number "\n\n"

static void the_next_number_is_one_that_nobody_has(void **state)
{
	static const struct {
		const char *facts, *want;
	} rows[] = {
		{ CONTAINER("0") COPIES, "1500001" },
		{ CONTAINER("7") OWNED("a", "1500003") COPIES, "1500008" },
		{ CONTAINER("2") OWNED("a", "1500003") OWNED("b", "1500004") COPIES, "1500005" },
		/* It has moved to mail2 since the archive was made. */
		{ CONTAINER("2") OWNED("a", "1500003") COPIES COPIED("b", "1500004"), "1500005" },
		{ CONTAINER("499998") COPIES, "1999999" },
		{ CONTAINER("499999") COPIES, NULL },
		{ CONTAINER("499998") OWNED("a", "1999999") COPIES, NULL },
	};
	const struct mr_host owner = { .name = "mail1.lan", .server_id = 1 };
	const struct mr_config config = { .root = "", .host = "mail1.lan" };
	const struct mr_user_wanted wanted = { .user = "new", .owner = &owner };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		MR_ARENA arena = mr_arena_open();
		struct mr_entry *account = mr_entry_new(arena, "uid=new,dc=mailrepl");
		struct mr_plan plan = { 0 };
		MR_DIRECTORY dir = NULL;
		struct mr_error err;

		assert_ok(mr_directory_open_memory(rows[i].facts, &dir, &err), err);
		mr_uid_allocate_plan(arena, &config, dir, &wanted, account, &plan);
		if (!rows[i].want) {
			assert_fails(plan.steps[0].run(plan.steps[0].argument, &err), MR_E_INVALID,
				     err);
			continue;
		}
		assert_ok(plan.steps[0].run(plan.steps[0].argument, &err), err);
		assert_string_equal(mr_entry_value(account, "uidNumber"), rows[i].want);
	}
}

static void after_an_archive_has_become_the_truth_counting_goes_on_above_a_gap(void **state)
{
	static const struct {
		const char *archive;
		long long want;
	} rows[] = {
		{ CONTAINER("0"), 1000 },
		{ CONTAINER("7") OWNED("a", "1500003"), 1007 },
		{ CONTAINER("7") OWNED("a", "1500030") OWNED("b", "1500020"), 1030 },
		{ CONTAINER("7") OWNED("taken-over", "2000300"), 1007 },
		{ CONTAINER("498998"), 499998 },
		{ CONTAINER("498999"), 499999 },
		{ CONTAINER("499000"), 499000 },
	};
	MR_ARENA arena = mr_arena_open();
	const char *path = mr_printf(arena, "%s/unix-owned.ldif", (const char *)*state);

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct mr_error err;
		long long got;

		assert_ok(mr_file_replace(path, rows[i].archive, strlen(rows[i].archive),
					  MR_FILE_PUBLIC, &err),
			  err);
		assert_ok(mr_restore_uid_mark(path, 1, &got, &err), err);
		assert_int_equal(got, rows[i].want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_next_number_is_one_that_nobody_has),
		cmocka_unit_test_setup_teardown(
			after_an_archive_has_become_the_truth_counting_goes_on_above_a_gap,
			folder_setup, folder_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
