#include "features/render_diff.h"

#include <string.h>

#include "base/paths.h"
#include "test.h"

static void what_is_secret_is_hidden_and_nothing_else(void **state)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{ "bind_pw = s3cret", "bind_pw = (hidden)" },
		{ "bind_pw = abc/def", "bind_pw = (hidden)" },
		{ "bind_pw = /abc", "bind_pw = (hidden)" },
		{ "smtp_sasl_password_maps = static:/abc", "smtp_sasl_password_maps = (hidden)" },
		{ "dnpass = s3 cret", "dnpass = (hidden)" },
		{ "  dnpass=s3cret\nuris = x", "  dnpass=(hidden)\nuris = x" },
		{ "olcRootPW: {SSHA}abc", "olcRootPW: (hidden)" },
		{ "olcRootPW:: e1NTSEF9", "olcRootPW:: (hidden)" },
		{ "smtp_sasl_password_maps = static:user:s3cret",
		  "smtp_sasl_password_maps = (hidden)" },
		{ "smtp_sasl_password_maps =\n    inline:{ a=user:s3cret }",
		  "smtp_sasl_password_maps =\n    (hidden)" },
		{ "a {\n  dnpass = x\n  uris = y\n}", "a {\n  dnpass = (hidden)\n  uris = y\n}" },
		{ "credentials=\"open", "credentials=(hidden)" },
		{ "smtp_sasl_password_maps =\n    static:user:s3cret\nx = y",
		  "smtp_sasl_password_maps =\n    (hidden)\nx = y" },
		{ "smtp_sasl_password_maps =\n    texthash:/etc/mailrepl/secrets/smarthost-gw\n",
		  "smtp_sasl_password_maps =\n    texthash:/etc/mailrepl/secrets/smarthost-gw\n" },
		{ "ssl_key_password = </etc/key.pass", "ssl_key_password = </etc/key.pass" },
		{ "hide ldap_default_servers = a", "hide ldap_default_servers = (hidden)" },
		{ "  bindmethod=simple credentials=\"s3 cret\" starttls=critical",
		  "  bindmethod=simple credentials=(hidden) starttls=critical" },
		{ "args = user=x password=s3cret", "args = user=x password=(hidden)" },
		{ "pass_attrs = mailHost=host,=proxy=y,=nopassword=y",
		  "pass_attrs = mailHost=host,=proxy=y,=nopassword=y" },
		{ "pass_filter = (uid=%u)", "pass_filter = (uid=%u)" },
		{ "disable_plaintext_auth = yes", "disable_plaintext_auth = yes" },
		{ "# bind_pw is nobody's", "# bind_pw is nobody's" },
		{ "password =", "password =" },
		{ "", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		MR_ARENA arena = mr_arena_open();

		assert_string_equal(mr_diff_mask(arena, rows[i].text), rows[i].want);
	}
}

static void texts_that_differ_in_a_secret_alone_differ(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_error err = { 0 };
	MR_BUF out = { 0 };

	(void)state;
	assert_ok(mr_diff_texts(arena, "/x", "bind_pw = one\n", "bind_pw = other\n", &out, &err),
		  err);
	assert_string_equal(mr_buf_text(&out), "--- /x\n+++ /x\n(only what is hidden differs)\n");
	mr_buf_close(&out);
	assert_ok(mr_diff_texts(arena, "/x", "bind_pw = one\n", "bind_pw = one\n", &out, &err),
		  err);
	assert_string_equal(mr_buf_text(&out), "");
}

static void what_mailrepl_notes_down_for_itself_is_not_shown(void **state)
{
	static const struct mr_config config = { .root = "/nowhere" };
	MR_ARENA arena = mr_arena_open();
	struct mr_plan plan = { 0 };
	struct mr_error err = { 0 };
	MR_BUF out = { 0 };

	(void)state;
	mr_plan_file(arena, &plan, "/nowhere" MR_PATH_CHANGES "/etc/postfix/main.cf.json", "{}\n",
		     MR_FILE_PRIVATE, "record");
	mr_plan_file(arena, &plan, "/nowhere/etc/postfix/main.cf", "bind_pw = x\n", MR_FILE_PUBLIC,
		     "write");
	assert_ok(mr_diff_plan(arena, &config, &plan, &out, &err), err);
	assert_string_equal(mr_buf_text(&out), "--- /dev/null\n+++ /nowhere/etc/postfix/main.cf\n"
					       "@@ -0,0 +1 @@\n+bind_pw = (hidden)\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_secret_is_hidden_and_nothing_else),
		cmocka_unit_test(texts_that_differ_in_a_secret_alone_differ),
		cmocka_unit_test(what_mailrepl_notes_down_for_itself_is_not_shown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
