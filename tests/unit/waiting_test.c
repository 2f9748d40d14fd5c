#include "test.h"

#include "features/waiting.h"

/* One look at a time: how long is Postfix's record, is the host there if it is probed; is the mail to be delivered then? */
struct look {
	int64_t at, recorded;
	bool there;
	const char *want; /* "": not probed, "no", "yes" */
};

static void run(const struct look *looks, size_t count)
{
	struct mr_waiting_site site = { .name = "mail1.lan" };

	for (size_t i = 0; i < count; i++) {
		const char *got = "";

		if (mr_waiting_is_due(&site, looks[i].recorded, looks[i].at))
			got = mr_waiting_probed(&site, looks[i].there, looks[i].at) ? "yes" : "no";
		if (strcmp(got, looks[i].want) != 0)
			fail_msg("at %lld: \"%s\", not \"%s\"", (long long)looks[i].at, got,
				 looks[i].want);
	}
}

static void what_waits_for_a_host_that_is_back_is_delivered_a_few_times(void **state)
{
	static const struct look looks[] = {
		{ 1000, 0, true, "" },     { 1002, 17, false, "no" }, { 1004, 34, false, "" },
		{ 1007, 34, false, "no" }, { 1012, 34, true, "yes" }, { 1014, 34, true, "" },
		{ 1022, 34, true, "yes" }, { 1042, 34, true, "yes" }, { 1082, 34, true, "yes" },
		{ 1162, 34, true, "yes" }, { 1400, 34, true, "" },    { 5000, 51, false, "no" },
		{ 5005, 51, true, "yes" }, { 5007, 0, true, "" },     { 5009, 17, true, "yes" },
	};

	(void)state;
	run(looks, sizeof(looks) / sizeof(looks[0]));
}

static void a_host_that_is_there_and_takes_nothing_is_left_to_postfix_in_the_end(void **state)
{
	static const struct look looks[] = {
		/* it may have been away between two looks */
		{ 1000, 17, true, "yes" },
		{ 1004, 34, true, "" },
		{ 1007, 34, true, "no" },
		{ 1010, 34, true, "yes" },
		{ 1030, 51, true, "yes" },
		{ 1070, 51, true, "yes" },
		{ 1150, 51, true, "yes" },
		{ 5000, 68, true, "no" },
		{ 5010, 68, true, "" },
		/* the clock was set back */
		{ 500, 85, true, "no" },
	};

	(void)state;
	run(looks, sizeof(looks) / sizeof(looks[0]));
}

static void only_a_nexthop_in_brackets_is_in_one_place(void **state)
{
	static const struct {
		const char *text, *host;
		int port;
	} cases[] = {
		{ "[mail.partner.org]", "mail.partner.org", 25 },
		{ "[192.0.2.1]:2525", "192.0.2.1", 2525 },
		{ "[2001:db8::1]", "2001:db8::1", 25 },
		{ "mail.partner.org", NULL, 0 },
		{ "", NULL, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		MR_ARENA arena = mr_arena_open();
		const char *host;
		int port;

		assert_int_equal(mr_waiting_nexthop(arena, cases[i].text, &host, &port),
				 cases[i].host != NULL);
		if (!cases[i].host)
			continue;
		assert_string_equal(host, cases[i].host);
		assert_int_equal(port, cases[i].port);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_waits_for_a_host_that_is_back_is_delivered_a_few_times),
		cmocka_unit_test(a_host_that_is_there_and_takes_nothing_is_left_to_postfix_in_the_end),
		cmocka_unit_test(only_a_nexthop_in_brackets_is_in_one_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
