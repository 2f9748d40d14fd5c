#include <string.h>

#include "features/domain.h"
#include "features/group_claims.h"
#include "features/group_member.h"
#include "features/group_unix.h"

/* Takes out of `list` what was typed, in its stored form; no error if it is not there. */
static int remove_addresses(const struct mr_group_view *view, const struct mr_list *typed,
			    struct mr_list *list, struct mr_error *err)
{
	for (size_t i = 0; i < typed->count; i++) {
		struct mr_address address;
		size_t kept = 0;

		/* Also one of a domain that is gone. */
		if (mr_claim_parse(view->arena, typed->items[i], &address, err) < 0)
			return -1;
		for (size_t j = 0; j < list->count; j++)
			if (strcmp(list->items[j], address.text) != 0)
				list->items[kept++] = list->items[j];
		list->count = kept;
	}
	return 0;
}

static void copy_list(struct mr_arena *arena, const struct mr_list *from, struct mr_list *to)
{
	*to = (struct mr_list){ 0 };
	for (size_t i = 0; i < from->count; i++)
		mr_list_add(arena, to, from->items[i]);
}

/* Of `a` what `b` has not. */
static struct mr_list difference(struct mr_arena *arena, const struct mr_list *a,
				 const struct mr_list *b)
{
	struct mr_list out = { 0 };

	for (size_t i = 0; i < a->count; i++)
		if (!mr_group_has_address(b, a->items[i]))
			mr_list_add(arena, &out, a->items[i]);
	return out;
}

static int set_addresses(const struct mr_group_view *view, const struct mr_group_change *change,
			 const struct mr_group *old, struct mr_group *group, struct mr_error *err)
{
	struct mr_list gone;

	copy_list(view->arena, &old->addresses, &group->addresses);
	if (change->addresses.count)
		group->addresses = (struct mr_list){ 0 };
	if (mr_group_addresses_parse(view, &change->addresses, &group->addresses, err) < 0 ||
	    mr_group_addresses_parse(view, &change->add_addresses, &group->addresses, err) < 0 ||
	    remove_addresses(view, &change->remove_addresses, &group->addresses, err) < 0)
		return -1;
	if (!group->addresses.count)
		return mr_fail(err, MR_E_INVALID,
			       _("group %s would have no address left: cl-groupdel deletes it"),
			       old->name);
	gone = difference(view->arena, &old->addresses, &group->addresses);
	return mr_domain_postmaster_check(view->topology, &gone, err);
}

static int set_members(const struct mr_group_view *view, const struct mr_group_change *change,
		       const struct mr_group *old, struct mr_group *group, struct mr_error *err)
{
	copy_list(view->arena, &old->members, &group->members);
	if (change->members.count)
		group->members = (struct mr_list){ 0 };
	for (size_t i = 0; i < change->members.count; i++)
		if (mr_group_member_add(view, change->members.items[i], &group->members, err) < 0)
			return -1;
	for (size_t i = 0; i < change->add_members.count; i++)
		if (mr_group_member_add(view, change->add_members.items[i], &group->members, err) <
		    0)
			return -1;
	for (size_t i = 0; i < change->remove_members.count; i++)
		if (mr_group_member_remove(view, change->remove_members.items[i], &group->members,
					   err) < 0)
			return -1;
	if (!group->members.count)
		return mr_fail(err, MR_E_INVALID,
			       _("group %s would have no member left, its mail would go nowhere: "
				 "cl-groupdel deletes it"),
			       old->name);
	return 0;
}

static int change_mail(const struct mr_group_view *view, const struct mr_group_change *change,
		       const struct mr_group_found *found, struct mr_plan *plan,
		       struct mr_group_outcome *out, struct mr_error *err)
{
	static const char *const owned[] = { "mailLocalAddress", "rfc822MailMember",
					     "mailReplAccess", NULL };
	const struct mr_group *old = &found->mail;
	const char *owner = found->owner.host->name;
	struct mr_group group = *old;
	struct mr_group_wanted wanted = { .owner = found->owner,
					  .service = MR_MAIL,
					  .self = found->name };

