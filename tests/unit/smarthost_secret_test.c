#include "sample_domain.h"

#include <sys/stat.h>

#include "features/smarthost.h"

static struct mr_error err;

static int apply_all(const struct mr_plan *plan)
{
	for (size_t i = 0; i < plan->count; i++)
		if (plan->steps[i].run(plan->steps[i].argument, &err) < 0)
			return -1;
	return 0;
}

static void a_password_is_in_one_file_and_in_no_plan(void **state)
{
	MR_ARENA arena = mr_arena_open();
	const char *conf = mr_printf(arena, "%s/etc/mailrepl/mailrepl.conf", (const char *)*state);
	struct mr_config config;
	struct mr_plan plan = { 0 };
	MR_SECRET password = { 0 };
	MR_BUF text = { 0 };
	const char *path, *user;
	struct stat st;

	put_file(conf, "mail: { manage = false; smarthost = \"[gw.example]:587\"; smarthost_user = "
		       "\"intranet\"; };");
	assert_ok(mr_config_load(arena, *state, NULL, &config, &err), err);
	assert_ok(mr_smarthost_secret_user(arena, &config, "[gw.example]:587", &user, &err), err);
	assert_null(user);
	mr_secret_set(&password, "open: sesame#1", 14);
	assert_ok(mr_smarthost_password_plan(arena, &config, NULL, &password, &plan, &err), err);
	mr_plan_format(&plan, true, &text);
	assert_null(strstr(mr_buf_text(&text), "sesame"));
	assert_ok(apply_all(&plan), err);
	path = mr_smarthost_secret_path(arena, &config, "gw.example:587");
	assert_true(mr_ends_with(path, "/etc/mailrepl/secrets/smarthost-gw.example__587"));
	assert_contains(text_at(arena, path), "\n[gw.example]:587 intranet:open: sesame#1\n"
					      "gw.example:587 intranet:open: sesame#1\n");
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_ok(mr_smarthost_secret_user(arena, &config, "[gw.example]:587", &user, &err), err);
	assert_string_equal(user, "intranet");
}

static void a_password_that_postfix_cannot_be_told_is_refused(void **state)
{
	static const char *const passwords[] = { "", "ends in a blank ", "a\nb", "a\tb" };
	MR_ARENA arena = mr_arena_open();
	struct mr_config config = config_with(
		arena, *state, "mail1.lan",
		"mail: { smarthost = \"[gw.example]:587\"; smarthost_user = \"intranet\"; };");

	for (size_t i = 0; i < sizeof(passwords) / sizeof(passwords[0]); i++) {
		struct mr_plan plan = { 0 };
		MR_SECRET password = { 0 };

		mr_secret_set(&password, passwords[i], strlen(passwords[i]));
		assert_fails(
			mr_smarthost_password_plan(arena, &config, NULL, &password, &plan, &err),
			MR_E_INVALID, err);
	}
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, folder_setup, folder_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_FOLDER(a_password_is_in_one_file_and_in_no_plan),
		IN_FOLDER(a_password_that_postfix_cannot_be_told_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
