#include <string.h>

#include "features/instance.h"
#include "features/move_state.h"
#include "features/user.h"

struct offer {
	struct mr_arena *arena;
	const struct mr_config *config;
	struct mr_directory *dir;
	const struct mr_topology *topology;
	const char *user;
	const struct mr_host *target;
};

static int find_target(struct offer *offer, const char *typed, struct mr_error *err)
{
	const char *name;

	if (mr_host_parse(offer->arena, typed, &name, err) < 0)
		return -1;
	offer->target = mr_topology_host(offer->topology, name);
	if (!offer->target)
		return mr_fail(err, MR_E_NO_HOST,
			       _("%s is not in the topology (cl-replication -l lists it)"), name);
	if (!mr_host_is_server(offer->target))
		return mr_fail(err, MR_E_DENIED,
			       _("%s is a relay, it holds no mailboxes: a mailbox moves to a mail "
				 "server only"),
			       name);
	if (offer->target->state != MR_JOINED)
		return mr_fail(err, MR_E_UNAVAILABLE,
			       _("%s has been invited and has not joined yet: run cl-rebuild "
				 "--repl there first"),
			       name);
	return 0;
}

/* The user's entry that is on its way, in the copies here; at->entry NULL: none is. */
static int find_move(const struct offer *offer, struct mr_move_entry *out, struct mr_error *err)
{
	const struct mr_search find = {
		.base = mr_dit_all(MR_MAIL),
		.filter = mr_filter(offer->arena, "(&(uid=%s)(mailReplMove=*))", offer->user),
		.attrs = mr_route_attrs,
	};
	struct mr_entries found = { 0 };

	*out = (struct mr_move_entry){ 0 };
	if (mr_directory_list(offer->dir, offer->arena, &find, &found, err) < 0)
		return -1;
	for (size_t i = 0; i < found.count && !out->entry; i++) {
		if (mr_move_entry_parse(offer->arena, found.items[i], out, err) < 0)
			return -1;
		if (out->entry && !mr_move_is_busy(out->move.phase))
			*out = (struct mr_move_entry){ 0 };
	}
	return 0;
}

static int check_same(const struct mr_move_entry *at, const char *host, struct mr_error *err)
{
	if (at->move.phase == MR_MOVE_ABORTING)
		return mr_fail(err, MR_E_TEMPORARY,
			       _("%s: the move to %s is being given up, try again in a moment"),
			       at->route.user, at->move.host);
	if (strcmp(at->move.host, host) != 0)
		return mr_fail(err, MR_E_EXISTS,
			       _("%s is on its way to %s already: --abort gives that up"),
			       at->route.user, at->move.host);
	return 0;
}

/* Where the user is, in the copies and in what this host owns. */
static int locate(const struct offer *offer, struct mr_user *out, struct mr_error *err)
{
	if (mr_user_locate_moving(offer->arena, offer->config, offer->dir, offer->topology,
				  offer->user, NULL, out, err) < 0)
		return -1;
	if (!out->route_entry)
		return mr_fail(err, MR_E_INVALID,
			       _("user %s has no mailbox: there is nothing to move"), offer->user);
	if (!out->account_entry)
		return mr_fail(err, MR_E_INVALID,
			       _("user %s has no account at %s: cl-useradd completes that"),
			       offer->user, out->owner.host->name);
	return 0;
}

/* A user of that name who was deleted there: whoever made room for this one would give away what is
 * held. */
static int check_room(const struct offer *offer, struct mr_error *err)
{
	const char *dn = mr_dit_user(offer->arena, offer->user,
				     mr_dit_copy(offer->arena, MR_MAIL, offer->target->name));
	struct mr_entry *entry;
	struct mr_route route;

	if (mr_directory_read(offer->dir, offer->arena, dn, mr_route_attrs, &entry, err) < 0)
		return -1;
	if (!entry)
		return 0;
	if (mr_route_parse(offer->arena, entry, &route, err) < 0)
		return -1;
	if (mr_route_kind(&route) == MR_ROUTE_GONE)
		return mr_fail(err, MR_E_EXISTS,
			       _("the addresses of a user %s who is gone are held at %s"),
			       offer->user, offer->target->name);
	return 0;
}

static void plan_offer(const struct offer *offer, const struct mr_user *user, long long days,
		       struct mr_plan *plan)
{
	const struct mr_move move = { .host = offer->target->name,
				      .phase = MR_MOVE_COPYING,
				      .days = days };
	struct mr_step *step = mr_plan_modify_entry(
		offer->arena, plan, user->owner.step_host, user->route_entry->dn, 2,
		mr_printf(offer->arena, _("offer the mailbox %s of %s to %s"),
			  user->route.routing_address, offer->user, offer->target->name));

	if (!mr_entry_is(user->route_entry, "mailReplRecipient"))
		mr_plan_mod(offer->arena, step, MR_MOD_ADD, "objectClass", "mailReplRecipient");
	/* Added, not replaced: of two commands at the same time one fails. */
	mr_plan_mod(offer->arena, step, MR_MOD_ADD, "mailReplMove",
		    mr_move_format(offer->arena, &move));
}