	if (change->access != MR_GROUP_SAME)
		group.closed = change->access == MR_GROUP_CLOSED;
	if (set_addresses(view, change, old, &group, err) < 0 ||
	    set_members(view, change, old, &group, err) < 0 ||
	    mr_group_closed_check(&group, err) < 0)
		return -1;
	wanted.addresses = difference(view->arena, &group.addresses, &old->addresses);
	if (mr_group_claims_check(view, &wanted, plan, err) < 0 ||
	    mr_group_cycle_check(view, &group, err) < 0 ||
	    mr_group_members_show(view, &group.members, &out->members, err) < 0)
		return -1;
	mr_plan_update_entry(
		view->arena, plan, found->owner.step_host, found->entry,
		mr_group_format(view->arena, &group, mr_dit_owned(view->arena, MR_MAIL, owner)),
		owned, mr_printf(view->arena, _("change group %s at %s"), group.name, owner));
	out->addresses = group.addresses;
	out->closed = group.closed;
	return 0;
}

/* Last, so that who is interrupted finds it under the one name or, done, under the other. */
static int plan_rename(const struct mr_group_view *view, const char *name,
		       const struct mr_group_found *found, struct mr_plan *plan,
		       struct mr_error *err)
{
	const struct mr_group_wanted wanted = {
		.owner = found->owner, .service = found->service, .name = name, .self = found->name
	};

	if (strcmp(name, found->name) == 0)
		return 0;
	if (mr_group_claims_check(view, &wanted, plan, err) < 0)
		return -1;
	mr_plan_rename_entry(view->arena, plan, found->owner.step_host, found->entry->dn, name,
			     mr_printf(view->arena, _("call group %s at %s %s"), found->name,
				       found->owner.host->name, name));
	return 0;
}

/* Those that only one kind of group can be asked for tell which is meant. */
static int choose(const struct mr_group_change *change, const struct mr_group_found *found,
		  size_t count, const struct mr_group_found **out, struct mr_error *err)
{
	bool mail = change->addresses.count || change->add_addresses.count ||
		    change->remove_addresses.count || change->access != MR_GROUP_SAME;

	*out = &found[0]; /* mail comes first */
	if (count > 1 && !mail)
		return mr_fail(err, MR_E_USAGE,
			       _("%s is a mail group and a group of accounts: say mail or unix"),
			       found[0].name);
	return 0;
}

/* An earlier run may have renamed it. */
static int locate(const struct mr_group_view *view, const struct mr_group_change *change,
		  const char *rename, struct mr_group_found *found, size_t *count,
		  struct mr_error *err)
{
	unsigned services = change->services ? change->services : MR_MAIL | MR_UNIX;
	struct mr_error later;

	if (mr_group_locate(view, change->name, services, change->host, found, count, err) == 0)
		return 0;
	if (err->code != MR_E_NOT_FOUND || !rename)
		return -1;
	return mr_group_locate(view, rename, services, change->host, found, count, &later);
}

int mr_group_change_plan(const struct mr_group_view *view, const struct mr_group_change *change,
			 struct mr_plan *plan, struct mr_group_outcome *out, struct mr_error *err)
{
	struct mr_group_found found[2];
	const struct mr_group_found *one;
	const char *rename = NULL;
	size_t count;
	int result;

	if (change->rename && mr_group_name_parse(view->arena, change->rename, &rename, err) < 0)
		return -1;
	if (locate(view, change, rename, found, &count, err) < 0 ||
	    choose(change, found, count, &one, err) < 0)
		return -1;
	*out = (struct mr_group_outcome){
		.name = rename ? rename : one->name,
		.owner = one->owner.host->name,
		.service = one->service,
	};
	result = one->service == MR_MAIL ? change_mail(view, change, one, plan, out, err)
					 : mr_group_unix_change(view, change, one, plan, out, err);
	if (result < 0 || !rename)
		return result;
	return plan_rename(view, rename, one, plan, err);
}
