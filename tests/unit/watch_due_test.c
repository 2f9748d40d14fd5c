#include "test.h"

#include "adapters/json.h"
#include "features/watch_due.h"

#define DAY 86400

/* Compares at `now`: what was found, and whether it is to be repaired. */
static bool compare(struct mr_watch_due *due, enum mr_watch_found found, int64_t now)
{
	assert_true(mr_watch_due_now(due, DAY, now));
	mr_watch_due_begin(due);
	return mr_watch_due_end(due, found, 1, now + 1);
}

/* The first second from `now` on at which it is due; 0: not within a day and an hour. */
static int64_t next(struct mr_watch_due *due, int64_t interval, int64_t now)
{
	for (int64_t at = now; at < now + DAY + 3600; at++)
		if (mr_watch_due_now(due, interval, at))
			return at;
	return 0;
}

static void nothing_is_due_before_something_has_happened(void **state)
{
	struct mr_watch_due due = MR_WATCH_DUE;

	(void)state;
	assert_int_equal(next(&due, DAY, 1000), 0);
}

static void after_a_restart_it_is_due_when_all_is_settled_and_in_ones_slot(void **state)
{
	struct mr_watch_due due = MR_WATCH_DUE;

	(void)state;
	mr_watch_due_call(&due, 3, 1000);
	assert_int_equal(next(&due, DAY, 1000), 1000 + MR_WATCH_SETTLE + 3);
	/* Another one meanwhile: to settle again, but the slot is one's own already. */
	mr_watch_due_call(&due, 3, 1008);
	assert_int_equal(next(&due, DAY, 1008), 1008 + MR_WATCH_SETTLE);
}

static void it_is_due_again_so_long_after_it_was_found_equal(void **state)
{
	struct mr_watch_due due = MR_WATCH_DUE;

	(void)state;
	mr_watch_due_call(&due, 0, 1000);
	assert_false(compare(&due, MR_FOUND_EQUAL, 1006));
	assert_int_equal(next(&due, 0, 1010), 0);
	assert_int_equal(next(&due, DAY, 1010), 1007 + DAY);
}

static void what_differs_is_looked_at_again_before_it_is_repaired(void **state)
{
	struct mr_watch_due due = MR_WATCH_DUE;

	(void)state;
	mr_watch_due_call(&due, 0, 1000);
	assert_false(compare(&due, MR_FOUND_DIFFERS, 1006));
	assert_int_equal(next(&due, DAY, 1007), 1007 + MR_WATCH_LOOK_AGAIN);
	assert_true(compare(&due, MR_FOUND_DIFFERS, 1012));
}

static void what_differs_once_and_is_on_its_way_then_is_not_repaired(void **state)
{
	struct mr_watch_due due = MR_WATCH_DUE;
	int64_t at;

	(void)state;
	mr_watch_due_call(&due, 0, 1000);
	assert_false(compare(&due, MR_FOUND_DIFFERS, 1006));
	assert_false(compare(&due, MR_FOUND_LATER, 1012));
	at = next(&due, DAY, 1013);
	assert_false(compare(&due, MR_FOUND_DIFFERS, at));
	at = next(&due, DAY, at + 1);
	assert_false(compare(&due, MR_FOUND_EQUAL, at));
}

static void a_restart_between_two_looks_puts_the_second_off(void **state)
{
	struct mr_watch_due due = MR_WATCH_DUE;

	(void)state;
	mr_watch_due_call(&due, 0, 1000);
	assert_false(compare(&due, MR_FOUND_DIFFERS, 1006));
	mr_watch_due_call(&due, 2, 1011);
	assert_int_equal(next(&due, DAY, 1011), 1011 + MR_WATCH_SETTLE + 2);
	assert_true(compare(&due, MR_FOUND_DIFFERS, 1019));
}

static void nothing_is_repaired_right_after_a_restart(void **state)
{
	struct mr_watch_due due = MR_WATCH_DUE;

	(void)state;
	mr_watch_due_call(&due, 0, 1000);
	assert_false(compare(&due, MR_FOUND_DIFFERS, 1006));
	mr_watch_due_begin(&due);
	mr_watch_due_call(&due, 0, 1013);
	assert_false(mr_watch_due_end(&due, MR_FOUND_DIFFERS, 1, 1014));
	assert_true(compare(&due, MR_FOUND_DIFFERS, next(&due, DAY, 1014)));
}

