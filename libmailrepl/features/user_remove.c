#include "features/user_remove.h"

#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "features/claim.h"
#include "features/domain.h"
#include "features/forward.h"
#include "features/user_groups.h"

#define DAY 86400LL
#define NO_SHELL "/usr/sbin/nologin"

struct removing {
	struct mr_arena *arena;
	const struct mr_config *config;
	struct mr_user user;
	const struct mr_user_removal *asked;
	bool route, account; /* goes */
	const char *mailbox;
	const char *until;
	struct mr_plan *plan;
};

/* Addresses that are held for a user of that name, who is gone. */
static int is_held(struct mr_arena *arena, const struct mr_config *config, struct mr_directory *dir,
		   const char *name, bool *held, struct mr_error *err)
{
	static const char *const attrs[] = { "uid", NULL };
	struct mr_entries found = { 0 };

	if (mr_claims_list(arena, config, dir, MR_MAIL,
			   mr_filter(arena, "(&(uid=%s)(mailReplAccess=gone))", name), attrs,
			   &found, err) < 0)
		return -1;
	*held = found.count > 0;
	return 0;
}

/* In one step the addresses change from a mailbox's to nobody's. */
static void plan_hold(const struct removing *it)
{
	static const char *const gone[] = { "mailHost", "mailRoutingAddress",
					    "mailReplFormerAddress", "mailReplForward",
					    "mailReplMove" };
	const struct mr_entry *entry = it->user.route_entry;
	struct mr_step *step = mr_plan_modify_entry(
		it->arena, it->plan, it->user.owner.step_host, entry->dn, 8,
		mr_printf(it->arena, _("hold %s until %s"),
			  mr_list_join(it->arena, &it->user.route.addresses, ", "), it->until));

	if (!mr_entry_is(entry, "mailReplRecipient"))
		mr_plan_mod(it->arena, step, MR_MOD_ADD, "objectClass", "mailReplRecipient");
	for (size_t i = 0; i < sizeof(gone) / sizeof(gone[0]); i++)
		if (mr_entry_attr(entry, gone[i]))
			mr_plan_mod(it->arena, step, MR_MOD_REPLACE, gone[i], NULL);
	mr_plan_mod(it->arena, step, MR_MOD_REPLACE, "mailReplAccess",
		    mr_access_word(MR_ACCESS_GONE));
	mr_plan_mod(it->arena, step, MR_MOD_REPLACE, "mailReplHeldUntil", it->until);
}

static void plan_route(const struct removing *it)
{
	if (!it->route)
		return;
	if (it->until && it->user.route.addresses.count)
		plan_hold(it);
	else
		mr_plan_delete_entry(
			it->arena, it->plan, it->user.owner.step_host, it->user.route_entry->dn,
			mr_printf(it->arena, _("delete route %s -> %s"),
				  mr_list_join(it->arena, &it->user.route.addresses, ", "),
				  it->mailbox));
}

/* Somebody who logs in while the mail goes would make the folder again. */
static void plan_lock(const struct removing *it)
{
	struct mr_step *step;

	if (!it->account || it->user.account.locked)
		return;
	step = mr_plan_modify_entry(it->arena, it->plan, it->user.owner.step_host,
				    it->user.account_entry->dn, 2,
				    mr_printf(it->arena, _("lock account %s"), it->user.name));
	if (!mr_entry_is(it->user.account_entry, "mailReplRecipient"))
		mr_plan_mod(it->arena, step, MR_MOD_ADD, "objectClass", "mailReplRecipient");
	mr_plan_mod(it->arena, step, MR_MOD_REPLACE, "mailReplLocked", "TRUE");
}

/* The account without what belongs to the mailbox, or without its shell. */
static void reduce_account(const struct removing *it)
{
	static const char *const mailbox[] = { "mail", "mailRoutingAddress", "mailReplQuota" };
	const struct mr_entry *entry = it->user.account_entry;
	struct mr_step *step = mr_step_modify(it->arena, it->user.owner.step_host, entry->dn, 4,
					      mr_printf(it->arena, _("reduce account %s at %s"),
							it->user.name, it->user.owner.host->name));
	const char *shell = it->user.account.shell;

	for (size_t i = 0; it->asked->services & MR_MAIL && i < 3; i++)
		if (mr_entry_attr(entry, mailbox[i]))
			mr_plan_mod(it->arena, step, MR_MOD_REPLACE, mailbox[i], NULL);
	if (it->asked->services & MR_UNIX && (!shell || strcmp(shell, NO_SHELL) != 0))
		mr_plan_mod(it->arena, step, MR_MOD_REPLACE, "loginShell", NO_SHELL);
	if (step->mod_count)
		mr_plan_append(it->arena, it->plan, step);
}

