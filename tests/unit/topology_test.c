#include "test.h"

#include "base/value.h"
#include "features/topology_plan.h"
#include "model/topology.h"

#define ID "9b2f6a0e-0f0e-4c57-8a3b-0c2d6e1f7a11"
#define MAIL1 "cn=mail1.lan,ou=Mail,ou=Owned,dc=mailrepl"

static struct mr_list words(struct mr_arena *arena, const char *text)
{
	return mr_list_split(arena, text, ',');
}

/* "mail1.lan 1 mail+unix joined; relay.lan 3 mail invited" */
static const char *show(struct mr_arena *arena, const struct mr_topology *topology)
{
	struct mr_list hosts = { 0 };

	for (size_t i = 0; i < topology->count; i++) {
		const struct mr_host *host = &topology->hosts[i];
		const char *services[] = { "none", "mail", "unix", "mail+unix" };

		mr_list_add(arena, &hosts,
			    mr_printf(arena, "%s %u %s %s", host->name, host->server_id,
				      services[host->services & 3],
				      mr_host_state_word(host->state)));
	}
	return mr_list_join(arena, &hosts, "; ");
}

static void set(struct mr_arena *arena, struct mr_topology *topology, enum mr_service service,
		const char *hosts)
{
	struct mr_error err = { 0 };
	struct mr_list list = words(arena, hosts);

	if (mr_topology_set(arena, topology, service, &list, topology, &err) < 0)
		fail_msg("%s: %s", hosts, err.message);
}

/* The three hosts of the README, all joined. */
static struct mr_topology three(struct mr_arena *arena)
{
	struct mr_topology topology;

	mr_topology_init(arena, ID, "mail1.lan", &topology);
	set(arena, &topology, MR_MAIL, "mail1.lan,mail2.lan,relay.lan");
	set(arena, &topology, MR_UNIX, "mail1.lan,mail2.lan");
	for (size_t i = 0; i < topology.count; i++)
		topology.hosts[i].state = MR_JOINED;
	return topology;
}

static void a_new_topology_is_its_home(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_topology topology;

	(void)state;
	mr_topology_init(arena, ID, "mail1.lan", &topology);
	assert_string_equal(show(arena, &topology), "mail1.lan 1 mail joined");
	assert_string_equal(topology.home, "mail1.lan");
	assert_int_equal(topology.epoch, 1);
	assert_int_equal(topology.generation, 1);
	assert_int_equal(topology.server_id_high_water, 1);
	assert_int_equal(topology.scheme, MR_SCHEME_INTRANET);
}

static void new_hosts_are_invited_with_the_next_server_ids(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_topology topology;

	(void)state;
	mr_topology_init(arena, ID, "mail1.lan", &topology);
	set(arena, &topology, MR_MAIL, "relay.lan,mail1.lan,mail2.lan");
	assert_string_equal(show(arena, &topology),
			    "mail1.lan 1 mail joined; relay.lan 2 mail invited; "
			    "mail2.lan 3 mail invited");
	assert_int_equal(topology.server_id_high_water, 3);
	assert_int_equal(topology.generation, 2);
}

static void the_home_stays_joined_when_it_becomes_a_server(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_topology topology;

	(void)state;
	mr_topology_init(arena, ID, "mail1.lan", &topology);
	set(arena, &topology, MR_UNIX, "mail1.lan");
	assert_string_equal(show(arena, &topology), "mail1.lan 1 mail+unix joined");
}

static void a_relay_that_becomes_a_server_is_invited_again(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_topology topology = three(arena);

	(void)state;
	set(arena, &topology, MR_UNIX, "mail1.lan,mail2.lan,relay.lan");
	assert_string_equal(show(arena, &topology),
			    "mail1.lan 1 mail+unix joined; mail2.lan 2 mail+unix "
			    "joined; relay.lan 3 mail+unix invited");
}

static void the_same_list_changes_nothing(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_topology old = three(arena), topology = old;

	(void)state;
	set(arena, &topology, MR_MAIL, "relay.lan,mail2.lan,mail1.lan");
	set(arena, &topology, MR_UNIX, "mail2.lan,mail1.lan");
	assert_int_equal(topology.generation, old.generation);
	assert_string_equal(show(arena, &topology), show(arena, &old));
}

static void each_change_is_one_generation(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_topology topology = three(arena);
	long long before = topology.generation;

	(void)state;
	set(arena, &topology, MR_MAIL, "mail1.lan,mail2.lan,a.lan,b.lan");
	assert_int_equal(topology.generation, before + 1);
}

