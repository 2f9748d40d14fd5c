#include "test.h"

#include "features/backup_mx.h"
#include "features/render.h"

static struct mr_error err;

/* Puts `text` below the folder. */
static void place(void **state, const char *name, const char *text)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/etc/mailrepl", (const char *)*state);
	assert_ok(mr_folder_make(path, MR_FILE_PUBLIC_FOLDER, &err), err);
	snprintf(path, sizeof(path), "%s/etc/mailrepl/%s", (const char *)*state, name);
	assert_ok(mr_file_replace(path, text, strlen(text), MR_FILE_PUBLIC, &err), err);
}

static struct mr_topology topology_of(struct mr_arena *arena)
{
	struct mr_topology topology = { .home = "mail1.lan", .count = 2 };

	topology.hosts = MR_NEW_ARRAY(arena, struct mr_host, 2);
	topology.hosts[0] = (struct mr_host){ .name = "mail1.lan", .services = MR_MAIL | MR_UNIX };
	topology.hosts[1] = (struct mr_host){ .name = "relay.lan", .services = MR_MAIL };
	mr_list_add(arena, &topology.domains, "maildomain.org");
	mr_list_add(arena, &topology.former, "old.lan mail1.lan");
	return topology;
}

/* What a host with these settings is a backup for. */
static int read_at(void **state, struct mr_arena *arena, const char *host, const char *settings,
		   const struct mr_topology *topology, const char *postfix,
		   struct mr_backup_mx *out)
{
	struct mr_versions versions = mr_versions_sample;
	struct mr_config config;

	place(state, "mailrepl.conf", settings);
	assert_ok(mr_config_load(arena, *state, NULL, &config, &err), err);
	config.host = host;
	snprintf(versions.text[MR_PROGRAM_POSTFIX], MR_VERSION_SIZE, "%s", postfix);
	return mr_backup_mx_read(arena, &config, topology, &versions, out, &err);
}

static void domains_of_other_primaries_come_with_their_recipients(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_topology topology = topology_of(arena);
	struct mr_backup_mx got;

	place(state, "friends",
	      "# ours\nAnn@Friend.org\t OK\n\n bob@friend.org# he\nann@friend.org\n");
	assert_ok(read_at(state, arena, "relay.lan",
			  "backup_mx: { domains = (\n"
			  " { domain = \"partner.org\"; primary = \"[mail.partner.org]\"; },\n"
			  " { domain = \"friend.org\"; recipients = \"list\"; list = "
			  "\"/etc/mailrepl/friends\"; } ); };",
			  &topology, "3.7.11", &got),
		  err);
	assert_int_equal(got.count, 2);
	assert_string_equal(got.domains[0].name, "friend.org");
	assert_null(got.domains[0].primary);
	assert_int_equal(got.domains[0].recipients, MR_RECIPIENTS_LIST);
	assert_string_equal(mr_list_join(arena, &got.domains[0].listed, " "),
			    "ann@friend.org bob@friend.org postmaster@friend.org abuse@friend.org");
	assert_string_equal(got.domains[1].name, "partner.org");
	assert_string_equal(got.domains[1].primary, "[mail.partner.org]");
	assert_int_equal(got.domains[1].recipients, MR_RECIPIENTS_VERIFY);
	assert_int_equal(got.domains[1].listed.count, 0);
}

