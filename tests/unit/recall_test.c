#include "recall_fixture.h"

#include "features/recall.h"

static const struct mr_config config = { .root = "", .host = "mail2.lan" };

#define OWN OWNED("Mail", CSN("05", "002")) OWNED("Unix", CSN("05", "002"))

static void whose_copy_is_newer_is_filled_again_from_that_copy(void **state)
{
	static const struct {
		const char *mail1, *relay;
		const char *steps[2]; /* NULL: none */
	} rows[] = {
		{ COPY("Mail", CSN("05", "002")) COPY("Unix", CSN("05", "002")),
		  COPY("Mail", CSN("04", "002")),
		  { NULL, NULL } },
		{ COPY("Mail", CSN("06", "002")) COPY("Unix", CSN("05", "002")),
		  COPY("Mail", CSN("07", "002")),
		  { "mail-owned, which is older", "relay.lan" } },
		{ COPY("Mail", CSN("05", "002")) COPY("Unix", CSN("06", "002")),
		  NULL,
		  { "unix-owned, which is older", "mail1.lan" } },
		{ COPY("Mail", CSN("06", "002")) COPY("Unix", CSN("06", "002")),
		  NULL,
		  { "mail-owned, which is older", "unix-owned, which is older" } },
		/* Another owner's changes say nothing. */
		{ COPY("Mail", CSN("09", "001")) COPY("Unix", CSN("09", "003")),
		  NULL,
		  { NULL, NULL } },
		{ NULL, NULL, { NULL, NULL } },
	};

	(void)state;
	mr_log_init("test", MR_LOG_ERROR);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		MR_ARENA arena = mr_arena_open();
		struct mr_plan plan = { 0 };
		MR_DIRECTORY dir = NULL;
		struct mr_error err;
		MR_BUF text = { 0 };

		mail1 = rows[i].mail1;
		relay = rows[i].relay;
		assert_ok(mr_directory_open_memory(OWN, &dir, &err), err);
		assert_ok(mr_recall_plan(arena, &config, dir, &topology, &plan, &err), err);
		mr_plan_format(&plan, false, &text);
		if (!rows[i].steps[0])
			assert_int_equal(plan.count, 0);
		for (size_t s = 0; s < 2 && rows[i].steps[s]; s++)
			assert_contains(mr_buf_text(&text), rows[i].steps[s]);
	}
}

static void what_has_lost_its_csn_is_older_than_any_copy(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_recall_look look;
	MR_DIRECTORY dir = NULL;
	struct mr_error err;

	(void)state;
	mail1 = COPY("Mail", CSN("01", "002"));
	relay = NULL;
	assert_ok(mr_directory_open_memory("dn: cn=mail2.lan,ou=Mail,ou=Owned,dc=mailrepl\n"
					   "objectClass: mailReplContainer\ncn: mail2.lan\n",
					   &dir, &err),
		  err);
	assert_ok(mr_recall_ask(arena, &config, dir, &topology, MR_MAIL, &look, &err), err);
	assert_true(look.answered);
	assert_true(look.newer);
	assert_string_equal(look.refill.from, "mail1.lan");
}

static void nobody_fills_anything_while_slapd_does_not_run_or_nobody_else_is_there(void **state)
{
	const struct mr_topology alone = { .home = "mail2.lan", .hosts = &hosts[1], .count = 1 };
	MR_ARENA arena = mr_arena_open();
	struct mr_plan plan = { 0 };
	MR_DIRECTORY dir = NULL;
	struct mr_error err;

	(void)state;
	mail1 = relay = COPY("Mail", CSN("09", "002"));
	assert_ok(mr_recall_plan(arena, &config, NULL, &topology, &plan, &err), err);
	assert_ok(mr_directory_open_memory(OWN, &dir, &err), err);
	assert_ok(mr_recall_plan(arena, &config, dir, &alone, &plan, &err), err);
	assert_int_equal(plan.count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whose_copy_is_newer_is_filled_again_from_that_copy),
		cmocka_unit_test(what_has_lost_its_csn_is_older_than_any_copy),
		cmocka_unit_test(
			nobody_fills_anything_while_slapd_does_not_run_or_nobody_else_is_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
