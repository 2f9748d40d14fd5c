#include "features/clash.h"

#include <string.h>
#include <strings.h>

#include "base/log.h"
#include "model/names.h"

struct settling {
	struct mr_arena *arena;
	const struct mr_config *config;
	struct mr_directory *dir;
	const char *address;
	struct mr_plan *plan;
};

static const char *claimants(struct mr_arena *arena, const struct mr_clash *clash)
{
	struct mr_list names = { 0 };

	for (size_t i = 0; i < clash->count; i++)
		mr_list_add(
			arena, &names,
			mr_printf(arena, "%s (%s)", clash->claims[i].owner, clash->claims[i].user));
	return mr_list_join(arena, &names, ", ");
}

static int find_clash(struct mr_arena *arena, struct mr_directory *dir, const char *address,
		      struct mr_clash *out, struct mr_error *err)
{
	struct mr_clashes all;

	if (mr_clash_list(arena, dir, &all, err) < 0)
		return -1;
	for (size_t i = 0; i < all.count; i++)
		if (strcmp(all.items[i].address, address) == 0) {
			*out = all.items[i];
			return 0;
		}
	return mr_fail(err, MR_E_NOT_FOUND, _("%s is not claimed twice: nothing to settle"),
		       address);
}

/* Exactly one claim must be that of the host: which of two mailboxes of one host is meant nobody
 * can say. */
static int check_winner(struct mr_arena *arena, const struct mr_clash *clash, const char *host,
			struct mr_error *err)
{
	size_t count = 0;

	for (size_t i = 0; i < clash->count; i++)
		count += strcmp(clash->claims[i].owner, host) == 0;
	if (count == 1)
		return 0;
	if (count)
		return mr_fail(err, MR_E_INVALID,
			       _("%s has two claims to %s: take it from one of them with "
				 "\"cl-usermod --remove-alias %s USER\" (claimed by: %s)"),
			       host, clash->address, clash->address, claimants(arena, clash));
	return mr_fail(err, MR_E_INVALID, _("%s does not claim %s: it is claimed by %s"), host,
		       clash->address, claimants(arena, clash));
}

/* The value as it is stored; NULL: the entry does not have it (any more). */
static int stored_value(const struct settling *set, const char *dn, const char *attribute,
			const char **value, struct mr_entry **entry, struct mr_error *err)
{
	const char *const attrs[] = { attribute, "mailRoutingAddress", NULL };
	const struct mr_attr *attr;

	*value = NULL;
	if (mr_directory_read(set->dir, set->arena, dn, attrs, entry, err) < 0)
		return -1;
	attr = *entry ? mr_entry_attr(*entry, attribute) : NULL;
	for (size_t i = 0; attr && i < attr->values.count; i++)
		if (strcasecmp(attr->values.items[i], set->address) == 0)
			*value = attr->values.items[i];
	return 0;
}

static void plan_removal(const struct settling *set, const char *step_host, const char *dn,
			 const char *attribute, const char *value, const char *summary)
{
	struct mr_step *step = mr_plan_step(set->arena, set->plan, MR_STEP_MODIFY, "%s", summary);

	step->host = step_host;
	step->dn = dn;
	step->mod_count = 1;
	step->mods = MR_NEW(set->arena, struct mr_mod);
	/* This one value: another command may be changing the others. */
	step->mods->op = MR_MOD_DELETE;
	step->mods->attr.name = attribute;
	mr_list_add(set->arena, &step->mods->attr.values, value);
}

/* One of the loser's entries: read where it is written if that is here, otherwise in the copy. */
static int take(const struct settling *set, const struct mr_claim *claim, enum mr_service service,
		const char *attribute, struct mr_error *err)
{
	const char *container = mr_dit_owned(set->arena, service, claim->owner);
	bool own = strcmp(claim->owner, set->config->host) == 0;
	const char *rdn = mr_strndup(
		set->arena, claim->dn,
		strlen(claim->dn) - strlen(mr_dit_owned(set->arena, MR_MAIL, claim->owner)));
	const char *dn = mr_printf(set->arena, "%s%s", rdn, container);
	const char *seen = own ? dn
			       : mr_printf(set->arena, "%s%s", rdn,
					   mr_dit_copy(set->arena, service, claim->owner));
	struct mr_entry *entry;
	const char *value;

	if (stored_value(set, seen, attribute, &value, &entry, err) < 0)
		return -1;
	if (!value)
		return 0;
	if (service == MR_MAIL && mr_entry_attr(entry, attribute)->values.count == 1)
		mr_log(MR_LOG_WARNING,
		       _("mailbox %s at %s has no other address: it keeps its real one, %s"),
		       claim->user, claim->owner, mr_entry_value(entry, "mailRoutingAddress"));
	plan_removal(set, own ? NULL : claim->owner, dn, attribute, value,
		     mr_printf(set->arena,
			       service == MR_MAIL ? _("take %s from %s at %s")
						  : _("no login as %s for %s at %s"),
			       set->address, claim->user, claim->owner));
	return 0;
}

int mr_clash_settle_plan(struct mr_arena *arena, const struct mr_config *config,
			 struct mr_directory *dir, const struct mr_topology *topology,
			 const char *address, const char *host, struct mr_plan *plan,
			 struct mr_error *err)
{
	struct settling set = { arena, config, dir, NULL, plan };
	struct mr_address parsed;
	struct mr_clash clash = { 0 };

	if (mr_claim_parse(arena, address, &parsed, err) < 0 ||
	    mr_host_parse(arena, host, &host, err) < 0)
		return -1;
	set.address = parsed.text;
	if (find_clash(arena, dir, set.address, &clash, err) < 0 ||
	    check_winner(arena, &clash, host, err) < 0)
		return -1;
	for (size_t i = 0; i < clash.count; i++) {
		const struct mr_claim *claim = &clash.claims[i];

		if (strcmp(claim->owner, host) == 0)
			continue;
		if (strcmp(claim->owner, config->host) != 0 &&
		    strcmp(topology->home, config->host) != 0)
			return mr_fail(err, MR_E_DENIED,
				       _("%s is claimed by %s, whose entries this host does not "
					 "write: run this on %s, the home"),
				       set.address, claim->owner, topology->home);
		if (take(&set, claim, MR_UNIX, "mail", err) < 0 ||
		    take(&set, claim, MR_MAIL, "mailLocalAddress", err) < 0)
			return -1;
	}
	return 0;
}
