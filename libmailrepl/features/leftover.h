/* What the copies still hold of hosts that are no providers any more. Nobody sends its deletion:
 * without its sync stanza it would stay for ever, and its addresses would clash with those of
 * whoever has them now. */
#ifndef MR_FEATURES_LEFTOVER_H
#define MR_FEATURES_LEFTOVER_H

#include "adapters/config.h"
#include "adapters/directory.h"
#include "features/instance.h"
#include "model/plan.h"
#include "model/topology.h"

/* A step that fills the copies again without the containers of such hosts and restarts slapd, or
 * none. It goes after the step that has taken their sync stanzas out. `dir` NULL: slapd does not
 * run, the database files are looked at. */
int mr_leftover_plan(struct mr_arena *arena, const struct mr_config *config,
		     struct mr_directory *dir, const struct mr_topology *topology,
		     const struct mr_rendering *rendering, struct mr_plan *plan,
		     struct mr_error *err) MR_MUST_CHECK;

#endif
