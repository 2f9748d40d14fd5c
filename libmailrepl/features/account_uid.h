/* User numbers: each host counts up within its own range, so two hosts never give the same, and
 * none is given twice: what is counted is never rolled back (but see features/restore_uid.h), and a
 * number that somebody has in any copy on this host is skipped. */
#ifndef MR_FEATURES_ACCOUNT_UID_H
#define MR_FEATURES_ACCOUNT_UID_H

#include "features/account_request.h"
#include "features/owner.h"

/* Appends the step that allocates the next uidNumber at the owner, and gives `account` the
 * attributes uidNumber and gidNumber, which show "(next)" until that step has run. `config` and
 * `dir` are borrowed until then. */
void mr_uid_allocate_plan(struct mr_arena *arena, const struct mr_config *config,
			  struct mr_directory *dir, const struct mr_user_wanted *wanted,
			  struct mr_entry *account, struct mr_plan *plan);
/* The same for a group's gidNumber. They are of one row, since an account's own group has its
 * uidNumber. */
void mr_gid_allocate_plan(struct mr_arena *arena, const struct mr_config *config,
			  struct mr_directory *dir, const struct mr_owner *owner,
			  struct mr_entry *group, struct mr_plan *plan);

#endif
