/* A user who is there already, as the owner has it: what the commands that change, move or delete
 * one begin with. */
#ifndef MR_FEATURES_USER_H
#define MR_FEATURES_USER_H

#include "adapters/config.h"
#include "adapters/directory.h"
#include "features/owner.h"
#include "model/mailbox.h"

struct mr_user {
	const char *name; /* stored form */
	struct mr_owner owner;
	struct mr_entry *account_entry, *route_entry; /* or NULL; the DNs are those of the owned
							 databases */
	struct mr_account account;
	struct mr_route route;
};

/* The copies here say who owns the user; the entries are then read from the owner's own databases
 * (over TLS if that is another host), since what is changed must be what is. `name` as typed, a user
 * name; `host` as typed decides if several hosts claim the name, else NULL. config->host is this
 * host. MR_E_NO_USER: nobody has it. MR_E_EXISTS: several hosts claim it, and `host` is NULL.
 * MR_E_DENIED: another host owns it, and this is not the home; it says where to run the command.
 * MR_E_UNAVAILABLE: the owner does not answer. MR_E_TEMPORARY: the mailbox is just changing its
 * owner (features/move.h), what is changed now would be lost. */
int mr_user_locate(struct mr_arena *arena, const struct mr_config *config, struct mr_directory *dir,
		   const struct mr_topology *topology, const char *name, const char *host,
		   struct mr_user *out, struct mr_error *err) MR_MUST_CHECK;
/* The same, without the last. */
int mr_user_locate_moving(struct mr_arena *arena, const struct mr_config *config,
			  struct mr_directory *dir, const struct mr_topology *topology,
			  const char *name, const char *host, struct mr_user *out,
			  struct mr_error *err) MR_MUST_CHECK;

#endif
