/* Changes of a user who is there: addresses, names, forwarding, lock, quota.
 *
 * The account's addresses (who logs in) mirror the route's (where mail goes). What gives is written to the
 * account first, what takes to the route first, so that nobody is sent mail that its reader cannot log
 * in for; whoever is interrupted between the two runs the command again. */
#ifndef MR_FEATURES_USER_CHANGE_H
#define MR_FEATURES_USER_CHANGE_H

#include "features/user.h"
#include "model/plan.h"

enum mr_wish { MR_KEEP, MR_ON, MR_OFF };

/* As typed, and zeroed: nothing is asked for. */
struct mr_user_change {
	const char *user, *owner;        /* owner NULL: whoever has the user */
	struct mr_list addresses;        /* all of them; empty: as they are */
	struct mr_list add, remove;      /* single ones */
	const char *full_name, *new_name;
	struct mr_list forward;          /* "none" alone ends it; empty: as it is */
	enum mr_wish copy;               /* MR_KEEP: with a new forward a copy stays */
	enum mr_wish lock;
	enum mr_access while_locked;     /* MR_ACCESS_OPEN, _DEFERRED or _REFUSED */
	const char *quota;               /* "10G", "500M", "none" */
	bool taken_back;                 /* `remove` was given out a moment ago: nobody relies on it */
};

/* The user as the plan leaves them. */
struct mr_user_changed {
	const char *user, *owner, *mailbox; /* mailbox NULL: none */
	struct mr_list addresses, forward;
	bool copy, locked;
	long long quota;
	struct mr_list notes; /* what the administrator has to do elsewhere */
	struct mr_list added; /* addresses that are new */
	const char *former;   /* the user name of before, if there is a new one */
};

/* Takes back what the plan that was reported as `changed` has given out, once that is applied: new addresses and the
 * new name. */
struct mr_user_change mr_user_change_back(const struct mr_user_changed *changed);

/* "500M", "10G": K, M, G, T are powers of 1024, without one it is bytes; "none" is 0. MR_E_INVALID: no
 * such size, or 0. */
int mr_size_parse(const char *text, long long *out, struct mr_error *err) MR_MUST_CHECK;

/* Errors as mr_user_locate and mr_user_find; MR_E_INVALID also for what the user has not (a mailbox, a forward) or
 * must keep (an address; one that mail for a postmaster goes to, unless that is taken back). If all is so already: no step. */
int mr_user_change_plan(struct mr_arena *arena, const struct mr_config *config,
			struct mr_directory *dir, const struct mr_topology *topology,
			const struct mr_user_change *change, struct mr_plan *plan,
			struct mr_user_changed *out, struct mr_error *err) MR_MUST_CHECK;

#endif
