#include "test.h"

#include "features/domain.h"

/* The home owns two domains; mail2.lan's entries come from its copy, mail1.lan's own from where
 * they are written. */
static const char facts[] =
	"dn: ou=Mail,dc=mailrepl\nobjectClass: organizationalUnit\nou: Mail\n\n"
	"dn: cn=mail1.lan,ou=Mail,dc=mailrepl\nobjectClass: mailReplContainer\ncn: mail1.lan\n\n"
	"dn: cn=mail2.lan,ou=Mail,dc=mailrepl\nobjectClass: mailReplContainer\ncn: mail2.lan\n\n"
	"dn: cn=mail1.lan,ou=Mail,ou=Owned,dc=mailrepl\nobjectClass: mailReplContainer\n"
	"cn: mail1.lan\n\n"
	"dn: associatedDomain=a.org,cn=mail1.lan,ou=Mail,ou=Owned,dc=mailrepl\n"
	"objectClass: mailReplDomain\nassociatedDomain: a.org\n\n"
	"dn: associatedDomain=b.org,cn=mail1.lan,ou=Mail,ou=Owned,dc=mailrepl\n"
	"objectClass: mailReplDomain\nassociatedDomain: b.org\n\n"
	/* behind: mail1.lan has a second address of it by now */
	"dn: uid=anna,cn=mail1.lan,ou=Mail,dc=mailrepl\nobjectClass: account\nuid: anna\n"
	"mailLocalAddress: anna@a.org\nmailHost: mail1.lan\nmailRoutingAddress: anna@mail1.lan\n\n"
	"dn: uid=anna,cn=mail1.lan,ou=Mail,ou=Owned,dc=mailrepl\nobjectClass: account\nuid: anna\n"
	"mailLocalAddress: anna@a.org\nmailLocalAddress: anna@b.org\nmailHost: mail1.lan\n"
	"mailRoutingAddress: anna@mail1.lan\n\n"
	"dn: uid=bert,cn=mail2.lan,ou=Mail,dc=mailrepl\nobjectClass: account\nuid: bert\n"
	"mailLocalAddress: bert@a.org\nmailLocalAddress: @a.org\nmailHost: mail2.lan\n"
	"mailRoutingAddress: bert@mail2.lan\n\n"
	"dn: uid=carl,cn=mail2.lan,ou=Mail,dc=mailrepl\nobjectClass: account\nuid: carl\n"
	"mailReplFormerAddress: carl@b.org\nmailReplForward: carl@mail1.lan\n\n"
	"dn: uid=twin,cn=mail2.lan,ou=Mail,dc=mailrepl\nobjectClass: account\nuid: twin\n"
	"mailLocalAddress: anna@b.org\nmailHost: mail2.lan\nmailRoutingAddress: twin@mail2.lan\n";

static struct mr_error err;

static struct mr_topology two_domains(struct mr_arena *arena)
{
	struct mr_topology topology;

	mr_topology_init(arena, "9b2f6a0e-0f0e-4c57-8a3b-0c2d6e1f7a11", "mail1.lan", &topology);
	mr_list_add(arena, &topology.domains, "a.org");
	mr_list_add(arena, &topology.domains, "b.org");
	return topology;
}

static const struct mr_config config = { .root = "", .host = "mail1.lan" };

static void domains_are_listed_with_their_owner_addresses_and_catch_all(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_topology topology = two_domains(arena);
	struct mr_domain_use uses[2];
	MR_DIRECTORY dir = NULL;

	(void)state;
	mr_topology_set_postmaster(arena, &topology, "b.org", "anna@a.org");
	assert_int_equal(mr_directory_open_memory(facts, &dir, &err), 0);
	assert_int_equal(mr_domain_list(arena, &config, dir, &topology, uses, &err), 0);
	assert_string_equal(uses[0].name, "a.org");
	assert_string_equal(uses[0].owner, "mail1.lan");
	assert_int_equal(uses[0].addresses, 3);
	assert_string_equal(uses[0].catch_all, "bert@mail2.lan");
	assert_null(uses[0].postmaster);
	assert_int_equal(uses[1].addresses, 3);
	assert_null(uses[1].catch_all);
	assert_string_equal(uses[1].postmaster, "anna@a.org");
}

