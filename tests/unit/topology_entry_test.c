#include "features/topology_plan.h"
#include "topology_fixture.h"

#define MAIL1 "cn=mail1.lan,ou=Mail,ou=Owned,dc=mailrepl"

static struct mr_entries entries_of(struct mr_arena *arena, const struct mr_topology *topology,
				    const char *container)
{
	struct mr_entries entries = { 0 };

	mr_topology_format(arena, topology, container, &entries);
	return entries;
}

static void add_domain(struct mr_arena *arena, struct mr_entries *entries, const char *domain,
		       const char *container)
{
	struct mr_entry *entry = mr_entry_new(arena, mr_dit_domain(arena, domain, container));

	mr_entry_add(arena, entry, "objectClass", "mailReplDomain");
	mr_entry_add(arena, entry, "associatedDomain", domain);
	mr_entries_add(arena, entries, entry);
}

static void a_topology_becomes_entries(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_topology topology = three(arena);
	struct mr_entries entries;
	const struct mr_entry *head, *relay;

	(void)state;
	topology.mx = words(arena, "relay.lan");
	topology.scheme = MR_SCHEME_RELAY_MX;
	topology.delimiter = MR_DELIMITER_EQUALS;
	mr_list_add(arena, &topology.hosts[2].fingerprints, "AB:CD");
	entries = entries_of(arena, &topology, MAIL1);
	assert_int_equal(entries.count, 4);
	head = entries.items[0];
	assert_string_equal(head->dn, "ou=Hosts," MAIL1);
	assert_true(mr_entry_is(head, "organizationalUnit"));
	assert_true(mr_entry_is(head, "mailReplTopology"));
	assert_string_equal(mr_entry_value(head, "mailReplDomainId"), ID);
	assert_string_equal(mr_entry_value(head, "mailReplHome"), "mail1.lan");
	assert_string_equal(mr_entry_value(head, "mailReplEpoch"), "1");
	assert_string_equal(mr_entry_value(head, "mailReplGeneration"), "3");
	assert_string_equal(mr_entry_value(head, "mailReplServerIDHighWater"), "3");
	assert_string_equal(mr_entry_value(head, "mailReplScheme"), "relay-mx");
	assert_string_equal(mr_entry_value(head, "mailReplMx"), "relay.lan");
	assert_string_equal(mr_entry_value(head, "mailReplRecipientDelimiter"), "=");
	relay = entries.items[3];
	assert_string_equal(relay->dn, "cn=relay.lan,ou=Hosts," MAIL1);
	assert_true(mr_entry_is(relay, "mailReplHost"));
	assert_true(mr_entry_has(relay, "mailReplService", "mail"));
	assert_false(mr_entry_has(relay, "mailReplService", "unix"));
	assert_string_equal(mr_entry_value(relay, "mailReplServerID"), "3");
	assert_string_equal(mr_entry_value(relay, "mailReplState"), "joined");
	assert_string_equal(mr_entry_value(relay, "mailReplCertificateFingerprint"), "AB:CD");
}

static void entries_become_the_same_topology(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_topology topology = three(arena), got;
	struct mr_entries entries = { 0 };
	struct mr_error err = { 0 };

	(void)state;
	topology.hosts[1].state = MR_INVITED;
	topology.server_id_high_water = 9;
	topology.mx = words(arena, "mail1.lan,relay.lan");
	topology.delimiter = MR_DELIMITER_NONE;
	mr_list_add(arena, &topology.hosts[1].fingerprints, "AB:CD");
	add_domain(arena, &entries, "second.org", "cn=mail2.lan,ou=Mail,dc=mailrepl");
	mr_topology_format(arena, &topology, "cn=mail1.lan,ou=Mail,dc=mailrepl", &entries);
	add_domain(arena, &entries, "First.org", "cn=mail1.lan,ou=Mail,dc=mailrepl");
	add_domain(arena, &entries, "second.org", "cn=mail1.lan,ou=Mail,dc=mailrepl");
	mr_entries_add(arena, &entries,
		       mr_entry_new(arena, "uid=user1,cn=mail1.lan,ou=Mail,dc=mailrepl"));
	if (mr_topology_parse(arena, &entries, &got, &err) < 0)
		fail_msg("%s", err.message);
	assert_string_equal(show(arena, &got),
			    "mail1.lan 1 mail+unix joined; mail2.lan 2 mail+unix invited; "
			    "relay.lan 3 mail joined");
	assert_string_equal(got.domain_id, ID);
	assert_string_equal(got.home, "mail1.lan");
	assert_int_equal(got.epoch, 1);
	assert_int_equal(got.generation, 3);
	assert_int_equal(got.server_id_high_water, 9);
	assert_string_equal(mr_list_join(arena, &got.mx, ","), "mail1.lan,relay.lan");
	assert_int_equal(got.delimiter, MR_DELIMITER_NONE);
	assert_string_equal(mr_list_join(arena, &got.domains, ","), "first.org,second.org");
	assert_string_equal(mr_list_join(arena, &got.hosts[1].fingerprints, ","), "AB:CD");
}

