#include "features/takeover_moves.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "features/move_state.h"

struct look {
	struct mr_arena *arena;
	const struct mr_config *config;
	const struct mr_topology *topology;
	struct mr_takeover *takeover;
};

static const char *number_of(const struct mr_entry *account)
{
	return account ? mr_entry_value(account, "uidNumber") : NULL;
}

/* Whose number another host has given out came from there. After the topology has dropped the host
 * nobody knows its range any more. */
static bool is_foreign(const struct look *look, const struct mr_adoption *adoption)
{
	const struct mr_host *gone = mr_topology_host(look->topology, look->takeover->gone);
	const char *text = number_of(adoption->account);
	const long long number = text ? atoll(text) : 0;

	return text && (!gone || number < mr_uid_first(gone->server_id) ||
			number >= mr_uid_end(gone->server_id));
}

/* A mailbox of the same person: its account has the same number. */
static int check_heir(const struct look *look, const struct mr_adoption *adoption,
		      const struct mr_entry *route, const char *account_container,
		      const char **mailbox, struct mr_error *err)
{
	static const char *const attrs[] = { "uidNumber", NULL };
	const char *number = number_of(adoption->account), *same;
	struct mr_entry *account;

	if (mr_directory_read(look->takeover->dir, look->arena,
			      mr_dit_user(look->arena, adoption->name, account_container), attrs,
			      &account, err) < 0)
		return -1;
	same = number_of(account);
	if (same && number && strcmp(same, number) == 0)
		*mailbox = mr_lower(look->arena, mr_entry_value(route, "mailRoutingAddress"));
	return 0;
}

/* *mailbox NULL: nobody has both entries of this user. What this host owns may be newer than its
 * copy. */
static int find_heir(const struct look *look, const struct mr_adoption *adoption,
		     const char **mailbox, struct mr_error *err)
{
	static const char *const attrs[] = { "mailRoutingAddress", NULL };
	const char *self = look->config->host;
	const char *bases[] = { mr_dit_owned(look->arena, MR_MAIL, self), mr_dit_all(MR_MAIL) };

	*mailbox = NULL;
	for (size_t b = 0; b < 2 && !*mailbox; b++) {
		const struct mr_search find = {
			.base = bases[b],
			.filter = mr_filter(look->arena, "(&(uid=%s)(mailRoutingAddress=*))",
					    adoption->name),
			.attrs = attrs,
		};
		struct mr_entries found = { 0 };

		if (mr_directory_list(look->takeover->dir, look->arena, &find, &found, err) < 0)
			return -1;
		for (size_t i = 0; i < found.count && !*mailbox; i++) {
			const char *owner = mr_dit_owner(look->arena, found.items[i]->dn);

			if (!owner || strcmp(owner, look->takeover->gone) == 0 ||
			    (b == 1 && strcmp(owner, self) == 0))
				continue;
			if (check_heir(look, adoption, found.items[i],
				       b == 0 ? mr_dit_owned(look->arena, MR_UNIX, self)
					      : mr_dit_copy(look->arena, MR_UNIX, owner),
				       mailbox, err) < 0)
				return -1;
		}
	}
	return 0;
}

static void note(const struct look *look, const char *text)
{
	mr_list_add(look->arena, &look->takeover->notes, text);
}

/* Where the mail lies that was copied here. What was put in its place already has its name. */
static void find_copy(const struct look *look, const struct mr_move *move,
		      struct mr_adoption *adoption)
{
	const char *id;

	if (strcmp(move->host, look->config->host) != 0 || !mr_move_is_busy(move->phase))
		return;
	id = move->mailbox ? mr_move_id(look->arena, move->mailbox) : NULL;
	adoption->copied = mr_move_has_copy(look->config, adoption->name);
	if (id && !adoption->copied && !adoption->new_routing &&
	    mr_move_has_arrived(look->config, id))
		adoption->new_routing = move->mailbox;
	if (adoption->copied || adoption->new_routing == move->mailbox)
		note(look, mr_printf(look->arena,
				     _("%s was on its way here: the mail that has come "
				       "already is kept"),
				     adoption->name));
}

static void is_elsewhere(struct mr_adoption *adoption, const char *mailbox)
{
	adoption->account_done = adoption->route_done = true;
	adoption->forward_to = mailbox;
}