static void a_restart_during_a_comparison_is_not_forgotten(void **state)
{
	struct mr_watch_due due = MR_WATCH_DUE;

	(void)state;
	mr_watch_due_call(&due, 0, 1000);
	assert_true(mr_watch_due_now(&due, DAY, 1006));
	mr_watch_due_begin(&due);
	mr_watch_due_call(&due, 2, 1020);
	assert_false(mr_watch_due_end(&due, MR_FOUND_EQUAL, 20, 1026));
	assert_int_equal(next(&due, DAY, 1026), 1020 + MR_WATCH_SETTLE + 2);
}

static void comparing_without_an_end_takes_longer_and_longer_pauses(void **state)
{
	struct mr_watch_due due = MR_WATCH_DUE;
	int64_t at = 1000;
	size_t count = 0;

	(void)state;
	mr_watch_due_call(&due, 0, at);
	for (int64_t begin = at; at - begin < 3600; count++) {
		at = next(&due, DAY, at);
		assert_false(compare(&due, MR_FOUND_LATER, at));
	}
	if (count > 70)
		fail_msg("%zu comparisons within an hour", count);
	/* A restart is something new. */
	mr_watch_due_call(&due, 0, at + 20);
	assert_int_equal(next(&due, DAY, at), at + 20 + MR_WATCH_SETTLE);
	assert_false(compare(&due, MR_FOUND_EQUAL, at + 26));
	assert_int_equal(next(&due, 0, at + 27), 0);
}

static void a_comparison_that_takes_long_is_repeated_seldom(void **state)
{
	struct mr_watch_due due = MR_WATCH_DUE;

	(void)state;
	mr_watch_due_call(&due, 0, 1000);
	mr_watch_due_begin(&due);
	assert_false(mr_watch_due_end(&due, MR_FOUND_LATER, 60, 1066));
	assert_int_equal(next(&due, DAY, 1066), 1666);
	/* Nor for a provider that comes and goes. */
	mr_watch_due_call(&due, 5, 1100);
	assert_int_equal(next(&due, DAY, 1100), 1666);
}

static void repairs_that_do_not_help_are_tried_less_and_less_often(void **state)
{
	struct mr_watch_due due = MR_WATCH_DUE;
	int64_t at = 1000, last = 0, pauses[4];

	(void)state;
	mr_watch_due_call(&due, 0, at);
	for (size_t repairs = 0; repairs < 4;) {
		at = next(&due, DAY, at);
		if (!compare(&due, MR_FOUND_DIFFERS, at))
			continue;
		pauses[repairs++] = at - last;
		last = at;
		mr_watch_due_repair(&due, at);
		assert_false(mr_watch_due_end(&due, MR_FOUND_DIFFERS, 1, at + 1));
	}
	assert_true(pauses[1] >= 10 && pauses[2] >= 20 && pauses[3] >= 40);
}

static void what_is_left_to_its_owner_rests_until_something_happens(void **state)
{
	struct mr_watch_due due = MR_WATCH_DUE;

	(void)state;
	mr_watch_due_call(&due, 0, 1000);
	assert_false(compare(&due, MR_FOUND_LEFT, 1006));
	assert_int_equal(next(&due, 0, 1007), 0);
}

static void no_two_hosts_compare_with_one_owner_at_once_nor_one_host_with_two(void **state)
{
	enum { HOSTS = 7 };

	(void)state;
	for (size_t fixed = 0; fixed < HOSTS; fixed++) {
		unsigned by_host = 0, by_owner = 0;

		for (size_t i = 0; i < HOSTS; i++) {
			by_host |= 1u << (mr_watch_slot(i, fixed, HOSTS, 2) / 2);
			by_owner |= 1u << (mr_watch_slot(fixed, i, HOSTS, 2) / 2);
		}
		assert_int_equal(by_host, (1u << HOSTS) - 1);
		assert_int_equal(by_owner, (1u << HOSTS) - 1);
		assert_int_equal(mr_watch_slot(fixed, fixed, HOSTS, 2), 0);
	}
	assert_int_equal(mr_watch_slot(1, 0, 3, 0), 1);
	assert_int_equal(mr_watch_slot(0, 1, 0, 5), 0);
}

