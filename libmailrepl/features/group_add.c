#include <string.h>

#include "features/account_uid.h"
#include "features/claim.h"
#include "features/group_claims.h"
#include "features/group_member.h"
#include "features/group_unix.h"

static int check_request(const struct mr_group_request *request, const struct mr_topology *topology,
			 struct mr_error *err)
{
	if (request->service == MR_UNIX) {
		if (request->addresses.count || request->closed)
			return mr_fail(err, MR_E_USAGE,
				       _("addresses and --closed are for groups of the service "
					 "mail"));
		return 0;
	}
	if (!request->addresses.count)
		return mr_fail(err, MR_E_USAGE, _("a mail group needs an address: -e %s@%s"),
			       request->name,
			       topology->domains.count ? topology->domains.items[0] : "DOMAIN");
	if (!request->members.count)
		return mr_fail(err, MR_E_USAGE,
			       _("a mail group needs a member, its mail would go nowhere: -m "
				 "MEMBER"));
	return 0;
}

/* The group of that name at this owner, or count 0. */
static int find_same(const struct mr_group_view *view, const struct mr_group_wanted *wanted,
		     struct mr_group_found *found, size_t *count, struct mr_error *err)
{
	if (mr_group_locate(view, wanted->name, wanted->service, wanted->owner.host->name, found,
			    count, err) == 0)
		return 0;
	*count = 0;
	return err->code == MR_E_NOT_FOUND ? 0 : -1;
}

static int fail_differs(const struct mr_group_wanted *wanted, const char *what,
			struct mr_error *err)
{
	return mr_fail(err, MR_E_EXISTS,
		       _("group %s exists %s; cl-groupadd only adds groups (cl-groupmod "
			 "changes them), nothing was changed"),
		       wanted->name, what);
}

static int check_same(struct mr_arena *arena, const struct mr_group_wanted *wanted,
		      const struct mr_group *has, const struct mr_group *group,
		      struct mr_error *err)
{
	if (!mr_list_equal(&has->addresses, &group->addresses))
		return fail_differs(wanted,
				    mr_printf(arena, _("with other addresses (%s)"),
					      mr_list_join(arena, &has->addresses, ", ")),
				    err);
	if (!mr_list_equal(&has->members, &group->members))
		return fail_differs(wanted,
				    mr_printf(arena, _("with other members (%s)"),
					      mr_list_join(arena, &has->members, ", ")),
				    err);
	if (has->closed != group->closed)
		return fail_differs(wanted, has->closed ? _("and is closed") : _("and is open"),
				    err);
	return 0;
}

static int plan_mail(const struct mr_group_view *view, const struct mr_group_request *request,
		     struct mr_group_wanted *wanted, struct mr_plan *plan,
		     struct mr_group_outcome *out, struct mr_error *err)
{
	const char *owner = wanted->owner.host->name;
	struct mr_group group = { .name = wanted->name, .owner = owner, .closed = request->closed };
	struct mr_group_found found;
	struct mr_entry *entry;
	size_t count;

	if (mr_group_addresses_parse(view, &request->addresses, &group.addresses, err) < 0)
		return -1;
	for (size_t i = 0; i < request->members.count; i++)
		if (mr_group_member_add(view, request->members.items[i], &group.members, err) < 0)
			return -1;
	if (mr_group_closed_check(&group, err) < 0 ||
	    mr_group_members_show(view, &group.members, &out->members, err) < 0 ||
	    find_same(view, wanted, &found, &count, err) < 0)
		return -1;
	out->addresses = group.addresses;
	out->closed = group.closed;
	if (count)
		return check_same(view->arena, wanted, &found.mail, &group, err);
	wanted->addresses = group.addresses;
	if (mr_group_claims_check(view, wanted, plan, err) < 0 ||
	    mr_group_routing_choose(view, wanted->name, owner, &group.routing_address, err) < 0 ||
	    mr_group_cycle_check(view, &group, err) < 0)
		return -1;
	entry = mr_group_format(view->arena, &group, mr_dit_owned(view->arena, MR_MAIL, owner));
	mr_plan_add_entry(view->arena, plan, wanted->owner.step_host, entry,
			  mr_printf(view->arena, _("add group %s -> %s"),
				    mr_list_join(view->arena, &group.addresses, ", "),
				    mr_list_join(view->arena, &group.members, ", ")));
	out->dn = entry->dn;
	return 0;
}

static int plan_unix(const struct mr_group_view *view, const struct mr_group_request *request,
		     const struct mr_group_wanted *wanted, struct mr_plan *plan,
		     struct mr_group_outcome *out, struct mr_error *err)
{
	const char *owner = wanted->owner.host->name;
	struct mr_unix_group group = { .name = wanted->name };
	struct mr_group_found found;
	struct mr_entry *entry;
	size_t count;

	for (size_t i = 0; i < request->members.count; i++)
		if (mr_group_user_add(view, request->members.items[i], &group.members, err) < 0)
			return -1;
	out->members = group.members;
	if (find_same(view, wanted, &found, &count, err) < 0)
		return -1;
	if (count && !mr_list_equal(&found.unix_.members, &group.members))
		return fail_differs(
			wanted,
			mr_printf(view->arena, _("with other members (%s)"),
				  mr_list_join(view->arena, &found.unix_.members, ", ")),
			err);
	if (count)
		return 0;
	if (mr_group_claims_check(view, wanted, plan, err) < 0)
		return -1;
	entry = mr_unix_group_format(view->arena, &group,
				     mr_dit_owned(view->arena, MR_UNIX, owner));
	mr_gid_allocate_plan(view->arena, view->config, view->dir, &wanted->owner, entry, plan);
	mr_plan_add_entry(view->arena, plan, wanted->owner.step_host, entry,
			  mr_printf(view->arena, _("add group %s at %s"), wanted->name, owner));
	out->dn = entry->dn;
	return 0;
}

int mr_group_add_plan(const struct mr_group_view *view, const struct mr_group_request *request,
		      struct mr_plan *plan, struct mr_group_outcome *out, struct mr_error *err)
{
	struct mr_group_wanted wanted = { .service = request->service };

	if (mr_group_name_parse(view->arena, request->name, &wanted.name, err) < 0 ||
	    check_request(request, view->topology, err) < 0 ||
	    mr_owner_find(view->arena, view->topology, view->config->host, request->host,
			  &wanted.owner, err) < 0)
		return -1;
	*out = (struct mr_group_outcome){
		.name = wanted.name,
		.owner = wanted.owner.host->name,
		.service = request->service,
	};
	return request->service == MR_MAIL ? plan_mail(view, request, &wanted, plan, out, err)
					   : plan_unix(view, request, &wanted, plan, out, err);
}
