/* Which case a restore is: what is there, and who answers. */
#ifndef MR_FEATURES_RESTORE_CASE_H
#define MR_FEATURES_RESTORE_CASE_H

#include "features/restore.h"

/* Sets which, and where databases are gone copies, without and silent. Somebody who is silent is asked
 * again for a while: a slapd that is just being restarted must not be taken for a dead domain.
 * Errors as mr_restore_plan. */
int mr_restore_case_tell(struct mr_arena *arena, struct mr_restore *restore,
			 struct mr_error *err) MR_MUST_CHECK;

#endif
