#include "test.h"

#include "base/paths.h"
#include "features/mta.h"

static struct mr_error err;

static struct mr_config config_of(const char *root, const char *host, const char *mta)
{
	return (struct mr_config){
		.root = root, .path = "mailrepl.conf", .host = host, .mail_mta = mta
	};
}

/* mail1.lan holds mailboxes, relay.lan does not. */
static struct mr_topology topology_of(struct mr_arena *arena)
{
	struct mr_topology topology;
	struct mr_host *hosts = MR_NEW_ARRAY(arena, struct mr_host, 2);

	mr_topology_init(arena, "7d444840-9dc0-11d1-b245-5ffdce74fad2", "mail1.lan", &topology);
	hosts[0] = topology.hosts[0];
	hosts[0].services = MR_MAIL | MR_UNIX;
	hosts[1] = hosts[0];
	hosts[1].name = "relay.lan";
	hosts[1].services = MR_MAIL;
	topology.hosts = hosts;
	topology.count = 2;
	return topology;
}

static void a_host_has_postfix_unless_it_is_told_otherwise(void **state)
{
	struct mr_config config = config_of("", "relay.lan", NULL);

	(void)state;
	assert_int_equal(mr_mta(&config), MR_SERVICE_POSTFIX);
	assert_true(mr_mta_has(&config, MR_SERVICE_POSTFIX));
	assert_false(mr_mta_has(&config, MR_SERVICE_EXIM));
	assert_true(mr_mta_has(&config, MR_SERVICE_DOVECOT));
	config.mail_mta = "exim";
	assert_int_equal(mr_mta(&config), MR_SERVICE_EXIM);
	assert_false(mr_mta_has(&config, MR_SERVICE_POSTFIX));
	assert_true(mr_mta_has(&config, MR_SERVICE_EXIM));
}

static void exim_is_refused_by_name_where_it_cannot_do_what_is_asked(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_topology topology = topology_of(arena);
	struct mr_config config = config_of(*state, "mail1.lan", "exim");

	assert_ok(mr_mta_check(&config, &topology, &err), err);
	config.host = "relay.lan";
	assert_ok(mr_mta_check(&config, &topology, &err), err);

	topology.hosts[0].mode = MR_MODE_NONE;
	assert_fails(mr_mta_check(&config, &topology, &err), MR_E_CONFIG, err);
	assert_contains(err.message, "mail1.lan is in mode none");
	topology.hosts[0].mode = MR_MODE_INTERNET;

	config.mail_mta = "postfix";
	assert_ok(mr_mta_check(&config, &topology, &err), err);
}

static void exim_has_every_mode(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_topology topology = topology_of(arena);
	struct mr_config config = config_of(*state, "relay.lan", "exim");

	for (enum mr_mode mode = MR_MODE_INTERNET; mode <= MR_MODE_LOCAL; mode++) {
		topology.hosts[1].mode = mode;
		assert_ok(mr_mta_check(&config, &topology, &err), err);
	}
}

