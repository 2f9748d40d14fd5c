/* A changed topology as changes of the home's directory. */
#ifndef MR_FEATURES_TOPOLOGY_PLAN_H
#define MR_FEATURES_TOPOLOGY_PLAN_H

#include "model/plan.h"
#include "model/topology.h"

/* Steps that turn the entries of `old` into those of `fresh`, in the container that the home owns.
 * ou=Hosts comes first: who is interrupted after it has only raised the generation once too often.
 * Then the
 * domains that come, go or have another postmaster. */
void mr_topology_plan(struct mr_arena *arena, const struct mr_topology *old,
		      const struct mr_topology *fresh, struct mr_plan *plan);
/* Entry of a mail domain of `topology` below `container`. */
struct mr_entry *mr_domain_entry(struct mr_arena *arena, const struct mr_topology *topology,
				 const char *domain, const char *container);

#endif