static void a_domain_is_unused_when_nobody_has_an_address_or_a_postmaster_in_it(void **state)
{
	static const struct {
		const char *domain, *postmaster, *want; /* want NULL: unused */
	} rows[] = {
		{ "b.org", NULL, "3 addresses are in b.org (" },
		{ "c.org", NULL, NULL },
		{ "c.org", "chief@c.org", "a.org (chief@c.org)" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		MR_ARENA arena = mr_arena_open();
		struct mr_topology topology = two_domains(arena);
		MR_DIRECTORY dir = NULL;
		int result;

		mr_list_add(arena, &topology.domains, "c.org");
		mr_topology_set_postmaster(arena, &topology, "a.org", rows[i].postmaster);
		assert_int_equal(mr_directory_open_memory(facts, &dir, &err), 0);
		result = mr_domain_check_unused(arena, &config, dir, &topology, rows[i].domain,
						&err);
		assert_int_equal(result, rows[i].want ? -1 : 0);
		if (rows[i].want && !strstr(err.message, rows[i].want))
			fail_msg("got: %s", err.message);
	}
}

static void a_postmaster_is_somebody_who_has_the_address(void **state)
{
	static const struct {
		const char *text, *want, *error;
		enum mr_scheme scheme;
		bool unknown;
	} rows[] = {
		{ "Anna@A.org", "anna@a.org", NULL, MR_SCHEME_INTRANET, false },
		{ "bert@mail2.lan", NULL, "does not leave", MR_SCHEME_INTRANET, false },
		{ "anna@mail1.lan", "anna@mail1.lan", NULL, MR_SCHEME_INTRANET, false },
		{ "root@localhost", NULL, NULL, MR_SCHEME_INTRANET, false },
		{ "nobody@a.org", NULL, "no mailbox and no group", MR_SCHEME_INTRANET, false },
		{ "anna@b.org", NULL, "several claim", MR_SCHEME_INTRANET, false },
		{ "carl@b.org", NULL, "no mailbox and no group", MR_SCHEME_INTRANET, false },
		{ "abuse@a.org", NULL, "role address itself", MR_SCHEME_INTRANET, false },
		{ "postmaster@new.org", NULL, "role address itself", MR_SCHEME_INTRANET, false },
		{ "chief@new.org", "chief@new.org", NULL, MR_SCHEME_INTRANET, true },
		{ "x@outside.test", NULL, "does not leave", MR_SCHEME_INTRANET, false },
		{ "x@outside.test", "x@outside.test", NULL, MR_SCHEME_SERVER_MX, false },
		{ "x", NULL, "has no @", MR_SCHEME_SERVER_MX, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		MR_ARENA arena = mr_arena_open();
		struct mr_topology topology = two_domains(arena);
		const char *got = NULL;
		MR_DIRECTORY dir = NULL;
		bool unknown = false;
		int result;

		topology.scheme = rows[i].scheme;
		assert_int_equal(mr_directory_open_memory(facts, &dir, &err), 0);
		result = mr_domain_postmaster_parse(arena, &config, dir, &topology, "new.org",
						    rows[i].text, &got, &unknown, &err);
		if (result != (rows[i].error ? -1 : 0) ||
		    (rows[i].error && !strstr(err.message, rows[i].error)))
			fail_msg("%s: %d, %s", rows[i].text, result, err.message);
		if (rows[i].want)
			assert_string_equal(got, rows[i].want);
		else if (result == 0)
			assert_null(got);
		assert_int_equal(unknown, rows[i].unknown);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(domains_are_listed_with_their_owner_addresses_and_catch_all),
		cmocka_unit_test(
			a_domain_is_unused_when_nobody_has_an_address_or_a_postmaster_in_it),
		cmocka_unit_test(a_postmaster_is_somebody_who_has_the_address),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
