#include "test.h"

#include "adapters/directory.h"
#include "base/file.h"
#include "base/paths.h"
#include "features/quota.h"

#define PATH_MOST 4096
#define HEAD "# Written by mailrepl: limits of mailboxes.\n"

static struct mr_error err;

static struct mr_entry *account(struct mr_arena *arena, const char *mailbox, const char *quota)
{
	struct mr_entry *entry =
		mr_entry_new(arena, "uid=user1,cn=mail1.lan,ou=Unix,ou=Owned,dc=mailrepl");

	mr_entry_add(arena, entry, "uid", "user1");
	mr_entry_add(arena, entry, "uidNumber", "1100001");
	mr_entry_add(arena, entry, "homeDirectory", "/home/user1");
	mr_entry_add(arena, entry, "mailHost", "mail1.lan");
	if (mailbox)
		mr_entry_add(arena, entry, "mailRoutingAddress", mailbox);
	if (quota)
		mr_entry_add(arena, entry, "mailReplQuota", quota);
	return entry;
}

static const struct {
	const char *name, *mailbox, *quota, *want;
} cases[] = {
	{ "a limit", "user1@mail1.lan", "1048576",
	  HEAD "user1@mail1.lan:::::::userdb_quota_rule=*:bytes=1048576\n" },
	{ "capital letters", "User1@Mail1.lan", "7",
	  HEAD "user1@mail1.lan:::::::userdb_quota_rule=*:bytes=7\n" },
	{ "no limit", "user1@mail1.lan", NULL, HEAD },
	{ "no mailbox", NULL, "1048576", HEAD },
	{ "a limit that is no number", "user1@mail1.lan", "lots", HEAD },
	{ "a limit that ends the line", "user1@mail1.lan", "1\nroot@mail1.lan:::::::", HEAD },
	{ "a mailbox that would be a comment", "#user1@mail1.lan", "1", HEAD },
	{ "a mailbox that would divide the line", "\"a:b\"@mail1.lan", "1", HEAD },
};

static void an_account_with_a_limit_is_a_line_and_no_other_is(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		MR_ARENA arena = mr_arena_open();
		struct mr_entries entries = { 0 };
		const char *got;

		mr_entries_add(arena, &entries, account(arena, cases[i].mailbox, cases[i].quota));
		got = mr_quota_format(arena, &entries);
		if (strcmp(got, cases[i].want) != 0)
			fail_msg("%s: got \"%s\", want \"%s\"", cases[i].name, got, cases[i].want);
	}
}

static void a_malformed_account_does_not_hide_the_others(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_entries entries = { 0 };

	(void)state;
	mr_entries_add(arena, &entries, account(arena, "user2@mail1.lan", "2"));
	mr_entries_add(arena, &entries, mr_entry_new(arena, "uid=broken"));
	mr_entries_add(arena, &entries, account(arena, "user1@mail1.lan", "1"));
	assert_string_equal(mr_quota_format(arena, &entries),
			    HEAD "user1@mail1.lan:::::::userdb_quota_rule=*:bytes=1\n"
				 "user2@mail1.lan:::::::userdb_quota_rule=*:bytes=2\n");
}

#define CONTAINER                                                                                  \
	"dn: cn=mail1.lan,ou=Unix,ou=Owned,dc=mailrepl\nobjectClass: mailReplContainer\ncn: "      \
	"mail1.lan\n\n"
#define ACCOUNT(user, quota)                                                                       \
	"dn: uid=" user ",cn=mail1.lan,ou=Unix,ou=Owned,dc=mailrepl\nobjectClass: posixAccount\n"  \
	"uid: " user "\nuidNumber: 1100001\nhomeDirectory: /home/u\nmailHost: mail1.lan\n"         \
	"mailRoutingAddress: " user "@mail1.lan\n" quota "\n"

static void the_file_holds_what_the_host_owns_and_follows_it(void **state)
{
	MR_ARENA arena = mr_arena_open();
	MR_DIRECTORY dir = NULL;
	struct mr_config config = { .root = *state, .host = "mail1.lan" };
	const char *path = mr_path(arena, *state, MR_PATH_QUOTA);
	struct mr_mod more = { MR_MOD_REPLACE, { .name = "mailReplQuota" } };
	char *text;

	assert_ok(
		mr_folder_make(mr_path(arena, *state, MR_PATH_STATE), MR_FILE_PUBLIC_FOLDER, &err),
		err);
	assert_ok(mr_directory_open_memory(CONTAINER ACCOUNT("user1", "mailReplQuota: 5\n")
						   ACCOUNT("user2", ""),
					   &dir, &err),
		  err);
	assert_false(mr_quota_written(&config));
	assert_ok(mr_quota_write(&config, dir, &err), err);
	assert_true(mr_quota_written(&config));
	assert_ok(mr_file_read(arena, path, PATH_MOST, &text, NULL, &err), err);
	assert_string_equal(text, HEAD "user1@mail1.lan:::::::userdb_quota_rule=*:bytes=5\n");
	mr_list_add(arena, &more.attr.values, "6");
	assert_ok(mr_directory_modify(dir, "uid=user1,cn=mail1.lan,ou=Unix,ou=Owned,dc=mailrepl",
				      &more, 1, &err),
		  err);
	assert_ok(mr_quota_write(&config, dir, &err), err);
	assert_ok(mr_file_read(arena, path, PATH_MOST, &text, NULL, &err), err);
	assert_string_equal(text, HEAD "user1@mail1.lan:::::::userdb_quota_rule=*:bytes=6\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_account_with_a_limit_is_a_line_and_no_other_is),
		cmocka_unit_test(a_malformed_account_does_not_hide_the_others),
		cmocka_unit_test_setup_teardown(the_file_holds_what_the_host_owns_and_follows_it,
						folder_setup, folder_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
