/* A host whose databases are gone: from its peers' copies, or from the archive alone. */
#ifndef MR_FEATURES_RESTORE_GONE_H
#define MR_FEATURES_RESTORE_GONE_H

#include "features/restore.h"

/* Steps of the cases "rejoin" and "bare metal", with what records that they are under way. `restore` is
 * borrowed until the plan was applied. */
int mr_restore_gone_plan(struct mr_arena *arena, struct mr_restore *restore, struct mr_plan *plan,
			 struct mr_error *err) MR_MUST_CHECK;

#endif
