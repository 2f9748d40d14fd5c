#include "test.h"

#include "model/plan.h"

#define USER1 "uid=user1,cn=mail1.lan,ou=Mail,ou=Owned,dc=mailrepl"

static void check_text(const struct mr_plan *plan, bool details, const char *want)
{
	MR_BUF text = { 0 };

	mr_plan_format(plan, details, &text);
	if (strcmp(mr_buf_text(&text), want) != 0)
		fail_msg("want:\n%s\ngot:\n%s", want, mr_buf_text(&text));
}

static struct mr_entry *user1(struct mr_arena *arena)
{
	struct mr_entry *entry = mr_entry_new(arena, USER1);

	mr_entry_add(arena, entry, "objectClass", "account");
	mr_entry_add(arena, entry, "uid", "user1");
	mr_entry_add(arena, entry, "description", "first");
	return entry;
}

static void an_empty_plan_says_so(void **state)
{
	struct mr_plan plan = { 0 };

	(void)state;
	check_text(&plan, false, "nothing to do\n");
	check_text(&plan, true, "nothing to do\n");
}

static int run_nothing(void *argument, struct mr_error *err)
{
	(void)argument;
	(void)err;
	return 0;
}

static void each_step_is_a_line(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_plan plan = { 0 };
	struct mr_step *step;

	(void)state;
	mr_plan_add_entry(arena, &plan, NULL, user1(arena), "add route user1");
	mr_plan_delete_entry(arena, &plan, "mail2.lan", "uid=user2,dc=x", "delete route user2");
	mr_plan_file(arena, &plan, "/etc/postfix/main.cf", "a = b\n", MR_FILE_PUBLIC,
		     "write main.cf");
	mr_plan_action(arena, &plan, run_nothing, NULL, "reload postfix");
	step = mr_plan_step(arena, &plan, MR_STEP_ACTION, "wait for %s, %d s", "mail2.lan", 5);
	assert_int_equal(step->kind, MR_STEP_ACTION);
	assert_null(step->run);
	check_text(&plan, false,
		   "  1. add route user1\n"
		   "  2. delete route user2\n"
		   "  3. write main.cf\n"
		   "  4. reload postfix\n"
		   "  5. wait for mail2.lan, 5 s\n");
}

static void numbers_stay_in_their_column(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_plan plan = { 0 };
	MR_BUF text = { 0 };

	(void)state;
	for (int i = 0; i < 100; i++)
		mr_plan_action(arena, &plan, run_nothing, NULL, "step");
	assert_int_equal(plan.count, 100);
	mr_plan_format(&plan, false, &text);
	assert_contains(mr_buf_text(&text), "\n 10. step\n");
	assert_contains(mr_buf_text(&text), "\n100. step\n");
}

static void details_show_entries_as_ldif(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_plan plan = { 0 };

	(void)state;
	mr_plan_add_entry(arena, &plan, NULL, user1(arena), "add route user1");
	mr_plan_delete_entry(arena, &plan, "mail2.lan", "uid=user2,dc=x", "delete route user2");
	mr_plan_file(arena, &plan, "/etc/postfix/main.cf", "a = b\n", MR_FILE_PUBLIC,
		     "write main.cf");
	check_text(&plan, true,
		   "  1. add route user1\n"
		   "     dn: " USER1 "\n"
		   "     objectClass: account\n"
		   "     uid: user1\n"
		   "     description: first\n"
		   "  2. delete route user2\n"
		   "     # on: mail2.lan\n"
		   "     dn: uid=user2,dc=x\n"
		   "     changetype: delete\n"
		   "  3. write main.cf\n");
}

static void a_rename_is_shown_as_a_change_of_the_name(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_plan plan = { 0 };

	(void)state;
	mr_plan_rename_entry(arena, &plan, "mail2.lan", USER1, "a+b", "rename it");
	check_text(&plan, true,
		   "  1. rename it\n"
		   "     # on: mail2.lan\n"
		   "     dn: " USER1 "\n"
		   "     changetype: modrdn\n"
		   "     newrdn: uid=a\\2Bb\n"
		   "     deleteoldrdn: 1\n");
}