static void a_server_id_is_never_given_twice(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_topology topology = three(arena);

	(void)state;
	set(arena, &topology, MR_MAIL, "mail1.lan,mail2.lan");
	assert_int_equal(topology.server_id_high_water, 3);
	assert_string_equal(show(arena, &topology),
			    "mail1.lan 1 mail+unix joined; mail2.lan 2 mail+unix joined");
	set(arena, &topology, MR_MAIL, "mail1.lan,mail2.lan,relay.lan");
	assert_string_equal(show(arena, &topology),
			    "mail1.lan 1 mail+unix joined; mail2.lan 2 mail+unix "
			    "joined; relay.lan 4 mail invited");
}

static void setting_leaves_the_old_topology_as_it_was(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_topology old = three(arena), topology = old;
	const char *before = show(arena, &old);

	(void)state;
	set(arena, &topology, MR_UNIX, "mail1.lan");
	set(arena, &topology, MR_MAIL, "mail1.lan,new.lan");
	assert_string_equal(show(arena, &old), before);
}

static void a_host_that_is_gone_is_no_mx(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_topology topology = three(arena);

	(void)state;
	topology.mx = words(arena, "mail1.lan,relay.lan");
	set(arena, &topology, MR_MAIL, "mail1.lan,mail2.lan");
	assert_string_equal(mr_list_join(arena, &topology.mx, ","), "mail1.lan");
}

static void an_mx_that_is_not_invited_yet_stays_one(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_topology topology = three(arena);

	(void)state;
	topology.mx = words(arena, "coming.lan,relay.lan");
	set(arena, &topology, MR_MAIL, "mail1.lan,mail2.lan,relay.lan,other.lan");
	assert_string_equal(mr_list_join(arena, &topology.mx, ","), "coming.lan,relay.lan");
	set(arena, &topology, MR_MAIL, "mail1.lan,mail2.lan,coming.lan");
	assert_string_equal(mr_list_join(arena, &topology.mx, ","), "coming.lan");
}

static void more_providers_than_a_host_can_pull_from_are_refused(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_topology topology = three(arena), fresh;
	struct mr_list hosts = { 0 };
	struct mr_error err;

	(void)state;
	for (int i = 1; i <= MR_PROVIDERS_MOST; i++)
		mr_list_add(arena, &hosts, mr_printf(arena, "mail%d.lan", i));
	assert_int_equal(mr_topology_set(arena, &topology, MR_MAIL, &hosts, &topology, &err), 0);
	assert_int_equal(mr_topology_set(arena, &topology, MR_UNIX, &hosts, &fresh, &err), 0);
	mr_list_add(arena, &hosts, "one.more");
	/* As relays they may come. */
	assert_int_equal(mr_topology_set(arena, &topology, MR_MAIL, &hosts, &topology, &err), 0);
	assert_int_equal(mr_topology_set(arena, &topology, MR_UNIX, &hosts, &fresh, &err), -1);
	assert_int_equal(err.code, MR_E_INVALID);
	assert_non_null(strstr(err.message, "500 mail servers"));
}