static void set_postmaster(struct mr_arena *arena, struct mr_entries *entries,
			   const char *postmaster)
{
	mr_entry_add(arena, entries->items[entries->count - 1], "mailReplPostmaster", postmaster);
}

static void the_postmaster_of_a_domain_is_what_the_home_says(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_topology topology = three(arena), got;
	struct mr_entries entries = { 0 };
	struct mr_error err = { 0 };

	(void)state;
	mr_topology_format(arena, &topology, "cn=mail1.lan,ou=Mail,dc=mailrepl", &entries);
	add_domain(arena, &entries, "first.org", "cn=mail1.lan,ou=Mail,dc=mailrepl");
	set_postmaster(arena, &entries, "chief@first.org");
	add_domain(arena, &entries, "first.org", "cn=mail2.lan,ou=Mail,dc=mailrepl");
	set_postmaster(arena, &entries, "other@first.org");
	add_domain(arena, &entries, "second.org", "cn=mail2.lan,ou=Mail,dc=mailrepl");
	set_postmaster(arena, &entries, "other@first.org");
	add_domain(arena, &entries, "Second.org", "cn=mail1.lan,ou=Mail,dc=mailrepl");
	if (mr_topology_parse(arena, &entries, &got, &err) < 0)
		fail_msg("%s", err.message);
	assert_string_equal(mr_topology_postmaster(&got, "first.org"), "chief@first.org");
	assert_null(mr_topology_postmaster(&got, "second.org"));
	assert_null(mr_topology_postmaster(&got, "third.org"));
}

static void domains_of_other_primaries_are_read_back_and_are_no_mail_domains(void **state)
{
	static const char container[] = "cn=mail1.lan,ou=Mail,dc=mailrepl";
	MR_ARENA arena = mr_arena_open();
	struct mr_topology topology = three(arena), got;
	struct mr_entries entries = { 0 };
	struct mr_list names;
	struct mr_error err = { 0 };

	(void)state;
	topology.domains = words(arena, "first.org");
	add_foreign(arena, &topology, "partner.org", "[mail.partner.org]:25",
		    "a@partner.org,b@partner.org");
	add_foreign(arena, &topology, "friend.org", NULL, "x@friend.org");
	add_foreign(arena, &topology, "friend.org", NULL, "y@friend.org");
	mr_topology_format(arena, &topology, container, &entries);
	names = mr_topology_all_domains(arena, &topology);
	for (size_t i = 0; i < names.count; i++)
		mr_entries_add(arena, &entries,
			       mr_domain_entry(arena, &topology, names.items[i], container));
	/* What another host says of it does not count. */
	mr_entries_add(arena, &entries,
		       mr_domain_entry(arena, &topology, "partner.org",
				       "cn=mail2.lan,ou=Mail,dc=mailrepl"));
	mr_entry_add(arena, entries.items[entries.count - 1], "mailReplBackupRecipient",
		     "c@partner.org");
	if (mr_topology_parse(arena, &entries, &got, &err) < 0)
		fail_msg("%s", err.message);
	assert_string_equal(mr_list_join(arena, &got.domains, " "), "first.org");
	assert_int_equal(got.foreign_count, 2);
	assert_string_equal(got.foreign[0].name, "friend.org");
	assert_null(got.foreign[0].primary);
	assert_string_equal(mr_list_join(arena, &got.foreign[0].recipients, " "), "y@friend.org");
	assert_true(
		mr_foreign_equal(&got.foreign[1], mr_topology_foreign(&topology, "partner.org")));
	assert_false(mr_foreign_equal(&got.foreign[0], &got.foreign[1]));
	mr_topology_set_foreign(arena, &got, "friend.org", NULL);
	assert_int_equal(got.foreign_count, 1);
	assert_null(mr_topology_foreign(&got, "friend.org"));
}

