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
};

/* MR_E_EXISTS: an address or the user name is claimed elsewhere. */
int mr_user_find(struct mr_arena *arena, const struct mr_config *config, struct mr_directory *dir,
		 const struct mr_user_wanted *wanted, struct mr_user_found *out,
		 struct mr_error *err) MR_MUST_CHECK;

#endif
