/* Members of a mail group: what is typed, what is stored, what is shown, and where they lead. */
#ifndef MR_FEATURES_GROUP_MEMBER_H
#define MR_FEATURES_GROUP_MEMBER_H

#include "features/group.h"

/* Appends the real address of a member as typed, unless the list has it. Errors as of
 * mr_group_add_plan. */
int mr_group_member_add(const struct mr_group_view *view, const char *text, struct mr_list *out,
			struct mr_error *err) MR_MUST_CHECK;
/* Removes a member as typed, also one that is no user any more: then as it is stored. No error if
 * the list does not have it. */
int mr_group_member_remove(const struct mr_group_view *view, const char *text, struct mr_list *list,
			   struct mr_error *err) MR_MUST_CHECK;
/* Appends each of `members` as people know it: by an address of a mail domain, if it has one. */
int mr_group_members_show(const struct mr_group_view *view, const struct mr_list *members,
			  struct mr_list *out, struct mr_error *err) MR_MUST_CHECK;

/* MR_E_INVALID with the way, "sales -> support -> sales", if members lead back to the group: groups
 * of all hosts are followed, and users who forward. */
int mr_group_cycle_check(const struct mr_group_view *view, const struct mr_group *group,
			 struct mr_error *err) MR_MUST_CHECK;

/* MR_E_INVALID: a closed group that has a catch-all. */
int mr_group_closed_check(const struct mr_group *group, struct mr_error *err) MR_MUST_CHECK;

/* Without regard to case, as addresses compare. */
bool mr_group_has_address(const struct mr_list *list, const char *address);

#endif
