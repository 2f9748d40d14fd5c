#include "sample_domain.h"

#include "base/paths.h"
#include "features/render_manifest.h"

static struct mr_error err;

static void a_relay_gets_nothing_of_accounts_or_mailboxes(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_topology topology = topology_of(arena, MR_SCHEME_INTRANET);
	struct mr_config config = config_of("", "relay.lan");
	struct mr_rendering rendering = { 0 };

	(void)state;
	render(arena, &config, &topology, false, &rendering);
	for (size_t i = 0; i < rendering.count; i++) {
		assert_int_not_equal(rendering.files[i].service, MR_SERVICE_DOVECOT);
		if (strstr(rendering.files[i].content, "ou=Unix") ||
		    strstr(rendering.files[i].content, "userPassword") ||
		    strstr(rendering.files[i].content, "olcOverlay"))
			fail_msg("%s", rendering.files[i].path);
	}
	assert_null(find(&rendering, "/mailboxes.cf"));
}

static void accounts_are_shown_to_a_system_only_where_that_is_wanted_and_possible(void **state)
{
	static const struct {
		const char *host;
		bool wanted, packages, want;
	} cases[] = {
		{ "mail2.lan", true, true, true },
		{ "mail2.lan", false, true, false },
		{ "mail2.lan", true, false, false },
		{ "relay.lan", true, true, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		MR_ARENA arena = mr_arena_open();
		struct mr_topology topology = topology_of(arena, MR_SCHEME_INTRANET);
		struct mr_config config = config_of("", cases[i].host);
		struct mr_render_machine known = sample_machine();
		struct mr_rendering rendering = { 0 };

		topology.system_accounts = cases[i].wanted;
		if (!cases[i].packages)
			known.ids.nslcd = (uid_t)-1;
		assert_ok(mr_render_as(arena, &config, &topology, &known, false, &rendering, &err),
			  err);
		assert_int_equal(find(&rendering, "/etc/nslcd.conf") != NULL, cases[i].want);
		assert_int_equal(strstr(content(&rendering, MR_PATH_SLAPD_LDIF), "cn=nslcd") !=
					 NULL,
				 cases[i].want);
	}
}

static void another_delimiter_reaches_postfix_and_exim(void **state)
{
	static const struct {
		enum mr_delimiter delimiter;
		const char *postfix, *exim;
	} cases[] = {
		{ MR_DELIMITER_PLUS, "\nrecipient_delimiter = +\n", "lookup --delimiter +\n" },
		{ MR_DELIMITER_EQUALS, "\nrecipient_delimiter = =\n", "lookup --delimiter =\n" },
		{ MR_DELIMITER_NONE, "\nrecipient_delimiter =\n", "lookup --delimiter none\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		MR_ARENA arena = mr_arena_open();
		struct mr_topology topology = topology_of(arena, MR_SCHEME_RELAY_MX);
		struct mr_config server = config_of("", "mail2.lan"),
				 relay = config_of("/below", "relay.lan");
		struct mr_rendering rendering = { 0 };

		topology.delimiter = cases[i].delimiter;
		render(arena, &server, &topology, false, &rendering);
		assert_contains(content(&rendering, "/postfix/main.cf"), cases[i].postfix);
		rendering = (struct mr_rendering){ 0 };
		relay.mail_mta = "exim";
		render(arena, &relay, &topology, false, &rendering);
		assert_contains(content(&rendering, "/exim4.conf"), cases[i].exim);
	}
}

static void exim_trusts_networks_of_both_protocols(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_topology topology = topology_of(arena, MR_SCHEME_RELAY_MX);
	struct mr_config config = config_of("/below", "relay.lan");
	struct mr_rendering rendering = { 0 };
	struct mr_list networks = { 0 };

	(void)state;
	mr_list_add(arena, &networks, "192.0.2.0/24");
	mr_list_add(arena, &networks, "2001:db8::/32");
	config.mail_mta = "exim";
	config.others = mr_value_object(arena);
	mr_value_set(arena, config.others, "mail.networks", mr_value_strings(arena, &networks));
	render(arena, &config, &topology, false, &rendering);
	assert_contains(content(&rendering, "/exim4.conf"), "; 192.0.2.0/24 ; 2001:db8::/32 ;");
}

static void nslcd_is_let_to_no_password_and_to_the_copy_alone(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_topology topology = topology_of(arena, MR_SCHEME_INTRANET);
	struct mr_config config = config_of("", "mail2.lan");
	struct mr_rendering rendering = { 0 };
	const char *rule, *line, *copy;

	(void)state;
	topology.system_accounts = true;
	render(arena, &config, &topology, false, &rendering);
	copy = strstr(content(&rendering, MR_PATH_SLAPD_LDIF), "olcSuffix: ou=Unix,dc=mailrepl\n");
	rule = strstr(content(&rendering, MR_PATH_SLAPD_LDIF), "by dn.exact=\"cn=nslcd,ou=Local");
	assert_true(rule > copy);
	assert_null(strstr(rule + 1, "by dn.exact=\"cn=nslcd"));
	for (line = rule - 2; line[-1] != '\n'; line--)
		;
	assert_null(strstr(mr_strndup(arena, line, (size_t)(rule - line)), "userPassword"));
	assert_contains(content(&rendering, "/etc/nslcd.conf"), "map passwd userPassword \"*\"\n");
}

static void a_home_without_accounts_owns_mail_only(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_topology topology = topology_of(arena, MR_SCHEME_INTRANET);
	struct mr_config config = config_of("", "mail1.lan");
	struct mr_rendering rendering = { 0 };
	const char *ldif;

	(void)state;
	topology.count = 1;
	topology.hosts[0].services = MR_MAIL;
	render(arena, &config, &topology, false, &rendering);
	ldif = content(&rendering, MR_PATH_SLAPD_LDIF);
	assert_contains(ldif, "olcSuffix: cn=mail1.lan,ou=Mail,ou=Owned,dc=mailrepl\n");
	assert_null(strstr(ldif, "ou=Unix"));
	assert_null(strstr(content(&rendering, "/main.cf"), "peers.cf"));
	assert_null(find(&rendering, "/dovecot.conf"));
}

static void the_gate_turns_refusals_into_deferrals(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_topology topology = topology_of(arena, MR_SCHEME_INTRANET);
	struct mr_config config = config_of("", "relay.lan");
	struct mr_rendering open = { 0 }, closed = { 0 };

	(void)state;
	render(arena, &config, &topology, false, &open);
	render(arena, &config, &topology, true, &closed);
	assert_contains(content(&open, "/main.cf"), "\nsoft_bounce = no\n");
	assert_contains(content(&closed, "/main.cf"), "\nsoft_bounce = yes\n");
}

static void a_removed_host_is_named_nowhere(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_topology topology = topology_of(arena, MR_SCHEME_INTRANET);
	struct mr_config config = config_of("", "mail1.lan");
	struct mr_rendering rendering = { 0 };

	(void)state;
	topology.count = 2;
	render(arena, &config, &topology, false, &rendering);
	for (size_t i = 0; i < rendering.count; i++)
		if (strstr(rendering.files[i].content, "relay.lan") ||
		    strstr(rendering.files[i].content, "33:33"))
			fail_msg("%s", rendering.files[i].path);
}

static void mail_for_a_host_that_was_taken_over_goes_to_who_has_it(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_topology topology = topology_of(arena, MR_SCHEME_INTRANET);
	struct mr_config here = config_of("", "mail1.lan"), there = config_of("", "relay.lan");
	struct mr_rendering adopter = { 0 }, other = { 0 };

	(void)state;
	mr_list_add(arena, &topology.former, "mail9.lan mail1.lan");
	render(arena, &here, &topology, false, &adopter);
	render(arena, &there, &topology, false, &other);
	/* Its own smtpd looks for the new real address: one that is not there is refused. */
	assert_non_null(strstr(content(&adopter, "/postfix/mailrepl/transport"),
			       "\nmail9.lan loopback:[127.0.0.1]:10025\n"));
	assert_non_null(strstr(content(&other, "/postfix/mailrepl/transport"),
			       "\nmail9.lan relay:[mail1.lan]\n"));
	assert_non_null(strstr(content(&adopter, "/postfix/mailrepl/routes.cf"),
			       "\ndomain = maildomain.org other.org mail9.lan\n"));
	assert_non_null(
		strstr(content(&adopter, "/postfix/mailrepl/hosts"), "\nmail9.lan peers_only\n"));
	assert_non_null(strstr(content(&other, "/postfix/main.cf"), "\n    mail9.lan\n"));
}

static void rids_are_unique_within_a_slapd(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_topology topology = topology_of(arena, MR_SCHEME_INTRANET);
	struct mr_config config = config_of("", "mail1.lan");
	struct mr_rendering rendering = { 0 };
	struct mr_list seen = { 0 };
	const char *at;

	(void)state;
	render(arena, &config, &topology, false, &rendering);
	at = content(&rendering, MR_PATH_SLAPD_LDIF);
	while ((at = strstr(at, "rid="))) {
		const char *rid = mr_strndup(arena, at, 7);

		assert_false(mr_list_has(&seen, rid));
		mr_list_add(arena, &seen, rid);
		at += 7;
	}
	assert_int_equal(seen.count, 4);
}

static void many_hosts_get_threads_enough(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_topology topology = topology_of(arena, MR_SCHEME_INTRANET);
	struct mr_config config = config_of("", "mail1.lan");
	struct mr_host *hosts = MR_NEW_ARRAY(arena, struct mr_host, 100);
	struct mr_rendering rendering = { 0 };

	(void)state;
	memcpy(hosts, topology.hosts, 3 * sizeof(*hosts));
	for (unsigned i = 3; i < 100; i++)
		hosts[i] = (struct mr_host){ mr_printf(arena, "r%u.lan", i),
					     MR_MAIL,
					     i + 1,
					     MR_JOINED,
					     { 0 },
					     MR_MODE_INTERNET };
	topology.hosts = hosts;
	topology.count = 100;
	render(arena, &config, &topology, false, &rendering);
	assert_contains(content(&rendering, MR_PATH_SLAPD_LDIF), "\nolcThreads: 216\n");
}

static void everything_lies_below_the_root(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_topology topology = topology_of(arena, MR_SCHEME_INTRANET);
	struct mr_config config = config_of("/tmp/private", "mail1.lan");
	struct mr_rendering rendering = { 0 };

	(void)state;
	render(arena, &config, &topology, false, &rendering);
	for (size_t i = 0; i < rendering.count; i++)
		assert_true(mr_starts_with(rendering.files[i].path, "/tmp/private/"));
	assert_contains(content(&rendering, MR_PATH_SLAPD_LDIF),
			"ldapi://%2Ftmp%2Fprivate%2Frun%2Fmailrepl%2Fldapi");
	assert_null(strstr(content(&rendering, MR_PATH_SLAPD_LDIF), ": /var/lib/mailrepl"));
}

static void an_override_wins_and_its_mistakes_are_located(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_topology topology = topology_of(arena, MR_SCHEME_INTRANET);
	struct mr_config config = config_of(*state, "mail1.lan");
	const struct mr_render_machine machine = sample_machine();
	struct mr_rendering rendering = { 0 }, broken = { 0 };
	const char *path =
		mr_printf(arena, "%s%s/postfix/transport", config.root, MR_PATH_OVERRIDES);

	put_file(path, "mine {{host}}\n");
	render(arena, &config, &topology, false, &rendering);
	assert_string_equal(content(&rendering, "/mailrepl/transport"), "mine mail1.lan\n");
	put_file(path, "one\ntwo {{hots}}\n");
	assert_fails(mr_render_as(arena, &config, &topology, &machine, false, &broken, &err),
		     MR_E_CONFIG, err);
	assert_contains(err.message, mr_printf(arena, "%s:2: {{hots}}", path));
}

static void a_host_outside_the_topology_is_refused(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_topology topology = topology_of(arena, MR_SCHEME_INTRANET);
	struct mr_config stranger = config_of("", "mail9.lan"), unnamed = config_of("", NULL);
	struct mr_rendering rendering = { 0 };

	(void)state;
	assert_fails(mr_render(arena, &stranger, &topology, false, &rendering, &err), MR_E_NO_HOST,
		     err);
	assert_contains(err.message, "mail9.lan");
	assert_fails(mr_render(arena, &unnamed, &topology, false, &rendering, &err), MR_E_NO_HOST,
		     err);
}

static void a_host_name_cannot_open_the_access_rules(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_topology topology = topology_of(arena, MR_SCHEME_INTRANET);
	struct mr_config config = config_of("", "mail1.lan");
	const struct mr_render_machine machine = sample_machine();
	struct mr_rendering rendering = { 0 };

	(void)state;
	topology.hosts[2].name = "r\" write by dn=\"x";
	assert_fails(mr_render_as(arena, &config, &topology, &machine, false, &rendering, &err),
		     MR_E_CONFIG, err);
}

static void mistakes_in_the_manifest_are_located(void **state)
{
	static const struct {
		const char *row, *want;
	} rows[] = {
		{ "a /b root:root 0644 none postfix", "6 columns" },
		{ "a /b root:root 0644 none postfix all more", "8 columns" },
		{ "../a /b root:root 0644 none postfix all", "\"../a\"" },
		{ "/a /b root:root 0644 none postfix all", "\"/a\"" },
		{ "a b root:root 0644 none postfix all", "\"b\"" },
		{ "a /../b root:root 0644 none postfix all", "\"/../b\"" },
		{ "a /b root 0644 none postfix all", "\"root\"" },
		{ "a /b root: 0644 none postfix all", "\"root:\"" },
		{ "a /b root:root 0648 none postfix all", "\"0648\"" },
		{ "a /b root:root 4755 none postfix all", "\"4755\"" },
		{ "a /b root:root 0644 html postfix all", "\"html\"" },
		{ "a /b root:root 0644 none sendmail all", "\"sendmail\"" },
		{ "a /b root:root 0644 none postfix some", "\"some\"" },
	};
	MR_ARENA arena = mr_arena_open();
	struct mr_config config = config_of(*state, "mail1.lan");
	const char *path = mr_printf(arena, "%s%s/MANIFEST", config.root, MR_PATH_OVERRIDES);

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct mr_manifest manifest = { 0 };

		put_file(path, mr_printf(arena, "# a comment\n\n%s\n", rows[i].row));
		assert_fails(mr_manifest_read(arena, &config, &manifest, &err), MR_E_CONFIG, err);
		assert_contains(err.message, mr_printf(arena, "%s:3: ", path));
		assert_contains(err.message, rows[i].want);
	}
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, folder_setup, folder_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_relay_gets_nothing_of_accounts_or_mailboxes),
		cmocka_unit_test(
			accounts_are_shown_to_a_system_only_where_that_is_wanted_and_possible),
		cmocka_unit_test(another_delimiter_reaches_postfix_and_exim),
		cmocka_unit_test(exim_trusts_networks_of_both_protocols),
		cmocka_unit_test(nslcd_is_let_to_no_password_and_to_the_copy_alone),
		cmocka_unit_test(a_home_without_accounts_owns_mail_only),
		cmocka_unit_test(the_gate_turns_refusals_into_deferrals),
		cmocka_unit_test(a_removed_host_is_named_nowhere),
		cmocka_unit_test(mail_for_a_host_that_was_taken_over_goes_to_who_has_it),
		cmocka_unit_test(rids_are_unique_within_a_slapd),
		cmocka_unit_test(many_hosts_get_threads_enough),
		cmocka_unit_test(everything_lies_below_the_root),
		IN_FOLDER(an_override_wins_and_its_mistakes_are_located),
		cmocka_unit_test(a_host_outside_the_topology_is_refused),
		cmocka_unit_test(a_host_name_cannot_open_the_access_rules),
		IN_FOLDER(mistakes_in_the_manifest_are_located),
	};

	setenv("MAILREPL_DATA", source(), 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
