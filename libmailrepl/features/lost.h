/* A host that has joined and has everything but one or both of its owned databases, the home
 * included: they are filled again from the others' copies, with all identities and change sequence
 * numbers, so that nobody notices. No archive is needed, since the keys are there. */
#ifndef MR_FEATURES_LOST_H
#define MR_FEATURES_LOST_H

#include "adapters/config.h"
#include "model/plan.h"
#include "model/topology.h"

/* True if that is what this host has lost, and nothing else; `topology` as read from what is left.
 */
bool mr_lost_is(const struct mr_config *config, const struct mr_topology *topology);

/* The steps; slapd is stopped for as long as slapadd takes, and started. MR_E_UNAVAILABLE: no host
 * that answers has a copy; nothing is to be changed then, since an empty database would make all
 * others delete theirs. */
int mr_lost_plan(struct mr_arena *arena, const struct mr_config *config,
		 const struct mr_topology *topology, struct mr_plan *plan,
		 struct mr_error *err) MR_MUST_CHECK;

#endif
