/* The groups that name a user who is renamed or deleted. */
#ifndef MR_FEATURES_USER_GROUPS_H
#define MR_FEATURES_USER_GROUPS_H

#include "features/user.h"
#include "model/plan.h"

struct mr_user_leaving {
	const struct mr_user *user;
	const char *new_name; /* NULL: is deleted */
	unsigned services;    /* MR_MAIL: the mailbox goes; MR_UNIX: the account goes, or gets the new name */
};

/* Steps at the groups' owners. Groups of the service mail name the mailbox (rfc822MailMember), which leaves them;
 * those of unix name the user (memberUid), who leaves them or gets the new name there. A group that this
 * host does not write is added to `notes`, with what to do. MR_E_INVALID: the user is the only member of a
 * group of mail, which would be left without any. */
int mr_user_groups_plan(struct mr_arena *arena, const struct mr_config *config,
			struct mr_directory *dir, const struct mr_topology *topology,
			const struct mr_user_leaving *leaving, struct mr_plan *plan,
			struct mr_list *notes, struct mr_error *err) MR_MUST_CHECK;

#endif
