/* The live topology and that of an archive. Pure. */
#ifndef MR_FEATURES_RESTORE_TOPOLOGY_H
#define MR_FEATURES_RESTORE_TOPOLOGY_H

#include "model/topology.h"

/* `live` with the services, scheme, MX hosts and domains of `archive`. Hosts that `archive` does
 * not know stay as they are; those that only it knows are invited again, with a new serverID and
 * the fingerprints that it has, unless another has taken over what they owned. Epoch, states, serverIDs and the high-water mark are `live`'s; the
 * generation grows by one if something differs. */
int mr_restore_topology(struct mr_arena *arena, const struct mr_topology *live,
			const struct mr_topology *archive, struct mr_topology *out,
			struct mr_error *err) MR_MUST_CHECK;

#endif