static int find_one(const struct look *look, struct mr_adoption *adoption, struct mr_error *err)
{
	const char *tail = mr_printf(look->arena, "@%s", look->takeover->gone), *heir = NULL;
	struct mr_route route = { 0 };
	struct mr_move move = { 0 };

	if (adoption->route && mr_route_parse(look->arena, adoption->route, &route, err) < 0)
		return -1;
	if (adoption->route && mr_route_kind(&route) == MR_ROUTE_FORMER) {
		is_elsewhere(adoption, route.forward.count ? route.forward.items[0] : NULL);
		for (size_t i = 0; i < route.former.count; i++)
			if (mr_ends_with(route.former.items[i], tail))
				mr_list_add(look->arena, &adoption->forwards,
					    route.former.items[i]);
		return 0;
	}
	if (route.move && mr_move_parse(look->arena, route.move, &move, err) < 0)
		return -1;
	if ((route.move || is_foreign(look, adoption)) && find_heir(look, adoption, &heir, err) < 0)
		return -1;
	if (heir) {
		is_elsewhere(adoption, heir);
		if (adoption->routing)
			mr_list_add(look->arena, &adoption->forwards, adoption->routing);
		note(look, mr_printf(look->arena, _("%s stays at %s"), adoption->name,
				     strchr(heir, '@') ? strchr(heir, '@') + 1 : heir));
	} else if (route.move) {
		find_copy(look, &move, adoption);
	}
	return 0;
}

int mr_takeover_moves_find(struct mr_arena *arena, const struct mr_config *config,
			   const struct mr_topology *topology, struct mr_takeover *takeover,
			   struct mr_adoptions *adoptions, struct mr_error *err)
{
	const struct look look = { arena, config, topology, takeover };

	for (size_t i = 0; i < adoptions->count; i++)
		if (strcasecmp(adoptions->items[i].type, "uid") == 0 &&
		    find_one(&look, &adoptions->items[i], err) < 0)
			return -1;
	return 0;
}

/* Before it waits for that, its owner sees by itself that nobody will fetch it. */
static void plan_stop(const struct look *look, const struct mr_move_entry *at, const char *owner,
		      struct mr_plan *plan)
{
	struct mr_move next = at->move;
	struct mr_step *step;

	if (strcmp(next.host, look->takeover->gone) != 0 || next.phase != MR_MOVE_ADOPTING)
		return;
	next.phase = MR_MOVE_ABORTING;
	step = mr_plan_modify_entry(
		look->arena, plan, strcmp(owner, look->config->host) == 0 ? NULL : owner,
		mr_dit_user(look->arena, at->route.user, mr_dit_owned(look->arena, MR_MAIL, owner)),
		2,
		mr_printf(look->arena, _("give up the move of %s to %s"), at->route.user,
			  next.host));
	mr_plan_mod(look->arena, step, MR_MOD_DELETE, "mailReplMove", at->route.move);
	mr_plan_mod(look->arena, step, MR_MOD_ADD, "mailReplMove",
		    mr_move_format(look->arena, &next));
}

/* What this host owns may be newer than its copy. */
int mr_takeover_moves_stop_plan(struct mr_arena *arena, const struct mr_config *config,
				struct mr_takeover *takeover, struct mr_plan *plan,
				struct mr_error *err)
{
	const struct look look = { arena, config, NULL, takeover };
	const char *bases[] = { mr_dit_owned(arena, MR_MAIL, config->host), mr_dit_all(MR_MAIL) };
	struct mr_move_entry *all;
	size_t count;

	for (size_t b = 0; b < 2; b++) {
		if (mr_move_entry_list(arena, takeover->dir, bases[b], &all, &count, err) < 0)
			return -1;
		for (size_t i = 0; i < count; i++) {
			const char *owner = mr_dit_owner(arena, all[i].entry->dn);

			if (owner && strcmp(owner, takeover->gone) != 0 &&
			    (b == 0) == (strcmp(owner, config->host) == 0))
				plan_stop(&look, &all[i], owner, plan);
		}
	}
	return 0;
}

struct rescue {
	const struct mr_config *config;
	const char *user, *id;
};

static int rescue(void *argument, struct mr_error *err)
{
	const struct rescue *rescue = argument;

	return mr_move_rescue(rescue->config, rescue->user, rescue->id, err);
}

void mr_takeover_moves_mail_plan(struct mr_arena *arena, const struct mr_config *config,
				 const struct mr_adoption *adoption, struct mr_plan *plan)
{
	struct rescue *argument = MR_NEW(arena, struct rescue);

	if (!adoption->copied)
		return;
	*argument =
		(struct rescue){ config, adoption->name, mr_move_id(arena, adoption->new_routing) };
	mr_plan_action(
		arena, plan, rescue, argument,
		mr_printf(arena, _("put the mail of %s in its place"), adoption->new_routing));
}

