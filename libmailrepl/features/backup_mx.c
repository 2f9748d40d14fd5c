#include "features/backup_mx.h"

#include <stdlib.h>
#include <string.h>

#include "base/paths.h"
#include "features/foreign.h"
#include "features/render_exim.h"
#include "model/names.h"

#define SETTING "backup_mx.domains"

struct reading {
	struct mr_arena *arena;
	const struct mr_config *config;
	const struct mr_topology *topology;
	struct mr_error *err;
};

static int wrong(const struct reading *it, const char *domain, const char *fault)
{
	return mr_fail(it->err, MR_E_CONFIG, "%s: " SETTING ": %s: %s", it->config->path, domain,
		       fault);
}

static bool is_former(const struct reading *it, const char *name)
{
	for (size_t i = 0; i < it->topology->former.count; i++)
		if (strcmp(mr_former_parse(it->arena, it->topology->former.items[i]).gone, name) ==
		    0)
			return true;
	return false;
}

static bool is_destination(const struct reading *it, const char *name)
{
	const struct mr_value *mail =
		mr_value_get(mr_config_settings(it->arena, it->config), "mail");
	const struct mr_value *list = mr_value_get(mail, "destinations");

	for (size_t i = 0; list && i < list->count; i++)
		if (strcmp(list->items[i]->string, name) == 0)
			return true;
	return false;
}

static bool has_smarthost(const struct reading *it, const char *name)
{
	const struct mr_value *rows = mr_value_get(
		mr_value_get(mr_config_settings(it->arena, it->config), "mail"), "smarthosts");

	for (size_t i = 0; rows && i < rows->count; i++)
		if (strcmp(mr_value_get_string(rows->items[i], "domain", ""), name) == 0)
			return true;
	return false;
}

/* Postfix calls it a loop, and bounces. */
static bool is_here(const struct reading *it, const char *primary)
{
	size_t len = strlen(it->config->host);

	if (!primary)
		return false;
	primary += *primary == '[';
	return strncmp(primary, it->config->host, len) == 0 && strchr("]:", primary[len]);
}

static int check(const struct reading *it, const struct mr_backup_mx *so_far,
		 const struct mr_backup_domain *domain)
{
	const char *name = domain->name;

	if (mr_list_has(&it->topology->domains, name))
		return wrong(it, name,
			     _("is a mail domain of ours: its mail is kept for its hosts "
			       "anyway"));
	if (mr_topology_host(it->topology, name) || is_former(it, name))
		return wrong(it, name, _("is a host of ours"));
	if (is_destination(it, name))
		return wrong(it, name,
			     _("is in mail.destinations too: either this host is where its mail "
			       "ends, or it keeps it for another"));
	if (has_smarthost(it, name))
		return wrong(it, name,
			     _("is in mail.smarthosts too: its mail has one way only, name that "
			       "server as its primary"));
	if (is_here(it, domain->primary))
		return wrong(it, name,
			     _("its primary is this host itself: either its mail ends here "
			       "(mail.destinations), or another server is its primary"));
	if (!domain->primary && !it->config->mail_dns)
		return wrong(it, name,
			     _("needs a primary, since no DNS says which it is (mail.dns)"));
	for (size_t i = 0; i < so_far->count; i++)
		if (strcmp(so_far->domains[i].name, name) == 0)
			return wrong(it, name,
				     _("is there twice, here or also with cl-setup --primary"));
	return 0;
}

/* They are asked for by everybody who has a complaint, and RFC 5321 section 4.5.1 has the primary know them. */
static void add_roles(const struct reading *it, struct mr_backup_domain *domain)
{
	static const char *const roles[] = { "postmaster", "abuse" };

	for (size_t i = 0; i < sizeof(roles) / sizeof(*roles); i++) {
		const char *address = mr_printf(it->arena, "%s@%s", roles[i], domain->name);

		if (!mr_list_has(&domain->listed, address))
			mr_list_add(it->arena, &domain->listed, address);
	}
}

static int read_list(const struct reading *it, const char *file, struct mr_backup_domain *domain)
{
	const char *path = mr_path(it->arena, it->config->root, file);

	if (mr_foreign_list_read(it->arena, path, domain->name, &domain->listed, it->err) < 0) {
		it->err->code = MR_E_CONFIG;
		return mr_fail_in(it->err, "%s: " SETTING ": %s", it->config->path, domain->name);
	}
	add_roles(it, domain);
	return 0;
}

static int read_row(const struct reading *it, const struct mr_value *row, struct mr_backup_mx *out)
{
	struct mr_backup_domain domain = {
		.name = mr_value_get_string(row, "domain", ""),
		.primary = mr_value_get_string(row, "primary", NULL),
	};
	const char *list = mr_value_get_string(row, "list", NULL), *given = domain.name;
	bool listed = strcmp(mr_value_get_string(row, "recipients", ""), "list") == 0;

	if (mr_domain_parse(it->arena, given, &domain.name, it->err) < 0) {
		it->err->code = MR_E_CONFIG;
		return mr_fail_in(it->err, "%s: " SETTING ": %s", it->config->path, given);
	}
	if (check(it, out, &domain) < 0)
		return -1;
	if (listed != (list != NULL))
		return wrong(it, given,
			     listed ? _("recipients = \"list\" needs a list: the path of a file "
					"with an address a line")
				    : _("a list goes with recipients = \"list\""));
	domain.recipients = listed ? MR_RECIPIENTS_LIST : MR_RECIPIENTS_VERIFY;
	if (listed && read_list(it, list, &domain) < 0)
		return -1;
	out->domains[out->count++] = domain;
	return 0;
}

