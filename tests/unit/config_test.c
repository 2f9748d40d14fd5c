#include "test.h"

#include <sys/stat.h>

#include "adapters/config.h"

/* Puts `text` where the machine's file would be under the folder. */
static const char *place(void **state, const char *text)
{
	static char path[4096];
	struct mr_error err = { 0 };

	snprintf(path, sizeof(path), "%s/etc/mailrepl", (const char *)*state);
	assert_ok(mr_folder_make(path, MR_FILE_PUBLIC, &err), err);
	assert_int_equal(chmod(path, 0755), 0);
	snprintf(path, sizeof(path), "%s/etc/mailrepl/mailrepl.conf", (const char *)*state);
	assert_ok(mr_file_replace(path, text, strlen(text), MR_FILE_PUBLIC, &err), err);
	return path;
}

static void a_missing_file_gives_the_defaults(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_config config;
	struct mr_error err = { 0 };

	assert_ok(mr_config_load(arena, *state, NULL, &config, &err), err);
	assert_false(config.exists);
	assert_string_equal(config.root, *state);
	assert_null(config.host);
	assert_int_equal(config.directory_port, 3890);
	assert_int_equal(config.directory_deadline, 10);
	assert_string_equal(config.backup_folder, "/var/calculate/server-backup/ldap");
	assert_string_equal(config.mail_postmaster, "root@localhost");
	assert_true(config.mail_dns);
	assert_false(config.mail_manage);
}

static void a_missing_file_that_was_named_is_an_error(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_config config;
	struct mr_error err = { 0 };

	assert_fails(mr_config_load(arena, *state, "/nowhere/mailrepl.conf", &config, &err),
		     MR_E_NOT_FOUND, err);
	assert_contains(err.message, "/nowhere/mailrepl.conf");
}

static void the_root_loses_its_trailing_slashes(void **state)
{
	static const struct {
		const char *root, *want;
	} cases[] = { { "/tmp/x", "/tmp/x" },
		      { "/tmp/x//", "/tmp/x" },
		      { "/", "" },
		      { "", "" },
		      { NULL, "" },
		      { "x/", "/x" } };

	(void)state;
	assert_int_equal(chdir("/"), 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		MR_ARENA arena = mr_arena_open();
		struct mr_config config;
		struct mr_error err = { 0 };

		/* The machine's own file may be there: only the root counts here. */
		if (mr_config_load(arena, cases[i].root, NULL, &config, &err) < 0)
			assert_int_equal(err.code, MR_E_CONFIG);
		if (strcmp(cases[i].want, "/x") == 0)
			assert_contains(config.root, "/x");
		else
			assert_string_equal(config.root, cases[i].want);
	}
}

static void every_setting_is_read(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_config config;
	struct mr_error err = { 0 };
	const char *path = place(
		state,
		"host = \"mail1.lan\";\n"
		"directory = { port = 0; deadline = 3; max_size = 16; join_deadline = 99; };\n"
		"backup: { folder = \"/srv/x\"; };\n"
		"mail: { dns = false; postmaster = \"admin@mail1.lan\"; manage = true; };\n"
		"certificates: { days = 30L; };\n");

	assert_ok(mr_config_load(arena, "", path, &config, &err), err);
	assert_true(config.exists);
	assert_string_equal(config.path, path);
	assert_string_equal(config.host, "mail1.lan");
	assert_int_equal(config.directory_port, 0);
	assert_int_equal(config.directory_deadline, 3);
	assert_int_equal(config.directory_max_size, 16);
	assert_int_equal(config.join_deadline, 99);
	assert_string_equal(config.backup_folder, "/srv/x");
	assert_false(config.mail_dns);
	assert_string_equal(config.mail_postmaster, "admin@mail1.lan");
	assert_true(config.mail_manage);
	assert_int_equal(config.certificate_days, 30);
}

