#include <string.h>

#include "features/backup_mx.h"
#include "features/smarthost.h"
#include "features/trace.h"

static bool is_local(struct mr_arena *arena, const struct mr_config *config, const char *domain)
{
	const struct mr_value *list = mr_value_get(
		mr_value_get(mr_config_settings(arena, config), "mail"), "destinations");

	for (size_t i = 0; i < list->count; i++)
		if (strcmp(list->items[i]->string, domain) == 0)
			return true;
	return strcmp(domain, "localhost") == 0;
}

/* Of another host only what the topology says. */
static int read_backup(struct mr_arena *arena, const struct mr_trace_view *view,
		       struct mr_backup_mx *out, struct mr_error *err)
{
	const struct mr_topology *topology = view->topology;

	if (view->config)
		return mr_backup_mx_read(arena, view->config, topology, &mr_versions_sample, out,
					 err);
	*out = (struct mr_backup_mx){ 0 };
	if (!mr_backup_mx_is_for(topology, view->host))
		return 0;
	out->domains = MR_NEW_ARRAY(arena, struct mr_backup_domain, topology->foreign_count + 1);
	for (size_t i = 0; i < topology->foreign_count; i++)
		out->domains[out->count++] = (struct mr_backup_domain){
			.name = topology->foreign[i].name,
			.primary = topology->foreign[i].primary,
			.recipients = topology->foreign[i].recipients.count
					      ? MR_RECIPIENTS_DIRECTORY
					      : MR_RECIPIENTS_VERIFY,
		};
	return 0;
}

/* postmaster and abuse are in there whoever has made the list. */
static bool is_recipient(const struct mr_trace_view *view, const struct mr_backup_domain *domain,
			 const char *address)
{
	const struct mr_foreign *foreign = mr_topology_foreign(view->topology, domain->name);

	return domain->recipients == MR_RECIPIENTS_VERIFY ||
	       mr_list_has(&domain->listed, address) || mr_starts_with(address, "postmaster@") ||
	       mr_starts_with(address, "abuse@") ||
	       (domain->recipients == MR_RECIPIENTS_DIRECTORY && foreign &&
		mr_list_has(&foreign->recipients, address));
}

static void kept(struct mr_arena *arena, const struct mr_trace_view *view,
		 const struct mr_backup_domain *domain, const char *address, const char **nexthop,
		 const char **detail)
{
	if (!is_recipient(view, domain, address)) {
		*detail = mr_printf(arena, _("%s: a domain of another primary, which has no %s"),
				    domain->name, address);
		return;
	}
	*nexthop = mr_printf(arena, "backup:%s", domain->primary ? domain->primary : "");
	*detail = mr_printf(
		arena, _("%s: a domain of another primary; its mail is kept while that is down"),
		domain->name);
}

/* As Postfix looks a transport up: the domain, then what it lies below, the nearest first. */
static const struct mr_smarthost *find_smarthost(const struct mr_smarthosts *servers,
						 const char *domain)
{
	for (const char *part = domain; part; part = strchr(part + 1, '.'))
		for (size_t i = 0; i < servers->count; i++)
			if (servers->items[i].domain && strcmp(servers->items[i].domain, part) == 0)
				return &servers->items[i];
	for (size_t i = 0; i < servers->count; i++)
		if (!servers->items[i].domain)
			return &servers->items[i];
	return NULL;
}

static void leaves(struct mr_arena *arena, const struct mr_trace_view *view, const char *domain,
		   const char **nexthop, const char **detail)
{
	const struct mr_smarthost *server = NULL;
	struct mr_smarthosts servers;

	if (view->config && mr_topology_host(view->topology, view->host)) {
		mr_smarthosts_list(arena, view->config, view->topology, &servers);
		server = find_smarthost(&servers, domain);
	}
	*nexthop = server ? mr_smarthost_transport(arena, server) : "smtp";
	*detail = server ? mr_printf(arena, _("%s: outside, handed to a server (%s)"), domain,
				     server->setting)
			 : mr_printf(arena, _("%s: outside, its mail exchanger decides"), domain);
}

int mr_trace_way_out(struct mr_arena *arena, const struct mr_trace_view *view, const char *address,
		     const char **nexthop, const char **detail, struct mr_error *err)
{
	const char *domain = strrchr(address, '@') + 1;
	struct mr_backup_mx backup;

	*nexthop = NULL;
	if (read_backup(arena, view, &backup, err) < 0)
		return -1;
	for (size_t i = 0; i < backup.count; i++)
		if (strcmp(backup.domains[i].name, domain) == 0) {
			kept(arena, view, &backup.domains[i], address, nexthop, detail);
			return 0;
		}
	if (view->config && is_local(arena, view->config, domain)) {
		*nexthop = "local";
		*detail = mr_printf(arena, _("%s: users of this system"), domain);
	} else if (view->topology->scheme == MR_SCHEME_INTRANET) {
		*detail = mr_printf(arena, _("%s is outside: mail does not leave this intranet"),
				    domain);
	} else {
		leaves(arena, view, domain, nexthop, detail);
	}
	return 0;
}
