#include "features/render.h"

#include <string.h>
#include <unistd.h>

#include "adapters/directory.h"
#include "base/paths.h"
#include "features/mta.h"
#include "features/nss.h"
#include "features/render_exim.h"
#include "features/render_modes.h"

/* A rid is unique within a slapd and at most 999: the copy of mail takes the lower half, that of
 * unix the upper. */
#define RID_UNIX 500
_Static_assert(MR_PROVIDERS_MOST < RID_UNIX && RID_UNIX + MR_PROVIDERS_MOST <= 999,
	       "a rid has three digits");
/* Below that, hosts that start together wait for ever in each other's binds. */
#define THREADS_LEAST 128
/* Each thread keeps a reader's slot of each database, and so does each slapcat. */
#define READERS_SPARE 128

/* Of no host and no mail domain (RFC 2606): where templates/postfix/transport and generic meet. */
#define ROLES_DOMAIN "roles.mailrepl.invalid"

struct builder {
	struct mr_arena *arena;
	const struct mr_config *config;
	const struct mr_topology *topology;
};

static bool is_self(const struct builder *b, const struct mr_host *host)
{
	return strcmp(host->name, b->config->host) == 0;
}

static struct mr_value *host_value(const struct builder *b, const struct mr_host *host)
{
	struct mr_value *value = mr_value_object(b->arena);

	mr_value_set_string(b->arena, value, "name", host->name);
	mr_value_set_bool(b->arena, value, "server", mr_host_is_server(host));
	mr_value_set_bool(b->arena, value, "self", is_self(b, host));
	mr_render_host_mode(b->arena, host, value);
	mr_value_set(b->arena, value, "fingerprints",
		     mr_value_strings(b->arena, &host->fingerprints));
	return value;
}

/* This host pulls from its own owned database too, over the socket. */
static struct mr_value *provider_value(const struct builder *b, const struct mr_host *host,
				       enum mr_service service, size_t number)
{
	struct mr_value *value = host_value(b, host);
	const char *socket = mr_path(b->arena, b->config->root, MR_PATH_SOCKET);
	size_t rid = number + (service == MR_UNIX ? RID_UNIX : 0);

	mr_value_set_string(b->arena, value, "ou", mr_service_ou(service));
	mr_value_set_string(b->arena, value, "rid", mr_printf(b->arena, "%03zu", rid));
	mr_value_set_string(b->arena, value, "uri",
			    is_self(b, host) ? mr_directory_socket_uri(b->arena, socket)
					     : mr_printf(b->arena, "ldap://%s:%lld", host->name,
							 b->config->directory_port));
	return value;
}

static struct mr_value *service_value(const struct builder *b, enum mr_service service)
{
	struct mr_value *value = mr_value_object(b->arena);
	struct mr_value *hosts = mr_value_list(b->arena), *providers = mr_value_list(b->arena);

	for (size_t i = 0; i < b->topology->count; i++) {
		const struct mr_host *host = &b->topology->hosts[i];

		if (!(host->services & service))
			continue;
		mr_value_append(b->arena, hosts, host_value(b, host));
		if (mr_host_is_provider(b->topology, host))
			mr_value_append(b->arena, providers,
					provider_value(b, host, service, providers->count + 1));
	}
	mr_value_set(b->arena, value, "hosts", hosts);
	mr_value_set(b->arena, value, "providers", providers);
	return value;
}

static void set_hosts(const struct builder *b, struct mr_value *out)
{
	struct mr_value *hosts = mr_value_set(b->arena, out, "hosts", mr_value_list(b->arena));
	struct mr_value *peers = mr_value_set(b->arena, out, "peers", mr_value_list(b->arena));
	bool any_server = false;

	for (size_t i = 0; i < b->topology->count; i++) {
		const struct mr_host *host = &b->topology->hosts[i];
		struct mr_value *value = mr_value_append(b->arena, hosts, host_value(b, host));

		if (is_self(b, host))
			continue;
		mr_value_append(b->arena, peers, value);
		any_server |= mr_host_is_server(host);
	}
	mr_value_set_bool(b->arena, out, "any_peer_server", any_server);
}

/* Hosts that are gone, whose queued mail goes to who has taken them over. */
static struct mr_value *former_value(const struct builder *b)
{
	struct mr_value *list = mr_value_list(b->arena);

	for (size_t i = 0; i < b->topology->former.count; i++) {
		struct mr_former former = mr_former_parse(b->arena, b->topology->former.items[i]);
		struct mr_value *one =
			mr_value_append(b->arena, list, mr_value_object(b->arena));

		mr_value_set_string(b->arena, one, "name", former.gone);
		mr_value_set_string(b->arena, one, "by", former.by);
		mr_value_set_bool(b->arena, one, "here", strcmp(former.by, b->config->host) == 0);
	}
	return list;
}

