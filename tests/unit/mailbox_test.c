#include "test.h"

#include "model/mailbox.h"

#define MAIL1 "cn=mail1.lan,ou=Mail,ou=Owned,dc=mailrepl"
#define UNIX1 "cn=mail1.lan,ou=Unix,ou=Owned,dc=mailrepl"

static struct mr_route a_route(struct mr_arena *arena)
{
	return (struct mr_route){
		.user = "user1",
		.addresses = mr_list_split(arena, "user1@maildomain.org,first@maildomain.org", ','),
		.owner = "mail1.lan",
		.routing_address = "user1@mail1.lan",
	};
}

static struct mr_account an_account(struct mr_arena *arena)
{
	return (struct mr_account){
		.user = "user1",
		.full_name = "First User",
		.uid_number = 1100001,
		.addresses = mr_list_split(arena, "user1@maildomain.org", ','),
		.owner = "mail1.lan",
		.routing_address = "user1@mail1.lan",
		.home = "/home/user1",
		.shell = "/bin/bash",
	};
}

static void check_values(const struct mr_entry *entry, const char *const rows[][2], size_t count)
{
	size_t values = 0;

	for (size_t i = 0; i < count; i++)
		if (!mr_entry_has(entry, rows[i][0], rows[i][1]))
			fail_msg("%s: want %s: %s, got %s", entry->dn, rows[i][0], rows[i][1],
				 mr_entry_value(entry, rows[i][0])
					 ? mr_entry_value(entry, rows[i][0])
					 : "none");
	for (size_t i = 0; i < entry->count; i++)
		values += entry->attrs[i].values.count;
	assert_int_equal(values, count);
}

static void a_route_becomes_an_entry(void **state)
{
	static const char *const want[][2] = {
		{ "objectClass", "account" },
		{ "objectClass", "inetLocalMailRecipient" },
		{ "uid", "user1" },
		{ "mailLocalAddress", "user1@maildomain.org" },
		{ "mailLocalAddress", "first@maildomain.org" },
		{ "mailHost", "mail1.lan" },
		{ "mailRoutingAddress", "user1@mail1.lan" },
	};
	MR_ARENA arena = mr_arena_open();
	struct mr_route route = a_route(arena);
	struct mr_entry *entry = mr_route_format(arena, &route, MAIL1);

	(void)state;
	assert_string_equal(entry->dn, "uid=user1," MAIL1);
	check_values(entry, want, 7);
}

static void an_entry_becomes_the_same_route(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_route route = a_route(arena), got;
	struct mr_error err = { 0 };

	(void)state;
	assert_int_equal(mr_route_parse(arena, mr_route_format(arena, &route, MAIL1), &got, &err),
			 0);
	assert_string_equal(got.user, "user1");
	assert_true(mr_list_equal(&got.addresses, &route.addresses));
	assert_string_equal(got.owner, "mail1.lan");
	assert_string_equal(got.routing_address, "user1@mail1.lan");
}

static void a_route_is_read_in_lower_case(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_entry *entry = mr_entry_new(arena, "uid=user1," MAIL1);
	struct mr_route got;
	struct mr_error err = { 0 };

	(void)state;
	mr_entry_add(arena, entry, "uid", "User1");
	mr_entry_add(arena, entry, "mailHost", "Mail1.LAN");
	mr_entry_add(arena, entry, "mailLocalAddress", "User1@MailDomain.org");
	mr_entry_add(arena, entry, "mailRoutingAddress", "User1@Mail1.LAN");
	assert_int_equal(mr_route_parse(arena, entry, &got, &err), 0);
	assert_string_equal(got.user, "user1");
	assert_string_equal(got.owner, "mail1.lan");
	assert_string_equal(got.addresses.items[0], "user1@maildomain.org");
	assert_string_equal(got.routing_address, "user1@mail1.lan");
}

static void what_is_no_mailbox_is_told_apart(void **state)
{
	static const struct {
		const char *name[3], *value[3];
		enum mr_route_kind want;
	} rows[] = {
		{ { "mailHost", "mailRoutingAddress" },
		  { "mail1.lan", "user1@mail1.lan" },
		  MR_ROUTE_MAILBOX },
		{ { "mailReplFormerAddress", "mailReplForward" },
		  { "user1@maildomain.org", "user1@mail2.lan" },
		  MR_ROUTE_FORMER },
		{ { "mailReplAccess", "mailReplHeldUntil" },
		  { "gone", "20270101000000Z" },
		  MR_ROUTE_GONE },
		{ { "mailHost", "mailRoutingAddress", "mailReplAccess" },
		  { "mail1.lan", "user1@mail1.lan", "gone" },
		  MR_ROUTE_MAILBOX },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		MR_ARENA arena = mr_arena_open();
		struct mr_entry *entry = mr_entry_new(arena, "uid=user1," MAIL1);
		struct mr_error err = { 0 };
		struct mr_route route;

		mr_entry_add(arena, entry, "uid", "user1");
		for (size_t j = 0; j < 3 && rows[i].name[j]; j++)
			mr_entry_add(arena, entry, rows[i].name[j], rows[i].value[j]);
		assert_int_equal(mr_route_parse(arena, entry, &route, &err), 0);
		assert_int_equal(mr_route_kind(&route), rows[i].want);
		assert_string_equal(route.owner, "mail1.lan");
	}
}

