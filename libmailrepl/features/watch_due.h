/* When mailrepl-watch compares a copy with its owner, and when it repairs it: decided without
 * asking anybody. Times are seconds of a clock that nobody sets (mr_now_ms). */
#ifndef MR_FEATURES_WATCH_DUE_H
#define MR_FEATURES_WATCH_DUE_H

#include <stddef.h>

#include "base/value.h"
#include "features/watch_decide.h"

/* After a restart: consumers have connected again by then, so what differs is not just on its way.
 */
#define MR_WATCH_SETTLE 6
/* Between two looks at a copy that differs. */
#define MR_WATCH_LOOK_AGAIN 5

/* What a comparison has found, the worse the greater. */
enum mr_watch_found {
	MR_FOUND_EQUAL,
	MR_FOUND_LEFT,    /* it differs, and the owner is not right: nothing to be done from here */
	MR_FOUND_LATER,   /* something is on its way, or somebody could not be asked */
	MR_FOUND_DIFFERS, /* nothing is on its way */
};

/* Of one owner; starts as MR_WATCH_DUE. */
struct mr_watch_due {
	int64_t due;                 /* to be compared from then on; 0: nothing calls for it */
	bool called;                 /* it was a restart that called for it */
	int64_t equal;               /* when nothing was found that could be repaired; 0: not yet */
	int64_t took;                /* seconds, the last comparison */
	int64_t rest;                /* no restart calls for one before then */
	bool differed;               /* at the last look */
	struct mr_watch_pause looks; /* that have found no end */
	struct mr_watch_pause repairs;
};
#define MR_WATCH_DUE                                                                               \
	{                                                                                          \
		.looks = { .first = 5, .most = 60 }, .repairs = {.first = 10, .most = 3600 }       \
	}

/* Slapd, here or there, was started, or could not be reached for a while. `slot`: how much later
 * than others this host compares. */
void mr_watch_due_call(struct mr_watch_due *due, int64_t slot, int64_t now);
/* The slot of the host with number `self` for the owner with number `owner` of `count` hosts: no
 * two hosts have the same for one owner (if it takes them equally long), nor has one host the same
 * for two owners. */
int64_t mr_watch_slot(size_t self, size_t owner, size_t count, int64_t took);
/* To be compared now, if its copy is in step; `interval`: so long after it was found equal in any
 * case, 0: never. */
bool mr_watch_due_now(struct mr_watch_due *due, int64_t interval, int64_t now);
void mr_watch_due_begin(struct mr_watch_due *due);
/* True if it is to be repaired at once: it has differed twice in a row. What calls for a comparison
 * after its begin is not forgotten. */
bool mr_watch_due_end(struct mr_watch_due *due, enum mr_watch_found found, int64_t took,
		      int64_t now);
void mr_watch_due_repair(struct mr_watch_due *due, int64_t now);

/* The worst of what `result`, printed by cl-replication --verify or --repair with --json, says of
 * `holder`'s copies of what `owner` owns; nothing: MR_FOUND_LATER. *why, if not NULL: a text of
 * that copy, or NULL. */
enum mr_watch_found mr_watch_found(const struct mr_value *result, const char *owner,
				   const char *holder, const char **why);

#endif
