/* Groups: those that mail is sent to (service mail) and those of accounts (service unix), which are
 * apart even if they have the same name.
 *
 * A member of a mail group is typed as people know it: an address, or the name of a user or a group.
 * What the entry holds is its real address, "user1@mail1.lan": an address that two hosts claim must
 * hold up its own mail only, not that of every list it is in. Only the owner of a group expands it. */
#ifndef MR_FEATURES_GROUP_H
#define MR_FEATURES_GROUP_H

#include "adapters/config.h"
#include "adapters/directory.h"
#include "features/owner.h"
#include "model/group.h"
#include "model/mailbox.h"
#include "model/plan.h"

/* What all of them look at; config->host is this host. */
struct mr_group_view {
	struct mr_arena *arena;
	const struct mr_config *config;
	struct mr_directory *dir; /* this host's */
	const struct mr_topology *topology;
};

struct mr_group_request {
	const char *name; /* as typed */
	enum mr_service service;
	const char *host;         /* owner, as typed; NULL: this host */
	struct mr_list addresses; /* as typed; MR_MAIL: at least one */
	struct mr_list members;   /* as typed; MR_MAIL: at least one */
	bool closed;              /* MR_MAIL */
};

struct mr_group_outcome {
	const char *name, *owner;
	enum mr_service service;
	struct mr_list addresses;
	struct mr_list members; /* as people know them */
	bool closed;
	const char *dn; /* of what was added, in the owned database; NULL: nothing was */
};

/* Steps that add the group at its owner. If it is there with just these addresses and members: none.
 * MR_E_EXISTS: it is there with others, or its name or an address is a user's or another group's
 * somewhere, or a member's address is claimed by several. MR_E_INVALID: a name or an address that
 * is not allowed; a member of our domains that nobody is, or one outside of an intranet; members
 * that lead back to the group (the message shows the way); a closed group with a catch-all, which
 * anybody writes to. MR_E_USAGE: a mail group without address or member. What mr_owner_find says of
 * the owner. */
int mr_group_add_plan(const struct mr_group_view *view, const struct mr_group_request *request,
		      struct mr_plan *plan, struct mr_group_outcome *out,
		      struct mr_error *err) MR_MUST_CHECK;

/* A group that is there, as its owner has it. */
struct mr_group_found {
	const char *name;
	struct mr_owner owner;
	enum mr_service service;
	struct mr_entry *entry; /* DN of the owned database */
	struct mr_group mail;   /* MR_MAIL */
	struct mr_unix_group unix_;
};

/* `services`: MR_MAIL | MR_UNIX, those that are looked for. `host` as typed decides if several hosts
 * have one of that name, else NULL. The DNs come from the copies, the entry from the owner's own
 * database (over TLS if that is another host). Appends none, one or two to `out`, which has room for
 * two. MR_E_NOT_FOUND: there is none. MR_E_EXISTS, MR_E_DENIED, MR_E_UNAVAILABLE: as
 * mr_user_locate. */
int mr_group_locate(const struct mr_group_view *view, const char *name, unsigned services,
		    const char *host, struct mr_group_found *out, size_t *count,
		    struct mr_error *err) MR_MUST_CHECK;

struct mr_group_change {
	const char *name;   /* as typed */
	unsigned services;  /* what was typed, or 0: the one there is */
	const char *host;   /* decides if several hosts have one of that name, or NULL */
	const char *rename; /* as typed, or NULL. The real address stays, and so do all who have the
			       group as a member */
	struct mr_list addresses, add_addresses, remove_addresses; /* as typed; `addresses`: just these */
	struct mr_list members, add_members, remove_members;       /* the same */
	enum { MR_GROUP_SAME, MR_GROUP_OPEN, MR_GROUP_CLOSED } access;
};

/* Steps that change a group. What is so already makes none. Errors as of mr_group_add_plan, and
 * MR_E_INVALID: nobody would be left, or no address would, or one that mail for a postmaster goes
 * to would go. A group that was renamed by an earlier run is found under its new name. */
int mr_group_change_plan(const struct mr_group_view *view, const struct mr_group_change *change,
			 struct mr_plan *plan, struct mr_group_outcome *out,
			 struct mr_error *err) MR_MUST_CHECK;

/* Steps that delete a group, with `services` 0 both of that name. MR_E_INVALID: other groups have it
 * as a member, users forward to it, or mail for a postmaster goes there: by name. */
int mr_group_delete_plan(const struct mr_group_view *view, const char *name, unsigned services,
			 const char *host, struct mr_plan *plan,
			 struct mr_error *err) MR_MUST_CHECK;

#endif
