/* Rendering again from the directory. */
#ifndef MR_FEATURES_REBUILD_H
#define MR_FEATURES_REBUILD_H

#include "adapters/config.h"
#include "adapters/directory.h"
#include "features/instance.h"
#include "model/plan.h"
#include "model/topology.h"

/* `cl-rebuild`: steps that make slapd's, Postfix's and Dovecot's configuration what the topology
 * says. `dir` may be NULL (slapd does not run): the plan then starts it. `seeds` as in
 * mr_instance_plan: with them this host is being made, and the plan waits until the copies are in
 * step before mail is accepted. */
int mr_rebuild_plan(struct mr_arena *arena, const struct mr_config *config,
		    struct mr_directory *dir, const struct mr_topology *topology,
		    const struct mr_seed *seeds, struct mr_plan *plan,
		    struct mr_error *err) MR_MUST_CHECK;

#endif