static void hosts_come_out_by_server_id(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_topology topology = three(arena), got;
	struct mr_entries entries = entries_of(arena, &topology, MAIL1), mixed = { 0 };
	struct mr_error err = { 0 };

	(void)state;
	for (size_t i = entries.count; i > 0; i--)
		mr_entries_add(arena, &mixed, entries.items[i - 1]);
	assert_int_equal(mr_topology_parse(arena, &mixed, &got, &err), 0);
	assert_string_equal(show(arena, &got), show(arena, &topology));
}

static void the_higher_epoch_wins_with_its_own_hosts(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_topology old = three(arena), fresh, got;
	struct mr_entries entries = { 0 };
	struct mr_error err = { 0 };

	(void)state;
	mr_topology_init(arena, ID, "mail2.lan", &fresh);
	fresh.epoch = 2;
	mr_topology_format(arena, &fresh, "cn=mail2.lan,ou=Mail,dc=mailrepl", &entries);
	mr_topology_format(arena, &old, "cn=mail1.lan,ou=Mail,dc=mailrepl", &entries);
	if (mr_topology_parse(arena, &entries, &got, &err) < 0)
		fail_msg("%s", err.message);
	assert_string_equal(got.home, "mail2.lan");
	assert_string_equal(show(arena, &got), "mail2.lan 1 mail joined");
}

static void a_tie_of_epochs_is_an_error_unless_a_higher_one_wins(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_topology one, two, three_;
	struct mr_topology got;
	struct mr_entries entries = { 0 };
	struct mr_error err = { 0 };

	(void)state;
	mr_topology_init(arena, ID, "mail1.lan", &one);
	mr_topology_init(arena, ID, "mail2.lan", &two);
	mr_topology_init(arena, ID, "mail3.lan", &three_);
	three_.epoch = 2;
	mr_topology_format(arena, &one, "cn=mail1.lan,ou=Mail,dc=mailrepl", &entries);
	mr_topology_format(arena, &two, "cn=mail2.lan,ou=Mail,dc=mailrepl", &entries);
	assert_int_equal(mr_topology_parse(arena, &entries, &got, &err), -1);
	assert_int_equal(err.code, MR_E_CONFIG);
	assert_non_null(strstr(err.message, "both mail1.lan and mail2.lan claim"));
	mr_topology_format(arena, &three_, "cn=mail3.lan,ou=Mail,dc=mailrepl", &entries);
	assert_int_equal(mr_topology_parse(arena, &entries, &got, &err), 0);
	assert_string_equal(got.home, "mail3.lan");
}

static void no_topology_is_not_found(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_entries entries = { 0 };
	struct mr_topology got;
	struct mr_error err = { 0 };

	(void)state;
	add_domain(arena, &entries, "maildomain.org", MAIL1);
	assert_int_equal(mr_topology_parse(arena, &entries, &got, &err), -1);
	assert_int_equal(err.code, MR_E_NOT_FOUND);
}

static void a_high_water_mark_below_a_number_in_use_is_raised(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_topology topology = three(arena), got;
	struct mr_entries entries;
	struct mr_error err = { 0 };

	(void)state;
	topology.server_id_high_water = 1;
	entries = entries_of(arena, &topology, MAIL1);
	assert_int_equal(mr_topology_parse(arena, &entries, &got, &err), 0);
	assert_int_equal(got.server_id_high_water, 3);
}

