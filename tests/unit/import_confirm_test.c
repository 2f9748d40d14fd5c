#include "features/import_confirm.h"
#include "peers_fixture.h"

#define MAIL "cn=mail2.lan,ou=Mail,ou=Owned,dc=mailrepl"
#define UNIX "cn=mail2.lan,ou=Unix,ou=Owned,dc=mailrepl"
#define CONTAINERS                                                                                 \
	"dn: " MAIL "\nobjectClass: mailReplContainer\ncn: mail2.lan\n\n"                          \
	"dn: " UNIX "\nobjectClass: mailReplContainer\ncn: mail2.lan\n\n"
#define ROUTE(name, address, time)                                                                 \
	"dn: uid=" name "," MAIL                                                                   \
	"\nobjectClass: account\nobjectClass: inetLocalMailRecipient\nuid: " name                  \
	"\nmailLocalAddress: " address "\nmailHost: mail2.lan\nmailRoutingAddress: " name          \
	"@mail2.lan\nmodifyTimestamp: " time "\n\n"
#define BEGIN 1800000000 /* 20270115080000Z */

static struct mr_host hosts[] = {
	{ .name = "mail1.lan", .services = MR_MAIL | MR_UNIX, .server_id = 1, .state = MR_JOINED },
	{ .name = "mail2.lan", .services = MR_MAIL | MR_UNIX, .server_id = 2, .state = MR_JOINED },
};

/* user1 at mail1.lan and user2 at mail2.lan have just been imported; mail2.lan owns `owns`. */
static void expect(const char *owns, const char *want)
{
	MR_ARENA arena = mr_arena_open();
	const struct mr_topology topology = { .home = "mail1.lan", .hosts = hosts, .count = 2 };
	const struct mr_config config = {
		.root = "", .host = "mail1.lan", .directory_port = 636, .directory_deadline = 3
	};
	struct mr_import_user users[] = { { .line = 2 }, { .line = 3 } };
	struct mr_import_item items[] = {
		{ .user = &users[0],
		  .state = MR_IMPORT_NEW,
		  .wanted = { .user = "user1", .owner = &hosts[0] } },
		{ .user = &users[1],
		  .state = MR_IMPORT_NEW,
		  .wanted = { .user = "user2", .owner = &hosts[1] } },
	};
	struct mr_import import = { .arena = arena,
				    .config = &config,
				    .topology = &topology,
				    .items = items,
				    .index = mr_import_index_open() };
	struct mr_list got = { 0 };
	size_t i = 0;

	mail2 = owns;
	mr_import_index_add(import.index, MR_IMPORT_USER, "user1", &i);
	mr_import_index_add(import.index, MR_IMPORT_ADDRESS, "one@maildomain.org", &i);
	i = 1;
	mr_import_index_add(import.index, MR_IMPORT_USER, "user2", &i);
	mr_import_index_add(import.index, MR_IMPORT_ADDRESS, "two@maildomain.org", &i);
	mr_import_confirm(&import, BEGIN, &got);
	assert_string_equal(mr_list_join(arena, &got, "|"), want);
	mr_import_index_close(import.index);
}

static void a_name_and_an_address_that_another_host_has_given_out_meanwhile_are_named(void **state)
{
	(void)state;
	expect(CONTAINERS ROUTE("user1", "x@maildomain.org", "20270115080003Z"),
	       "line 2: user1 was given to user1 by mail2.lan at the same moment: see "
	       "cl-replication --clashes");
	expect(CONTAINERS ROUTE("other", "One@maildomain.org", "20270115075930Z"),
	       "line 2: One@maildomain.org was given to other by mail2.lan at the same moment: see "
	       "cl-replication --clashes");
}

static void who_was_imported_there_is_no_rival(void **state)
{
	(void)state;
	expect(CONTAINERS ROUTE("user2", "two@maildomain.org", "20270115080003Z"), "");
}

static void what_was_there_before_is_not_asked_for(void **state)
{
	(void)state;
	expect(CONTAINERS ROUTE("user1", "one@maildomain.org", "20270115075800Z"), "");
}

static void who_does_not_answer_has_none(void **state)
{
	(void)state;
	expect(NULL, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			a_name_and_an_address_that_another_host_has_given_out_meanwhile_are_named),
		cmocka_unit_test(who_was_imported_there_is_no_rival),
		cmocka_unit_test(what_was_there_before_is_not_asked_for),
		cmocka_unit_test(who_does_not_answer_has_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