static void an_unknown_word_of_access_is_refused(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_route route = a_route(arena), got;
	struct mr_entry *entry = mr_route_format(arena, &route, MAIL1);
	struct mr_error err = { 0 };

	(void)state;
	mr_entry_add(arena, entry, "mailReplAccess", "ajar");
	assert_int_equal(mr_route_parse(arena, entry, &got, &err), -1);
	assert_non_null(strstr(err.message, "unknown mailReplAccess ajar"));
}

static void a_group_becomes_an_entry_and_back(void **state)
{
	static const char *const want[][2] = {
		{ "objectClass", "nisMailAlias" },
		{ "objectClass", "inetLocalMailRecipient" },
		{ "objectClass", "mailReplRecipient" },
		{ "cn", "sales" },
		{ "mailLocalAddress", "sales@maildomain.org" },
		{ "mailHost", "mail1.lan" },
		{ "mailRoutingAddress", "sales@mail1.lan" },
		{ "rfc822MailMember", "user1@mail1.lan" },
		{ "rfc822MailMember", "someone@outside.test" },
		{ "mailReplAccess", "closed" },
	};
	MR_ARENA arena = mr_arena_open();
	struct mr_group group = { .name = "sales",
				  .owner = "mail1.lan",
				  .routing_address = "sales@mail1.lan",
				  .closed = true },
			got;
	struct mr_error err = { 0 };
	struct mr_entry *entry;

	(void)state;
	mr_list_add(arena, &group.addresses, "sales@maildomain.org");
	mr_list_add(arena, &group.members, "user1@mail1.lan");
	mr_list_add(arena, &group.members, "someone@outside.test");
	entry = mr_group_format(arena, &group, MAIL1);
	assert_string_equal(entry->dn, "cn=sales," MAIL1);
	check_values(entry, want, 10);
	assert_int_equal(mr_group_parse(arena, entry, &got, &err), 0);
	assert_string_equal(got.name, "sales");
	assert_true(mr_list_equal(&got.members, &group.members));
	assert_true(got.closed);
}

static void an_account_becomes_an_entry(void **state)
{
	static const char *const want[][2] = {
		{ "objectClass", "inetOrgPerson" },
		{ "objectClass", "posixAccount" },
		{ "objectClass", "inetLocalMailRecipient" },
		{ "uid", "user1" },
		{ "cn", "First User" },
		{ "sn", "First User" },
		{ "uidNumber", "1100001" },
		{ "gidNumber", "1100001" },
		{ "homeDirectory", "/home/user1" },
		{ "loginShell", "/bin/bash" },
		{ "mail", "user1@maildomain.org" },
		{ "mailHost", "mail1.lan" },
		{ "mailRoutingAddress", "user1@mail1.lan" },
	};
	MR_ARENA arena = mr_arena_open();
	struct mr_account account = an_account(arena);
	struct mr_entry *entry = mr_account_format(arena, &account, UNIX1);

	(void)state;
	assert_string_equal(entry->dn, "uid=user1," UNIX1);
	check_values(entry, want, 13);
	assert_null(mr_entry_attr(entry, "userPassword"));
}

static void an_account_may_lack_name_number_and_mailbox(void **state)
{
	static const char *const want[][2] = {
		{ "objectClass", "inetOrgPerson" },
		{ "objectClass", "posixAccount" },
		{ "objectClass", "inetLocalMailRecipient" },
		{ "uid", "user1" },
		{ "cn", "user1" },
		{ "sn", "user1" },
		{ "homeDirectory", "/home/user1" },
		{ "mailHost", "mail1.lan" },
	};
	MR_ARENA arena = mr_arena_open();
	struct mr_account account = { .user = "user1",
				      .owner = "mail1.lan",
				      .home = "/home/user1" };

	(void)state;
	check_values(mr_account_format(arena, &account, UNIX1), want, 8);
}

static void the_hash_stays_where_it_is(void **state)
{
	MR_ARENA arena = mr_arena_open();
	MR_SECRET hash = { 0 };
	struct mr_account account = an_account(arena);
	const struct mr_attr *attr;

	(void)state;
	mr_secret_set(&hash, "{CRYPT}$y$x", 11);
	account.hash = &hash;
	attr = mr_entry_attr(mr_account_format(arena, &account, UNIX1), "userPassword");
	assert_non_null(attr);
	assert_ptr_equal(attr->secret, &hash);
	assert_int_equal(attr->values.count, 0);
}

