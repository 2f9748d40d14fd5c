#include "test.h"

#include "model/dit.h"

static void every_dn_is_made_as_the_design_has_it(void **state)
{
	MR_ARENA arena = mr_arena_open();
	const char *owned = "cn=mail1.lan,ou=Mail,ou=Owned,dc=mailrepl";

	(void)state;
	assert_string_equal(mr_dit_owned(arena, MR_MAIL, "mail1.lan"), owned);
	assert_string_equal(mr_dit_owned(arena, MR_UNIX, "mail1.lan"),
			    "cn=mail1.lan,ou=Unix,ou=Owned,dc=mailrepl");
	assert_string_equal(mr_dit_all(MR_MAIL), "ou=Mail,dc=mailrepl");
	assert_string_equal(mr_dit_all(MR_UNIX), "ou=Unix,dc=mailrepl");
	assert_string_equal(mr_dit_copy(arena, MR_UNIX, "mail2.lan"),
			    "cn=mail2.lan,ou=Unix,dc=mailrepl");
	assert_string_equal(mr_dit_hosts(arena, owned),
			    "ou=Hosts,cn=mail1.lan,ou=Mail,ou=Owned,dc=mailrepl");
	assert_string_equal(mr_dit_host(arena, "mail2.lan", owned),
			    "cn=mail2.lan,ou=Hosts,cn=mail1.lan,ou=Mail,ou=Owned,dc=mailrepl");
	assert_string_equal(
		mr_dit_domain(arena, "maildomain.org", owned),
		"associatedDomain=maildomain.org,cn=mail1.lan,ou=Mail,ou=Owned,dc=mailrepl");
	assert_string_equal(mr_dit_user(arena, "user1", owned),
			    "uid=user1,cn=mail1.lan,ou=Mail,ou=Owned,dc=mailrepl");
	assert_string_equal(mr_dit_peer(arena, "relay.lan"), "cn=relay.lan,ou=Peers,dc=mailrepl");
}

static void services_have_one_name_each(void **state)
{
	(void)state;
	assert_string_equal(mr_service_name(MR_MAIL), "mail");
	assert_string_equal(mr_service_name(MR_UNIX), "unix");
	assert_string_equal(mr_service_ou(MR_MAIL), "Mail");
	assert_string_equal(mr_service_ou(MR_UNIX), "Unix");
}

static void the_owner_is_the_host_of_the_container(void **state)
{
	static const struct {
		const char *dn, *want;
	} rows[] = {
		{ "uid=user1,cn=mail1.lan,ou=Mail,ou=Owned,dc=mailrepl", "mail1.lan" },
		{ "uid=user1,cn=mail2.lan,ou=Unix,dc=mailrepl", "mail2.lan" },
		{ "cn=mail1.lan,ou=Mail,dc=mailrepl", "mail1.lan" },
		{ "cn=mail2.lan,ou=Hosts,cn=mail1.lan,ou=Mail,dc=mailrepl", "mail1.lan" },
		{ "UID=user1, CN=Mail1.lan, OU=mail, OU=owned, DC=mailrepl", "mail1.lan" },
		{ "cn=a\\,cn=evil.lan,cn=mail1.lan,ou=Mail,dc=mailrepl", "mail1.lan" },
		{ "cn=a\\2Cou=Mail,cn=mail1.lan,ou=Mail,dc=mailrepl", "mail1.lan" },
		{ "uid=a\\,cn=evil.lan,ou=Mail,dc=mailrepl", NULL },
		{ "ou=Mail,dc=mailrepl", NULL },
		{ "ou=Mail,ou=Owned,dc=mailrepl", NULL },
		{ "dc=mailrepl", NULL },
		{ "cn=mail1.lan,ou=Peers,dc=mailrepl", NULL },
		{ "uid=user1,ou=Mail,dc=mailrepl", NULL },
		{ "cn=Status", NULL },
		{ "", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		MR_ARENA arena = mr_arena_open();
		const char *got = mr_dit_owner(arena, rows[i].dn);

		if (strcmp(got ? got : "(none)", rows[i].want ? rows[i].want : "(none)") != 0)
			fail_msg("%s: want %s, got %s", rows[i].dn,
				 rows[i].want ? rows[i].want : "(none)", got ? got : "(none)");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_dn_is_made_as_the_design_has_it),
		cmocka_unit_test(services_have_one_name_each),
		cmocka_unit_test(the_owner_is_the_host_of_the_container),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