static void what_contradicts_itself_is_refused_by_name(void **state)
{
	static const struct {
		const char *settings, *want;
	} cases[] = {
		{ "backup_mx: { domains = ( { domain = \"maildomain.org\"; } ); };",
		  "backup_mx.domains: maildomain.org: is a mail domain of ours" },
		{ "backup_mx: { domains = ( { domain = \"mail1.lan\"; } ); };",
		  "mail1.lan: is a host of ours" },
		{ "backup_mx: { domains = ( { domain = \"old.lan\"; } ); };",
		  "old.lan: is a host of ours" },
		{ "mail: { destinations = [ \"x.org\" ]; };"
		  "backup_mx: { domains = ( { domain = \"x.org\"; } ); };",
		  "x.org: is in mail.destinations too" },
		{ "mail: { smarthosts = ( { domain = \"x.org\"; smarthost = \"[s.org]\"; } ); };"
		  "backup_mx: { domains = ( { domain = \"x.org\"; } ); };",
		  "x.org: is in mail.smarthosts too" },
		{ "backup_mx: { domains = ( { domain = \"x.org\"; }, { domain = \"x.org\"; } ); };",
		  "x.org: is there twice" },
		{ "backup_mx: { domains = ( { domain = \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.org\"; } ); };",
		  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.org" },
		{ "backup_mx: { domains = ( { domain = \"x.org\"; primary = \"[relay.lan]:2525\"; "
		  "} ); };",
		  "x.org: its primary is this host itself" },
		{ "mail: { dns = false; }; backup_mx: { domains = ( { domain = \"x.org\"; } ); };",
		  "x.org: needs a primary" },
		{ "backup_mx: { domains = ( { domain = \"x.org\"; recipients = \"list\"; } ); };",
		  "x.org: recipients = \"list\" needs a list" },
		{ "backup_mx: { domains = ( { domain = \"x.org\"; list = \"/etc/list\"; } ); };",
		  "x.org: a list goes with" },
		{ "backup_mx: { domains = ( { domain = \"x.org\"; recipients = \"list\"; "
		  "list = \"/none\"; } ); };",
		  "/none" },
		{ "backup_mx: { domains = ( { domain = \"x.org\"; recipients = \"list\"; "
		  "list = \"/etc/mailrepl/wrong\"; } ); };",
		  "wrong:2: a@y.org is not in x.org" },
		{ "backup_mx: { domains = ( { domain = \"x.org\"; recipients = \"list\"; "
		  "list = \"/etc/mailrepl/all\"; } ); };",
		  "all:1: " },
	};

	place(state, "wrong", "a@x.org\na@y.org\n");
	place(state, "all", "@x.org OK\n");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		MR_ARENA arena = mr_arena_open();
		struct mr_topology topology = topology_of(arena);
		struct mr_backup_mx got;

		assert_fails(read_at(state, arena, "relay.lan", cases[i].settings, &topology,
				     "3.7.11", &got),
			     MR_E_CONFIG, err);
		assert_contains(err.message, cases[i].want);
	}
}

static void permit_mx_backup_is_for_old_postfix_alone(void **state)
{
	static const char settings[] = "backup_mx: { networks = [ \"192.0.2.0/24\" ]; };";
	MR_ARENA arena = mr_arena_open();
	struct mr_topology topology = topology_of(arena);
	struct mr_backup_mx got;

	assert_ok(read_at(state, arena, "relay.lan", settings, &topology, "3.8.6", &got), err);
	assert_true(got.permits);
	assert_fails(read_at(state, arena, "relay.lan", settings, &topology, "3.9.0", &got),
		     MR_E_CONFIG, err);
	assert_contains(err.message, "backup_mx.networks");
	assert_contains(err.message, "3.9.0");
	assert_ok(read_at(state, arena, "relay.lan", "", &topology, "3.9.0", &got), err);
	assert_false(got.permits);
}

static void domains_of_the_directory_are_for_who_takes_mail_from_outside(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_topology topology = topology_of(arena);
	struct mr_foreign foreign = { .name = "partner.org", .primary = "[mail.partner.org]" };
	struct mr_backup_mx got;

	mr_list_add(arena, &foreign.recipients, "a@partner.org");
	topology.foreign = &foreign;
	topology.foreign_count = 1;
	assert_ok(read_at(state, arena, "relay.lan", "", &topology, "3.7.11", &got), err);
	assert_int_equal(got.count, 1);
	assert_string_equal(mr_list_join(arena, &got.domains[0].listed, " "),
			    "postmaster@partner.org abuse@partner.org");
	assert_ok(read_at(state, arena, "mail1.lan", "", &topology, "3.7.11", &got), err);
	assert_int_equal(got.count, 0);
	topology.hosts[1].mode = MR_MODE_SATELLITE;
	assert_ok(read_at(state, arena, "relay.lan", "", &topology, "3.7.11", &got), err);
	assert_int_equal(got.count, 0);
	mr_list_add(arena, &topology.mx, "mail1.lan");
	assert_ok(read_at(state, arena, "mail1.lan", "", &topology, "3.7.11", &got), err);
	assert_int_equal(got.count, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			domains_of_other_primaries_come_with_their_recipients, folder_setup,
			folder_teardown),
		cmocka_unit_test_setup_teardown(what_contradicts_itself_is_refused_by_name,
						folder_setup, folder_teardown),
		cmocka_unit_test_setup_teardown(permit_mx_backup_is_for_old_postfix_alone,
						folder_setup, folder_teardown),
		cmocka_unit_test_setup_teardown(
			domains_of_the_directory_are_for_who_takes_mail_from_outside, folder_setup,
			folder_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
