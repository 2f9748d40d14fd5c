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
 * mr_instance_plan: with them the plan waits until this host's copy of itself is in step before
 * mail is accepted. A host whose copy of the routes is gone, or that is held, waits for every
 * joined provider. MR_E_CONFIG if this host has not joined yet. */
int mr_rebuild_plan(struct mr_arena *arena, const struct mr_config *config,
		    struct mr_directory *dir, const struct mr_topology *topology,
		    const struct mr_seed *seeds, struct mr_plan *plan,
		    struct mr_error *err) MR_MUST_CHECK;

/* The same, but what was changed by hand in rendered files (features/render_hand.h) is given up. */
int mr_rebuild_replace_plan(struct mr_arena *arena, const struct mr_config *config,
			    struct mr_directory *dir, const struct mr_topology *topology,
			    struct mr_plan *plan, struct mr_error *err) MR_MUST_CHECK;

/* Steps for the beginning of a plan whose later steps may leave copies behind that are not in step:
 * Postfix is stopped, and only a mr_rebuild_plan that has waited lets it start again
 * (MR_PATH_HELD), also if the run is killed or the host switched off in between. None where Postfix is
 * left alone. */
void mr_rebuild_hold(struct mr_arena *arena, const struct mr_config *config,
		     const struct mr_topology *topology, struct mr_plan *plan);

#endif
