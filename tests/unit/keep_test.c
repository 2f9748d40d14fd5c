#include "test.h"

#include <time.h>

#include "model/keep.h"

#define DAY 86400
#define MOST 400

static int64_t noon(int year, int month, int day)
{
	struct tm utc = {
		.tm_year = year - 1900, .tm_mon = month - 1, .tm_mday = day, .tm_hour = 12
	};

	return (int64_t)timegm(&utc);
}

static struct mr_keep keep_of(const char *text)
{
	struct mr_keep keep;
	struct mr_error err;

	assert_ok(mr_keep_parse(text, &keep, &err), err);
	return keep;
}

struct series {
	struct mr_keep_item items[MOST];
	size_t count;
};

static void add(struct series *series, int64_t time)
{
	series->items[series->count++] = (struct mr_keep_item){ .time = time, .good = true };
}

/* One at noon of each of the last `days` days. */
static struct series daily(int64_t last, int days)
{
	struct series series = { .count = 0 };

	for (int i = days - 1; i >= 0; i--)
		add(&series, last - (int64_t)i * DAY);
	return series;
}

static size_t kept(const struct series *series)
{
	size_t count = 0;

	for (size_t i = 0; i < series->count; i++)
		count += series->items[i].why != NULL;
	return count;
}

static void choose(struct series *series, const char *text, int64_t now)
{
	struct mr_keep keep = keep_of(text);

	mr_keep_choose(&keep, now, series->items, series->count);
}

static bool stays(const struct series *series, int64_t time)
{
	for (size_t i = 0; i < series->count; i++)
		if (series->items[i].time == time)
			return series->items[i].why != NULL;
	fail_msg("there is none of %lld", (long long)time);
	return false;
}

static void what_is_kept_is_parsed(void **state)
{
	struct mr_keep keep = keep_of("daily=7,weekly=4,monthly=12,yearly=5,last=3");

	(void)state;
	assert_int_equal(keep.count[MR_KEEP_DAILY], 7);
	assert_int_equal(keep.count[MR_KEEP_WEEKLY], 4);
	assert_int_equal(keep.count[MR_KEEP_MONTHLY], 12);
	assert_int_equal(keep.count[MR_KEEP_YEARLY], 5);
	assert_int_equal(keep.count[MR_KEEP_LAST], 3);
	keep = keep_of("last=1");
	assert_int_equal(keep.count[MR_KEEP_DAILY], 0);
}

static void what_could_mean_to_keep_nothing_is_refused(void **state)
{
	static const char *const wrong[] = { "",
					     "daily",
					     "daily=",
					     "daily=0",
					     "daily=-1",
					     "daily= 7",
					     "daily=7,",
					     ",daily=7",
					     "7",
					     "hourly=3",
					     "daily=7,daily=8",
					     "daily=7 ",
					     "last=10001",
					     "daily=7;weekly=4",
					     "daily=99999999999999" };
	struct mr_keep keep;
	struct mr_error err;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		if (mr_keep_parse(wrong[i], &keep, &err) == 0)
			fail_msg("\"%s\" was accepted", wrong[i]);
}

static void a_year_of_days_leaves_days_weeks_and_months(void **state)
{
	int64_t now = noon(2026, 11, 22);
	struct series series = daily(now, 365);

	(void)state;
	choose(&series, "daily=7,weekly=4,monthly=12", now);
	/* Sunday the 22nd, the six days before, */
	assert_true(stays(&series, noon(2026, 11, 22)));
	assert_true(stays(&series, noon(2026, 11, 16)));
	/* the Sundays of the weeks before: the week of the 22nd counts as the first of the four, */
	assert_true(stays(&series, noon(2026, 11, 15)));
	assert_true(stays(&series, noon(2026, 11, 8)));
	assert_true(stays(&series, noon(2026, 11, 1)));
	assert_false(stays(&series, noon(2026, 10, 25)));
	assert_false(stays(&series, noon(2026, 11, 14)));
	/* and the last days of the eleven months before. */
	assert_true(stays(&series, noon(2026, 10, 31)));
	assert_true(stays(&series, noon(2026, 2, 28)));
	assert_true(stays(&series, noon(2025, 12, 31)));
	assert_false(stays(&series, noon(2025, 11, 30)));
	assert_int_equal(kept(&series), 7 + 3 + 11);
}

