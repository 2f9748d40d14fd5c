#include "features/user_change.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "features/account_claims.h"
#include "features/domain.h"
#include "features/forward.h"
#include "features/user_rename.h"

struct changing {
	struct mr_arena *arena;
	const struct mr_config *config;
	struct mr_directory *dir;
	const struct mr_topology *topology;
	const struct mr_user_change *change;
	struct mr_user user;
	/* wanted */
	struct mr_list addresses, forward;
	enum mr_access access;
	const char *full_name;
	bool locked;
	long long quota;
	struct mr_user_wanted claim; /* for what is new among the addresses */
	struct mr_user_found found;
	struct mr_rename rename;
	struct mr_list notes;
};

int mr_size_parse(const char *text, long long *out, struct mr_error *err)
{
	static const char units[] = "KMGT";
	const char *unit;
	char *end;

	*out = 0;
	if (strcmp(text, "none") == 0)
		return 0;
	errno = 0;
	*out = strtoll(text, &end, 10);
	unit = *end ? strchr(units, *end & ~0x20) : NULL;
	for (const char *u = units; unit && u <= unit; u++)
		if (__builtin_mul_overflow(*out, 1024LL, out))
			errno = ERANGE;
	if (errno || end == text || *text == '+' || *out <= 0 || (*end && (!unit || end[1])))
		return mr_fail(err, MR_E_INVALID,
			       _("\"%s\" is no size: give a number with K, M, G or T, as in 500M, "
				 "or none"),
			       text);
	return 0;
}

static int parse_addresses(struct changing *it, struct mr_error *err)
{
	const struct mr_user_change *change = it->change;
	const struct mr_list *has = &it->user.route.addresses;
	struct mr_list remove = { 0 }, all = { 0 }, gone = { 0 };

	for (size_t i = 0; i < change->addresses.count; i++)
		if (mr_user_address_parse(it->arena, it->topology, change->addresses.items[i], &all,
					  err) < 0)
			return -1;
	for (size_t i = 0; !change->addresses.count && i < has->count; i++)
		mr_list_add(it->arena, &all, has->items[i]);
	for (size_t i = 0; i < change->add.count; i++)
		if (mr_user_address_parse(it->arena, it->topology, change->add.items[i], &all,
					  err) < 0)
			return -1;
	for (size_t i = 0; i < change->remove.count; i++) {
		struct mr_address address;

		/* It may be of a domain that is gone. */
		if (mr_claim_parse(it->arena, change->remove.items[i], &address, err) < 0)
			return -1;
		mr_list_add(it->arena, &remove, address.text);
	}
	for (size_t i = 0; i < all.count; i++)
		if (!mr_list_has(&remove, all.items[i]))
			mr_list_add(it->arena, &it->addresses, all.items[i]);
	if (it->user.route_entry && !it->addresses.count)
		return mr_fail(err, MR_E_INVALID,
			       _("%s would have no address any more: a mailbox keeps at least one "
				 "(cl-userdel deletes it)"),
			       it->user.name);
	for (size_t i = 0; i < has->count; i++)
		if (!mr_list_has(&it->addresses, has->items[i]))
			mr_list_add(it->arena, &gone, has->items[i]);
	return change->taken_back ? 0 : mr_domain_postmaster_check(it->topology, &gone, err);
}

/* What is new must be nobody else's. */
static int check_addresses(struct changing *it, struct mr_error *err)
{
	it->claim = (struct mr_user_wanted){
		.user = it->user.name,
		.owner = it->user.owner.host,
		.step_host = it->user.owner.step_host,
		.exists = true,
	};
	for (size_t i = 0; i < it->addresses.count; i++)
		if (!mr_list_has(&it->user.route.addresses, it->addresses.items[i]))
			mr_list_add(it->arena, &it->claim.addresses, it->addresses.items[i]);
	if (!it->claim.addresses.count)
		return 0;
	return mr_user_find(it->arena, it->config, it->dir, &it->claim, &it->found, err);
}

static bool is_copy_kept(const struct mr_route *route)
{
	return route->routing_address && mr_list_has(&route->forward, route->routing_address);
}

static int parse_forward(struct changing *it, struct mr_error *err)
{
	const struct mr_user_change *change = it->change;
	const struct mr_route *route = &it->user.route;
	bool copy = is_copy_kept(route);

	if (change->forward.count == 1 && strcmp(change->forward.items[0], "none") == 0) {
		if (change->copy == MR_OFF)
			return mr_fail(err, MR_E_USAGE,
				       _("without a forward a copy is all there is: --no-copy "
					 "needs one"));
		return 0;
	}
	if (change->forward.count) {
		copy = true;
		if (mr_forward_parse(it->arena, it->config, it->dir, it->topology, route,
				     &change->forward, &it->forward, err) < 0)
			return -1;
	} else {
		for (size_t i = 0; i < route->forward.count; i++)
			if (!route->routing_address ||
			    strcmp(route->forward.items[i], route->routing_address) != 0)
				mr_list_add(it->arena, &it->forward, route->forward.items[i]);
	}
	if (change->copy != MR_KEEP) {
		copy = change->copy == MR_ON;
		if (!it->forward.count && !copy)
			return mr_fail(err, MR_E_INVALID,
				       _("%s is not forwarded: --no-copy needs --forward"),
				       it->user.name);
	}
	if (it->forward.count && copy)
		mr_list_add(it->arena, &it->forward, route->routing_address);
	return 0;
}