static void details_encode_what_is_no_plain_text(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_plan plan = { 0 };
	struct mr_entry *entry = mr_entry_new(arena, "cn=x");

	(void)state;
	mr_entry_add(arena, entry, "cn", "J\xc3\xbcrgen");
	mr_plan_add_entry(arena, &plan, NULL, entry, "add");
	check_text(&plan, true, "  1. add\n     dn: cn=x\n     cn:: SsO8cmdlbg==\n");
}

static void a_secret_is_never_shown(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_plan plan = { 0 };
	struct mr_entry *entry = mr_entry_new(arena, "uid=a"), *old = mr_entry_new(arena, "uid=b");
	struct mr_step *step;
	struct mr_mod mod = { .op = MR_MOD_REPLACE, .attr = { .name = "userPassword" } };
	const struct mr_value *value;
	MR_SECRET hash = { 0 };

	(void)state;
	mr_secret_set(&hash, "{CRYPT}$y$x", 11);
	mr_entry_add_secret(arena, entry, "userPassword", &hash);
	mr_plan_add_entry(arena, &plan, NULL, entry, "add account a");
	step = mr_plan_step(arena, &plan, MR_STEP_MODIFY, "set the password of b");
	mod.attr.secret = &hash;
	step->dn = old->dn;
	step->mods = &mod;
	step->mod_count = 1;
	step = mr_plan_step(arena, &plan, MR_STEP_FILE, "write host.key");
	step->path = "/etc/mailrepl/tls/host.key";
	step->secret_content = &hash;
	check_text(&plan, true,
		   "  1. add account a\n"
		   "     dn: uid=a\n"
		   "     userPassword: (hidden)\n"
		   "  2. set the password of b\n"
		   "     dn: uid=b\n"
		   "     changetype: modify\n"
		   "     replace: userPassword\n"
		   "     userPassword: (hidden)\n"
		   "     -\n"
		   "  3. write host.key\n");
	value = mr_plan_value(arena, &plan);
	value = mr_value_get(mr_value_get(value->items[0], "attributes"), "userPassword");
	assert_string_equal(value->items[0]->string, "(hidden)");
}

static void a_summary_is_safe_to_print(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_plan plan = { 0 };

	(void)state;
	mr_plan_action(arena, &plan, run_nothing, NULL, "one\nline \x1b[1m");
	check_text(&plan, false, "  1. one?line ?[1m\n");
}

static void an_entry_that_is_as_wanted_needs_no_step(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_plan plan = { 0 };
	struct mr_entry *old = user1(arena), *wanted = user1(arena);

	(void)state;
	mr_entry_add(arena, old, "seeAlso", "cn=a");
	mr_entry_add(arena, old, "mail", "b@d.org");
	mr_entry_add(arena, old, "mail", "a@d.org");
	mr_entry_add(arena, wanted, "mail", "a@d.org");
	mr_entry_add(arena, wanted, "mail", "b@d.org");
	mr_plan_update_entry(arena, &plan, NULL, old, wanted, NULL, "change user1");
	assert_int_equal(plan.count, 0);
}

