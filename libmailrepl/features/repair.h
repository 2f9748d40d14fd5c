/* Making this host's copies equal to their owners, by the gentlest means that works. */
#ifndef MR_FEATURES_REPAIR_H
#define MR_FEATURES_REPAIR_H

#include "features/verify.h"

enum mr_repair_means {
	MR_REPAIR_NONE,    /* not applied yet */
	MR_REPAIR_WAIT,    /* it came by itself */
	MR_REPAIR_RESTART, /* of slapd: a consumer that slept is awake again */
	MR_REPAIR_REFILL,  /* one container anew from its owner, the others as they were */
	MR_REPAIR_WIPE,    /* the whole copy anew from all owners */
};
const char *mr_repair_word(enum mr_repair_means means); /* "none", "wait", "restart", "refill", "wipe" */

struct mr_repair {
	const struct mr_copy_check *copy; /* of `found`, borrowed */
	enum mr_repair_means means;       /* what has helped, once the plan is applied */
};
struct mr_repairs {
	struct mr_repair *items;
	size_t count;
};

/* One step for each of this host's copies that is behind or differs (each host repairs its own): wait; restart slapd, unless the copy claims
 * to have all already; refill the container; wipe and refill the copy. Each is verified before the next. A refilled copy is filled
 * beside while slapd runs, and slapd is restarted with it. Never an owned database. No step for a copy of which nothing is known, nor for one that knows more than its owner. Applying: MR_E_TEMPORARY if
 * nothing has helped, MR_E_UNAVAILABLE if an owner cannot be asked; the copy is then as it was. */
int mr_repair_plan(struct mr_arena *arena, const struct mr_config *config,
		   const struct mr_topology *topology, const struct mr_verification *found,
		   struct mr_repairs *out, struct mr_plan *plan, struct mr_error *err) MR_MUST_CHECK;

#endif
