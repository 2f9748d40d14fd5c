/* On whose slapd an entry is written: its owner's, by the owner itself or by the home. */
#ifndef MR_FEATURES_OWNER_H
#define MR_FEATURES_OWNER_H

#include "model/topology.h"

struct mr_owner {
	const struct mr_host *host;
	const char *step_host; /* for the steps of a plan: NULL if it is this host */
};

/* `self` is this host, `asked` the owner as typed, or NULL for this host. MR_E_NO_HOST: not in the
 * topology. MR_E_DENIED: this host does not administer that one, or it is a relay and owns no users.
 * MR_E_UNAVAILABLE: invited, not joined. */
int mr_owner_find(struct mr_arena *arena, const struct mr_topology *topology, const char *self,
		  const char *asked, struct mr_owner *out, struct mr_error *err) MR_MUST_CHECK;

#endif