static void an_update_replaces_adds_and_removes_what_differs(void **state)
{
	static const char *const owned[] = { "seeAlso", "l", "uid", NULL };
	MR_ARENA arena = mr_arena_open();
	struct mr_plan plan = { 0 };
	struct mr_entry *old = user1(arena), *wanted = mr_entry_new(arena, USER1);

	(void)state;
	mr_entry_add(arena, old, "seeAlso", "cn=a");
	mr_entry_add(arena, old, "host", "theirs");
	mr_entry_add(arena, wanted, "objectclass", "ACCOUNT");
	mr_entry_add(arena, wanted, "objectclass", "inetLocalMailRecipient");
	mr_entry_add(arena, wanted, "uid", "user1");
	mr_entry_add(arena, wanted, "description", "second");
	mr_entry_add(arena, wanted, "mailHost", "mail1.lan");
	mr_plan_update_entry(arena, &plan, "mail2.lan", old, wanted, owned, "change user1");
	check_text(&plan, true,
		   "  1. change user1\n"
		   "     # on: mail2.lan\n"
		   "     dn: " USER1 "\n"
		   "     changetype: modify\n"
		   "     add: objectclass\n"
		   "     objectclass: inetLocalMailRecipient\n"
		   "     -\n"
		   "     replace: description\n"
		   "     description: second\n"
		   "     -\n"
		   "     replace: mailHost\n"
		   "     mailHost: mail1.lan\n"
		   "     -\n"
		   "     replace: seeAlso\n"
		   "     -\n");
}

static void an_update_does_not_compare_secrets(void **state)
{
	static const char *const owned[] = { "userPassword", NULL };
	MR_ARENA arena = mr_arena_open();
	struct mr_plan plan = { 0 };
	struct mr_entry *old = user1(arena), *wanted = user1(arena);
	MR_SECRET hash = { 0 };

	(void)state;
	mr_secret_set(&hash, "x", 1);
	mr_entry_add(arena, old, "userPassword", "{CRYPT}old");
	mr_entry_add_secret(arena, wanted, "userPassword", &hash);
	mr_plan_update_entry(arena, &plan, NULL, old, wanted, owned, "change user1");
	assert_int_equal(plan.count, 0);
}

static void json_has_the_kind_and_the_change_of_each_step(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_plan plan = { 0 };
	struct mr_entry *wanted = user1(arena);
	const struct mr_value *value, *mods;

	(void)state;
	mr_entry_add(arena, wanted, "mailHost", "mail1.lan");
	mr_plan_update_entry(arena, &plan, "mail1.lan", user1(arena), wanted, NULL, "change user1");
	mr_plan_file(arena, &plan, "/etc/x", "text", MR_FILE_PUBLIC, "write x");
	value = mr_plan_value(arena, &plan);
	assert_int_equal(value->count, 2);
	assert_string_equal(mr_value_get_string(value->items[0], "kind", ""), "modify");
	assert_string_equal(mr_value_get_string(value->items[0], "summary", ""), "change user1");
	assert_string_equal(mr_value_get_string(value->items[0], "host", ""), "mail1.lan");
	assert_string_equal(mr_value_get_string(value->items[0], "dn", ""), USER1);
	mods = mr_value_get(value->items[0], "modifications");
	assert_int_equal(mods->count, 1);
	assert_string_equal(mr_value_get_string(mods->items[0], "op", ""), "replace");
	assert_string_equal(mr_value_get_string(mods->items[0], "attribute", ""), "mailHost");
	assert_string_equal(mr_value_get(mods->items[0], "values")->items[0]->string, "mail1.lan");
	assert_string_equal(mr_value_get_string(value->items[1], "kind", ""), "file");
	assert_string_equal(mr_value_get_string(value->items[1], "path", ""), "/etc/x");
	assert_null(mr_value_get(value->items[1], "content"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_plan_says_so),
		cmocka_unit_test(each_step_is_a_line),
		cmocka_unit_test(numbers_stay_in_their_column),
		cmocka_unit_test(details_show_entries_as_ldif),
		cmocka_unit_test(a_rename_is_shown_as_a_change_of_the_name),
		cmocka_unit_test(details_encode_what_is_no_plain_text),
		cmocka_unit_test(a_secret_is_never_shown),
		cmocka_unit_test(a_summary_is_safe_to_print),
		cmocka_unit_test(an_entry_that_is_as_wanted_needs_no_step),
		cmocka_unit_test(an_update_replaces_adds_and_removes_what_differs),
		cmocka_unit_test(an_update_does_not_compare_secrets),
		cmocka_unit_test(json_has_the_kind_and_the_change_of_each_step),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