static void a_wrong_file_is_refused_with_its_line(void **state)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
		{ "host = \n;", ":2: syntax error" },
		{ "host = \"a.lan\"", NULL },
		{ "host = \"a.lan\";\nhost = \"b.lan\";", ":2: duplicate setting name" },
		{ "\nhots = \"a.lan\";", ":2: hots: there is no such setting" },
		{ "directory:\n{\n\tprot = 1;\n};",
		  ":3: directory.prot: there is no such setting" },
		{ "directory = 5;", ":1: directory: must be a group" },
		{ "directory = (1, 2);", ":1: directory: must be a group" },
		{ "host: { name = \"a.lan\"; };", ":1: host: must be a text" },
		{ "a: { b: { c: { d = 1; }; }; };", ":1: a: there is no such setting" },
		{ "host = 5;", ":1: host: must be a text" },
		{ "directory: { port = \"5\"; };", "directory.port: must be a whole number" },
		{ "backup_mx: { domains = [ \"x.org\" ]; };",
		  "backup_mx.domains: must be a list of groups" },
		{ "backup_mx: { domains = ( \"x.org\" ); };",
		  "backup_mx.domains: must be a list of groups" },
		{ "backup_mx: { domains = ( {\n primary = \"[x.org]\"; } ); };",
		  "backup_mx.domains.domain: must be given" },
		{ "backup_mx: { domains = (\n{ domain = \"x.org\"; prime = 1; } ); };",
		  ":2: backup_mx.domains.prime: there is no such setting" },
		{ "backup_mx: { domains = ( { domain = \"x.org\"; recipients = \"all\"; } ); };",
		  "backup_mx.domains.recipients: must be one of these words: verify|list" },
		{ "restrictions: { policy_service = \"inet:127.0.0.1\"; };",
		  "restrictions.policy_service: must be inet:host:port or unix:path" },
		{ "restrictions: { policy_service = \"inet:x:1, reject\"; };",
		  "restrictions.policy_service: must be inet:host:port or unix:path" },
		{ "restrictions: { policy_service = \"unix:a}b\"; };",
		  "restrictions.policy_service: must be inet:host:port or unix:path" },
		{ "directory: { port = 3.5; };", "directory.port: must be a whole number" },
		{ "directory: { port = true; };", "directory.port: must be a whole number" },
		{ "directory: { port = -1; };", "directory.port: must be from 0 to 65535" },
		{ "directory: { port = 65536; };", "directory.port: must be from 0 to 65535" },
		{ "mail: { destinations = [ \".x.org\" ]; };", "mail.destinations: must be a domain" },
		{ "postscreen: { dnsbl = ( { site = \".x.org\"; } ); };",
		  "postscreen.dnsbl.site: must be a domain" },
		{ "directory: { port = 04294967297; };", ":1: the number 04294967297 is too large" },
		{ "\ndirectory: { port = 4294967297; };",
		  ":2: the number 4294967297 is too large" },
		{ "directory: { port = 0x10000000f; };",
		  ":1: the number 0x10000000f is too large" },
		{ "/* 4294967297\n\"*/directory: { port = -4294967297L; };", ":2: the number" },
		{ "# \"4294967297\nbackup: { folder = \"/4294967297\\\"/4294967297\"; };", NULL },
		{ "directory: { deadline = 0; };", "directory.deadline: must be from 1 to 3600" },
		{ "mail: { dns = 1; };", "mail.dns: must be true or false" },
		{ "mail: { dns = \"no\"; };", "mail.dns: must be true or false" },
		{ "host = \"mail1\";", "host: must be a fully qualified host name" },
		{ "host = \"Mail1.lan\";", "host: must be a host name in lower case" },
		{ "host = \"\";", "host: must be a fully qualified host name" },
		{ "host = \"mail1.lan.\";", "host: must be a fully qualified host name" },
		{ "host = \"mail1..lan\";", "host: must be a fully qualified host name" },
		{ "host = \"a.b\\nc\";", "host: must not contain control characters" },
		{ "backup: { folder = \"x\"; };",
		  "backup.folder: must be a path that begins with /" },
		{ "backup: { folder = \"/x/../y\"; };", "backup.folder: must be a path without" },
		{ "backup: { folder = \"/x/..\"; };", "backup.folder: must be a path without" },
		{ "backup: { keep = \"daily: 7\"; };", "backup.keep: must be as in daily=7" },
		{ "backup: { recipients = \"age1qqqq\"; };",
		  "backup.recipients: must be public keys of age" },
		{ "mail: { postmaster = \"root\"; };", "mail.postmaster: must be a mail address" },
		{ "mail: { postmaster = \"a@b, c@d\"; };",
		  "mail.postmaster: must be a mail address" },
		{ "mail: { manage = true; };", "mail.manage: must be false under --root" },
		{ "mail: { networks = \"192.0.2.0/24\"; };", "mail.networks: must be a list" },
		{ "mail: { intranet = [ \"::/0\" ]; };", "mail.intranet: must not be the whole" },
		{ "mail: { networks = [ 1 ]; };", "mail.networks: must be a text" },
		{ "mail: { networks = [ \"0.0.0.0/0\" ]; };", "mail.networks: must not be the whole" },
		{ "mail: { networks = [ \"::/0\" ]; };", "mail.networks: must not be the whole" },
		{ "mail: { networks = [ \"0.0.0.0/1\", \"128.0.0.0/1\" ]; };",
		  "mail.networks: must not be the whole internet, nor a large part" },
		{ "mail: { networks = [ \"2000::/3\" ]; };", "nor a large part" },
		{ "mail: { networks = [ \"10.0.0.0/8\", \"fc00::/7\" ]; };", NULL },
		{ "mail: { networks = [ \"192.0.2.1/24\" ]; };", "mail.networks: has bits" },
		{ "mail: { networks = [ \"192.0.2.0/33\" ]; };", "mail.networks: must be an IP" },
		{ "mail: { networks = [ \"192.0.2\" ]; };", "mail.networks: must be an IP" },
		{ "mail: { networks = [ \"2001:db8::/3x\" ]; };", "mail.networks: must be an IP" },
		{ "mail: { networks = [ \"127.0.0.1\", \"2001:db8::/32\" ]; };", NULL },
		{ "mail: { destinations = [ \"a b\" ]; };", "mail.destinations: must be a domain" },
		{ "@include \"/nowhere\"\n", ":1: " },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		MR_ARENA arena = mr_arena_open();
		struct mr_config config;
		struct mr_error err = { 0 };
		const char *path = place(state, cases[i].text);
		int rc = mr_config_load(arena, *state, NULL, &config, &err);

		if (!cases[i].want) {
			assert_ok(rc, err);
			continue;
		}
		if (rc != -1)
			fail_msg("accepted: %s", cases[i].text);
		assert_string_equal(mr_error_word(err.code), "config");
		assert_contains(err.message, cases[i].want);
		if (strncmp(err.message, path, strlen(path)) != 0)
			fail_msg("\"%s\" does not begin with %s", err.message, path);
	}
}