static void refusals_name_the_host(void **state)
{
	static const struct {
		enum mr_service service;
		const char *hosts, *want;
	} rows[] = {
		{ MR_MAIL, "mail2.lan,relay.lan",
		  "the list leaves out mail1.lan: the home of the domain is "
		  "always in mail" },
		{ MR_UNIX, "mail2.lan",
		  "the list leaves out mail1.lan: the home of the domain is always in unix" },
		{ MR_MAIL, "mail1.lan,relay.lan",
		  "the list leaves out mail2.lan, which is in unix" },
		{ MR_UNIX, "mail1.lan,mail2.lan,mail3.lan", "mail3.lan is not in mail" },
		{ MR_MAIL, "mail1.lan,mail2.lan,relay.lan,mail3.lan",
		  "mail3.lan: no serverID is left" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		MR_ARENA arena = mr_arena_open();
		struct mr_topology topology = three(arena), out = { 0 };
		struct mr_list hosts = words(arena, rows[i].hosts);
		struct mr_error err = { 0 };

		topology.server_id_high_water = 4095;
		if (mr_topology_set(arena, &topology, rows[i].service, &hosts, &out, &err) == 0)
			fail_msg("%s: want \"%s\", got no error", rows[i].hosts, rows[i].want);
		if (err.code != MR_E_INVALID || !strstr(err.message, rows[i].want))
			fail_msg("%s: want \"%s\", got \"%s\"", rows[i].hosts, rows[i].want,
				 err.message);
	}
}

static void the_last_server_id_is_4095(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_topology topology = three(arena);

	(void)state;
	topology.server_id_high_water = 4094;
	set(arena, &topology, MR_MAIL, "mail1.lan,mail2.lan,relay.lan,last.lan");
	assert_int_equal(mr_topology_host(&topology, "last.lan")->server_id, 4095);
}

static void providers_are_servers_and_the_home(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_topology topology = three(arena), small;

	(void)state;
	mr_topology_init(arena, ID, "mail1.lan", &small);
	assert_true(mr_host_is_provider(&small, &small.hosts[0]));
	assert_false(mr_host_is_server(&small.hosts[0]));
	assert_true(mr_host_is_provider(&topology, mr_topology_host(&topology, "mail2.lan")));
	assert_false(mr_host_is_provider(&topology, mr_topology_host(&topology, "relay.lan")));
	assert_string_equal(mr_host_role(mr_topology_host(&topology, "mail2.lan")), "mail server");
	assert_string_equal(mr_host_role(mr_topology_host(&topology, "relay.lan")), "relay");
	assert_null(mr_topology_host(&topology, "mail3.lan"));
}

static void words_of_schemes_and_services_are_known(void **state)
{
	static const char *const schemes[] = { "intranet", "server-mx", "relay-mx" };
	enum mr_service service;
	enum mr_scheme scheme;
	struct mr_error err = { 0 };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(mr_scheme_parse(schemes[i], &scheme, &err), 0);
		assert_string_equal(mr_scheme_word(scheme), schemes[i]);
	}
	assert_int_equal(mr_scheme_parse("Intranet", &scheme, &err), -1);
	assert_int_equal(err.code, MR_E_USAGE);
	assert_int_equal(mr_service_parse("mail", &service, &err), 0);
	assert_int_equal(service, MR_MAIL);
	assert_int_equal(mr_service_parse("unix", &service, &err), 0);
	assert_int_equal(service, MR_UNIX);
	assert_int_equal(mr_service_parse("samba", &service, &err), -1);
	assert_string_equal(err.message, "unknown service \"samba\": use mail or unix");
}

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

static void another_postmaster_leaves_the_old_topology_alone(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_topology old = three(arena), fresh;

	(void)state;
	mr_topology_set_postmaster(arena, &old, "first.org", "a@first.org");
	mr_topology_set_postmaster(arena, &old, "second.org", "b@first.org");
	fresh = old;
	mr_topology_set_postmaster(arena, &fresh, "first.org", "c@first.org");
	mr_topology_set_postmaster(arena, &fresh, "second.org", NULL);
	assert_string_equal(mr_topology_postmaster(&old, "first.org"), "a@first.org");
	assert_string_equal(mr_topology_postmaster(&old, "second.org"), "b@first.org");
	assert_string_equal(mr_topology_postmaster(&fresh, "first.org"), "c@first.org");
	assert_null(mr_topology_postmaster(&fresh, "second.org"));
}

static const char *plan_text(struct mr_arena *arena, const struct mr_topology *old,
			     const struct mr_topology *fresh)
{
	struct mr_plan plan = { 0 };
	MR_BUF text = { 0 };

	mr_topology_plan(arena, old, fresh, &plan);
	mr_plan_format(&plan, true, &text);
	return mr_strdup(arena, mr_buf_text(&text));
}

