#include "features/topology_plan.h"

#include <strings.h>

#include "model/dit.h"

struct mr_entry *mr_domain_entry(struct mr_arena *arena, const struct mr_topology *topology,
				 const char *domain, const char *container)
{
	struct mr_entry *entry = mr_entry_new(arena, mr_dit_domain(arena, domain, container));
	const char *postmaster = mr_topology_postmaster(topology, domain);
	const struct mr_foreign *foreign = mr_topology_foreign(topology, domain);

	mr_entry_add(arena, entry, "objectClass", "mailReplDomain");
	mr_entry_add(arena, entry, "associatedDomain", domain);
	if (postmaster)
		mr_entry_add(arena, entry, "mailReplPostmaster", postmaster);
	if (foreign) {
		mr_entry_add(arena, entry, "mailReplPrimary",
			     foreign->primary ? foreign->primary : MR_PRIMARY_DNS);
		mr_entry_add_list(arena, entry, "mailReplBackupRecipient", &foreign->recipients);
	}
	return entry;
}

static const struct mr_entry *find(const struct mr_entries *entries, const char *dn)
{
	for (size_t i = 0; i < entries->count; i++)
		if (strcasecmp(entries->items[i]->dn, dn) == 0)
			return entries->items[i];
	return NULL;
}

static void plan_domains(struct mr_arena *arena, const struct mr_topology *old,
			 const struct mr_topology *fresh, const char *container,
			 struct mr_plan *plan)
{
	static const char *const owned[] = { "mailReplPostmaster", "mailReplPrimary",
					     "mailReplBackupRecipient", NULL };
	const struct mr_list before = mr_topology_all_domains(arena, old),
			     after = mr_topology_all_domains(arena, fresh);

	for (size_t i = 0; i < after.count; i++) {
		const char *domain = after.items[i];
		bool foreign = mr_topology_foreign(fresh, domain);
		struct mr_entry *entry = mr_domain_entry(arena, fresh, domain, container);

		if (!mr_list_has(&before, domain) && foreign)
			mr_plan_add_entry(
				arena, plan, NULL, entry,
				mr_printf(arena, _("add %s, a domain of another primary"), domain));
		else if (!mr_list_has(&before, domain))
			mr_plan_add_entry(arena, plan, NULL, entry,
					  mr_printf(arena, _("add the mail domain %s"), domain));
		else
			mr_plan_update_entry(
				arena, plan, NULL, mr_domain_entry(arena, old, domain, container),
				entry, owned,
				mr_printf(arena,
					  foreign ? _("another primary or other recipients for %s")
						  : _("another postmaster for %s"),
					  domain));
	}
	for (size_t i = 0; i < before.count; i++) {
		const char *domain = before.items[i];

		if (!mr_list_has(&after, domain))
			mr_plan_delete_entry(
				arena, plan, NULL, mr_dit_domain(arena, domain, container),
				mr_printf(arena,
					  mr_topology_foreign(old, domain)
						  ? _("remove %s, a domain of another primary")
						  : _("remove the mail domain %s"),
					  domain));
	}
}

void mr_topology_plan(struct mr_arena *arena, const struct mr_topology *old,
		      const struct mr_topology *fresh, struct mr_plan *plan)
{
	/* What a host entry may lose. */
	static const char *const owned[] = { "mailReplService",
					     "mailReplCertificateFingerprint",
					     "mailReplMode",
					     "mailReplMx",
					     "mailReplFormer",
					     "mailReplSystemAccounts",
					     "mailReplRecipientDelimiter",
					     NULL };
	const char *container = mr_dit_owned(arena, MR_MAIL, fresh->home);
	struct mr_entries before = { 0 }, after = { 0 };

	mr_topology_format(arena, old, container, &before);
	mr_topology_format(arena, fresh, container, &after);
	for (size_t i = 0; i < after.count; i++) {
		struct mr_entry *entry = after.items[i];
		const struct mr_entry *was = find(&before, entry->dn);

		if (was)
			mr_plan_update_entry(arena, plan, NULL, was, entry, owned,
					     mr_printf(arena, _("change %s"), entry->dn));
		else
			mr_plan_add_entry(arena, plan, NULL, entry,
					  mr_printf(arena, _("add %s"), entry->dn));
	}
	for (size_t i = 0; i < before.count; i++)
		if (!find(&after, before.items[i]->dn))
			mr_plan_delete_entry(arena, plan, NULL, before.items[i]->dn,
					     mr_printf(arena, _("remove %s"), before.items[i]->dn));
	plan_domains(arena, old, fresh, container, plan);
}