static void a_nul_byte_is_refused(void **state)
{
	static const char text[] = "host = \"a.lan\";\0directory = 5;";
	MR_ARENA arena = mr_arena_open();
	struct mr_config config;
	struct mr_error err = { 0 };
	const char *path = place(state, "");

	assert_ok(mr_file_replace(path, text, sizeof(text) - 1, MR_FILE_PUBLIC, &err), err);
	assert_fails(mr_config_load(arena, *state, NULL, &config, &err), MR_E_CONFIG, err);
}

static void what_is_formatted_reads_back(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_config config, again;
	struct mr_error err = { 0 };

	assert_ok(mr_config_load(arena, *state, NULL, &config, &err), err);
	config.host = "mail1.lan";
	config.directory_port = 4000;
	config.backup_folder = "/srv/with \"quotes\" and \\ backslash";
	config.mail_dns = false;
	config.certificate_days = 10950;
	place(state, mr_config_format(arena, &config));
	assert_ok(mr_config_load(arena, *state, NULL, &again, &err), err);
	assert_true(again.exists);
	assert_string_equal(again.host, "mail1.lan");
	assert_int_equal(again.directory_port, 4000);
	assert_int_equal(again.directory_deadline, 10);
	assert_string_equal(again.backup_folder, "/srv/with \"quotes\" and \\ backslash");
	assert_false(again.mail_dns);
	assert_int_equal(again.certificate_days, 10950);
	assert_string_equal(mr_config_format(arena, &again), mr_config_format(arena, &config));
}

