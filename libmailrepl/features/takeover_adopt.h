/* Private to taking over: what one host owned, and what it becomes at another. */
#ifndef MR_FEATURES_TAKEOVER_ADOPT_H
#define MR_FEATURES_TAKEOVER_ADOPT_H

#include "features/takeover.h"

/* One name of the host that is gone: an account, a route, or both. */
struct mr_adoption {
	const char *type, *name;          /* of the RDN: "uid", "user1" */
	struct mr_entry *account, *route; /* as they were, without the hash; NULL: none */
	const char *routing;              /* real address as it was, or NULL */
	const char *new_name, *new_routing;
	bool account_done, route_done; /* adopted by an earlier run */
	struct mr_list addresses;      /* those that come along */
	bool copied;                   /* some of its mail is here, from a move that was under way */
	struct mr_list forwards;       /* old real addresses whose mail goes */
	const char *forward_to;        /* there: a mailbox that is not adopted; or NULL */
};

struct mr_adoptions {
	struct mr_adoption *items;
	size_t count, size;
};

/* All of them, in the order of their entries, with what each becomes. */
int mr_adoptions_find(struct mr_arena *arena, const struct mr_config *config,
		      const struct mr_topology *topology, struct mr_takeover *takeover,
		      struct mr_adoptions *out, struct mr_error *err) MR_MUST_CHECK;

#endif