static void plan_account(const struct removing *it)
{
	if (it->account)
		mr_plan_delete_entry(it->arena, it->plan, it->user.owner.step_host,
				     it->user.account_entry->dn,
				     mr_printf(it->arena, _("delete account %s at %s"),
					       it->user.name, it->user.owner.host->name));
	else if (it->user.account_entry)
		reduce_account(it);
}

/* What goes of what is there. */
static void choose(struct removing *it)
{
	unsigned services = it->asked->services ? it->asked->services : MR_MAIL | MR_UNIX;

	it->mailbox = it->user.route_entry     ? it->user.route.routing_address
		      : it->user.account_entry ? it->user.account.routing_address
					       : NULL;
	it->route = it->user.route_entry && services & MR_MAIL;
	/* Without an account nobody could read a mailbox: it goes with the last of the two. */
	it->account = it->user.account_entry && services & MR_UNIX &&
		      (services & MR_MAIL || !it->mailbox);
}

static int check(const struct removing *it, struct mr_error *err)
{
	if (it->asked->mail && it->asked->services == MR_UNIX)
		return mr_fail(err, MR_E_USAGE,
			       _("-r removes the mail of a mailbox: it does not go with unix "
				 "alone"));
	if (it->asked->mail && it->mailbox && it->user.owner.step_host)
		return mr_fail(err, MR_E_DENIED,
			       _("the mail of %s lies on %s: run cl-userdel -r there, or here "
				 "without -r"),
			       it->user.name, it->user.owner.host->name);
	return 0;
}

static int check_postmaster(const struct removing *it, const struct mr_topology *topology,
			    struct mr_error *err)
{
	struct mr_list gone = { 0 };

	if (!it->route || it->asked->taken_back)
		return 0;
	for (size_t i = 0; i < it->user.route.addresses.count; i++)
		mr_list_add(it->arena, &gone, it->user.route.addresses.items[i]);
	if (it->mailbox)
		mr_list_add(it->arena, &gone, it->mailbox);
	return mr_domain_postmaster_check(topology, &gone, err);
}

static int plan_steps(struct removing *it, struct mr_directory *dir,
		      const struct mr_topology *topology, struct mr_list *notes,
		      struct mr_error *err)
{
	const struct mr_user_leaving leaving = {
		.user = &it->user,
		.services = MR_MAIL | (it->account ? MR_UNIX : 0u),
	};
	char until[MR_TIME_SIZE];

	if (it->asked->hold_days) {
		mr_time_format((long long)time(NULL) + it->asked->hold_days * DAY, until);
		it->until = mr_strdup(it->arena, until);
	}
	if ((it->route || it->account) && mr_user_groups_plan(it->arena, it->config, dir, topology,
							      &leaving, it->plan, notes, err) < 0)
		return -1;
	if (it->route && !it->asked->taken_back &&
	    mr_forward_note_gone(it->arena, it->config, dir, &it->user.route, notes, err) < 0)
		return -1;
	plan_route(it);
	if (it->asked->mail && it->mailbox) {
		plan_lock(it);
		mr_mailbox_remove_plan(it->arena, it->config, it->mailbox, it->plan);
	}
	plan_account(it);
	return 0;
}

int mr_user_remove_plan(struct mr_arena *arena, const struct mr_config *config,
			struct mr_directory *dir, const struct mr_topology *topology,
			const struct mr_user_removal *removal, struct mr_plan *plan,
			struct mr_user_removed *out, struct mr_error *err)
{
	struct removing it = { .arena = arena, .config = config, .asked = removal, .plan = plan };
	struct mr_error why;
	bool held = false;

	*out = (struct mr_user_removed){ .user = removal->user };
	if (mr_user_locate(arena, config, dir, topology, removal->user, removal->owner, &it.user,
			   err) < 0) {
		if (err->code != MR_E_NO_USER)
			return -1;
		if (is_held(arena, config, dir, removal->user, &held, &why) < 0) {
			*err = why;
			return -1;
		}
		return held ? 0 : -1;
	}
	choose(&it);
	if (check(&it, err) < 0 || check_postmaster(&it, topology, err) < 0 ||
	    plan_steps(&it, dir, topology, &out->notes, err) < 0)
		return -1;
	out->user = it.user.name;
	out->owner = it.user.owner.host->name;
	out->mailbox = it.mailbox;
	out->held_until = it.route ? it.until : NULL;
	if (removal->mail && it.mailbox)
		return mr_mailbox_folder_read(arena, config, it.mailbox, &out->folder, err);
	return 0;
}
