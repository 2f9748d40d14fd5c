/* What the directory already says about a user who shall be added: the user's own entries, and who
 * else claims a name or an address. */
#ifndef MR_FEATURES_ACCOUNT_CLAIMS_H
#define MR_FEATURES_ACCOUNT_CLAIMS_H

#include "features/account_request.h"

struct mr_user_found {
	struct mr_entry *account_entry; /* of this user at the wanted owner, or NULL; its DN that of
					   the owned database */
	struct mr_account account;
	struct mr_entry *route_entry;
	struct mr_route route;
	const char *mailbox; /* the routing address they have, or a free one */
	/* What is in the way and claims nothing: addresses that were held for a deleted user until a time
	 * that has passed, anywhere; and what has the user's DN and is no mailbox (it has moved away, or
	 * is held), or NULL, with the name that it can be given. DNs of owned databases. */
	struct mr_entries ended;
	struct mr_entry *aside;
	const char *aside_name;
};

/* MR_E_EXISTS: an address or the user name is claimed elsewhere, or the address is held for a user who is
 * gone. */
int mr_user_find(struct mr_arena *arena, const struct mr_config *config, struct mr_directory *dir,
		 const struct mr_user_wanted *wanted, struct mr_user_found *out,
		 struct mr_error *err) MR_MUST_CHECK;

/* Appends the steps that clear the way: deletes the holds that have ended, renames what has the DN.
 * MR_E_DENIED: such a hold lies at a host that this one does not administer. */
int mr_user_clear_plan(struct mr_arena *arena, const struct mr_config *config,
		       const struct mr_topology *topology, const struct mr_user_wanted *wanted,
		       const struct mr_user_found *found, struct mr_plan *plan,
		       struct mr_error *err) MR_MUST_CHECK;

#endif