static void an_entry_becomes_the_same_account(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_account account = an_account(arena), got;
	struct mr_error err = { 0 };

	(void)state;
	assert_int_equal(
		mr_account_parse(arena, mr_account_format(arena, &account, UNIX1), &got, &err), 0);
	assert_string_equal(got.user, "user1");
	assert_string_equal(got.full_name, "First User");
	assert_int_equal(got.uid_number, 1100001);
	assert_true(mr_list_equal(&got.addresses, &account.addresses));
	assert_string_equal(got.owner, "mail1.lan");
	assert_string_equal(got.routing_address, "user1@mail1.lan");
	assert_string_equal(got.home, "/home/user1");
	assert_string_equal(got.shell, "/bin/bash");
	assert_null(got.hash);
}

/* An account entry, with one attribute replaced or (NULL) left out. */
static struct mr_entry *spoiled(struct mr_arena *arena, const char *name, const char *value)
{
	struct mr_account account = an_account(arena);
	const struct mr_entry *whole = mr_account_format(arena, &account, UNIX1);
	struct mr_entry *entry = mr_entry_new(arena, whole->dn);

	for (size_t i = 0; i < whole->count; i++)
		if (strcmp(whole->attrs[i].name, name) != 0)
			mr_entry_add_list(arena, entry, whole->attrs[i].name,
					  &whole->attrs[i].values);
	if (value)
		mr_entry_add(arena, entry, name, value);
	return entry;
}

static void malformed_entries_are_refused_with_their_dn(void **state)
{
	static const struct {
		const char *name, *value, *route,
			*account; /* parts of the messages; NULL: accepted */
	} rows[] = {
		{ "uid", NULL, "has no uid", "has no uid" },
		{ "mailHost", NULL, "has no mailHost", "has no mailHost" },
		{ "mailRoutingAddress", NULL, "has no mailRoutingAddress", NULL },
		{ "mailRoutingAddress", "user1", "it has no @", "it has no @" },
		{ "mailRoutingAddress", "../../etc@mail1.lan", "a dot before the @",
		  "a dot before the @" },
		{ "mailRoutingAddress", "/etc@mail1.lan", "holds a slash", "holds a slash" },
		{ "uidNumber", NULL, NULL, "has no uidNumber" },
		{ "uidNumber", "0", NULL, "uidNumber 0 is no number of a user" },
		{ "uidNumber", "-1", NULL, "no number of a user" },
		{ "uidNumber", "12x", NULL, "no number of a user" },
		{ "uidNumber", "99999999999999999999", NULL, "no number of a user" },
		{ "homeDirectory", NULL, NULL, "has no homeDirectory" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		MR_ARENA arena = mr_arena_open();
		const struct mr_entry *entry = spoiled(arena, rows[i].name, rows[i].value);
		struct mr_error err = { 0 };
		struct mr_route route;
		struct mr_account account;
		int rc = mr_route_parse(arena, entry, &route, &err);

		if (rc != (rows[i].route ? -1 : 0) || (rc && (!strstr(err.message, rows[i].route) ||
							      !strstr(err.message, "uid=user1,"))))
			fail_msg("route, %s=%s: want %s, got %s", rows[i].name, rows[i].value,
				 rows[i].route, rc ? err.message : "no error");
		rc = mr_account_parse(arena, entry, &account, &err);
		if (rc != (rows[i].account ? -1 : 0) ||
		    (rc && (!strstr(err.message, rows[i].account) || err.code != MR_E_PROTOCOL)))
			fail_msg("account, %s=%s: want %s, got %s", rows[i].name, rows[i].value,
				 rows[i].account, rc ? err.message : "no error");
	}
}

static void uid_numbers_come_from_a_range_for_each_server(void **state)
{
	(void)state;
	assert_int_equal(mr_uid_first(1), 1500000);
	assert_int_equal(mr_uid_end(1), 2000000);
	assert_int_equal(mr_uid_first(2), 2000000);
	assert_int_equal(mr_uid_end(4095), 2049000000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_route_becomes_an_entry),
		cmocka_unit_test(an_entry_becomes_the_same_route),
		cmocka_unit_test(a_route_is_read_in_lower_case),
		cmocka_unit_test(what_is_no_mailbox_is_told_apart),
		cmocka_unit_test(an_unknown_word_of_access_is_refused),
		cmocka_unit_test(a_group_becomes_an_entry_and_back),
		cmocka_unit_test(an_account_becomes_an_entry),
		cmocka_unit_test(an_account_may_lack_name_number_and_mailbox),
		cmocka_unit_test(the_hash_stays_where_it_is),
		cmocka_unit_test(an_entry_becomes_the_same_account),
		cmocka_unit_test(malformed_entries_are_refused_with_their_dn),
		cmocka_unit_test(uid_numbers_come_from_a_range_for_each_server),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
