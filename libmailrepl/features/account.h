/* Users: a route for the mailbox and an account to log in.
 *
 * The account is written first, the route second: who finds a mailbox finds its owner's account
 * too. Whoever is interrupted between the two runs the command again. */
#ifndef MR_FEATURES_ACCOUNT_H
#define MR_FEATURES_ACCOUNT_H

#include "adapters/config.h"
#include "adapters/directory.h"
#include "model/mailbox.h"
#include "model/plan.h"
#include "model/topology.h"

#define MR_SHELL "/bin/bash"
#define MR_NO_SHELL "/usr/sbin/nologin" /* of who has only a mailbox */

struct mr_user_request {
	const char *user;         /* as typed */
	struct mr_list addresses; /* as typed; MR_MAIL needs at least one */
	const char *full_name;    /* or NULL */
	unsigned
		services; /* MR_MAIL | MR_UNIX; mail makes the account too, unix gives it a shell */
	const char *host; /* owner; NULL: this host */
	const struct mr_secret *hash; /* NULL: no login. It may still be empty here, and must be
					 filled before the plan is applied */
};

struct mr_user_outcome {
	const char *user, *owner;
	const char *mailbox; /* mailRoutingAddress; NULL: none */
	struct mr_list addresses;
	bool account_added, route_added; /* the plan has that step */
};

/* Steps that add the account and the route at the owner; config->host is this host. Compares with
 * the local copies and, where this host owns, with its owned databases. A new mailbox is called
 * <user>@<owner>, or <user>-2@… if a mailbox of that name is there or has left its folder.
 * MR_E_EXISTS names who owns an address or user already, or what is different about a user who
 * exists; MR_E_INVALID an unknown domain (and the known ones), a role address; MR_E_DENIED a relay,
 * or a `host` that this host does not administer; MR_E_NO_HOST one that is not in the topology;
 * MR_E_USAGE a mailbox without address. If all is there already: no step. The uidNumber is
 * allocated at the owner by an action step when that is applied; until then the entry shows
 * "(next)". */
int mr_account_add_plan(struct mr_arena *arena, const struct mr_config *config,
			struct mr_directory *dir, const struct mr_topology *topology,
			const struct mr_user_request *request, struct mr_plan *plan,
			struct mr_user_outcome *out, struct mr_error *err) MR_MUST_CHECK;

#endif