/* Replaces the first value, or removes the attribute. */
static void spoil(struct mr_entry *entry, const char *name, const char *value)
{
	for (size_t i = 0; i < entry->count; i++) {
		if (strcmp(entry->attrs[i].name, name) != 0)
			continue;
		if (value)
			entry->attrs[i].values.items[0] = value;
		else
			entry->attrs[i].values.count = 0;
	}
}

static void malformed_entries_are_refused_with_their_dn(void **state)
{
	static const struct {
		size_t entry; /* 0: ou=Hosts, 1…: hosts */
		const char *name, *value, *want;
	} rows[] = {
		{ 0, "mailReplDomainId", NULL, "ou=Hosts," MAIL1 " has no mailReplDomainId" },
		{ 0, "mailReplEpoch", "x", "mailReplEpoch x is not a number" },
		{ 0, "mailReplEpoch", "", "is not a number" },
		{ 0, "mailReplEpoch", "99999999999999999999", "is not a number" },
		{ 0, "mailReplGeneration", "-1", "mailReplGeneration -1 is not a number" },
		{ 0, "mailReplServerIDHighWater", "4096", "from 1 to 4095" },
		{ 0, "mailReplRecipientDelimiter", "-", "another would get" },
		{ 0, "mailReplScheme", "ring", "unknown scheme \"ring\"" },
		{ 0, "mailReplHome", "mail1", "mailReplHome: host \"mail1\"" },
		{ 0, "mailReplHome", "mail2.lan",
		  "names mail2.lan as the home, but lies in another container" },
		{ 1, "mailReplService", "unix", "no entry of the home mail1.lan in mail" },
		{ 2, "cn", "mail1.lan", "" },
		{ 2, "mailReplServerID", NULL, "has no mailReplServerID" },
		{ 2, "mailReplServerID", "0", "from 1 to 4095" },
		{ 2, "mailReplServerID", "4096", "from 1 to 4095" },
		{ 2, "mailReplServerID", "3", "serverID 3 to both" },
		{ 2, "mailReplState", "away", "unknown mailReplState \"away\"" },
		{ 2, "mailReplState", NULL, "has no mailReplState" },
		{ 2, "mailReplService", "samba", "unknown service \"samba\"" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		MR_ARENA arena = mr_arena_open();
		struct mr_topology topology = three(arena), got;
		struct mr_entries entries;
		struct mr_error err = { 0 };

		topology.hosts[0].services =
			rows[i].entry == 1 ? MR_MAIL : topology.hosts[0].services;
		topology.delimiter = MR_DELIMITER_EQUALS;
		entries = entries_of(arena, &topology, MAIL1);
		spoil(entries.items[rows[i].entry], rows[i].name, rows[i].value);
		if (mr_topology_parse(arena, &entries, &got, &err) == 0) {
			/* an entry whose cn is not that of its DN is nobody's */
			if (!*rows[i].want && !mr_topology_host(&got, "mail2.lan"))
				continue;
			fail_msg("%s=%s: want \"%s\", got no error", rows[i].name, rows[i].value,
				 rows[i].want);
		}
		if (err.code != MR_E_CONFIG || !strstr(err.message, rows[i].want))
			fail_msg("%s=%s: want \"%s\", got \"%s\"", rows[i].name, rows[i].value,
				 rows[i].want, err.message);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_topology_becomes_entries),
		cmocka_unit_test(entries_become_the_same_topology),
		cmocka_unit_test(hosts_come_out_by_server_id),
		cmocka_unit_test(the_higher_epoch_wins_with_its_own_hosts),
		cmocka_unit_test(a_tie_of_epochs_is_an_error_unless_a_higher_one_wins),
		cmocka_unit_test(no_topology_is_not_found),
		cmocka_unit_test(a_high_water_mark_below_a_number_in_use_is_raised),
		cmocka_unit_test(malformed_entries_are_refused_with_their_dn),
		cmocka_unit_test(the_postmaster_of_a_domain_is_what_the_home_says),
		cmocka_unit_test(domains_of_other_primaries_are_read_back_and_are_no_mail_domains),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