/* Of mail1.lan, the home. */
static void add_foreign(struct mr_arena *arena, struct mr_topology *topology, const char *domain,
			const char *primary, const char *recipients)
{
	const struct mr_foreign foreign = { domain, primary, words(arena, recipients) };

	mr_topology_set_foreign(arena, topology, domain, &foreign);
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

static void domains_of_other_primaries_come_go_and_change(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_topology old = three(arena), fresh = old;

	(void)state;
	add_foreign(arena, &old, "a.org", "[mail.a.org]", "x@a.org");
	add_foreign(arena, &old, "gone.org", "[mail.gone.org]", "");
	add_foreign(arena, &fresh, "a.org", NULL, "");
	add_foreign(arena, &fresh, "new.org", "[mail.new.org]", "x@new.org");
	fresh.foreign[1].recipients = words(arena, "x@new.org");
	fresh.foreign[0].recipients = (struct mr_list){ 0 };
	assert_string_equal(
		plan_text(arena, &old, &fresh),
		"  1. another primary or other recipients for a.org\n"
		"     dn: associatedDomain=a.org,cn=mail1.lan,ou=Mail,ou=Owned,dc=mailrepl\n"
		"     changetype: modify\n"
		"     replace: mailReplPrimary\n"
		"     mailReplPrimary: dns\n"
		"     -\n"
		"     replace: mailReplBackupRecipient\n"
		"     -\n"
		"  2. add new.org, a domain of another primary\n"
		"     dn: associatedDomain=new.org,cn=mail1.lan,ou=Mail,ou=Owned,dc=mailrepl\n"
		"     objectClass: mailReplDomain\n"
		"     associatedDomain: new.org\n"
		"     mailReplPrimary: [mail.new.org]\n"
		"     mailReplBackupRecipient: x@new.org\n"
		"  3. remove gone.org, a domain of another primary\n"
		"     dn: associatedDomain=gone.org,cn=mail1.lan,ou=Mail,ou=Owned,dc=mailrepl\n"
		"     changetype: delete\n");
}

static void the_former_delimiter_is_taken_back(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_topology old = three(arena), fresh = old;

	(void)state;
	old.delimiter = MR_DELIMITER_EQUALS;
	assert_string_equal(plan_text(arena, &old, &fresh),
			    "  1. change ou=Hosts,cn=mail1.lan,ou=Mail,ou=Owned,dc=mailrepl\n"
			    "     dn: ou=Hosts,cn=mail1.lan,ou=Mail,ou=Owned,dc=mailrepl\n"
			    "     changetype: modify\n"
			    "     replace: mailReplRecipientDelimiter\n"
			    "     -\n");
}

static void only_what_is_in_no_mailbox_name_is_a_delimiter(void **state)
{
	static const char *const words[] = { "+", "=", "none" }, *const others[] = { "-", ".", "",
										     "+=", "#" };
	enum mr_delimiter delimiter;
	struct mr_error err = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		assert_ok(mr_delimiter_parse(words[i], &delimiter, &err), err);
		assert_string_equal(mr_delimiter_word(delimiter), words[i]);
	}
	assert_string_equal(mr_delimiter_text(delimiter), "");
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		assert_fails(mr_delimiter_parse(others[i], &delimiter, &err), MR_E_USAGE, err);
}

