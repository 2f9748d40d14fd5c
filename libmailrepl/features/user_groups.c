#include "features/user_groups.h"

#include <string.h>
#include <strings.h>

#include "features/claim.h"
#include "model/dit.h"

struct leaving {
	struct mr_arena *arena;
	const struct mr_config *config;
	const struct mr_topology *topology;
	const char *user, *new_name;
	struct mr_plan *plan;
	struct mr_list *notes;
};

/* The value as it is stored; *other: one that stays, or NULL. */
static const char *stored(const struct mr_attr *members, const char *member, const char **other)
{
	const char *found = NULL;

	*other = NULL;
	for (size_t i = 0; members && i < members->values.count; i++)
		if (strcasecmp(members->values.items[i], member) == 0)
			found = members->values.items[i];
		else
			*other = members->values.items[i];
	return found;
}

/* Where this host writes it; false: it does not. */
static bool writer(const struct leaving *it, const char *owner, const char **step_host)
{
	bool own = strcmp(owner, it->config->host) == 0;

	*step_host = own ? NULL : owner;
	return own || strcmp(it->config->host, it->topology->home) == 0;
}

static void note(const struct leaving *it, const char *group, const char *owner, const char *member)
{
	const char *home = it->topology->home;

	mr_list_add(
		it->arena, it->notes,
		it->new_name
			? mr_printf(it->arena,
				    _("group %s at %s still names %s, and this host does not write "
				      "it: put %s in its place with cl-groupmod there, or on %s"),
				    group, owner, member, it->new_name, home)
			: mr_printf(it->arena,
				    _("group %s at %s still names %s, and this host does not write "
				      "it: take it out with cl-groupmod there, or on %s"),
				    group, owner, member, home));
}

static int leave(const struct leaving *it, enum mr_service service, const struct mr_entry *entry,
		 const char *attribute, const char *member, struct mr_error *err)
{
	const char *group = mr_entry_value(entry, "cn"),
		   *owner = mr_dit_owner(it->arena, entry->dn), *value, *other, *step_host;
	struct mr_step *step;

	value = stored(mr_entry_attr(entry, attribute), member, &other);
	if (!group || !owner || !value)
		return 0;
	if (service == MR_MAIL && !other)
		return mr_fail(err, MR_E_INVALID,
			       _("%s is the only member of group %s at %s: give it another one "
				 "(cl-groupmod) or delete it (cl-groupdel) first"),
			       it->user, group, owner);
	if (!writer(it, owner, &step_host)) {
		note(it, group, owner, value);
		return 0;
	}
	step = mr_plan_modify_entry(
		it->arena, it->plan, step_host,
		mr_dit_group(it->arena, group, mr_dit_owned(it->arena, service, owner)), 4,
		it->new_name ? mr_printf(it->arena, _("call %s %s in group %s at %s"), it->user,
					 it->new_name, group, owner)
			     : mr_printf(it->arena, _("take %s out of group %s at %s"), it->user,
					 group, owner));
	mr_plan_mod(it->arena, step, MR_MOD_DELETE, attribute, value);
	if (it->new_name)
		mr_plan_mod(it->arena, step, MR_MOD_ADD, attribute, it->new_name);
	/* Fails if that one has left meanwhile: a group keeps a member. */
	if (service == MR_MAIL) {
		mr_plan_mod(it->arena, step, MR_MOD_DELETE, attribute, other);
		mr_plan_mod(it->arena, step, MR_MOD_ADD, attribute, other);
	}
	return 0;
}

static int leave_all(const struct leaving *it, struct mr_directory *dir, enum mr_service service,
		     const char *filter, const char *attribute, const char *member,
		     struct mr_error *err)
{
	const char *const attrs[] = { "cn", attribute, NULL };
	struct mr_entries groups = { 0 };

	if (mr_claims_list(it->arena, it->config, dir, service, filter, attrs, &groups, err) < 0)
		return -1;
	for (size_t i = 0; i < groups.count; i++)
		if (leave(it, service, groups.items[i], attribute, member, err) < 0)
			return -1;
	return 0;
}

int mr_user_groups_plan(struct mr_arena *arena, const struct mr_config *config,
			struct mr_directory *dir, const struct mr_topology *topology,
			const struct mr_user_leaving *leaving, struct mr_plan *plan,
			struct mr_list *notes, struct mr_error *err)
{
	const struct mr_user *user = leaving->user;
	const struct leaving it = { arena, config, topology, user->name, leaving->new_name,
				    plan,  notes };
	const char *mailbox = user->route_entry     ? user->route.routing_address
			      : user->account_entry ? user->account.routing_address
						    : NULL;

	if (mailbox && leaving->services & MR_MAIL &&
	    leave_all(
		    &it, dir, MR_MAIL,
		    mr_filter(arena, "(&(objectClass=nisMailAlias)(rfc822MailMember=%s))", mailbox),
		    "rfc822MailMember", mailbox, err) < 0)
		return -1;
	if (!user->account_entry || !(leaving->services & MR_UNIX))
		return 0;
	return leave_all(&it, dir, MR_UNIX,
			 mr_filter(arena, "(&(objectClass=posixGroup)(memberUid=%s))", user->name),
			 "memberUid", user->name, err);
}
