#include "features/user_rename.h"

#include <string.h>

#include "features/user_groups.h"

struct locating {
	struct mr_arena *arena;
	const struct mr_config *config;
	struct mr_directory *dir;
	const struct mr_topology *topology;
	const char *host;
};

static int locate(const struct locating *it, const char *name, struct mr_user *out,
		  struct mr_error *err)
{
	return mr_user_locate(it->arena, it->config, it->dir, it->topology, name, it->host, out,
			      err);
}

static const char *mailbox_of(const struct mr_user *user)
{
	return user->route_entry     ? user->route.routing_address
	       : user->account_entry ? user->account.routing_address
				     : NULL;
}

/* Was this user called `name` when they were made? */
static bool was_called(struct mr_arena *arena, const struct mr_user *user, const char *name)
{
	const char *mailbox = mailbox_of(user);

	if (mailbox)
		return mr_starts_with(mailbox, mr_printf(arena, "%s@", name));
	return strcmp(user->account.home, mr_printf(arena, "/home/%s", name)) == 0;
}

/* A half that was renamed before an interruption belongs to the other by their mailbox. */
static int join_halves(const struct locating *it, struct mr_user *user, const char *new_name,
		       struct mr_error *err)
{
	const char *mailbox = mailbox_of(user), *other_mailbox;
	struct locating there = *it;
	struct mr_user other;
	struct mr_error why;

	there.host = user->owner.host->name;
	if (!mailbox || (user->route_entry && user->account_entry))
		return 0;
	if (locate(&there, new_name, &other, &why) < 0) {
		if (why.code == MR_E_NO_USER)
			return 0;
		*err = why;
		return -1;
	}
	other_mailbox = mailbox_of(&other);
	if (!other_mailbox || strcmp(other_mailbox, mailbox) != 0)
		return 0;
	if (!user->account_entry && other.account_entry && !other.route_entry) {
		user->account_entry = other.account_entry;
		user->account = other.account;
	} else if (!user->route_entry && other.route_entry && !other.account_entry) {
		user->route_entry = other.route_entry;
		user->route = other.route;
	}
	return 0;
}

static int check_free(const struct locating *it, const struct mr_user *user,
		      struct mr_rename *rename, struct mr_error *err)
{
	rename->wanted = (struct mr_user_wanted){
		.user = rename->new_name,
		.owner = user->owner.host,
		.step_host = user->owner.step_host,
	};
	if (mr_user_find(it->arena, it->config, it->dir, &rename->wanted, &rename->found, err) < 0)
		return -1;
	if ((rename->found.account_entry && rename->account) ||
	    (rename->found.route_entry && rename->route))
		return mr_fail(err, MR_E_EXISTS, _("user %s: already owned by %s"),
			       rename->new_name, user->owner.host->name);
	return 0;
}

static bool has_name(const struct mr_entry *entry, const char *name)
{
	return entry && mr_entry_has_nocase(entry, "uid", name);
}

int mr_rename_locate(struct mr_arena *arena, const struct mr_config *config,
		     struct mr_directory *dir, const struct mr_topology *topology, const char *name,
		     const char *host, const char *new_name, struct mr_user *out,
		     struct mr_rename *rename, struct mr_error *err)
{
	const struct locating it = { arena, config, dir, topology, host };
	struct mr_error why;

	*rename = (struct mr_rename){ 0 };
	if (!new_name)
		return locate(&it, name, out, err);
	if (mr_user_parse(arena, new_name, &new_name, err) < 0)
		return -1;
	if (locate(&it, name, out, err) < 0) {
		if (err->code == MR_E_NO_USER && locate(&it, new_name, out, &why) == 0 &&
		    was_called(arena, out, name))
			return 0;
		return -1;
	}
	if (strcmp(out->name, new_name) == 0)
		return 0;
	if (join_halves(&it, out, new_name, err) < 0)
		return -1;
	rename->new_name = new_name;
	rename->account = has_name(out->account_entry, out->name);
	rename->route = has_name(out->route_entry, out->name);
	return check_free(&it, out, rename, err);
}

int mr_rename_plan(struct mr_arena *arena, const struct mr_config *config, struct mr_directory *dir,
		   const struct mr_topology *topology, const struct mr_user *user,
		   const struct mr_rename *rename, struct mr_plan *plan, struct mr_list *notes,
		   struct mr_error *err)
{
	const struct mr_user_leaving leaving = { user, rename->new_name, MR_UNIX };

	if (!rename->new_name)
		return 0;
	if (mr_user_clear_plan(arena, config, topology, &rename->wanted, &rename->found, plan,
			       err) < 0 ||
	    mr_user_groups_plan(arena, config, dir, topology, &leaving, plan, notes, err) < 0)
		return -1;
	if (rename->account)
		mr_plan_rename_entry(arena, plan, user->owner.step_host, user->account_entry->dn,
				     rename->new_name,
				     mr_printf(arena, _("rename account %s to %s at %s"),
					       user->name, rename->new_name,
					       user->owner.host->name));
	if (rename->route)
		mr_plan_rename_entry(arena, plan, user->owner.step_host, user->route_entry->dn,
				     rename->new_name,
				     mr_printf(arena, _("rename route %s to %s at %s"), user->name,
					       rename->new_name, user->owner.host->name));
	return 0;
}
