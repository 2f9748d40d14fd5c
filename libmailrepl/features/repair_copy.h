/* What a copy is filled with anew. */
#ifndef MR_FEATURES_REPAIR_COPY_H
#define MR_FEATURES_REPAIR_COPY_H

#include "adapters/config.h"
#include "model/topology.h"

struct mr_copy_refill {
	const struct mr_config *config;
	const struct mr_topology *topology;
	enum mr_service service;
	/* Whose container is read from the owner; those of the others are kept, and what nobody owns is left out. NULL: nobody's. */
	const struct mr_host *owner;
	bool all; /* read every container from its owner, and nothing from the copy that is there */
};

/* Fills the copy of this host anew. With `all` every joined provider must answer (MR_E_UNAVAILABLE): what only the old copy knows
 * would be lost. */
int mr_copy_refill(const struct mr_copy_refill *refill, struct mr_error *err) MR_MUST_CHECK;

#endif
