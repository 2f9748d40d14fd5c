#include "test.h"

#include "features/nss.h"

static const struct {
	const char *name, *before, *with;
} cases[] = {
	{ "Debian's",
	  "passwd:         files systemd\ngroup:          files systemd\nshadow: files\n",
	  "passwd:         files systemd ldap\ngroup:          files systemd ldap\nshadow: "
	  "files\n" },
	{ "a comment after it", "passwd: files # ours\ngroup:files\n",
	  "passwd: files ldap # ours\ngroup:files ldap\n" },
	{ "a word that only begins so", "passwd: files ldapx\ngroup: files # ldap\n",
	  "passwd: files ldapx ldap\ngroup: files ldap # ldap\n" },
	{ "blanks and no end of line", " passwd : files  \ngroup: files",
	  " passwd : files ldap\ngroup: files ldap" },
	{ "in a line that is none",
	  "# passwd: files\npasswd_compat: nis\npasswd: files\ngroup: files\n",
	  "# passwd: files\npasswd_compat: nis\npasswd: files ldap\ngroup: files ldap\n" },
};

static void ldap_is_added_to_the_lines_of_users_and_groups(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		MR_ARENA arena = mr_arena_open();
		const char *got = mr_nsswitch_with(arena, cases[i].before);

		if (strcmp(got, cases[i].with) != 0)
			fail_msg("%s: got \"%s\", want \"%s\"", cases[i].name, got, cases[i].with);
		assert_ptr_equal(mr_nsswitch_with(arena, got), got);
	}
}

static void a_missing_line_is_made(void **state)
{
	MR_ARENA arena = mr_arena_open();

	(void)state;
	assert_string_equal(mr_nsswitch_with(arena, "passwd: files\n"),
			    "passwd: files ldap\ngroup: files ldap\n");
}

static void what_is_taken_back_leaves_the_administrators_changes(void **state)
{
	MR_ARENA arena = mr_arena_open();

	(void)state;
	assert_string_equal(
		mr_nsswitch_without(
			arena,
			"passwd: files ldap\ngroup: files ldap\nhosts: files dns mymachines\n",
			"passwd: files\ngroup: files\nhosts: files dns\n"),
		"passwd: files\ngroup: files\nhosts: files dns mymachines\n");
	assert_string_equal(mr_nsswitch_without(arena,
						"passwd: files ldap # x\ngroup: files ldap\n",
						"passwd: files\ngroup: ldap files\n"),
			    "passwd: files # x\ngroup: files ldap\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ldap_is_added_to_the_lines_of_users_and_groups),
		cmocka_unit_test(a_missing_line_is_made),
		cmocka_unit_test(what_is_taken_back_leaves_the_administrators_changes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
