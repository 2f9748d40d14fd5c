/* What this host owns beside what an archive says of it: the differences as LDAP changes. */
#ifndef MR_FEATURES_RESTORE_CHANGES_H
#define MR_FEATURES_RESTORE_CHANGES_H

#include "features/restore.h"
#include "features/restore_compare.h"

/* Fills came, changed, went and kept of `restore`. */
void mr_restore_name_differences(struct mr_arena *arena, struct mr_restore *restore,
				 const struct mr_restore_differences *differences);

/* Steps for all that is not kept: accounts before routes when they come, after them when they go. No step
 * holds a password hash: these are compared and set by one action that reads the archive again.
 * `differences` and `restore` are borrowed until the plan was applied. */
int mr_restore_changes(struct mr_arena *arena, struct mr_restore *restore,
		       const struct mr_restore_differences *differences, struct mr_plan *plan,
		       struct mr_error *err) MR_MUST_CHECK;

#endif
