#include "features/group_member.h"

#include <string.h>
#include <strings.h>

#include "features/claim.h"

static const char *const attrs[] = { "objectClass",
				     "uid",
				     "cn",
				     "mailLocalAddress",
				     "mailRoutingAddress",
				     "mailReplFormerAddress",
				     "mailReplForward",
				     "rfc822MailMember",
				     NULL };

bool mr_group_has_address(const struct mr_list *list, const char *address)
{
	for (size_t i = 0; i < list->count; i++)
		if (strcasecmp(list->items[i], address) == 0)
			return true;
	return false;
}

/* A domain whose addresses lie in the directory: mail domains, hosts, and hosts that are gone. */
static bool is_ours(const struct mr_group_view *view, const char *domain)
{
	const struct mr_topology *topology = view->topology;

	for (size_t i = 0; i < topology->former.count; i++)
		if (strcmp(mr_former_parse(view->arena, topology->former.items[i]).gone, domain) ==
		    0)
			return true;
	return mr_list_has(&topology->domains, domain) || mr_topology_host(topology, domain);
}

static int look_up(const struct mr_group_view *view, const char *address, struct mr_entries *out,
		   struct mr_error *err)
{
	const char *filter = mr_filter(view->arena,
				       "(|(mailLocalAddress=%s)(mailRoutingAddress=%s)"
				       "(mailReplFormerAddress=%s))",
				       address, address, address);

	*out = (struct mr_entries){ 0 };
	return mr_claims_list(view->arena, view->config, view->dir, MR_MAIL, filter, attrs, out,
			      err);
}

/* The different real addresses of those who have it now; of those who had it before they moved,
 * only if nobody has it now. */
static struct mr_list real_addresses(struct mr_arena *arena, const struct mr_entries *found)
{
	struct mr_list now = { 0 }, moved = { 0 };

	for (size_t i = 0; i < found->count; i++) {
		const char *real = mr_entry_value(found->items[i], "mailRoutingAddress");
		const struct mr_attr *forward = mr_entry_attr(found->items[i], "mailReplForward");

		if (real && !mr_group_has_address(&now, real))
			mr_list_add(arena, &now, mr_lower(arena, real));
		for (size_t j = 0; !real && forward && j < forward->values.count; j++)
			if (!mr_group_has_address(&moved, forward->values.items[j]))
				mr_list_add(arena, &moved,
					    mr_lower(arena, forward->values.items[j]));
	}
	return now.count ? now : moved;
}

static const char *owners(struct mr_arena *arena, const struct mr_entries *found)
{
	struct mr_list names = { 0 };

	for (size_t i = 0; i < found->count; i++) {
		const char *owner = mr_dit_owner(arena, found->items[i]->dn);

		if (owner && !mr_list_has(&names, owner))
			mr_list_add(arena, &names, owner);
	}
	return mr_list_join(arena, &names, ", ");
}

static int one_real_address(const struct mr_group_view *view, const char *text, bool is_name,
			    const struct mr_entries *found, const char **out, struct mr_error *err)
{
	struct mr_list real = real_addresses(view->arena, found);

	if (!real.count)
		return mr_fail(err, MR_E_INVALID,
			       is_name ? _("member %s: there is no such user or group with mail")
				       : _("member %s: no mailbox and no group has this address"),
			       text);
	if (real.count > 1)
		return mr_fail(
			err, MR_E_EXISTS,
			is_name ? _("member %s: several have this name (%s): give an address")
				: _("member %s: several hosts claim this address (%s): "
				    "cl-replication "
				    "--settle ADDRESS HOST decides"),
			text, owners(view->arena, found));
	*out = real.items[0];
	return 0;
}

static int resolve_address(const struct mr_group_view *view, const char *text, const char **out,
			   struct mr_error *err)
{
	struct mr_address address;
	struct mr_entries found;

	if (mr_address_parse(view->arena, text, &address, err) < 0)
		return mr_fail_in(err, _("member"));
	if (!is_ours(view, address.domain)) {
		if (view->topology->scheme == MR_SCHEME_INTRANET)
			return mr_fail(err, MR_E_INVALID,
				       _("member %s: mail does not leave this intranet"),
				       address.text);
		/* What stands before the @ is for the host there to understand. */
		*out = mr_printf(view->arena, "%.*s@%s", (int)strlen(address.local), text,
				 address.domain);
		return 0;
	}
	if (mr_is_role(address.local))
		return mr_fail(err, MR_E_INVALID,
			       _("member %s: a role address is no member; name who gets its mail"),
			       address.text);
	if (look_up(view, address.text, &found, err) < 0)
		return -1;
	return one_real_address(view, address.text, false, &found, out, err);
}

static int resolve_name(const struct mr_group_view *view, const char *text, const char **out,
			struct mr_error *err)
{
	struct mr_entries found = { 0 };
	const char *name, *filter;

	if (mr_group_name_parse(view->arena, text, &name, err) < 0)
		return mr_fail(err, MR_E_INVALID,
			       _("member \"%s\" is neither an address nor the name of a user or "
				 "group"),
			       text);
	filter = mr_filter(
		view->arena,
		"(&(mailRoutingAddress=*)(|(uid=%s)(&(objectClass=nisMailAlias)(cn=%s))))", name,
		name);
	if (mr_claims_list(view->arena, view->config, view->dir, MR_MAIL, filter, attrs, &found,
			   err) < 0)
		return -1;
	return one_real_address(view, name, true, &found, out, err);
}

