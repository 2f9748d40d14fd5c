/* What the databases of a host that joins start with: features/join.h's part that asks the others.
 */
#ifndef MR_FEATURES_JOIN_SEED_H
#define MR_FEATURES_JOIN_SEED_H

#include "features/instance.h"
#include "features/join.h"

/* What the home says of this host now; the archive may be older. MR_E_NO_HOST: it is not in the
 * topology any more. */
int mr_join_ask_home(struct mr_arena *arena, const struct mr_config *config,
		     const struct mr_join *join, enum mr_host_state *state,
		     struct mr_error *err) MR_MUST_CHECK;
/* Fills `seeds` (of MR_DATABASE_COUNT, zeroed; they refer to `join`) for join->topology: copies
 * from the archive; an owned database that is absent from the copy of the peer who knows most of
 * it, or as new if no peer has one and the home says "invited". MR_E_UNAVAILABLE if neither can be
 * told. */
int mr_join_seeds(struct mr_arena *arena, const struct mr_config *config,
		  const struct mr_join *join, struct mr_seed *seeds,
		  struct mr_error *err) MR_MUST_CHECK;

#endif
