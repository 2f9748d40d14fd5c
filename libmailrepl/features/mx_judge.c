#include "features/mx_check.h"

#include <string.h>

struct judgement {
	struct mr_arena *arena;
	const struct mr_topology *topology;
	const struct mr_list *backups;
	struct mr_mx_check *check;
	size_t size; /* of the array of findings */
};

static void find(struct judgement *in, enum mr_mx_fault fault, const struct mr_mx_domain *domain,
		 const char *host, const char *text)
{
	struct mr_mx_check *check = in->check;

	if (check->count == in->size) {
		struct mr_mx_finding *more =
			MR_NEW_ARRAY(in->arena, struct mr_mx_finding, 2 * in->size + 8);

		if (check->count)
			memcpy(more, check->findings, check->count * sizeof(*more));
		check->findings = more;
		in->size = 2 * in->size + 8;
	}
	check->findings[check->count++] =
		(struct mr_mx_finding){ fault, domain->domain, host, text };
	check->wrong += !mr_mx_is_note(fault);
}

static const char *named(struct judgement *in, const struct mr_mx_domain *domain)
{
	struct mr_list hosts = { 0 };

	for (size_t i = 0; i < domain->count; i++)
		mr_list_add(in->arena, &hosts, domain->records[i].mx.host);
	return mr_list_join(in->arena, &hosts, ", ");
}

static bool names(const struct mr_mx_domain *domain, const char *host)
{
	for (size_t i = 0; i < domain->count; i++)
		if (strcmp(domain->records[i].mx.host, host) == 0)
			return true;
	return false;
}

static void judge_intranet(struct judgement *in, const struct mr_mx_domain *domain)
{
	if (domain->count && *domain->records[0].mx.host)
		find(in, MR_MX_OUTSIDE, domain, NULL,
		     mr_printf(in->arena,
			       _("%s has MX records (%s), though no mail comes to an intranet from "
				 "outside: "
				 "another scheme (cl-setup --scheme) or no MX records"),
			       domain->domain, named(in, domain)));
}

static void judge_none(struct judgement *in, const struct mr_mx_domain *domain)
{
	const struct mr_list *mx = &in->topology->mx;

	find(in, MR_MX_NONE, domain, NULL,
	     domain->count
		     ? mr_printf(
			       in->arena,
			       _("the MX record of %s says that it takes no mail: it must name %s"),
			       domain->domain, mr_list_join(in->arena, mx, ", "))
		     : mr_printf(in->arena,
				 _("%s has no MX record: mail from outside does not find %s; add "
				   "\"%s. IN MX 10 %s.\""),
				 domain->domain, mr_list_join(in->arena, mx, ", "), domain->domain,
				 mx->items[0]));
}

/* What DNS says of the name itself, whoever it belongs to. */
static void judge_host(struct judgement *in, const struct mr_mx_domain *domain,
		       const struct mr_mx_record *record)
{
	const char *host = record->mx.host;

	if (record->alias)
		find(in, MR_MX_ALIAS, domain, host,
		     mr_printf(in->arena,
			       _("the MX record of %s names %s, which is an alias (CNAME) of %s: "
				 "an MX record must "
				 "name a host itself"),
			       domain->domain, host, record->alias));
	if (record->answer == MR_DNS_NONE)
		find(in, MR_MX_NO_ADDRESS, domain, host,
		     mr_printf(in->arena,
			       _("the MX record of %s names %s, which has no address (A or AAAA "
				 "record)"),
			       domain->domain, host));
	if (record->answer == MR_DNS_SILENT)
		find(in, MR_MX_UNASKED, domain, host,
		     mr_printf(in->arena,
			       _("the address of %s, which the MX record of %s names, could not be "
				 "asked for: %s"),
			       host, domain->domain, record->why));
}

static const char *why_extra(struct judgement *in, const char *host)
{
	const struct mr_host *ours = mr_topology_host(in->topology, host);

	if (!ours)
		return _("which is no host of this mail domain (a backup elsewhere: set "
			 "backup_mx.backups)");
	return mr_printf(in->arena,
			 _("a %s that does not take mail from outside: take the record away, or "
			   "name the host with "
			   "cl-setup --mx"),
			 mr_host_role(ours));
}

/* The alias of one of ours is one of ours, called wrongly. */
static bool is_ours(const struct judgement *in, const struct mr_mx_record *record)
{
	return mr_list_has(&in->topology->mx, record->mx.host) ||
	       (record->alias && mr_list_has(&in->topology->mx, record->alias));
}

static void judge_record(struct judgement *in, const struct mr_mx_domain *domain,
			 const struct mr_mx_record *record, bool *ours)
{
	const char *host = record->mx.host;

	if (is_ours(in, record))
		*ours = true;
	else if (!mr_list_has(in->backups, host))
		find(in, MR_MX_EXTRA, domain, host,
		     mr_printf(in->arena, _("the MX record of %s names %s, %s"), domain->domain,
			       host, why_extra(in, host)));
	else if (!*ours)
		find(in, MR_MX_BACKUP, domain, host,
		     mr_printf(in->arena,
			       _("the MX records of %s prefer the backup %s to our own hosts: its "
				 "number (%u) must be "
				 "the larger one"),
			       domain->domain, host, record->mx.preference));
	judge_host(in, domain, record);
}

static bool is_alias_of(const struct mr_mx_domain *domain, const char *host)
{
	for (size_t i = 0; i < domain->count; i++)
		if (domain->records[i].alias && strcmp(domain->records[i].alias, host) == 0)
			return true;
	return false;
}

static void judge_domain(struct judgement *in, const struct mr_mx_domain *domain)
{
	const struct mr_list *mx = &in->topology->mx;
	bool ours = false;

	if (domain->answer == MR_DNS_SILENT) {
		find(in, MR_MX_UNASKED, domain, NULL,
		     mr_printf(in->arena, _("the MX records of %s could not be asked for: %s"),
			       domain->domain, domain->why));
		return;
	}
	if (in->topology->scheme == MR_SCHEME_INTRANET) {
		judge_intranet(in, domain);
		return;
	}
	if (!domain->count || (domain->count == 1 && !*domain->records[0].mx.host)) {
		judge_none(in, domain);
		return;
	}
	for (size_t i = 0; i < mx->count; i++)
		if (!names(domain, mx->items[i]) && !is_alias_of(domain, mx->items[i]))
			find(in, MR_MX_MISSING, domain, mx->items[i],
			     mr_printf(in->arena,
				       _("no MX record of %s names %s, which takes mail from "
					 "outside: add "
					 "\"%s. IN MX 10 %s.\""),
				       domain->domain, mx->items[i], domain->domain, mx->items[i]));
	for (size_t i = 0; i < domain->count; i++)
		judge_record(in, domain, &domain->records[i], &ours);
}

void mr_mx_judge(struct mr_arena *arena, const struct mr_topology *topology,
		 const struct mr_list *backups, struct mr_mx_check *check)
{
	struct judgement in = { arena, topology, backups, check, 0 };

	check->findings = NULL;
	check->count = check->wrong = 0;
	for (size_t i = 0; i < check->domain_count; i++)
		judge_domain(&in, &check->domains[i]);
}