static void exim_refuses_a_smarthost_that_it_cannot_treat_as_postfix_does(void **state)
{
	static const struct {
		const char *smarthost, *user, *tls, *words; /* NULL: fine */
	} cases[] = {
		{ "[gw.example]", "we", "encrypt", NULL },
		{ "[gw.example]", "we", "none", "no password without TLS" },
		{ "[gw.example]", "", "none", NULL },
		{ "[gw.example]", "", "secure", NULL },
		{ "gw.example", "", "verify", NULL },
		{ "gw.example", "", "secure", "[gw.example]" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		MR_ARENA arena = mr_arena_open();
		struct mr_topology topology = topology_of(arena);
		struct mr_config config = config_of(*state, "relay.lan", "exim");

		topology.hosts[1].mode = MR_MODE_SMARTHOST;
		config.mail_dns = true;
		config.others = mr_value_object(arena);
		mr_value_set_string(arena, config.others, "mail.smarthost", cases[i].smarthost);
		mr_value_set_string(arena, config.others, "mail.smarthost_user", cases[i].user);
		mr_value_set_string(arena, config.others, "mail.smarthost_tls", cases[i].tls);
		if (!cases[i].words) {
			assert_ok(mr_mta_settings_check(&config, &topology, &err), err);
			continue;
		}
		assert_fails(mr_mta_settings_check(&config, &topology, &err), MR_E_CONFIG, err);
		assert_contains(err.message, cases[i].words);
	}
}

static void assert_refused(const struct mr_config *config, const struct mr_topology *topology,
			   const char *words)
{
	assert_fails(mr_mta_settings_check(config, topology, &err), MR_E_CONFIG, err);
	assert_contains(err.message, words);
}

static void a_setting_that_only_postfix_follows_is_refused_with_exim(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_topology topology = topology_of(arena);
	struct mr_config config = config_of(*state, "relay.lan", "exim");

	config.others = mr_value_object(arena);
	mr_value_set_string(arena, config.others, "mail.networks", "192.0.2.0/24");
	mr_value_set_string(arena, config.others, "tls.outgoing", "verify");
	mr_value_set_bool(arena, config.others, "postscreen.enabled", false);
	mr_value_set(arena, config.others, "backup_mx.networks", mr_value_list(arena));
	assert_ok(mr_mta_settings_check(&config, &topology, &err), err);

	mr_value_set_string(arena, config.others, "tls.outgoing", "secure");
	assert_refused(&config, &topology, "tls.outgoing = secure: Exim compares");
	mr_value_set_string(arena, config.others, "tls.outgoing", "dane-only");
	assert_refused(&config, &topology, "tls.outgoing = dane-only: where DNS");
	mr_value_set_string(arena, config.others, "tls.outgoing", "may");
	mr_value_set_bool(arena, config.others, "postscreen.enabled", true);
	assert_refused(&config, &topology, "postscreen.enabled = true: postscreen is");
	mr_value_set_bool(arena, config.others, "postscreen.enabled", false);
	mr_value_append(arena, mr_value_member(config.others, "backup_mx.networks"),
			mr_value_string(arena, "192.0.2.0/24"));
	assert_refused(&config, &topology, "backup_mx.networks: that is permit_mx_backup");
	config.others = mr_value_object(arena);
	mr_value_set_string(arena, config.others, "no.such", "x");
	assert_refused(&config, &topology, "no.such is for Postfix alone");
}

/* A new setting needs a row in mta_settings.c: does Exim follow it? */
static void of_every_setting_it_is_known_whether_exim_follows_it(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_topology topology = topology_of(arena);
	const char *path = mr_printf(arena, "%s/mailrepl.conf", (const char *)*state);
	struct mr_config config;
	char *text;

	assert_ok(mr_config_load(arena, *state, NULL, &config, &err), err);
	config.host = config.home = "relay.lan";
	text = mr_config_format(arena, &config);
	/* Those at their default stand in comments, and no other comment ends so. */
	for (char *line = text; line; line = strchr(line + 1, '\n')) {
		char *hash = line + strspn(line, "\n\t ");

		if (*hash == '#' && mr_ends_with(mr_strndup(arena, hash, strcspn(hash, "\n")), ";"))
			*hash = ' ';
	}
	assert_ok(mr_file_replace(path, text, strlen(text), MR_FILE_PRIVATE, &err), err);
	assert_ok(mr_config_load(arena, *state, path, &config, &err), err);
	assert_true(config.others->count > 30);
	config.mail_mta = "exim";
	assert_ok(mr_mta_settings_check(&config, &topology, &err), err);
}

static void copies_for_exim_go_with_its_configuration(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_config config = config_of(*state, "relay.lan", "exim");
	const char *copy = mr_path(arena, *state, MR_PATH_EXIM_GIVEN_KEY);
	const struct mr_file_attrs attrs = MR_FILE_PUBLIC_FOLDER;

	assert_ok(mr_folder_make(mr_path(arena, *state, MR_PATH_EXIM "/mailrepl"), attrs, &err),
		  err);
	assert_ok(mr_file_replace(copy, "old", 3, MR_FILE_PRIVATE, &err), err);
	assert_ok(mr_mta_forget(&config, MR_SERVICE_POSTFIX, &err), err);
	assert_true(mr_path_exists(copy));
	assert_ok(mr_mta_forget(&config, MR_SERVICE_EXIM, &err), err);
	assert_false(mr_path_exists(copy));
}

static void the_folder_of_its_tables_tells_whose_configuration_it_is(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_config config = config_of(*state, "relay.lan", "exim");
	const struct mr_file_attrs attrs = MR_FILE_PUBLIC_FOLDER;

	assert_false(mr_mta_is_ours(&config));
	assert_ok(mr_folder_make(mr_path(arena, *state, MR_PATH_POSTFIX "/mailrepl"), attrs, &err),
		  err);
	assert_false(mr_mta_is_ours(&config));
	assert_ok(mr_folder_make(mr_path(arena, *state, MR_PATH_EXIM "/mailrepl"), attrs, &err),
		  err);
	assert_true(mr_mta_is_ours(&config));
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, folder_setup, folder_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_host_has_postfix_unless_it_is_told_otherwise),
		IN_FOLDER(exim_is_refused_by_name_where_it_cannot_do_what_is_asked),
		IN_FOLDER(exim_has_every_mode),
		IN_FOLDER(exim_refuses_a_smarthost_that_it_cannot_treat_as_postfix_does),
		IN_FOLDER(a_setting_that_only_postfix_follows_is_refused_with_exim),
		IN_FOLDER(of_every_setting_it_is_known_whether_exim_follows_it),
		IN_FOLDER(copies_for_exim_go_with_its_configuration),
		IN_FOLDER(the_folder_of_its_tables_tells_whose_configuration_it_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