const char *mr_render_role(struct mr_arena *arena, const struct mr_topology *topology,
			   const char *key, const char *address)
{
	const char *domain = strrchr(address, '@');

	if (!domain || (!mr_list_has(&topology->domains, domain + 1) &&
			!mr_topology_host(topology, domain + 1)))
		return address;
	return mr_printf(arena, "%s@" ROLES_DOMAIN, key);
}

static const char *role_target(const struct builder *b, const char *key, const char *address,
			       struct mr_value *queued_roles)
{
	const char *queued = mr_render_role(b->arena, b->topology, key, address);
	struct mr_value *one;

	if (strcmp(queued, address) == 0)
		return address;
	one = mr_value_append(b->arena, queued_roles, mr_value_object(b->arena));
	mr_value_set_string(b->arena, one, "queued", queued);
	mr_value_set_string(b->arena, one, "address", address);
	return queued;
}

static void set_roles(const struct builder *b, struct mr_value *out)
{
	const char *own = b->config->mail_postmaster;
	struct mr_value *roles = mr_value_list(b->arena), *queued = mr_value_list(b->arena);
	const char *target = role_target(b, "localhost", own, queued);

	mr_value_set_string(b->arena, out, "postmaster", target);
	for (size_t i = 0; i < b->topology->domains.count; i++) {
		const char *domain = b->topology->domains.items[i];
		const char *postmaster = mr_topology_postmaster(b->topology, domain);
		struct mr_value *role = mr_value_append(b->arena, roles, mr_value_object(b->arena));

		mr_value_set_string(b->arena, role, "domain", domain);
		mr_value_set_string(
			b->arena, role, "target",
			postmaster ? role_target(b, domain, postmaster, queued) : target);
	}
	mr_value_set(b->arena, out, "domain_roles", roles);
	mr_value_set(b->arena, out, "queued_roles", queued);
}

static struct mr_value *paths_value(const struct builder *b)
{
	static const struct {
		const char *name, *path;
	} paths[] = {
		{ "pid", MR_PATH_PID },
		{ "socket", MR_PATH_SOCKET },
		{ "ca_cert", MR_PATH_CA_CERT },
		{ "host_cert", MR_PATH_HOST_CERT },
		{ "host_key", MR_PATH_HOST_KEY },
		{ "db", MR_PATH_DB },
		{ "overrides", MR_PATH_OVERRIDES },
		{ "own", MR_PATH_OWN },
		{ "original", MR_PATH_ORIGINAL },
		{ "mailboxes", MR_PATH_MAILBOXES },
		{ "quota", MR_PATH_QUOTA },
		{ "postfix", MR_PATH_POSTFIX },
		{ "dovecot", MR_PATH_DOVECOT },
		{ "exim", MR_PATH_EXIM },
		{ "exim_key", MR_PATH_EXIM_KEY },
		{ "exim_given_cert", MR_PATH_EXIM_GIVEN_CERT },
		{ "exim_given_key", MR_PATH_EXIM_GIVEN_KEY },
	};
	struct mr_value *value = mr_value_object(b->arena);

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		mr_value_set_string(b->arena, value, paths[i].name,
				    mr_path(b->arena, b->config->root, paths[i].path));
	mr_value_set_string(b->arena, value, "libexec", mr_libexec_folder());
	mr_value_set_string(b->arena, value, "schema",
			    mr_printf(b->arena, "%s/schema", mr_data_folder()));
	return value;
}

static struct mr_value *directory_value(const struct builder *b)
{
	struct mr_value *value = mr_value_object(b->arena);
	const char *socket = mr_path(b->arena, b->config->root, MR_PATH_SOCKET);
	long long threads = 2 * (long long)b->topology->count + 16;

	if (threads < THREADS_LEAST)
		threads = THREADS_LEAST;
	mr_value_set_string(b->arena, value, "socket_uri",
			    mr_directory_socket_uri(b->arena, socket));
	mr_value_set_int(b->arena, value, "port", b->config->directory_port);
	mr_value_set_int(b->arena, value, "max_size", b->config->directory_max_size * 1024 * 1024);
	mr_value_set_int(b->arena, value, "threads", threads);
	mr_value_set_int(b->arena, value, "max_readers", threads + READERS_SPARE);
	return value;
}

static struct mr_value *quota_value(const struct builder *b)
{
	struct mr_value *value = mr_value_object(b->arena);
	long long mib = b->config->mail_quota;

	mr_value_set_bool(b->arena, value, "limited", mib > 0);
	mr_value_set_int(b->arena, value, "mib", mib);
	mr_value_set_bool(b->arena, value, "defer",
			  strcmp(b->config->mail_quota_full, "reject") != 0);
	return value;
}

