#include "features/user.h"

#include <string.h>

#include "features/instance.h"
#include "model/dit.h"
#include "model/move.h"

/* Appends the hosts whose entries of that name are users. */
static int add_owners(struct mr_arena *arena, struct mr_directory *dir, const char *base,
		      enum mr_service service, const char *name, struct mr_list *owners,
		      struct mr_error *err)
{
	const struct mr_search find = {
		.base = base,
		.filter = mr_filter(arena,
				    service == MR_MAIL ? "(&(uid=%s)(mailRoutingAddress=*))"
						       : "(&(uid=%s)(objectClass=posixAccount))",
				    name),
		.attrs = (const char *const[]){ "uid", NULL },
	};
	struct mr_entries found = { 0 };

	if (mr_directory_list(dir, arena, &find, &found, err) < 0)
		return -1;
	for (size_t i = 0; i < found.count; i++) {
		const char *owner = mr_dit_owner(arena, found.items[i]->dn);

		if (owner && !mr_list_has(owners, owner))
			mr_list_add(arena, owners, owner);
	}
	return 0;
}

/* What this host owns is asked for too: its part of the copies lags behind by milliseconds. */
static int find_owners(struct mr_arena *arena, const struct mr_config *config,
		       struct mr_directory *dir, const char *name, struct mr_list *out,
		       struct mr_error *err)
{
	static const enum mr_service services[] = { MR_MAIL, MR_UNIX };

	*out = (struct mr_list){ 0 };
	for (size_t i = 0; i < 2; i++)
		if (add_owners(arena, dir, mr_dit_all(services[i]), services[i], name, out, err) <
			    0 ||
		    add_owners(arena, dir, mr_dit_owned(arena, services[i], config->host),
			       services[i], name, out, err) < 0)
			return -1;
	return 0;
}

static int choose_owner(struct mr_arena *arena, const struct mr_list *owners, const char *name,
			const char *host, const char **out, struct mr_error *err)
{
	if (host && mr_host_parse(arena, host, &host, err) < 0)
		return -1;
	if (!owners->count || (host && !mr_list_has(owners, host)))
		return host ? mr_fail(err, MR_E_NO_USER, _("no user %s at %s"), name, host)
			    : mr_fail(err, MR_E_NO_USER, _("no user %s"), name);
	if (!host && owners->count > 1)
		return mr_fail(err, MR_E_EXISTS,
			       _("user %s is claimed by several hosts (%s): say with --owner HOST "
				 "which one is meant"),
			       name, mr_list_join(arena, owners, ", "));
	*out = host ? host : owners->items[0];
	return 0;
}

static int read_entries(struct mr_arena *arena, struct mr_directory *dir, struct mr_user *user,
			struct mr_error *err)
{
	const char *owner = user->owner.host->name;

	if (mr_directory_read(dir, arena,
			      mr_dit_user(arena, user->name, mr_dit_owned(arena, MR_MAIL, owner)),
			      mr_route_attrs, &user->route_entry, err) < 0 ||
	    mr_directory_read(dir, arena,
			      mr_dit_user(arena, user->name, mr_dit_owned(arena, MR_UNIX, owner)),
			      mr_account_attrs, &user->account_entry, err) < 0)
		return -1;
	if (user->route_entry && mr_route_parse(arena, user->route_entry, &user->route, err) < 0)
		return -1;
	if (user->route_entry && mr_route_kind(&user->route) != MR_ROUTE_MAILBOX)
		user->route_entry = NULL;
	if (user->account_entry &&
	    mr_account_parse(arena, user->account_entry, &user->account, err) < 0)
		return -1;
	if (!user->route_entry && !user->account_entry)
		return mr_fail(err, MR_E_NO_USER, _("no user %s at %s any more"), user->name,
			       owner);
	return 0;
}

int mr_user_locate_moving(struct mr_arena *arena, const struct mr_config *config,
			  struct mr_directory *dir, const struct mr_topology *topology,
			  const char *name, const char *host, struct mr_user *out,
			  struct mr_error *err)
{
	struct mr_user user = { 0 };
	MR_DIRECTORY peer = NULL;
	struct mr_list owners;
	const char *owner = NULL;

	if (mr_user_parse(arena, name, &user.name, err) < 0 ||
	    find_owners(arena, config, dir, user.name, &owners, err) < 0 ||
	    choose_owner(arena, &owners, user.name, host, &owner, err) < 0 ||
	    mr_owner_find(arena, topology, config->host, owner, &user.owner, err) < 0)
		return -1;
	if (user.owner.step_host &&
	    mr_instance_open_peer(arena, config, NULL, owner, &peer, err) < 0)
		return -1;
	if (read_entries(arena, peer ? peer : dir, &user, err) < 0)
		return -1;
	*out = user;
	return 0;
}

static int check_move(struct mr_arena *arena, const struct mr_user *user, struct mr_error *err)
{
	struct mr_move move;

	if (!user->route_entry || !user->route.move)
		return 0;
	if (mr_move_parse(arena, user->route.move, &move, err) < 0)
		return -1;
	if (mr_move_is_fixed(move.phase))
		return mr_fail(err, MR_E_TEMPORARY,
			       _("user %s is just moving to %s: try again in a minute"), user->name,
			       move.host);
	return 0;
}

int mr_user_locate(struct mr_arena *arena, const struct mr_config *config, struct mr_directory *dir,
		   const struct mr_topology *topology, const char *name, const char *host,
		   struct mr_user *out, struct mr_error *err)
{
	if (mr_user_locate_moving(arena, config, dir, topology, name, host, out, err) < 0)
		return -1;
	return check_move(arena, out, err);
}