/* Hosts behind these have nothing to do with it: they send as everybody does. */
bool mr_backup_mx_is_for(const struct mr_topology *topology, const char *name)
{
	const struct mr_host *host = mr_topology_host(topology, name);

	return host && mr_host_is_router(host) &&
	       (!mr_host_is_server(host) || mr_list_has(&topology->mx, name));
}

static int read_foreign(const struct reading *it, struct mr_backup_mx *out)
{
	for (size_t i = 0; i < it->topology->foreign_count; i++) {
		const struct mr_foreign *foreign = &it->topology->foreign[i];
		struct mr_backup_domain domain = { .name = foreign->name,
						   .primary = foreign->primary,
						   .recipients = foreign->recipients.count
									 ? MR_RECIPIENTS_DIRECTORY
									 : MR_RECIPIENTS_VERIFY };

		if (check(it, out, &domain) < 0)
			return -1;
		if (domain.recipients == MR_RECIPIENTS_DIRECTORY)
			add_roles(it, &domain);
		out->domains[out->count++] = domain;
	}
	return 0;
}

static int read_networks(const struct reading *it, const struct mr_value *settings,
			 const struct mr_versions *versions, bool *out)
{
	const struct mr_value *networks = mr_value_get(settings, "networks");
	const struct mr_value *postfix =
		mr_value_get(mr_versions_value(it->arena, versions), "postfix");
	const struct mr_value *knows = mr_value_get(postfix, "mx_backup");

	*out = networks && networks->count > 0;
	if (!*out)
		return 0;
	if (!knows || !knows->boolean)
		return mr_fail(it->err, MR_E_CONFIG,
			       _("%s: backup_mx.networks: permit_mx_backup is deprecated since "
				 "Postfix 3.9, and this is %s: name the domains in " SETTING),
			       it->config->path, mr_value_get_string(postfix, "text", "?"));
	if (!it->config->mail_dns)
		return mr_fail(it->err, MR_E_CONFIG,
			       _("%s: backup_mx.networks: which domains these are only DNS knows "
				 "(mail.dns)"),
			       it->config->path);
	return 0;
}

static int by_name(const void *a, const void *b)
{
	const struct mr_backup_domain *left = a, *right = b;

	return strcmp(left->name, right->name);
}

int mr_backup_mx_read(struct mr_arena *arena, const struct mr_config *config,
		      const struct mr_topology *topology, const struct mr_versions *versions,
		      struct mr_backup_mx *out, struct mr_error *err)
{
	const struct reading it = { arena, config, topology, err };
	const struct mr_value *settings =
		mr_value_get(mr_config_settings(arena, config), "backup_mx");
	const struct mr_value *rows = mr_value_get(settings, "domains");
	size_t count = rows ? rows->count : 0;

	*out = (struct mr_backup_mx){
		.domains = MR_NEW_ARRAY(arena, struct mr_backup_domain,
					count + topology->foreign_count + 1),
	};
	if (read_networks(&it, settings, versions, &out->permits) < 0)
		return -1;
	if (mr_backup_mx_is_for(topology, config->host) && read_foreign(&it, out) < 0)
		return -1;
	for (size_t i = 0; i < count; i++)
		if (read_row(&it, rows->items[i], out) < 0)
			return -1;
	if (out->count)
		qsort(out->domains, out->count, sizeof(*out->domains), by_name);
	return 0;
}

struct mr_value *mr_backup_mx_value(struct mr_arena *arena, const struct mr_backup_mx *backup,
				    bool dns)
{
	struct mr_value *out = mr_value_object(arena), *list = mr_value_list(arena);
	bool any[MR_RECIPIENTS_DIRECTORY + 1] = { false };

	for (size_t i = 0; i < backup->count; i++) {
		const struct mr_backup_domain *domain = &backup->domains[i];
		struct mr_value *one = mr_value_append(arena, list, mr_value_object(arena));

		any[domain->recipients] = true;
		mr_value_set_string(arena, one, "domain", domain->name);
		mr_value_set_string(arena, one, "primary", domain->primary);
		mr_value_set_string(arena, one, "host",
				    domain->primary
					    ? mr_render_exim_host(arena, domain->primary, dns)
					    : NULL);
		mr_value_set_bool(arena, one, "verified",
				  domain->recipients == MR_RECIPIENTS_VERIFY);
		mr_value_set_bool(arena, one, "directory",
				  domain->recipients == MR_RECIPIENTS_DIRECTORY);
		mr_value_set(arena, one, "listed", mr_value_strings(arena, &domain->listed));
	}
	mr_value_set(arena, out, "domains", list);
	mr_value_set_bool(arena, out, "any", backup->count > 0);
	mr_value_set_bool(arena, out, "asks", any[MR_RECIPIENTS_VERIFY] || backup->permits);
	mr_value_set_bool(arena, out, "permits", backup->permits);
	mr_value_set_bool(arena, out, "directory", any[MR_RECIPIENTS_DIRECTORY]);
	return out;
}
