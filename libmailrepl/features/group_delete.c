#include <string.h>

#include "features/claim.h"
#include "features/domain.h"
#include "features/group_claims.h"
#include "features/group_member.h"

/* Whose mail would come back: groups that have it as a member, users who forward to it. */
static int check_unused(const struct mr_group_view *view, const struct mr_group *group,
			struct mr_error *err)
{
	static const char *const attrs[] = { "uid", "cn", NULL };
	const char *real = group->routing_address;
	struct mr_entries found = { 0 };
	struct mr_list names = { 0 };
	MR_BUF filter = { 0 };

	mr_buf_puts(&filter, "(|");
	mr_buf_puts(&filter, mr_filter(view->arena, "(rfc822MailMember=%s)(mailReplForward=%s)",
				       real, real));
	for (size_t i = 0; i < group->addresses.count; i++)
		mr_buf_puts(&filter, mr_filter(view->arena, "(mailReplForward=%s)",
					       group->addresses.items[i]));
	mr_buf_putc(&filter, ')');
	if (mr_claims_list(view->arena, view->config, view->dir, MR_MAIL, mr_buf_text(&filter),
			   attrs, &found, err) < 0)
		return -1;
	for (size_t i = 0; i < found.count; i++) {
		const char *user = mr_entry_value(found.items[i], "uid"),
			   *name = mr_entry_value(found.items[i], "cn");

		mr_list_add(view->arena, &names,
			    user ? mr_printf(view->arena, _("user %s"), user)
				 : mr_printf(view->arena, _("group %s"), name ? name : "?"));
	}
	if (names.count)
		return mr_fail(err, MR_E_INVALID,
			       _("group %s gets mail of %s: take it out there first"), group->name,
			       mr_list_join(view->arena, &names, ", "));
	return 0;
}

/* By its addresses and its real one. */
static int check_postmaster(const struct mr_group_view *view, const struct mr_group *group,
			    struct mr_error *err)
{
	struct mr_list gone = { 0 };

	for (size_t i = 0; i < group->addresses.count; i++)
		mr_list_add(view->arena, &gone, group->addresses.items[i]);
	mr_list_add(view->arena, &gone, group->routing_address);
	return mr_domain_postmaster_check(view->topology, &gone, err);
}

int mr_group_delete_plan(const struct mr_group_view *view, const char *name, unsigned services,
			 const char *host, struct mr_plan *plan, struct mr_error *err)
{
	struct mr_group_found found[2];
	size_t count;

	if (mr_group_locate(view, name, services ? services : MR_MAIL | MR_UNIX, host, found,
			    &count, err) < 0)
		return -1;
	for (size_t i = 0; i < count; i++) {
		if (found[i].service == MR_MAIL &&
		    (check_unused(view, &found[i].mail, err) < 0 ||
		     check_postmaster(view, &found[i].mail, err) < 0))
			return -1;
		mr_plan_delete_entry(view->arena, plan, found[i].owner.step_host,
				     found[i].entry->dn,
				     mr_printf(view->arena, _("delete group %s at %s (service %s)"),
					       found[i].name, found[i].owner.host->name,
					       mr_service_name(found[i].service)));
	}
	return 0;
}
