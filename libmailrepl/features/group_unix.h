/* Members of a group of accounts. */
#ifndef MR_FEATURES_GROUP_UNIX_H
#define MR_FEATURES_GROUP_UNIX_H

#include "features/group.h"

/* Appends the name of a user, as typed, unless the list has it. MR_E_INVALID: no such user. */
int mr_group_user_add(const struct mr_group_view *view, const char *text, struct mr_list *out,
		      struct mr_error *err) MR_MUST_CHECK;

/* Appends the steps that change a found group of accounts, but for its name. */
int mr_group_unix_change(const struct mr_group_view *view, const struct mr_group_change *change,
			 const struct mr_group_found *found, struct mr_plan *plan,
			 struct mr_group_outcome *out, struct mr_error *err) MR_MUST_CHECK;

#endif