/* The new owner, which is not the home, does not write the old one's entry. */
static int fail_not_offered(const struct offer *offer, struct mr_error *err)
{
	static const char *const attrs[] = { "mailHost", NULL };
	const struct mr_search find = {
		.base = mr_dit_all(MR_MAIL),
		.filter = mr_filter(offer->arena, "(&(uid=%s)(mailRoutingAddress=*))", offer->user),
		.attrs = attrs,
	};
	const char *home = offer->topology->home, *owner;
	struct mr_entries found = { 0 };

	if (mr_directory_list(offer->dir, offer->arena, &find, &found, err) < 0)
		return -1;
	owner = found.count ? mr_entry_value(found.items[0], "mailHost") : NULL;
	if (!owner)
		owner = home;
	return mr_fail(err, MR_E_DENIED,
		       _("%s takes only what was offered to it: run \"cl-usermod --host %s %s\" on "
			 "%s, which has the mailbox%s%s; this host then fetches it"),
		       offer->config->host, offer->target->name, offer->user, owner,
		       strcmp(owner, home) == 0 ? "" : _(", or on the home, "),
		       strcmp(owner, home) == 0 ? "" : home);
}

int mr_move_offer_plan(struct mr_arena *arena, const struct mr_config *config,
		       struct mr_directory *dir, const struct mr_topology *topology,
		       const struct mr_move_request *request, struct mr_plan *plan,
		       struct mr_move_outcome *out, struct mr_error *err)
{
	struct offer offer = { arena, config, dir, topology, NULL, NULL };
	struct mr_move_entry at;
	struct mr_user user;

	if (mr_user_parse(arena, request->user, &offer.user, err) < 0 ||
	    find_target(&offer, request->host, err) < 0 || find_move(&offer, &at, err) < 0)
		return -1;
	*out = (struct mr_move_outcome){ .user = offer.user, .to = offer.target->name };
	if (at.entry) {
		out->from = mr_dit_owner(arena, at.entry->dn);
		out->wanted = true;
		return check_same(&at, offer.target->name, err);
	}
	if (locate(&offer, &user, err) < 0)
		return err->code == MR_E_DENIED && strcmp(offer.target->name, config->host) == 0
			       ? fail_not_offered(&offer, err)
			       : -1;
	out->from = user.owner.host->name;
	if (strcmp(out->from, out->to) == 0)
		return 0;
	out->wanted = true;
	if (user.route.move && strstr(user.route.move, mr_move_word(MR_MOVE_COPYING)))
		return 0; /* just offered: the copy here does not know it yet */
	if (check_room(&offer, err) < 0)
		return -1;
	plan_offer(&offer, &user, request->days, plan);
	return 0;
}

static void plan_abort(struct mr_arena *arena, const struct mr_user *user,
		       const struct mr_move *from, struct mr_plan *plan)
{
	struct mr_move next = *from;
	struct mr_step *step = mr_plan_modify_entry(
		arena, plan, user->owner.step_host, user->route_entry->dn, 2,
		mr_printf(arena, _("give up the move of %s to %s"), user->name, from->host));

	next.phase = MR_MOVE_ABORTING;
	mr_plan_mod(arena, step, MR_MOD_DELETE, "mailReplMove", user->route.move);
	mr_plan_mod(arena, step, MR_MOD_ADD, "mailReplMove", mr_move_format(arena, &next));
}

int mr_move_abort_plan(struct mr_arena *arena, const struct mr_config *config,
		       struct mr_directory *dir, const struct mr_topology *topology,
		       const char *name, struct mr_plan *plan, struct mr_move_outcome *out,
		       struct mr_error *err)
{
	struct mr_user user;
	struct mr_move move;

	if (mr_user_locate_moving(arena, config, dir, topology, name, NULL, &user, err) < 0)
		return -1;
	*out = (struct mr_move_outcome){ .user = user.name, .from = user.owner.host->name };
	if (!user.route_entry || !user.route.move)
		return 0;
	if (mr_move_parse(arena, user.route.move, &move, err) < 0)
		return -1;
	out->to = move.host;
	out->wanted = true;
	if (move.phase == MR_MOVE_ABORTING)
		return 0;
	if (move.phase > MR_MOVE_HELD)
		return mr_fail(
			err, MR_E_DENIED,
			_("%s has all mail of %s and makes it its own: that is not given up any "
			  "more; let it arrive, then move it back"),
			move.host, user.name);
	plan_abort(arena, &user, &move, plan);
	return 0;
}

int mr_move_look(struct mr_arena *arena, struct mr_directory *dir,
		 const struct mr_move_outcome *outcome, enum mr_move_sight *sight,
		 enum mr_move_phase *phase, struct mr_error *err)
{
	const char *user = outcome->user;
	const char *from = mr_dit_user(arena, user, mr_dit_copy(arena, MR_MAIL, outcome->from));
	const char *to =
		outcome->to ? mr_dit_user(arena, user, mr_dit_copy(arena, MR_MAIL, outcome->to))
			    : NULL;
	struct mr_entry *old = NULL, *new = NULL;
	struct mr_move_entry at = { 0 };

	if (mr_directory_read(dir, arena, from, mr_route_attrs, &old, err) < 0 ||
	    (to && mr_directory_read(dir, arena, to, mr_route_attrs, &new, err) < 0) ||
	    (old && mr_move_entry_parse(arena, old, &at, err) < 0))
		return -1;
	*phase = at.entry ? at.move.phase : MR_MOVE_COPYING;
	if (at.entry && mr_move_is_busy(at.move.phase))
		*sight = MR_MOVE_UNDER_WAY;
	else if (old && mr_entry_value(old, "mailRoutingAddress"))
		*sight = MR_MOVE_STAYS;
	else
		*sight = new &&mr_entry_value(new, "mailRoutingAddress") ? MR_MOVE_ARRIVED
									 : MR_MOVE_UNDER_WAY;
	return 0;
}