static int resolve(const struct mr_group_view *view, const char *text, const char **out,
		   struct mr_error *err)
{
	return strchr(text, '@') ? resolve_address(view, text, out, err)
				 : resolve_name(view, text, out, err);
}

int mr_group_member_add(const struct mr_group_view *view, const char *text, struct mr_list *out,
			struct mr_error *err)
{
	const char *real;

	if (resolve(view, text, &real, err) < 0)
		return -1;
	if (!mr_group_has_address(out, real))
		mr_list_add(view->arena, out, real);
	return 0;
}

static void take_out(struct mr_list *list, const char *address)
{
	size_t kept = 0;

	for (size_t i = 0; i < list->count; i++)
		if (strcasecmp(list->items[i], address) != 0)
			list->items[kept++] = list->items[i];
	list->count = kept;
}

int mr_group_member_remove(const struct mr_group_view *view, const char *text, struct mr_list *list,
			   struct mr_error *err)
{
	const char *real;

	if (mr_group_has_address(list, text)) {
		take_out(list, text);
		return 0;
	}
	if (resolve(view, text, &real, err) < 0)
		return -1;
	take_out(list, real);
	return 0;
}

int mr_group_members_show(const struct mr_group_view *view, const struct mr_list *members,
			  struct mr_list *out, struct mr_error *err)
{
	for (size_t i = 0; i < members->count; i++) {
		struct mr_entries found = { 0 };
		const char *shown = members->items[i];

		if (mr_claims_list(view->arena, view->config, view->dir, MR_MAIL,
				   mr_filter(view->arena, "(mailRoutingAddress=%s)", shown), attrs,
				   &found, err) < 0)
			return -1;
		for (size_t j = 0; j < found.count; j++) {
			const char *local = mr_entry_value(found.items[j], "mailLocalAddress");

			if (local && *local != '@')
				shown = local;
		}
		mr_list_add(view->arena, out, shown);
	}
	return 0;
}

/* Where the way goes that is being followed. */
struct way {
	const struct mr_group_view *view;
	const struct mr_group *group;
	struct mr_list seen;  /* addresses that were followed */
	struct mr_list names; /* the way to here */
};

static bool is_goal(const struct way *way, const char *address)
{
	return strcasecmp(address, way->group->routing_address) == 0 ||
	       mr_group_has_address(&way->group->addresses, address);
}

static int follow(struct way *way, const struct mr_list *targets, struct mr_error *err);

static int follow_entry(struct way *way, const struct mr_entry *entry, const char *address,
			struct mr_error *err)
{
	static const char *const names[] = { "rfc822MailMember", "mailReplForward" };
	const char *real = mr_entry_value(entry, "mailRoutingAddress");
	const char *name = mr_entry_value(entry, "uid");

	if (!name)
		name = mr_entry_value(entry, "cn");
	mr_list_add(way->view->arena, &way->names, name ? name : address);
	for (size_t i = 0; i < 2; i++) {
		const struct mr_attr *attr = mr_entry_attr(entry, names[i]);
		struct mr_list targets = { 0 };

		/* With its own address among its targets a mailbox keeps a copy: that leads
		 * nowhere. */
		for (size_t j = 0; attr && j < attr->values.count; j++)
			if (!real || strcasecmp(attr->values.items[j], real) != 0)
				mr_list_add(way->view->arena, &targets, attr->values.items[j]);
		if (follow(way, &targets, err) < 0)
			return -1;
	}
	way->names.count--;
	return 0;
}

static int follow_address(struct way *way, const char *address, struct mr_error *err)
{
	const char *at = strrchr(address, '@');
	struct mr_entries found;

	if (is_goal(way, address)) {
		mr_list_add(way->view->arena, &way->names, way->group->name);
		return mr_fail(err, MR_E_INVALID, _("mail would go round in a circle: %s"),
			       mr_list_join(way->view->arena, &way->names, " -> "));
	}
	if (!at || !is_ours(way->view, mr_lower(way->view->arena, at + 1)) ||
	    mr_group_has_address(&way->seen, address))
		return 0;
	mr_list_add(way->view->arena, &way->seen, address);
	if (look_up(way->view, address, &found, err) < 0)
		return -1;
	for (size_t i = 0; i < found.count; i++)
		if (follow_entry(way, found.items[i], address, err) < 0)
			return -1;
	return 0;
}

static int follow(struct way *way, const struct mr_list *targets, struct mr_error *err)
{
	for (size_t i = 0; i < targets->count; i++)
		if (follow_address(way, targets->items[i], err) < 0)
			return -1;
	return 0;
}

int mr_group_cycle_check(const struct mr_group_view *view, const struct mr_group *group,
			 struct mr_error *err)
{
	struct way way = { .view = view, .group = group };

	mr_list_add(view->arena, &way.names, group->name);
	return follow(&way, &group->members, err);
}

int mr_group_closed_check(const struct mr_group *group, struct mr_error *err)
{
	for (size_t i = 0; group->closed && i < group->addresses.count; i++)
		if (group->addresses.items[i][0] == '@')
			return mr_fail(err, MR_E_INVALID,
				       _("a closed group cannot have the catch-all %s: whoever "
					 "writes to an address that nobody has writes to it"),
				       group->addresses.items[i]);
	return 0;
}