static void lists_reach_the_tree_and_are_formatted(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_config config, again;
	struct mr_error err = { 0 };
	const struct mr_value *networks;

	place(state, "mail: { networks = [ \"192.0.2.0/24\", \"2001:db8::1\" ]; dns = false; };");
	assert_ok(mr_config_load(arena, *state, NULL, &config, &err), err);
	place(state, mr_config_format(arena, &config));
	assert_ok(mr_config_load(arena, *state, NULL, &again, &err), err);
	networks = mr_value_get(mr_value_get(mr_config_settings(arena, &again), "mail"), "networks");
	assert_int_equal(networks->count, 2);
	assert_string_equal(networks->items[1]->string, "2001:db8::1");
}

static void tables_reach_the_tree_with_all_columns_and_are_formatted(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_config config, again;
	struct mr_error err = { 0 };
	const struct mr_value *domains;

	place(state, "backup_mx: { domains = ( { domain = \"a.org\"; primary = \"[m.a.org]:26\"; }, "
		     "{ domain = \"b.org\"; } ); };");
	assert_ok(mr_config_load(arena, *state, NULL, &config, &err), err);
	place(state, mr_config_format(arena, &config));
	assert_ok(mr_config_load(arena, *state, NULL, &again, &err), err);
	domains = mr_value_get(mr_value_get(mr_config_settings(arena, &again), "backup_mx"),
			       "domains");
	assert_int_equal(domains->count, 2);
	assert_string_equal(mr_value_get_string(domains->items[0], "primary", ""), "[m.a.org]:26");
	assert_string_equal(mr_value_get_string(domains->items[1], "domain", ""), "b.org");
	assert_int_equal(mr_value_get(domains->items[1], "primary")->kind, MR_VALUE_NULL);
	assert_string_equal(mr_value_get_string(domains->items[1], "recipients", ""), "verify");
}

static void the_tree_has_all_settings_and_what_is_empty_is_nothing(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_config config;
	struct mr_error err = { 0 };
	const struct mr_value *tree;

	assert_ok(mr_config_load(arena, *state, NULL, &config, &err), err);
	config.directory_port = 1;
	tree = mr_config_settings(arena, &config);
	assert_int_equal(mr_value_get(tree, "host")->kind, MR_VALUE_NULL);
	assert_int_equal(mr_value_get_int(mr_value_get(tree, "directory"), "port", 0), 1);
	assert_int_equal(mr_value_get(mr_value_get(tree, "backup"), "keep")->kind, MR_VALUE_NULL);
	assert_int_equal(mr_value_get(mr_value_get(tree, "mail"), "networks")->count, 0);
}

static void settings_at_their_default_are_commented_out(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_config config;
	struct mr_error err = { 0 };
	const char *text;

	assert_ok(mr_config_load(arena, *state, NULL, &config, &err), err);
	text = mr_config_format(arena, &config);
	assert_contains(text, "\n# host = \"\";\n");
	assert_contains(text, "\ndirectory:\n{\n\t# ");
	assert_contains(text, "\n\t# port = 3890;\n");
	assert_contains(text, "\n\t# manage = false;\n");
	config.directory_port = 1;
	config.host = "mail1.lan";
	text = mr_config_format(arena, &config);
	assert_contains(text, "\nhost = \"mail1.lan\";\n");
	assert_contains(text, "\n\tport = 1;\n");
	/* The empty defaults are a file, too. */
	place(state, text);
	assert_ok(mr_config_load(arena, *state, NULL, &config, &err), err);
}