#define COPY(owner, holder, state, more)                                                           \
	"{\"owner\":\"" owner "\",\"holder\":\"" holder "\",\"state\":\"" state "\"" more "}"

static void the_worst_copy_of_an_owner_counts(void **state)
{
	static const struct {
		const char *json;
		enum mr_watch_found want;
		const char *why;
	} cases[] = {
		{ "{\"copies\":[" COPY("a.lan", "me.lan", "equal", "") "]}", MR_FOUND_EQUAL, NULL },
		{ "{\"copies\":[" COPY("a.lan", "me.lan", "behind", "") "]}", MR_FOUND_LATER,
		  NULL },
		{ "{\"copies\":[" COPY("a.lan", "me.lan", "unknown", ",\"why\":\"w\"") "]}",
		  MR_FOUND_LATER, "w" },
		{ "{\"copies\":[" COPY("a.lan", "me.lan", "differs", ",\"why\":null") "]}",
		  MR_FOUND_DIFFERS, NULL },
		{ "{\"copies\":[" COPY("a.lan", "me.lan", "differs", ",\"why\":\"old\"") "]}",
		  MR_FOUND_LEFT, "old" },
		{ "{\"copies\":[" COPY("a.lan", "me.lan", "equal", "") "," COPY(
			  "a.lan", "me.lan", "differs", "") "," COPY("a.lan", "me.lan", "behind",
								     "") "]}",
		  MR_FOUND_DIFFERS, NULL },
		{ "{\"copies\":[" COPY("b.lan", "me.lan", "differs", "") "," COPY(
			  "a.lan", "b.lan", "differs", "") "," COPY("a.lan", "me.lan", "equal",
								    "") "]}",
		  MR_FOUND_EQUAL, NULL },
		{ "{\"copies\":[{\"owner\":null,\"holder\":\"me.lan\",\"state\":\"differs\"}]}",
		  MR_FOUND_LATER, NULL },
		{ "{\"error\":{}}", MR_FOUND_LATER, NULL },
		{ "{\"copies\":7}", MR_FOUND_LATER, NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		MR_ARENA arena = mr_arena_open();
		struct mr_value *result;
		struct mr_error err;
		const char *why;

		assert_ok(mr_json_parse(arena, "test", cases[i].json, strlen(cases[i].json),
					&result, &err),
			  err);
		if (mr_watch_found(result, "a.lan", "me.lan", &why) != cases[i].want)
			fail_msg("case %zu: got %d, want %d", i,
				 mr_watch_found(result, "a.lan", "me.lan", NULL), cases[i].want);
		if ((why == NULL) != (cases[i].why == NULL) ||
		    (why && strcmp(why, cases[i].why) != 0))
			fail_msg("case %zu: why is %s", i, why ? why : "NULL");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_due_before_something_has_happened),
		cmocka_unit_test(after_a_restart_it_is_due_when_all_is_settled_and_in_ones_slot),
		cmocka_unit_test(it_is_due_again_so_long_after_it_was_found_equal),
		cmocka_unit_test(what_differs_is_looked_at_again_before_it_is_repaired),
		cmocka_unit_test(what_differs_once_and_is_on_its_way_then_is_not_repaired),
		cmocka_unit_test(a_restart_between_two_looks_puts_the_second_off),
		cmocka_unit_test(nothing_is_repaired_right_after_a_restart),
		cmocka_unit_test(a_restart_during_a_comparison_is_not_forgotten),
		cmocka_unit_test(comparing_without_an_end_takes_longer_and_longer_pauses),
		cmocka_unit_test(a_comparison_that_takes_long_is_repeated_seldom),
		cmocka_unit_test(repairs_that_do_not_help_are_tried_less_and_less_often),
		cmocka_unit_test(what_is_left_to_its_owner_rests_until_something_happens),
		cmocka_unit_test(no_two_hosts_compare_with_one_owner_at_once_nor_one_host_with_two),
		cmocka_unit_test(the_worst_copy_of_an_owner_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
