/* What each host's Postfix is for: enum mr_mode of model/topology.h, changed on the home. */
#ifndef MR_FEATURES_MODES_H
#define MR_FEATURES_MODES_H

#include "adapters/config.h"
#include "adapters/directory.h"
#include "model/plan.h"
#include "model/topology.h"

struct mr_mode_change {
	const char *host; /* stored form */
	enum mr_mode mode;
};

struct mr_mode_changes {
	struct mr_mode_change *items;
	size_t count;
};

/* "HOST=MODE,HOST=MODE". MR_E_USAGE: no such word, a host twice, nothing. */
int mr_modes_parse(struct mr_arena *arena, const char *text, struct mr_mode_changes *out,
		   struct mr_error *err) MR_MUST_CHECK;

/* `old` with all of `changes`, checked together; MR_E_INVALID and MR_E_NO_HOST as in model/topology.h. Pure. */
int mr_modes_apply(struct mr_arena *arena, const struct mr_topology *old,
		   const struct mr_mode_changes *changes, struct mr_topology *out,
		   struct mr_error *err) MR_MUST_CHECK;

/* Steps of `cl-replication --mode`, on the home only (MR_E_DENIED names it): the topology, and this host's own
 * configuration rendered again. None if all is so already. *stale: joined hosts that must render, too. */
int mr_modes_plan(struct mr_arena *arena, const struct mr_config *config, struct mr_directory *dir,
		  const struct mr_topology *topology, const struct mr_mode_changes *changes,
		  struct mr_list *stale, struct mr_plan *plan, struct mr_error *err) MR_MUST_CHECK;

/* What whoever sets it must know, a sentence for each host that is newly in a mode that asks for something. */
struct mr_list mr_modes_advice(struct mr_arena *arena, const struct mr_topology *old,
			       const struct mr_topology *fresh);

#endif