static void every_row_is_described(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_value *rows = mr_config_describe(arena);

	(void)state;
	assert_int_equal(rows->kind, MR_VALUE_LIST);
	assert_true(rows->count > 20);
	for (size_t i = 0; i < rows->count; i++) {
		assert_non_null(mr_value_get_string(rows->items[i], "name", NULL));
		assert_non_null(mr_value_get_string(rows->items[i], "type", NULL));
		assert_non_null(mr_value_get_string(rows->items[i], "help", NULL));
	}
	assert_string_equal(mr_value_get_string(rows->items[2], "name", ""), "directory.port");
	assert_string_equal(mr_value_get_string(rows->items[2], "default", ""), "3890");
	assert_string_equal(mr_value_get_string(rows->items[3], "unit", ""), "seconds");
}

static void one_setting_is_changed_and_formatted(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_config config, again;
	struct mr_error err = { 0 };
	bool changed = false;
	const struct mr_value *mail;

	place(state, "mail: { smarthost = \"[gw.example]:587\"; networks = [ \"192.0.2.1\" ]; };");
	assert_ok(mr_config_load(arena, *state, NULL, &config, &err), err);
	assert_ok(mr_config_set_text(arena, &config, "mail.smarthost", "[gw.example]:587", &changed,
				     &err),
		  err);
	assert_false(changed);
	assert_ok(mr_config_set_text(arena, &config, "mail.smarthost", "", &changed, &err), err);
	assert_ok(mr_config_set_text(arena, &config, "mail.name", "host.example", &changed, &err),
		  err);
	assert_true(changed);
	place(state, mr_config_format(arena, &config));
	assert_ok(mr_config_load(arena, *state, NULL, &again, &err), err);
	mail = mr_value_get(mr_config_settings(arena, &again), "mail");
	assert_null(mr_value_get_string(mail, "smarthost", NULL));
	assert_string_equal(mr_value_get_string(mail, "name", ""), "host.example");
	assert_int_equal(mr_value_get(mail, "networks")->count, 1);
	assert_fails(mr_config_set_text(arena, &config, "mail.smarthost", "a b", &changed, &err),
		     MR_E_INVALID, err);
	assert_contains(err.message, "mail.smarthost: must be a host");
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, folder_setup, folder_teardown)

static void a_word_is_one_of_those_listed(void **state)
{
	static const struct {
		const char *text, *want; /* NULL: refused */
	} cases[] = {
		{ "defer", "defer" }, { "reject", "reject" },	  { "", NULL },
		{ "rejec", NULL },    { "defer|reject", NULL }, { "Reject", NULL },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		MR_ARENA arena = mr_arena_open();
		struct mr_config config;
		struct mr_error err = { 0 };
		const char *path = place(state, mr_printf(arena, "mail = { quota_full = \"%s\"; };",
							  cases[i].text));
		int rc = mr_config_load(arena, *state, NULL, &config, &err);

		if (cases[i].want) {
			assert_ok(rc, err);
			assert_string_equal(config.mail_quota_full, cases[i].want);
		} else {
			assert_int_equal(rc, -1);
			assert_contains(err.message, mr_printf(arena, "%s:1: mail.quota_full", path));
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_FOLDER(a_missing_file_gives_the_defaults),
		IN_FOLDER(a_missing_file_that_was_named_is_an_error),
		cmocka_unit_test(the_root_loses_its_trailing_slashes),
		IN_FOLDER(every_setting_is_read),
		IN_FOLDER(a_wrong_file_is_refused_with_its_line),
		IN_FOLDER(a_nul_byte_is_refused),
		IN_FOLDER(lists_reach_the_tree_and_are_formatted),
		IN_FOLDER(tables_reach_the_tree_with_all_columns_and_are_formatted),
		IN_FOLDER(the_tree_has_all_settings_and_what_is_empty_is_nothing),
		IN_FOLDER(a_word_is_one_of_those_listed),
		IN_FOLDER(what_is_formatted_reads_back),
		IN_FOLDER(one_setting_is_changed_and_formatted),
		IN_FOLDER(settings_at_their_default_are_commented_out),
		cmocka_unit_test(every_row_is_described),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
