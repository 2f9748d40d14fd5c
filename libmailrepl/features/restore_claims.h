/* What an archive says may belong to somebody else by now. */
#ifndef MR_FEATURES_RESTORE_CLAIMS_H
#define MR_FEATURES_RESTORE_CLAIMS_H

#include "features/restore_compare.h"

/* Sets `kept` of each difference that would take an address, a name, a real address or a number that
 * somebody else has now: another host; with `own` also another entry of this host's (which returns to the
 * archive's state, too, if all does). */
int mr_restore_claims(struct mr_arena *arena, struct mr_restore *restore, bool own,
		      struct mr_restore_differences *differences,
		      struct mr_error *err) MR_MUST_CHECK;

/* Sets `kept` of what has the address that mail for the postmaster of a mail domain goes to, if it would lose
 * it. */
int mr_restore_keep_postmasters(struct mr_arena *arena, struct mr_restore *restore,
				const struct mr_topology *live,
				struct mr_restore_differences *differences,
				struct mr_error *err) MR_MUST_CHECK;

/* The question of mr_restore_claims to the other hosts themselves, whose latest writes may not be here yet: what WENT and is
 * not kept; of very many the first ones. MR_E_EXISTS. */
int mr_restore_claims_ask(const struct mr_restore *restore,
			  const struct mr_restore_differences *differences,
			  struct mr_error *err) MR_MUST_CHECK;

#endif