static void set_id(const struct builder *b, struct mr_value *out, const char *name, uid_t uid)
{
	bool known = uid != (uid_t)-1;

	mr_value_set_bool(b->arena, out, mr_printf(b->arena, "%s_known", name), known);
	mr_value_set(b->arena, out, name,
		     known ? mr_value_int(b->arena, (long long)uid)
			   : mr_value_string(b->arena, NULL));
}

static struct mr_value *ids_value(const struct builder *b, const struct mr_render_ids *ids)
{
	struct mr_value *value = mr_value_object(b->arena);

	set_id(b, value, "root", ids->root);
	set_id(b, value, "openldap", ids->openldap);
	set_id(b, value, "postfix", ids->postfix);
	set_id(b, value, "dovecot", ids->dovecot);
	set_id(b, value, "nslcd", ids->nslcd);
	set_id(b, value, "exim",
	       mr_mta(b->config) == MR_SERVICE_EXIM ? ids->exim : (uid_t)-1);
	return value;
}

/* What Postfix does while the policy service does not answer. */
static const char *policy_down(struct mr_arena *arena, const struct mr_config *config)
{
	const struct mr_value *settings =
		mr_value_get(mr_config_settings(arena, config), "restrictions");

	return strcmp(mr_value_get_string(settings, "policy_down", "accept"), "defer") == 0
		       ? "DEFER"
		       : "DUNNO";
}

struct mr_value *mr_render_context(struct mr_arena *arena, const struct mr_config *config,
				   const struct mr_topology *topology,
				   const struct mr_render_machine *machine, bool gate_closed)
{
	const struct builder b = { arena, config, topology };
	const struct mr_host *self = mr_topology_host(topology, config->host);
	struct mr_value *out = mr_value_object(arena);

	mr_value_set_string(arena, out, "host", self->name);
	mr_value_set_string(arena, out, "home", topology->home);
	mr_value_set_int(arena, out, "server_id", self->server_id);
	mr_value_set_bool(arena, out, "server", mr_host_is_server(self));
	mr_value_set_bool(arena, out, "provider", mr_host_is_provider(topology, self));
	mr_value_set_bool(arena, out, "is_home", strcmp(self->name, topology->home) == 0);
	mr_value_set_bool(arena, out, "is_mx", mr_list_has(&topology->mx, self->name));
	mr_value_set_string(arena, out, "scheme", mr_scheme_word(topology->scheme));
	mr_value_set_string(arena, out, "delimiter",
			    topology->delimiter == MR_DELIMITER_NONE
				    ? NULL
				    : mr_delimiter_text(topology->delimiter));
	mr_value_set_bool(arena, out, "intranet",
			  topology->scheme == MR_SCHEME_INTRANET && !machine->backup.count &&
				  !machine->backup.permits);
	mr_render_modes(arena, config, topology, out);
	mr_value_set_bool(arena, out, "gate_closed", gate_closed);
	mr_value_set_bool(arena, out, "dns", config->mail_dns);
	mr_value_set_bool(arena, out, "exim", mr_mta(config) == MR_SERVICE_EXIM);
	mr_value_set(arena, out, "settings", mr_config_settings(arena, config));
	mr_value_set_bool(arena, out, "system_accounts", mr_nss_is_wanted(topology, self, &machine->ids));
	mr_value_set_string(arena, out, "root_dn", MR_DIT_LOCAL_ROOT);
	mr_value_set(arena, out, "domains", mr_value_strings(arena, &topology->domains));
	set_roles(&b, out);
	set_hosts(&b, out);
	mr_value_set(arena, out, "former", former_value(&b));
	mr_value_set(arena, out, "mail", service_value(&b, MR_MAIL));
	mr_value_set(arena, out, "unix", service_value(&b, MR_UNIX));
	mr_hardening_set(arena, config, &machine->hardening, out);
	mr_value_set_string(arena, out, "policy_down", policy_down(arena, config));
	mr_value_set(arena, out, "backup",
		     mr_backup_mx_value(arena, &machine->backup, config->mail_dns));
	mr_render_exim(arena, config, out);
	mr_value_set(arena, out, "peer_addresses",
		     mr_value_strings(arena, &machine->peer_addresses));
	mr_value_set(arena, out, "directory", directory_value(&b));
	mr_value_set(arena, out, "paths", paths_value(&b));
	mr_value_set(arena, out, "quota", quota_value(&b));
	mr_value_set(arena, out, "ids", ids_value(&b, &machine->ids));
	mr_value_set(arena, out, "versions", mr_versions_value(arena, &machine->versions));
	return out;
}
