#include "test.h"

#include <sys/stat.h>

#include "adapters/tls.h"
#include "base/paths.h"
#include "features/hardening.h"

static struct mr_error err;

static void place(const char *root, const char *path, const char *text, mode_t mode)
{
	MR_ARENA arena = mr_arena_open();
	const char *file = mr_printf(arena, "%s%s", root, path);
	const char *folder = mr_strndup(arena, file, (size_t)(strrchr(file, '/') - file));

	assert_ok(mr_folder_make(folder, MR_FILE_PUBLIC_FOLDER, &err), err);
	assert_ok(mr_file_replace(file, text, strlen(text),
				  (struct mr_file_attrs){ mode, (uid_t)-1, (gid_t)-1 }, &err),
		  err);
}

static struct mr_config with(struct mr_arena *arena, const char *root, const char *settings)
{
	struct mr_config config;

	place(root, MR_PATH_CONFIG, settings, 0644);
	assert_ok(mr_config_load(arena, root, NULL, &config, &err), err);
	return config;
}

/* A certificate and its key where the settings say, below the folder. */
static void give(const char *root, const char *host, long long days)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_identity ca, identity;

	assert_ok(mr_tls_make_ca(arena, "given", &ca, &err), err);
	assert_ok(mr_tls_issue(arena, &ca, host, days, &identity, &err), err);
	place(root, "/given.crt", identity.cert, 0644);
	place(root, "/given.key", mr_strndup(arena, identity.key.data, identity.key.len), 0600);
	mr_identity_close(&ca);
	mr_identity_close(&identity);
}

#define GIVEN "tls: { certificate = \"/given.crt\"; key = \"/given.key\"; };"

static const struct mr_value *values(struct mr_arena *arena, const struct mr_config *config,
				     const char *group)
{
	struct mr_value *out = mr_value_object(arena);
	struct mr_hardening hardening;

	assert_ok(mr_hardening_read(arena, config, &hardening, &err), err);
	mr_hardening_set(arena, config, &hardening, out);
	return mr_value_get(out, group);
}

static bool yes(const struct mr_value *group, const char *name)
{
	return mr_value_get(group, name)->boolean;
}

static void without_a_given_certificate_the_domains_is_shown(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_config config = with(arena, *state, "");
	const struct mr_value *tls = values(arena, &config, "tls");

	assert_false(yes(tls, "given"));
	assert_string_equal(mr_value_get_string(tls, "certificate", ""),
			    mr_printf(arena, "%s" MR_PATH_HOST_CERT, (const char *)*state));
	assert_null(mr_hardening_renewed(arena, &config));
}

static void a_given_certificate_is_shown_with_its_fingerprint(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_config config = with(arena, *state, GIVEN);
	const struct mr_value *tls;

	give(*state, "imap.example.org", 30);
	tls = values(arena, &config, "tls");
	assert_true(yes(tls, "given"));
	assert_string_equal(mr_value_get_string(tls, "key", ""),
			    mr_printf(arena, "%s/given.key", (const char *)*state));
	assert_int_equal(strlen(mr_value_get_string(tls, "fingerprint", "")), 95);
	assert_contains(mr_value_get_string(tls, "until", ""), " UTC");
}

static void one_that_was_renewed_is_noticed_once_it_is_whole(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_config config = with(arena, *state, GIVEN);
	const char *rendered;

	give(*state, "imap.example.org", 30);
	rendered = mr_value_get_string(values(arena, &config, "tls"), "fingerprint", "");
	place(*state, MR_PATH_POSTFIX "/main.cf", mr_printf(arena, "# SHA-256 %s,\n", rendered),
	      0644);
	assert_null(mr_hardening_renewed(arena, &config));
	place(*state, MR_PATH_POSTFIX "/main.cf", "# nothing\n", 0644);
	assert_string_equal(mr_hardening_renewed(arena, &config), rendered);
	/* The new key is not there yet. */
	place(*state, "/given.key", "", 0600);
	assert_null(mr_hardening_renewed(arena, &config));
}

