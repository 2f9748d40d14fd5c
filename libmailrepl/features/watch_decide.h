/* What mailrepl-watch decides, without asking anybody: pure functions of what was seen and when
 * (seconds since the epoch). */
#ifndef MR_FEATURES_WATCH_DECIDE_H
#define MR_FEATURES_WATCH_DECIDE_H

#include <stdbool.h>
#include <stdint.h>

#define MR_WATCH_CSN_SIZE 64

/* The copy of one provider's container: how far it is, look by look; starts as { 0 }. */
struct mr_watch_copy {
	char want[MR_WATCH_CSN_SIZE]; /* the provider's newest change at the last look; "": not
					 known */
	char have[MR_WATCH_CSN_SIZE];
	bool in_step;
	int64_t stuck_since; /* behind, without another CSN since then; 0: not behind */
};

/* One look: `want` NULL if the provider did not answer, "" if it has no changes; `have` "" if the
 * copy has none. In step is a copy that has all that the provider had at the look before: what is
 * written just now may be on its way. The first look after one without an answer is strict. */
void mr_watch_copy_seen(struct mr_watch_copy *copy, const char *want, const char *have,
			int64_t now);
/* This host's slapd was away: what was seen before says nothing any more. */
void mr_watch_copy_forget(struct mr_watch_copy *copy);

/* A copy that stays behind although its provider answers: FACTS' lost wake-up. A database that was
 * written to lately
 * (`written`) may be in the middle of a long refresh, which shows no CSN before its end: ten times
 * the patience. */
bool mr_watch_copy_stuck(const struct mr_watch_copy *copy, int64_t written, int64_t patience,
			 int64_t now);

/* A pause between attempts that doubles; starts as { first, most }. */
struct mr_watch_pause {
	int64_t first, most;
	int64_t last, length; /* of the last attempt, and until the next; 0: none yet */
};
bool mr_watch_pause_over(const struct mr_watch_pause *pause, int64_t now);
void mr_watch_pause_begin(struct mr_watch_pause *pause, int64_t now);
/* All is well: after as long as the last pause the next attempt is a first one again. */
void mr_watch_pause_calm(struct mr_watch_pause *pause, int64_t now);

/* This host's slapd as it was seen, and what is to be done about it. */
enum mr_watch_slapd {
	MR_SLAPD_ANSWERS,
	MR_SLAPD_HANGS,
	MR_SLAPD_GONE,
	MR_SLAPD_STOPPED /* by an administrator */
};
enum mr_watch_cure { MR_CURE_NONE, MR_CURE_START, MR_CURE_RESTART };
/* A slapd that is gone for so long is started: an administrator or a command may be about to do it.
 */
#define MR_WATCH_START_AFTER 15
enum mr_watch_cure mr_watch_cure(enum mr_watch_slapd slapd, int64_t answered, int64_t patience,
				 int64_t now);

#endif
