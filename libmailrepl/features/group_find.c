#include <string.h>

#include "features/claim.h"
#include "features/group.h"
#include "features/instance.h"

static const char *const attrs[] = { "objectClass",        "cn",
				     "mailLocalAddress",   "mailHost",
				     "mailRoutingAddress", "rfc822MailMember",
				     "mailReplAccess",     "gidNumber",
				     "memberUid",          NULL };

static int find_owners(const struct mr_group_view *view, const char *name, enum mr_service service,
		       struct mr_list *out, struct mr_error *err)
{
	static const char *const names[] = { "cn", NULL };
	const char *filter = mr_filter(view->arena,
				       service == MR_MAIL ? "(&(objectClass=nisMailAlias)(cn=%s))"
							  : "(&(objectClass=posixGroup)(cn=%s))",
				       name);
	struct mr_entries found = { 0 };

	if (mr_claims_list(view->arena, view->config, view->dir, service, filter, names, &found,
			   err) < 0)
		return -1;
	for (size_t i = 0; i < found.count; i++) {
		const char *owner = mr_dit_owner(view->arena, found.items[i]->dn);

		if (owner && !mr_list_has(out, owner))
			mr_list_add(view->arena, out, owner);
	}
	return 0;
}

/* *entry = NULL: the copies here are behind, it is gone there. */
static int read_entry(const struct mr_group_view *view, const struct mr_group_found *found,
		      struct mr_entry **entry, struct mr_error *err)
{
	const char *owner = found->owner.host->name;
	const char *dn = mr_dit_group(view->arena, found->name,
				      mr_dit_owned(view->arena, found->service, owner));
	MR_DIRECTORY peer = NULL;

	if (found->owner.step_host &&
	    mr_instance_open_peer(view->arena, view->config, NULL, owner, &peer, err) < 0)
		return -1;
	return mr_directory_read(peer ? peer : view->dir, view->arena, dn, attrs, entry, err);
}

/* 1: there is one, 0: there is none. */
static int locate(const struct mr_group_view *view, const char *name, enum mr_service service,
		  const char *host, struct mr_group_found *out, struct mr_error *err)
{
	struct mr_group_found found = { .name = name, .service = service };
	struct mr_list owners = { 0 };
	const char *owner;

	if (find_owners(view, name, service, &owners, err) < 0)
		return -1;
	if (!owners.count || (host && !mr_list_has(&owners, host)))
		return 0;
	owner = host ? host : owners.items[0];
	if (!host && owners.count > 1)
		return mr_fail(err, MR_E_EXISTS,
			       _("group %s is claimed by several hosts (%s): say which one is "
				 "meant (--owner)"),
			       name, mr_list_join(view->arena, &owners, ", "));
	if (mr_owner_find(view->arena, view->topology, view->config->host, owner, &found.owner,
			  err) < 0 ||
	    read_entry(view, &found, &found.entry, err) < 0)
		return -1;
	if (!found.entry)
		return 0;
	if (service == MR_MAIL
		    ? mr_group_parse(view->arena, found.entry, &found.mail, err) < 0
		    : mr_unix_group_parse(view->arena, found.entry, &found.unix_, err) < 0)
		return -1;
	*out = found;
	return 1;
}

int mr_group_locate(const struct mr_group_view *view, const char *name, unsigned services,
		    const char *host, struct mr_group_found *out, size_t *count,
		    struct mr_error *err)
{
	static const enum mr_service all[] = { MR_MAIL, MR_UNIX };

	*count = 0;
	if (mr_group_name_parse(view->arena, name, &name, err) < 0 ||
	    (host && mr_host_parse(view->arena, host, &host, err) < 0))
		return -1;
	for (size_t i = 0; i < 2; i++) {
		int found =
			services & all[i] ? locate(view, name, all[i], host, &out[*count], err) : 0;

		if (found < 0)
			return -1;
		*count += (size_t)found;
	}
	if (*count)
		return 0;
	return host ? mr_fail(err, MR_E_NOT_FOUND, _("no group %s at %s"), name, host)
		    : mr_fail(err, MR_E_NOT_FOUND, _("no group %s"), name);
}
