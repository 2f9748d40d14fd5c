/* Another name for a user. The mailbox's stable name stays, so no mail moves.
 *
 * Account and route are renamed each in one step, so there is no moment without either; whoever is
 * killed between the two finds a half under each name when the command is run again. */
#ifndef MR_FEATURES_USER_RENAME_H
#define MR_FEATURES_USER_RENAME_H

#include "features/account_claims.h"
#include "features/user.h"

struct mr_rename {
	const char *new_name; /* NULL: there is nothing to rename (any more) */
	bool account, route;  /* has still to be renamed */
	struct mr_user_wanted wanted;
	struct mr_user_found found;
};

/* mr_user_locate, and with a new name (as typed; NULL: none) what is left to do, also after an interruption: then
 * out->account_entry or out->route_entry is the one that has the new name already. A user who has that name
 * already, and by their mailbox had the old one before, is found under the new name. MR_E_EXISTS:
 * another user has it. */
int mr_rename_locate(struct mr_arena *arena, const struct mr_config *config,
		     struct mr_directory *dir, const struct mr_topology *topology, const char *name,
		     const char *host, const char *new_name, struct mr_user *out,
		     struct mr_rename *rename, struct mr_error *err) MR_MUST_CHECK;

/* The groups of unix that name the user get the new name; `notes` as of mr_user_groups_plan. */
int mr_rename_plan(struct mr_arena *arena, const struct mr_config *config,
		   struct mr_directory *dir, const struct mr_topology *topology,
		   const struct mr_user *user, const struct mr_rename *rename, struct mr_plan *plan,
		   struct mr_list *notes, struct mr_error *err) MR_MUST_CHECK;

#endif