static void domains_come_go_and_get_another_postmaster(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_topology old = three(arena), fresh = old;

	(void)state;
	old.domains = words(arena, "first.org,second.org");
	mr_topology_set_postmaster(arena, &old, "first.org", "a@first.org");
	fresh.domains = words(arena, "first.org,third.org");
	mr_topology_set_postmaster(arena, &fresh, "first.org", "b@first.org");
	assert_string_equal(
		plan_text(arena, &old, &fresh),
		"  1. another postmaster for first.org\n"
		"     dn: associatedDomain=first.org,cn=mail1.lan,ou=Mail,ou=Owned,dc=mailrepl\n"
		"     changetype: modify\n"
		"     replace: mailReplPostmaster\n"
		"     mailReplPostmaster: b@first.org\n"
		"     -\n"
		"  2. add the mail domain third.org\n"
		"     dn: associatedDomain=third.org,cn=mail1.lan,ou=Mail,ou=Owned,dc=mailrepl\n"
		"     objectClass: mailReplDomain\n"
		"     associatedDomain: third.org\n"
		"  3. remove the mail domain second.org\n"
		"     dn: associatedDomain=second.org,cn=mail1.lan,ou=Mail,ou=Owned,dc=mailrepl\n"
		"     changetype: delete\n");
	assert_string_equal(plan_text(arena, &old, &old), "nothing to do\n");
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

static void json_has_a_row_for_each_host(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_topology topology = three(arena);
	const struct mr_value *value = mr_topology_value(arena, &topology);
	const struct mr_value *hosts = mr_value_get(value, "hosts");

	(void)state;
	assert_string_equal(mr_value_get_string(value, "home", ""), "mail1.lan");
	assert_int_equal(mr_value_get_int(value, "generation", 0), 3);
	assert_int_equal(hosts->count, 3);
	assert_string_equal(mr_value_get_string(hosts->items[2], "name", ""), "relay.lan");
	assert_string_equal(mr_value_get_string(hosts->items[2], "role", ""), "relay");
	assert_int_equal(mr_value_get(hosts->items[1], "services")->count, 2);
	assert_true(mr_value_get(hosts->items[0], "home")->boolean);
	assert_false(mr_value_get(hosts->items[2], "provider")->boolean);
}

static void who_is_taken_over_is_remembered(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_topology topology = three(arena), out;

	(void)state;
	mr_topology_take_over(arena, &topology, "mail2.lan", "mail1.lan", &out);
	assert_string_equal(show(arena, &out),
			    "mail1.lan 1 mail+unix joined; relay.lan 3 mail joined");
	assert_string_equal(mr_list_join(arena, &out.former, ","), "mail2.lan mail1.lan");
	assert_string_equal(out.home, "mail1.lan");
	assert_int_equal(out.epoch, 1);
	assert_int_equal(out.generation, topology.generation + 1);
	assert_string_equal(show(arena, &topology), "mail1.lan 1 mail+unix joined; mail2.lan 2 "
						    "mail+unix joined; relay.lan 3 mail joined");
}

static void who_takes_over_the_home_is_the_home_and_inherits_what_it_had_taken_over(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_topology topology = three(arena), out;

	(void)state;
	mr_list_add(arena, &topology.former, "mail0.lan mail1.lan");
	mr_topology_take_over(arena, &topology, "mail1.lan", "mail2.lan", &out);
	assert_string_equal(mr_list_join(arena, &out.former, ","),
			    "mail0.lan mail2.lan,mail1.lan mail2.lan");
	assert_string_equal(out.home, "mail2.lan");
	assert_int_equal(out.epoch, 2);
}

static void who_comes_back_gets_its_mail_itself_and_who_leaves_forwards_nothing(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_topology topology = three(arena);

	(void)state;
	mr_list_add(arena, &topology.former, "mail4.lan mail1.lan");
	mr_list_add(arena, &topology.former, "mail5.lan mail2.lan");
	set(arena, &topology, MR_UNIX, "mail1.lan");
	set(arena, &topology, MR_MAIL, "mail1.lan,relay.lan,mail4.lan");
	assert_int_equal(topology.former.count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_new_topology_is_its_home),
		cmocka_unit_test(new_hosts_are_invited_with_the_next_server_ids),
		cmocka_unit_test(the_home_stays_joined_when_it_becomes_a_server),
		cmocka_unit_test(a_relay_that_becomes_a_server_is_invited_again),
		cmocka_unit_test(the_same_list_changes_nothing),
		cmocka_unit_test(each_change_is_one_generation),
		cmocka_unit_test(a_server_id_is_never_given_twice),
		cmocka_unit_test(setting_leaves_the_old_topology_as_it_was),
		cmocka_unit_test(a_host_that_is_gone_is_no_mx),
		cmocka_unit_test(an_mx_that_is_not_invited_yet_stays_one),
		cmocka_unit_test(more_providers_than_a_host_can_pull_from_are_refused),
		cmocka_unit_test(refusals_name_the_host),
		cmocka_unit_test(the_last_server_id_is_4095),
		cmocka_unit_test(providers_are_servers_and_the_home),
		cmocka_unit_test(words_of_schemes_and_services_are_known),
		cmocka_unit_test(a_topology_becomes_entries),
		cmocka_unit_test(entries_become_the_same_topology),
		cmocka_unit_test(hosts_come_out_by_server_id),
		cmocka_unit_test(the_higher_epoch_wins_with_its_own_hosts),
		cmocka_unit_test(a_tie_of_epochs_is_an_error_unless_a_higher_one_wins),
		cmocka_unit_test(no_topology_is_not_found),
		cmocka_unit_test(a_high_water_mark_below_a_number_in_use_is_raised),
		cmocka_unit_test(malformed_entries_are_refused_with_their_dn),
		cmocka_unit_test(who_is_taken_over_is_remembered),
		cmocka_unit_test(
			who_takes_over_the_home_is_the_home_and_inherits_what_it_had_taken_over),
		cmocka_unit_test(
			who_comes_back_gets_its_mail_itself_and_who_leaves_forwards_nothing),
		cmocka_unit_test(the_postmaster_of_a_domain_is_what_the_home_says),
		cmocka_unit_test(another_postmaster_leaves_the_old_topology_alone),
		cmocka_unit_test(domains_of_other_primaries_are_read_back_and_are_no_mail_domains),
		cmocka_unit_test(domains_of_other_primaries_come_go_and_change),
		cmocka_unit_test(the_former_delimiter_is_taken_back),
		cmocka_unit_test(only_what_is_in_no_mailbox_name_is_a_delimiter),
		cmocka_unit_test(domains_come_go_and_get_another_postmaster),
		cmocka_unit_test(json_has_a_row_for_each_host),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