static int is_known(const struct look *look, const char *address, bool *yes, struct mr_error *err)
{
	static const char *const attrs[] = { "uid", NULL };
	const struct mr_search find = {
		.base = mr_dit_owned(look->arena, MR_MAIL, look->config->host),
		.filter =
			mr_filter(look->arena, "(|(mailLocalAddress=%s)(mailReplFormerAddress=%s))",
				  address, address),
		.attrs = attrs,
	};
	struct mr_entries found = { 0 };

	if (mr_directory_list(look->takeover->dir, look->arena, &find, &found, err) < 0)
		return -1;
	*yes = found.count > 0;
	return 0;
}

/* This host's own mailbox gets the address, its account too: both have the same. */
static int forward_here(const struct look *look, const struct mr_adoption *adoption,
			const char *address, struct mr_plan *plan, struct mr_error *err)
{
	static const char *const attrs[] = { "mail", "mailLocalAddress", NULL };

	for (int accounts = 1; accounts >= 0; accounts--) {
		const char *attribute = accounts ? "mail" : "mailLocalAddress";
		const struct mr_search find = {
			.base = mr_dit_owned(look->arena, accounts ? MR_UNIX : MR_MAIL,
					     look->config->host),
			.filter = mr_filter(look->arena, "(mailRoutingAddress=%s)",
					    adoption->forward_to),
			.attrs = attrs,
		};
		struct mr_entries found = { 0 };

		if (mr_directory_list(look->takeover->dir, look->arena, &find, &found, err) < 0)
			return -1;
		if (!found.count || mr_entry_has_nocase(found.items[0], attribute, address))
			continue;
		mr_plan_mod(look->arena,
			    mr_plan_modify_entry(look->arena, plan, NULL, found.items[0]->dn, 1,
						 mr_printf(look->arena, _("mail for %s goes to %s"),
							   address, adoption->forward_to)),
			    MR_MOD_ADD, attribute, address);
	}
	return 0;
}

/* An entry that forwards: this host's own of an earlier move, or a new one under a free name. */
static int forward_away(const struct look *look, const struct mr_adoption *adoption,
			const char *address, struct mr_plan *plan, struct mr_error *err)
{
	static const char *const owned[] = { "mailReplFormerAddress", "mailReplForward", NULL };
	const char *container = mr_dit_owned(look->arena, MR_MAIL, look->config->host);
	const char *summary =
		mr_printf(look->arena, _("mail for %s goes to %s"), address, adoption->forward_to);
	const char *name = adoption->name;
	struct mr_route route;
	struct mr_entry *entry;

	for (int n = 2;; n++) {
		if (mr_directory_read(look->takeover->dir, look->arena,
				      mr_dit_user(look->arena, name, container), mr_route_attrs,
				      &entry, err) < 0)
			return -1;
		route = (struct mr_route){ .user = name };
		if (!entry)
			break;
		if (mr_route_parse(look->arena, entry, &route, err) < 0)
			return -1;
		if (mr_route_kind(&route) == MR_ROUTE_FORMER)
			break;
		name = mr_printf(look->arena, "%s-%d", adoption->name, n);
	}
	mr_list_add(look->arena, &route.former, address);
	route.forward = (struct mr_list){ 0 };
	mr_list_add(look->arena, &route.forward, adoption->forward_to);
	if (entry)
		mr_plan_update_entry(look->arena, plan, NULL, entry,
				     mr_route_format(look->arena, &route, container), owned,
				     summary);
	else
		mr_plan_add_entry(look->arena, plan, NULL,
				  mr_route_format(look->arena, &route, container), summary);
	return 0;
}

static int forward(const struct look *look, const struct mr_adoption *adoption, const char *address,
		   struct mr_plan *plan, struct mr_error *err)
{
	const char *at = strrchr(adoption->forward_to, '@');
	bool known;

	if (is_known(look, address, &known, err) < 0)
		return -1;
	if (known)
		return 0;
	return at && strcmp(at + 1, look->config->host) == 0
		       ? forward_here(look, adoption, address, plan, err)
		       : forward_away(look, adoption, address, plan, err);
}

int mr_takeover_moves_forward_plan(struct mr_arena *arena, const struct mr_config *config,
				   struct mr_takeover *takeover,
				   const struct mr_adoptions *adoptions, struct mr_plan *plan,
				   struct mr_error *err)
{
	const struct look look = { arena, config, NULL, takeover };

	for (size_t i = 0; i < adoptions->count; i++) {
		const struct mr_adoption *one = &adoptions->items[i];

		for (size_t j = 0; one->forward_to && j < one->forwards.count; j++)
			if (forward(&look, one, one->forwards.items[j], plan, err) < 0)
				return -1;
	}
	return 0;
}