static bool asks_for_mailbox(const struct mr_user_change *change)
{
	return change->addresses.count || change->add.count || change->remove.count ||
	       change->forward.count || change->copy != MR_KEEP || change->quota ||
	       (change->lock == MR_ON && change->while_locked != MR_ACCESS_OPEN);
}

static int check_parts(const struct changing *it, struct mr_error *err)
{
	if (!it->user.route_entry && asks_for_mailbox(it->change))
		return mr_fail(err, MR_E_INVALID,
			       _("%s has no mailbox: \"cl-useradd -e ADDRESS %s mail\" makes one"),
			       it->user.name, it->user.name);
	if (!it->user.account_entry)
		return mr_fail(
			err, MR_E_INVALID,
			_("%s has a route and no account (an interrupted cl-userdel?): "
			  "\"cl-userdel %s\" or \"cl-useradd -e ADDRESS %s mail\" ends that"),
			it->user.name, it->user.name, it->user.name);
	return 0;
}

static bool is_lock(enum mr_access access)
{
	return access == MR_ACCESS_DEFERRED || access == MR_ACCESS_REFUSED;
}

static int parse_rest(struct changing *it, struct mr_error *err)
{
	const struct mr_user_change *change = it->change;

	it->locked = change->lock == MR_KEEP ? it->user.account.locked : change->lock == MR_ON;
	it->access = it->user.route.access;
	if (change->lock == MR_ON &&
	    (change->while_locked != MR_ACCESS_OPEN || is_lock(it->access)))
		it->access = change->while_locked;
	if (change->lock == MR_OFF && is_lock(it->access))
		it->access = MR_ACCESS_OPEN;
	it->quota = it->user.account.quota;
	if (change->quota && mr_size_parse(change->quota, &it->quota, err) < 0)
		return -1;
	it->full_name = it->user.account.full_name;
	if (change->full_name)
		return mr_full_name_parse(it->arena, change->full_name, &it->full_name, err);
	/* A name that nobody has given is the user's. */
	if (it->rename.new_name && it->full_name && strcmp(it->full_name, it->user.name) == 0)
		it->full_name = it->rename.new_name;
	return 0;
}

/* Value by value, since a command on another host may be changing others of them. */
static void change_values(struct mr_arena *arena, struct mr_step *step, const char *name,
			  const struct mr_list *has, const struct mr_list *wanted)
{
	const char *stays = NULL;
	bool removes = false;

	for (size_t i = 0; i < wanted->count; i++)
		if (!mr_list_has(has, wanted->items[i]))
			mr_plan_mod(arena, step, MR_MOD_ADD, name, wanted->items[i]);
		else
			stays = wanted->items[i];
	for (size_t i = 0; i < has->count; i++)
		if (!mr_list_has(wanted, has->items[i])) {
			mr_plan_mod(arena, step, MR_MOD_DELETE, name, has->items[i]);
			removes = true;
		}
	/* Fails if that one has been taken meanwhile: two who each leave the other's would leave
	 * none. */
	if (removes && stays) {
		mr_plan_mod(arena, step, MR_MOD_DELETE, name, stays);
		mr_plan_mod(arena, step, MR_MOD_ADD, name, stays);
	}
}

/* A replace without a value: the attribute goes, and nothing happens if it has gone (RFC 4511
 * section 4.6). */
static void replace(struct mr_arena *arena, struct mr_step *step, const struct mr_entry *entry,
		    const char *name, const char *value)
{
	const char *has = mr_entry_value(entry, name);

	if (has == value || (has && value && strcmp(has, value) == 0))
		return;
	if (value && strncmp(name, "mailRepl", 8) == 0 &&
	    !mr_entry_is(entry, "mailReplRecipient")) {
		bool added = false;

		for (size_t i = 0; i < step->mod_count; i++)
			added |= strcmp(step->mods[i].attr.name, "objectClass") == 0;
		if (!added)
			mr_plan_mod(arena, step, MR_MOD_ADD, "objectClass", "mailReplRecipient");
	}
	mr_plan_mod(arena, step, MR_MOD_REPLACE, name, value);
}

static void replace_list(struct mr_arena *arena, struct mr_step *step, const struct mr_entry *entry,
			 const char *name, const struct mr_list *has, const struct mr_list *wanted)
{
	struct mr_mod *mod;

	if (mr_list_equal(has, wanted))
		return;
	if (wanted->count && !mr_entry_is(entry, "mailReplRecipient"))
		mr_plan_mod(arena, step, MR_MOD_ADD, "objectClass", "mailReplRecipient");
	mod = mr_plan_mod(arena, step, MR_MOD_REPLACE, name, NULL);
	for (size_t i = 0; i < wanted->count; i++)
		mr_list_add(arena, &mod->attr.values, wanted->items[i]);
}

