#include "features/account.h"

#include <string.h>

#include "features/account_claims.h"
#include "features/account_uid.h"

/* A user who exists is completed, never changed. */
static int check_same(struct mr_arena *arena, const struct mr_user_wanted *wanted,
		      const struct mr_user_found *found, struct mr_error *err)
{
	const struct mr_list *has =
		found->route_entry ? &found->route.addresses : &found->account.addresses;
	const char *name = found->account.full_name;

	if (wanted->mailbox && has->count && !mr_list_equal(has, &wanted->addresses))
		return mr_fail(err, MR_E_EXISTS,
			       _("user %s exists with other addresses (%s); cl-useradd only adds "
				 "users, nothing was "
				 "changed"),
			       wanted->user, mr_list_join(arena, has, ", "));
	if (wanted->full_name && found->account_entry &&
	    (!name || strcmp(name, wanted->full_name) != 0))
		return mr_fail(err, MR_E_EXISTS,
			       _("user %s exists with another full name (%s); cl-useradd only adds "
				 "users, nothing was "
				 "changed"),
			       wanted->user, name ? name : "");
	return 0;
}

static void add_account(struct mr_arena *arena, const struct mr_config *config,
			struct mr_directory *dir, const struct mr_user_wanted *wanted,
			const char *mailbox, const struct mr_secret *hash, struct mr_plan *plan)
{
	const struct mr_account account = {
		.user = wanted->user,
		.full_name = wanted->full_name,
		.addresses = wanted->addresses,
		.owner = wanted->owner->name,
		.routing_address = mailbox,
		.home = mr_printf(arena, "/home/%s", wanted->user),
		.shell = wanted->shell ? MR_SHELL : MR_NO_SHELL,
	};
	struct mr_entry *entry = mr_account_format(
		arena, &account, mr_dit_owned(arena, MR_UNIX, wanted->owner->name));

	mr_uid_allocate_plan(arena, config, dir, wanted, entry, plan);
	/* Here and not through the account: the hash may still be empty. */
	if (hash)
		mr_entry_add_secret(arena, entry, "userPassword", hash);
	mr_plan_add_entry(
		arena, plan, wanted->step_host, entry,
		mr_printf(arena, _("add account %s at %s"), wanted->user, wanted->owner->name));
}

/* What an account of before lacks: the mailbox, or a shell. */
static void complete_account(struct mr_arena *arena, const struct mr_user_wanted *wanted,
			     const struct mr_user_found *found, struct mr_plan *plan)
{
	struct mr_entry *entry = mr_entry_new(arena, found->account_entry->dn);
	const char *shell = found->account.shell;

	if (wanted->mailbox) {
		mr_entry_add(arena, entry, "objectClass", "inetLocalMailRecipient");
		mr_entry_add_list(arena, entry, "mail", &wanted->addresses);
		mr_entry_add(arena, entry, "mailHost", wanted->owner->name);
		mr_entry_add(arena, entry, "mailRoutingAddress", found->mailbox);
	}
	if (wanted->shell && (!shell || strcmp(shell, MR_NO_SHELL) == 0))
		mr_entry_add(arena, entry, "loginShell", MR_SHELL);
	mr_plan_update_entry(arena, plan, wanted->step_host, found->account_entry, entry, NULL,
			     mr_printf(arena, _("complete account %s at %s"), wanted->user,
				       wanted->owner->name));
}

static void add_route(struct mr_arena *arena, const struct mr_user_wanted *wanted,
		      const char *mailbox, struct mr_plan *plan)
{
	const struct mr_route route = {
		.user = wanted->user,
		.addresses = wanted->addresses,
		.owner = wanted->owner->name,
		.routing_address = mailbox,
	};
	struct mr_entry *entry =
		mr_route_format(arena, &route, mr_dit_owned(arena, MR_MAIL, wanted->owner->name));

	mr_plan_add_entry(arena, plan, wanted->step_host, entry,
			  mr_printf(arena, _("add route %s -> %s"),
				    mr_list_join(arena, &wanted->addresses, ", "), mailbox));
}

int mr_account_add_plan(struct mr_arena *arena, const struct mr_config *config,
			struct mr_directory *dir, const struct mr_topology *topology,
			const struct mr_user_request *request, struct mr_plan *plan,
			struct mr_user_outcome *out, struct mr_error *err)
{
	struct mr_user_wanted *wanted = MR_NEW(arena, struct mr_user_wanted);
	struct mr_user_found found;

	if (mr_user_wanted_parse(arena, topology, config->host, request, wanted, err) < 0 ||
	    mr_user_find(arena, config, dir, wanted, &found, err) < 0 ||
	    check_same(arena, wanted, &found, err) < 0)
		return -1;
	*out = (struct mr_user_outcome){
		.user = wanted->user,
		.owner = wanted->owner->name,
		.mailbox = found.mailbox,
		.addresses = wanted->addresses,
		.account_added = !found.account_entry,
		.route_added = wanted->mailbox && !found.route_entry,
	};
	if (out->account_added)
		add_account(arena, config, dir, wanted, found.mailbox, request->hash, plan);
	else
		complete_account(arena, wanted, &found, plan);
	if (out->route_added &&
	    mr_user_clear_plan(arena, config, topology, wanted, &found, plan, err) < 0)
		return -1;
	if (out->route_added)
		add_route(arena, wanted, found.mailbox, plan);
	return 0;
}