static void years_and_the_last_ones_are_kept(void **state)
{
	int64_t now = noon(2026, 6, 1);
	struct series series = { .count = 0 };

	(void)state;
	for (int year = 2015; year <= 2026; year++)
		add(&series, noon(year, 3, 1));
	choose(&series, "yearly=3,last=5", now);
	assert_int_equal(kept(&series), 5);
	choose(&series, "yearly=3", now);
	assert_int_equal(kept(&series), 3);
	assert_true(stays(&series, noon(2024, 3, 1)));
	assert_false(stays(&series, noon(2023, 3, 1)));
}

static void of_one_day_the_last_one_stays(void **state)
{
	int64_t now = noon(2026, 6, 1);
	struct series series = { .count = 0 };

	(void)state;
	add(&series, now - 7200);
	add(&series, now - 3600);
	add(&series, now);
	choose(&series, "daily=7", now);
	assert_int_equal(kept(&series), 1);
	assert_string_equal(series.items[2].why, "newest");
}

static void days_without_archives_do_not_count(void **state)
{
	int64_t now = noon(2026, 6, 1);
	struct series series = daily(now - (int64_t)200 * DAY, 30);

	(void)state;
	choose(&series, "daily=7", now);
	assert_int_equal(kept(&series), 7);
}

static void what_is_from_the_future_stays_and_displaces_nothing(void **state)
{
	int64_t now = noon(2026, 6, 1);
	struct series series = daily(now, 7);

	(void)state;
	for (int i = 1; i <= 20; i++)
		add(&series, now + (int64_t)3650 * DAY + (int64_t)i * DAY);
	choose(&series, "daily=7", now);
	assert_int_equal(kept(&series), 27);
	assert_string_equal(series.items[26].why, "future");
}

/* All archives are from its future then. */
static void a_clock_that_fell_back_makes_nothing_go(void **state)
{
	struct series series = daily(noon(2026, 6, 1), 100);

	(void)state;
	choose(&series, "last=1", noon(1970, 1, 2));
	assert_int_equal(kept(&series), 100);
}

static void a_clock_that_jumped_ahead_makes_nothing_go_but_one_for_one(void **state)
{
	int64_t now = noon(2026, 6, 1);
	struct series series = daily(now, 7);

	(void)state;
	add(&series, noon(2099, 1, 1));
	choose(&series, "daily=7", noon(2099, 1, 1));
	assert_int_equal(kept(&series), 7);
	assert_false(stays(&series, now - 6 * DAY));
}

static void what_is_not_valid_stays_and_stands_for_nothing(void **state)
{
	int64_t now = noon(2026, 6, 1);
	struct series series = daily(now, 10);

	(void)state;
	series.items[9].good = series.items[8].good = false;
	choose(&series, "last=2", now);
	assert_string_equal(series.items[9].why, "not valid");
	assert_string_equal(series.items[7].why, "newest");
	assert_string_equal(series.items[6].why, "last");
	assert_null(series.items[5].why);
	assert_int_equal(kept(&series), 4);
}

static void the_only_valid_one_stays(void **state)
{
	int64_t now = noon(2026, 6, 1);
	struct series series = daily(now, 5);

	(void)state;
	for (int i = 1; i < 5; i++)
		series.items[i].good = false;
	choose(&series, "last=1", now);
	assert_int_equal(kept(&series), 5);
}

static void times_before_1970_have_days_too(void **state)
{
	struct series series = { .count = 0 };

	(void)state;
	add(&series, -DAY - 1);
	add(&series, -1);
	add(&series, 1);
	choose(&series, "daily=2", 10);
	assert_null(series.items[0].why);
	assert_non_null(series.items[1].why);
	assert_non_null(series.items[2].why);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_kept_is_parsed),
		cmocka_unit_test(what_could_mean_to_keep_nothing_is_refused),
		cmocka_unit_test(a_year_of_days_leaves_days_weeks_and_months),
		cmocka_unit_test(years_and_the_last_ones_are_kept),
		cmocka_unit_test(of_one_day_the_last_one_stays),
		cmocka_unit_test(days_without_archives_do_not_count),
		cmocka_unit_test(what_is_from_the_future_stays_and_displaces_nothing),
		cmocka_unit_test(a_clock_that_fell_back_makes_nothing_go),
		cmocka_unit_test(a_clock_that_jumped_ahead_makes_nothing_go_but_one_for_one),
		cmocka_unit_test(what_is_not_valid_stays_and_stands_for_nothing),
		cmocka_unit_test(the_only_valid_one_stays),
		cmocka_unit_test(times_before_1970_have_days_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