#define OTHER_MODS 12

static void plan_account(struct changing *it, struct mr_plan *plan)
{
	const struct mr_entry *entry = it->user.account_entry;
	const struct mr_account *account = &it->user.account;
	struct mr_step *step =
		mr_step_modify(it->arena, it->user.owner.step_host, entry->dn,
			       account->addresses.count + it->addresses.count + OTHER_MODS,
			       mr_printf(it->arena, _("change account %s at %s"), account->user,
					 it->user.owner.host->name));

	if (it->user.route_entry)
		change_values(it->arena, step, "mail", &account->addresses, &it->addresses);
	replace(it->arena, step, entry, "cn", it->full_name);
	if (it->full_name != account->full_name)
		replace(it->arena, step, entry, "sn", it->full_name);
	if (it->quota != account->quota)
		replace(it->arena, step, entry, "mailReplQuota",
			it->quota ? mr_printf(it->arena, "%lld", it->quota) : NULL);
	if (it->locked != account->locked)
		replace(it->arena, step, entry, "mailReplLocked", it->locked ? "TRUE" : NULL);
	if (step->mod_count)
		mr_plan_append(it->arena, plan, step);
}

static void plan_route(struct changing *it, struct mr_plan *plan)
{
	const struct mr_entry *entry = it->user.route_entry;
	const struct mr_route *route = &it->user.route;
	struct mr_step *step;

	if (!entry)
		return;
	step = mr_step_modify(it->arena, it->user.owner.step_host, entry->dn,
			      route->addresses.count + it->addresses.count + OTHER_MODS,
			      mr_printf(it->arena, _("change route %s -> %s"),
					mr_list_join(it->arena, &it->addresses, ", "),
					route->routing_address));
	change_values(it->arena, step, "mailLocalAddress", &route->addresses, &it->addresses);
	replace_list(it->arena, step, entry, "mailReplForward", &route->forward, &it->forward);
	if (it->access != route->access)
		replace(it->arena, step, entry, "mailReplAccess", mr_access_word(it->access));
	if (step->mod_count)
		mr_plan_append(it->arena, plan, step);
}

static bool only_takes(const struct changing *it)
{
	return !it->claim.addresses.count && it->addresses.count < it->user.account.addresses.count;
}

static int plan_steps(struct changing *it, struct mr_plan *plan, struct mr_error *err)
{
	if (mr_user_clear_plan(it->arena, it->config, it->topology, &it->claim, &it->found, plan,
			       err) < 0)
		return -1;
	if (only_takes(it)) {
		plan_route(it, plan);
		plan_account(it, plan);
	} else {
		plan_account(it, plan);
		plan_route(it, plan);
	}
	return mr_rename_plan(it->arena, it->config, it->dir, it->topology, &it->user, &it->rename,
			      plan, &it->notes, err);
}

static void report(const struct changing *it, struct mr_user_changed *out)
{
	const char *mailbox = it->user.route_entry ? it->user.route.routing_address : NULL;

	*out = (struct mr_user_changed){
		.user = it->rename.new_name ? it->rename.new_name : it->user.name,
		.owner = it->user.owner.host->name,
		.mailbox = mailbox,
		.addresses = it->addresses,
		.copy = !it->forward.count || (mailbox && mr_list_has(&it->forward, mailbox)),
		.locked = it->locked,
		.quota = it->quota,
		.notes = it->notes,
		.added = it->claim.addresses,
		.former = it->rename.new_name ? it->user.name : NULL,
	};
	for (size_t i = 0; i < it->forward.count; i++)
		if (!mailbox || strcmp(it->forward.items[i], mailbox) != 0)
			mr_list_add(it->arena, &out->forward, it->forward.items[i]);
}

int mr_user_change_plan(struct mr_arena *arena, const struct mr_config *config,
			struct mr_directory *dir, const struct mr_topology *topology,
			const struct mr_user_change *change, struct mr_plan *plan,
			struct mr_user_changed *out, struct mr_error *err)
{
	struct changing *it = MR_NEW(arena, struct changing);

	*it = (struct changing){
		.arena = arena, .config = config, .dir = dir, .topology = topology, .change = change
	};
	if (mr_rename_locate(arena, config, dir, topology, change->user, change->owner,
			     change->new_name, &it->user, &it->rename, err) < 0 ||
	    check_parts(it, err) < 0 || parse_addresses(it, err) < 0 ||
	    check_addresses(it, err) < 0 || parse_forward(it, err) < 0 || parse_rest(it, err) < 0 ||
	    plan_steps(it, plan, err) < 0)
		return -1;
	report(it, out);
	return 0;
}

struct mr_user_change mr_user_change_back(const struct mr_user_changed *changed)
{
	return (struct mr_user_change){
		.user = changed->user,
		.owner = changed->owner,
		.remove = changed->added,
		.taken_back = true,
		.new_name = changed->former,
	};
}
