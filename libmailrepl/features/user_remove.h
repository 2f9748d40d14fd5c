/* Deletes a user, or a part of one, and holds or releases the addresses.
 *
 * The route goes first: nobody is to be sent mail to a mailbox without owner. The account goes last: as
 * long as it is there, whoever is interrupted runs the command again. */
#ifndef MR_FEATURES_USER_REMOVE_H
#define MR_FEATURES_USER_REMOVE_H

#include "features/mailbox_folder.h"
#include "features/user.h"

struct mr_user_removal {
	const char *user, *owner; /* as typed; owner NULL: whoever has the user */
	unsigned services;        /* MR_MAIL: the mailbox; MR_UNIX: the login shell, or the account if there is no
				     mailbox; 0 or both: all */
	bool mail;                /* the mail, too */
	long long hold_days;      /* 0: the addresses are free at once */
	bool taken_back;          /* it was given out a moment ago: nobody relies on it */
};

struct mr_user_removed {
	const char *user, *owner, *mailbox; /* mailbox NULL: none */
	struct mr_mailbox_folder folder;    /* of `mail` */
	const char *held_until;             /* generalized time, or NULL */
	struct mr_list notes;               /* what the administrator has to do elsewhere */
};

/* Errors as mr_user_locate and mr_user_groups_plan; MR_E_DENIED also if the mail shall go and lies on another host;
 * MR_E_INVALID also if mail for a postmaster goes to an address that goes, unless that is taken back. A user who is gone and whose addresses are held: no step. */
int mr_user_remove_plan(struct mr_arena *arena, const struct mr_config *config,
			struct mr_directory *dir, const struct mr_topology *topology,
			const struct mr_user_removal *removal, struct mr_plan *plan,
			struct mr_user_removed *out, struct mr_error *err) MR_MUST_CHECK;

/* Frees what is held for a deleted user: `text` is the user's name or one of the addresses. No step if nothing is
 * held. MR_E_DENIED: it is held by a host that this one does not administer. */
int mr_hold_release_plan(struct mr_arena *arena, const struct mr_config *config,
			 struct mr_directory *dir, const struct mr_topology *topology,
			 const char *text, struct mr_plan *plan,
			 struct mr_error *err) MR_MUST_CHECK;

#endif
