#include "features/watch_decide.h"

#include <stdio.h>
#include <string.h>

static void keep(char *to, const char *csn)
{
	snprintf(to, MR_WATCH_CSN_SIZE, "%s", csn);
}

void mr_watch_copy_seen(struct mr_watch_copy *copy, const char *want, const char *have, int64_t now)
{
	bool moved = strcmp(copy->have, have) != 0;
	const char *due = *copy->want ? copy->want : want;

	if (!want) {
		copy->want[0] = '\0';
		copy->stuck_since = 0;
		return;
	}
	copy->in_step = strcmp(have, due) >= 0;
	if (strcmp(have, want) >= 0)
		copy->stuck_since = 0;
	else if (moved || !copy->stuck_since)
		copy->stuck_since = now;
	keep(copy->want, want);
	keep(copy->have, have);
}

void mr_watch_copy_forget(struct mr_watch_copy *copy)
{
	*copy = (struct mr_watch_copy){ 0 };
}

bool mr_watch_copy_stuck(const struct mr_watch_copy *copy, int64_t written, int64_t patience,
			 int64_t now)
{
	int64_t behind = now - copy->stuck_since;

	if (!copy->stuck_since || behind < patience)
		return false;
	return now - written >= patience || behind >= 10 * patience;
}

bool mr_watch_pause_over(const struct mr_watch_pause *pause, int64_t now)
{
	/* A clock that was set back must not make a pause of years. */
	return !pause->last || now - pause->last >= pause->length || now < pause->last;
}

void mr_watch_pause_begin(struct mr_watch_pause *pause, int64_t now)
{
	pause->length = pause->length ? 2 * pause->length : pause->first;
	if (pause->length > pause->most)
		pause->length = pause->most;
	pause->last = now;
}

void mr_watch_pause_calm(struct mr_watch_pause *pause, int64_t now)
{
	if (mr_watch_pause_over(pause, now))
		pause->last = pause->length = 0;
}

enum mr_watch_cure mr_watch_cure(enum mr_watch_slapd slapd, int64_t answered, int64_t patience,
				 int64_t now)
{
	int64_t away = now - answered;

	if (slapd == MR_SLAPD_HANGS && away >= patience)
		return MR_CURE_RESTART;
	if (slapd == MR_SLAPD_GONE && away >= MR_WATCH_START_AFTER)
		return MR_CURE_START;
	return MR_CURE_NONE;
}
