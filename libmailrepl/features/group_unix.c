#include "features/group_unix.h"

#include <string.h>

#include "features/claim.h"

int mr_group_user_add(const struct mr_group_view *view, const char *text, struct mr_list *out,
		      struct mr_error *err)
{
	static const char *const attrs[] = { "uid", NULL };
	struct mr_entries found = { 0 };
	const char *user;

	if (mr_user_parse(view->arena, text, &user, err) < 0)
		return mr_fail_in(err, _("member"));
	if (mr_claims_list(view->arena, view->config, view->dir, MR_UNIX,
			   mr_filter(view->arena, "(&(objectClass=posixAccount)(uid=%s))", user),
			   attrs, &found, err) < 0)
		return -1;
	if (!found.count)
		return mr_fail(err, MR_E_INVALID, _("member %s: there is no such user"), user);
	if (!mr_list_has(out, user))
		mr_list_add(view->arena, out, user);
	return 0;
}

static void take_out(struct mr_list *list, const char *user)
{
	size_t kept = 0;

	for (size_t i = 0; i < list->count; i++)
		if (strcmp(list->items[i], user) != 0)
			list->items[kept++] = list->items[i];
	list->count = kept;
}

int mr_group_unix_change(const struct mr_group_view *view, const struct mr_group_change *change,
			 const struct mr_group_found *found, struct mr_plan *plan,
			 struct mr_group_outcome *out, struct mr_error *err)
{
	static const char *const owned[] = { "memberUid", NULL };
	struct mr_unix_group group = found->unix_;
	const char *owner = found->owner.host->name;
	const struct mr_list *first = change->members.count ? &change->members : NULL;

	if (change->addresses.count || change->add_addresses.count ||
	    change->remove_addresses.count || change->access != MR_GROUP_SAME)
		return mr_fail(err, MR_E_USAGE,
			       _("addresses, --closed and --open are for groups of the service "
				 "mail"));
	group.members = (struct mr_list){ 0 };
	for (size_t i = 0; !first && i < found->unix_.members.count; i++)
		mr_list_add(view->arena, &group.members, found->unix_.members.items[i]);
	for (size_t i = 0; first && i < first->count; i++)
		if (mr_group_user_add(view, first->items[i], &group.members, err) < 0)
			return -1;
	for (size_t i = 0; i < change->add_members.count; i++)
		if (mr_group_user_add(view, change->add_members.items[i], &group.members, err) < 0)
			return -1;
	for (size_t i = 0; i < change->remove_members.count; i++)
		take_out(&group.members, change->remove_members.items[i]);
	out->members = group.members;
	mr_plan_update_entry(view->arena, plan, found->owner.step_host, found->entry,
			     mr_unix_group_format(view->arena, &group,
						  mr_dit_owned(view->arena, MR_UNIX, owner)),
			     owned,
			     mr_printf(view->arena, _("change group %s at %s"), group.name, owner));
	return 0;
}
