/* What this host owns beside what an archive says of it: the differences as LDAP changes. */
#ifndef MR_FEATURES_RESTORE_CHANGES_H
#define MR_FEATURES_RESTORE_CHANGES_H

#include "features/restore.h"

/* Steps that add, change and delete accounts and routes: accounts before routes when they come,
 * after them when they go. Hosts, domains and the container are left to others. No step holds a
 * password hash: these are compared and set by one action that reads the archive again. */
int mr_restore_changes(struct mr_arena *arena, struct mr_restore *restore, struct mr_plan *plan,
		       struct mr_error *err) MR_MUST_CHECK;

#endif
