/* A host that comes back with an old disk: its owned database is whole, and older than what the
 * other hosts have copied of it. Left so, what it writes next takes the copies past the changes
 * that it has lost, and nobody ever has both. The copies are right: the database is filled again
 * from the one that knows most. What keeps anybody from writing before that: features/heard.h. */
#ifndef MR_FEATURES_RECALL_H
#define MR_FEATURES_RECALL_H

#include "adapters/config.h"
#include "adapters/directory.h"
#include "features/sync.h"
#include "model/plan.h"
#include "model/topology.h"

/* What the other hosts' copies of one service's owned database tell. */
struct mr_recall_look {
	bool answered;                /* at least one host was asked; otherwise nothing is known */
	bool newer;                   /* a copy knows a change that this host does not know */
	struct mr_sync_refill refill; /* .from: whose copy knows most; .silent */
};

/* Asks every other host of `service`, then this one (`dir`): no copy can come past it while we
 * look. `tls_folder` as in mr_instance_open_peer. That nobody answers is no error. */
int mr_recall_ask(struct mr_arena *arena, const struct mr_config *config, struct mr_directory *dir,
		  const struct mr_topology *topology, enum mr_service service,
		  struct mr_recall_look *out, struct mr_error *err) MR_MUST_CHECK;

/* Steps for each service of which another host knows a newer change of this host's than this host
 * itself; none if no host answers. `dir`: this host's slapd, NULL (it does not run): no steps,
 * since nobody has asked it. */
int mr_recall_plan(struct mr_arena *arena, const struct mr_config *config, struct mr_directory *dir,
		   const struct mr_topology *topology, struct mr_plan *plan,
		   struct mr_error *err) MR_MUST_CHECK;

#endif
