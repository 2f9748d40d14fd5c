#include "model/keep.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define DAY 86400

static const char *const words[MR_KEEP_KINDS] = { "last", "daily", "weekly", "monthly", "yearly" };

/* One "word=number". */
static bool parse_part(const char *text, size_t len, struct mr_keep *out)
{
	for (int kind = 0; kind < MR_KEEP_KINDS; kind++) {
		size_t word = strlen(words[kind]);
		long number;
		char *end;

		if (len < word + 2 || memcmp(text, words[kind], word) != 0 || text[word] != '=')
			continue;
		if (text[word + 1] < '0' || text[word + 1] > '9')
			return false;
		number = strtol(text + word + 1, &end, 10);
		if (end != text + len || number < 1 || number > MR_KEEP_MOST || out->count[kind])
			return false;
		out->count[kind] = (int)number;
		return true;
	}
	return false;
}

int mr_keep_parse(const char *text, struct mr_keep *out, struct mr_error *err)
{
	const char *at = text;

	*out = (struct mr_keep){ { 0 } };
	for (;;) {
		size_t len = strcspn(at, ",");

		if (!parse_part(at, len, out))
			return mr_fail(err, MR_E_INVALID,
				       _("\"%s\": what is kept is said as in "
					 "daily=7,weekly=4,monthly=12,yearly=5,last=3 (numbers "
					 "from 1 to %d)"),
				       text, MR_KEEP_MOST);
		if (!at[len])
			return 0;
		at += len + 1;
	}
}

static int64_t floor_div(int64_t number, int64_t by)
{
	return number / by - (number % by < 0);
}

/* A number that is the same for all times of one day, week, month or year; of `last` each has its own. */
static int64_t period_of(enum mr_keep_kind kind, int64_t when, size_t index)
{
	time_t time = (time_t)when;
	struct tm utc;

	switch (kind) {
	case MR_KEEP_DAILY:
		return floor_div(when, DAY);
	case MR_KEEP_WEEKLY:
		/* 1970-01-01 was a Thursday. */
		return floor_div(floor_div(when, DAY) + 3, 7);
	case MR_KEEP_MONTHLY:
		gmtime_r(&time, &utc);
		return (int64_t)utc.tm_year * 12 + utc.tm_mon;
	case MR_KEEP_YEARLY:
		gmtime_r(&time, &utc);
		return utc.tm_year;
	default:
		return (int64_t)index;
	}
}

static bool counts(const struct mr_keep_item *item, int64_t now)
{
	return item->good && item->time <= now + MR_KEEP_AHEAD;
}

static void keep_kind(enum mr_keep_kind kind, int most, int64_t now, struct mr_keep_item *items,
		      size_t count)
{
	int64_t last = 0;
	int kept = 0;

	for (size_t i = count; i-- > 0 && kept < most;) {
		int64_t period = period_of(kind, items[i].time, i);

		if (!counts(&items[i], now) || (kept && period == last))
			continue;
		if (!items[i].why)
			items[i].why = words[kind];
		last = period;
		kept++;
	}
}

void mr_keep_choose(const struct mr_keep *keep, int64_t now, struct mr_keep_item *items,
		    size_t count)
{
	bool newest = true;

	for (size_t i = count; i-- > 0;) {
		items[i].why = NULL;
		if (!items[i].good) {
			items[i].why = "not valid";
		} else if (!counts(&items[i], now)) {
			items[i].why = "future";
		} else if (newest) {
			items[i].why = "newest";
			newest = false;
		}
	}
	for (int kind = 0; kind < MR_KEEP_KINDS; kind++)
		keep_kind((enum mr_keep_kind)kind, keep->count[kind], now, items, count);
}
