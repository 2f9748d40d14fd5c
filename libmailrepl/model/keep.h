/* Which archives of one series (same host, same "for") stay. Pure: times in, choice out.
 *
 * Of the newest N days that have an archive the last one of each stays, and likewise of weeks (they begin on Monday), months and years,
 * all in UTC; and the newest N whatever their times. Days without archives do not count, so neither a long absence nor a clock that
 * jumped ahead makes anything go. What is from the future stays and stands for no day: it is the clock that is wrong, then or now. */
#ifndef MR_MODEL_KEEP_H
#define MR_MODEL_KEEP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/memory.h"

#define MR_KEEP_MOST 10000
#define MR_KEEP_AHEAD 3600 /* seconds: further ahead of now is the future */

enum mr_keep_kind {
	MR_KEEP_LAST,
	MR_KEEP_DAILY,
	MR_KEEP_WEEKLY,
	MR_KEEP_MONTHLY,
	MR_KEEP_YEARLY,
	MR_KEEP_KINDS
};

struct mr_keep {
	int count[MR_KEEP_KINDS];
};

/* "daily=7,weekly=4,monthly=12,yearly=5,last=3": any of them, each once, from 1 to MR_KEEP_MOST; at least one. MR_E_INVALID. */
int mr_keep_parse(const char *text, struct mr_keep *out, struct mr_error *err) MR_MUST_CHECK;

struct mr_keep_item {
	int64_t time;    /* seconds since the epoch */
	bool good;       /* false: stays, and stands for nothing */
	const char *why; /* set: "daily", "future", "not valid", …; NULL: it goes. Static. */
};

/* `items` in the order of their times, oldest first. The newest good one that is not from the future stays in any case. */
void mr_keep_choose(const struct mr_keep *keep, int64_t now, struct mr_keep_item *items,
		    size_t count);

#endif
