/* Addresses that two entries claim: mail for them waits until one gives way. */
#ifndef MR_FEATURES_CLASH_H
#define MR_FEATURES_CLASH_H

#include "adapters/config.h"
#include "adapters/directory.h"
#include "model/plan.h"
#include "model/topology.h"

struct mr_claim {
	const char *owner, *dn; /* under its owned name */
	const char *user;       /* or group */
};
struct mr_clash {
	const char *address; /* or "uid user1" for a user name that two hosts have */
	struct mr_claim *claims;
	size_t count; /* >= 2 */
};
struct mr_clashes {
	struct mr_clash *items;
	size_t count;
};

/* All of them, from this host's copies; memory grows with a few bytes per address. */
int mr_clash_list(struct mr_arena *arena, struct mr_directory *dir, struct mr_clashes *out,
		  struct mr_error *err) MR_MUST_CHECK;
/* Takes `address` from every claim but that of `host`, each written at its owner (so: from the
 * home, or where this host owns all losers). A mailbox that would be left without any address keeps
 * its real address and is named. MR_E_NOT_FOUND: nobody claims it twice. */
int mr_clash_settle_plan(struct mr_arena *arena, const struct mr_config *config,
			 struct mr_directory *dir, const struct mr_topology *topology,
			 const char *address, const char *host, struct mr_plan *plan,
			 struct mr_error *err) MR_MUST_CHECK;

#endif