static void one_that_has_expired_is_refused_unless_it_is_in_force(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_config config = with(arena, *state, GIVEN);
	struct mr_hardening hardening;

	give(*state, "imap.example.org", -1);
	assert_fails(mr_hardening_read(arena, &config, &hardening, &err), MR_E_CONFIG, err);
	assert_contains(err.message, "/given.crt: the certificate has expired at 20");
	assert_null(mr_hardening_renewed(arena, &config));
	place(*state, MR_PATH_POSTFIX "/main.cf",
	      mr_printf(arena, "# SHA-256 %s,\n", hardening.fingerprint), 0644);
	assert_ok(mr_hardening_read(arena, &config, &hardening, &err), err);
}

static void settings_that_do_not_go_together_are_refused(void **state)
{
	static const struct {
		const char *settings, *want;
	} cases[] = {
		{ "tls: { certificate = \"/given.crt\"; };", "both must be given" },
		{ "tls: { key = \"/given.key\"; };", "both must be given" },
		{ GIVEN, "/given.crt: No such file" },
		{ "mail: { dns = false; }; tls: { outgoing = \"dane\"; };",
		  "mailrepl.conf: tls.outgoing: asks DNS" },
		{ "mail: { dns = false; }; tls: { outgoing = \"dane-only\"; };",
		  "mailrepl.conf: tls.outgoing: asks DNS" },
		{ "mail: { dns = false; }; postscreen: { dnsbl = ( { site = \"bl.example\"; } ); "
		  "};",
		  "mailrepl.conf: postscreen.dnsbl: asks DNS" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		MR_ARENA arena = mr_arena_open();
		struct mr_config config = with(arena, *state, cases[i].settings);
		struct mr_hardening hardening;

		assert_fails(mr_hardening_read(arena, &config, &hardening, &err), MR_E_CONFIG, err);
		assert_contains(err.message, cases[i].want);
	}
}

static void each_level_of_helo_has_what_the_one_before_has(void **state)
{
	static const struct {
		const char *level;
		bool helo, fqdn, known;
	} cases[] = {
		{ "none", false, false, false },
		{ "syntax", true, false, false },
		{ "fqdn", true, true, false },
		{ "known", true, true, true },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		MR_ARENA arena = mr_arena_open();
		struct mr_config config =
			with(arena, *state,
			     mr_printf(arena, "restrictions: { helo = \"%s\"; };", cases[i].level));
		const struct mr_value *strangers = values(arena, &config, "strangers");

		assert_int_equal(yes(strangers, "helo"), cases[i].helo);
		assert_int_equal(yes(strangers, "helo_fqdn"), cases[i].fqdn);
		assert_int_equal(yes(strangers, "helo_known"), cases[i].known);
	}
}

static void without_dns_nothing_asks_it(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_config config = with(arena, *state,
				       "mail: { dns = false; }; restrictions: { helo = \"known\"; "
				       "client_name = true; sender_domain = true; };");
	const struct mr_value *strangers = values(arena, &config, "strangers");

	assert_true(yes(strangers, "helo_fqdn"));
	assert_false(yes(strangers, "helo_known"));
	assert_false(yes(strangers, "client_name"));
	assert_false(yes(strangers, "sender_domain"));
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, folder_setup, folder_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_FOLDER(without_a_given_certificate_the_domains_is_shown),
		IN_FOLDER(a_given_certificate_is_shown_with_its_fingerprint),
		IN_FOLDER(one_that_was_renewed_is_noticed_once_it_is_whole),
		IN_FOLDER(one_that_has_expired_is_refused_unless_it_is_in_force),
		IN_FOLDER(settings_that_do_not_go_together_are_refused),
		IN_FOLDER(each_level_of_helo_has_what_the_one_before_has),
		IN_FOLDER(without_dns_nothing_asks_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
