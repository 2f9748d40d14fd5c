#include "test.h"

#include "features/exim_ask.h"
#include "features/trace.h"

static struct mr_error err;

static void what_exim_says_of_an_address_is_understood(void **state)
{
	static const struct {
		const char *text;
		enum mr_exim_fate fate;
		const char *ways, *why;
	} cases[] = {
		{ "user1@mail1.lan\n    <-- user1@maildomain.org\n  router = peers, transport = relay\n"
		  "  host mail1.lan [10.0.0.1]\n",
		  MR_EXIM_ROUTED, "user1@mail1.lan", NULL },
		{ "root@localhost\n  router = root, transport = mailbox_of_root\n", MR_EXIM_ROUTED,
		  "root@localhost", NULL },
		{ "root@localhost\n    <-- postmaster@maildomain.org\n    <-- Postmaster+x@MailDomain.org\n"
		  "  router = root, transport = mailbox_of_root\n",
		  MR_EXIM_ROUTED, "postmaster@maildomain.org root@localhost", NULL },
		{ "user1@mail1.lan\n    <-- all@mail1.lan\n    <-- all@maildomain.org\n  router = x\n"
		  "user2@mail2.lan\n    <-- all@mail1.lan\n    <-- all@maildomain.org\n",
		  MR_EXIM_ROUTED, "all@mail1.lan user1@mail1.lan", NULL },
		{ "nobody@maildomain.org is undeliverable: User unknown\n", MR_EXIM_UNDELIVERABLE,
		  "nobody@maildomain.org", "User unknown" },
		{ "both@maildomain.org cannot be resolved at this time: 2 have it\n", MR_EXIM_LATER,
		  "both@maildomain.org", "2 have it" },
		{ "Warning: this is none\nuser1@mail1.lan\n    <-- user1@maildomain.org\n",
		  MR_EXIM_ROUTED, "user1@mail1.lan", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		MR_ARENA arena = mr_arena_open();
		struct mr_exim_answer got;

		assert_ok(mr_exim_answer_parse(arena, cases[i].text, &got, &err), err);
		assert_int_equal(got.fate, cases[i].fate);
		assert_string_equal(mr_list_join(arena, &got.ways, " "), cases[i].ways);
		if (cases[i].why)
			assert_string_equal(got.why, cases[i].why);
		else
			assert_null(got.why);
	}
}

static void what_is_no_answer_is_an_error(void **state)
{
	static const char *const texts[] = { "",
					     "2026-11-22 configuration error in line 3 of x@y:\n" };
	MR_ARENA arena = mr_arena_open();
	struct mr_exim_answer got;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_fails(mr_exim_answer_parse(arena, texts[i], &got, &err), MR_E_CONFIG, err);
}

static void exim_is_compared_with_what_the_directory_says(void **state)
{
	static const struct {
		const char *mapped; /* NULL: nobody */
		enum mr_fate fate;
		const char *said;
		bool agrees;
	} cases[] = {
		{ "user1@mail1.lan", MR_FATE_DELIVERABLE, "user1@mail1.lan\n    <-- user1+x@d.org\n",
		  true },
		{ "user1@mail1.lan", MR_FATE_DELIVERABLE,
		  "user1+x@mail1.lan\n    <-- user1+x@d.org\n", true },
		{ "user1@mail1.lan", MR_FATE_DELIVERABLE, "user2@mail1.lan\n    <-- user1+x@d.org\n",
		  false },
		{ "user1@mail1.lan", MR_FATE_DELIVERABLE,
		  "user1+x@d.org is undeliverable: User unknown\n", false },
		{ "admin@mail1.lan", MR_FATE_DELIVERABLE,
		  "admin@mail1.lan\n    <-- d.org@roles.mailrepl.invalid\n    <-- root@d.org\n",
		  true },
		{ NULL, MR_FATE_REFUSED, "user1+x@d.org is undeliverable: User unknown\n", true },
		{ NULL, MR_FATE_REFUSED, "user1@mail1.lan\n    <-- user1+x@d.org\n", false },
		{ NULL, MR_FATE_DEFERRED, "user1+x@d.org cannot be resolved at this time: 2\n", true },
		{ NULL, MR_FATE_DEFERRED, "user1+x@d.org is undeliverable: User unknown\n", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		MR_ARENA arena = mr_arena_open();
		struct mr_trace own = { .fate = cases[i].fate, .mapped = cases[i].mapped };
		struct mr_exim_answer answer;
		struct mr_trace_mta got = { .asked = true };

		mr_list_add(arena, &own.forms, "user1+x@d.org");
		mr_list_add(arena, &own.forms, "user1@d.org");
		mr_list_add(arena, &own.forms, "@d.org");
		assert_ok(mr_exim_answer_parse(arena, cases[i].said, &answer, &err), err);
		mr_trace_exim_judge(arena, &own, &answer, &got);
		assert_non_null(got.answer);
		if (got.agrees != cases[i].agrees)
			fail_msg("%s: \"%s\" %s", cases[i].said, got.answer,
				 got.agrees ? "agrees" : "disagrees");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_exim_says_of_an_address_is_understood),
		cmocka_unit_test(what_is_no_answer_is_an_error),
		cmocka_unit_test(exim_is_compared_with_what_the_directory_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
