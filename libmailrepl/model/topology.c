#include "model/topology.h"

#include <string.h>

#include "base/value.h"

#define SERVER_ID_MOST 4095

const struct mr_host *mr_topology_host(const struct mr_topology *topology, const char *name)
{
	for (size_t i = 0; i < topology->count; i++)
		if (strcmp(topology->hosts[i].name, name) == 0)
			return &topology->hosts[i];
	return NULL;
}

const char *mr_topology_postmaster(const struct mr_topology *topology, const char *domain)
{
	for (size_t i = 0; i < topology->domain_detail_count; i++)
		if (strcmp(topology->domain_details[i].name, domain) == 0)
			return topology->domain_details[i].postmaster;
	return NULL;
}

void mr_topology_set_postmaster(struct mr_arena *arena, struct mr_topology *topology,
				const char *domain, const char *postmaster)
{
	size_t count = 0;
	struct mr_domain *details =
		MR_NEW_ARRAY(arena, struct mr_domain, topology->domain_detail_count + 1);

	for (size_t i = 0; i < topology->domain_detail_count; i++)
		if (strcmp(topology->domain_details[i].name, domain) != 0)
			details[count++] = topology->domain_details[i];
	if (postmaster)
		details[count++] = (struct mr_domain){ mr_strdup(arena, domain),
						       mr_strdup(arena, postmaster) };
	topology->domain_details = details;
	topology->domain_detail_count = count;
}

const struct mr_foreign *mr_topology_foreign(const struct mr_topology *topology, const char *domain)
{
	for (size_t i = 0; i < topology->foreign_count; i++)
		if (strcmp(topology->foreign[i].name, domain) == 0)
			return &topology->foreign[i];
	return NULL;
}

void mr_topology_set_foreign(struct mr_arena *arena, struct mr_topology *topology,
			     const char *domain, const struct mr_foreign *foreign)
{
	size_t count = 0, old = 0;
	struct mr_foreign *all =
		MR_NEW_ARRAY(arena, struct mr_foreign, topology->foreign_count + 1);

	for (; old < topology->foreign_count && strcmp(topology->foreign[old].name, domain) < 0;
	     old++)
		all[count++] = topology->foreign[old];
	if (foreign)
		all[count++] = *foreign;
	for (; old < topology->foreign_count; old++)
		if (strcmp(topology->foreign[old].name, domain) != 0)
			all[count++] = topology->foreign[old];
	topology->foreign = all;
	topology->foreign_count = count;
}

bool mr_foreign_equal(const struct mr_foreign *a, const struct mr_foreign *b)
{
	if (!a || !b)
		return a == b;
	if (!a->primary || !b->primary ? a->primary != b->primary
				       : strcmp(a->primary, b->primary) != 0)
		return false;
	return strcmp(a->name, b->name) == 0 && mr_list_equal(&a->recipients, &b->recipients);
}

struct mr_list mr_topology_all_domains(struct mr_arena *arena, const struct mr_topology *topology)
{
	struct mr_list all = { 0 };

	for (size_t i = 0; i < topology->domains.count; i++)
		mr_list_add(arena, &all, topology->domains.items[i]);
	for (size_t i = 0; i < topology->foreign_count; i++)
		mr_list_add(arena, &all, topology->foreign[i].name);
	return all;
}

bool mr_host_is_server(const struct mr_host *host)
{
	return host->services & MR_UNIX;
}

bool mr_host_is_provider(const struct mr_topology *topology, const struct mr_host *host)
{
	return mr_host_is_server(host) || strcmp(host->name, topology->home) == 0;
}

const char *mr_host_role(const struct mr_host *host)
{
	return mr_host_is_server(host) ? "mail server" : "relay";
}

const char *mr_host_state_word(enum mr_host_state state)
{
	return state == MR_JOINED ? "joined" : "invited";
}

static const char *const scheme_words[] = {
	[MR_SCHEME_INTRANET] = "intranet",
	[MR_SCHEME_SERVER_MX] = "server-mx",
	[MR_SCHEME_RELAY_MX] = "relay-mx",
};

const char *mr_scheme_word(enum mr_scheme scheme)
{
	return scheme_words[scheme];
}

int mr_scheme_parse(const char *word, enum mr_scheme *out, struct mr_error *err)
{
	for (size_t i = 0; i < sizeof(scheme_words) / sizeof(scheme_words[0]); i++) {
		if (strcmp(word, scheme_words[i]) == 0) {
			*out = (enum mr_scheme)i;
			return 0;
		}
	}
	return mr_fail(err, MR_E_USAGE,
		       _("unknown scheme \"%s\": use intranet, server-mx or relay-mx"), word);
}

int mr_service_parse(const char *word, enum mr_service *out, struct mr_error *err)
{
	static const enum mr_service services[] = { MR_MAIL, MR_UNIX };

	for (size_t i = 0; i < 2; i++) {
		if (strcmp(word, mr_service_name(services[i])) == 0) {
			*out = services[i];
			return 0;
		}
	}
	return mr_fail(err, MR_E_USAGE, _("unknown service \"%s\": use mail or unix"), word);
}

void mr_topology_init(struct mr_arena *arena, const char *domain_id, const char *home,
		      struct mr_topology *out)
{
	*out = (struct mr_topology){
		.domain_id = mr_strdup(arena, domain_id),
		.home = mr_strdup(arena, home),
		.epoch = 1,
		.generation = 1,
		.server_id_high_water = 1,
		.hosts = MR_NEW(arena, struct mr_host),
		.count = 1,
	};
	out->hosts[0] = (struct mr_host){
		.name = out->home,
		.services = MR_MAIL,
		.server_id = 1,
		.state = MR_JOINED,
	};
}

static int refuse_set(const struct mr_topology *old, enum mr_service service,
		      const struct mr_list *hosts, struct mr_error *err)
{
	if (!mr_list_has(hosts, old->home))
		return mr_fail(err, MR_E_INVALID,
			       _("the list leaves out %s: the home of the domain is always in %s, "
				 "name it too"),
			       old->home, mr_service_name(service));
	for (size_t i = 0; service == MR_UNIX && i < hosts->count; i++) {
		const struct mr_host *host = mr_topology_host(old, hosts->items[i]);

		if (!host || !(host->services & MR_MAIL))
			return mr_fail(err, MR_E_INVALID,
				       _("%s is not in mail: a mail server needs both, add it to "
					 "mail first"),
				       hosts->items[i]);
	}
	for (size_t i = 0; service == MR_MAIL && i < old->count; i++)
		if (mr_host_is_server(&old->hosts[i]) && !mr_list_has(hosts, old->hosts[i].name))
			return mr_fail(err, MR_E_INVALID,
				       _("the list leaves out %s, which is in unix: take it out of "
					 "unix first"),
				       old->hosts[i].name);
	return 0;
}

/* Returns true if the host has changed. */
static bool set_service(const struct mr_topology *topology, struct mr_host *host,
			enum mr_service service, bool wanted)
{
	bool has = host->services & service;

	if (has == wanted)
		return false;
	host->services ^= service;
	/* A relay that becomes a server has no owned databases yet: nobody may wait for it as a
	 * provider. */
	if (wanted && service == MR_UNIX && strcmp(host->name, topology->home) != 0)
		host->state = MR_INVITED;
	return true;
}

static int invite(struct mr_arena *arena, struct mr_topology *topology, const char *name,
		  enum mr_service service, struct mr_error *err)
{
	if (topology->server_id_high_water >= SERVER_ID_MOST)
		return mr_fail(
			err, MR_E_INVALID,
			_("%s: no serverID is left, all %d were given out (they are never reused)"),
			name, SERVER_ID_MOST);
	topology->hosts[topology->count++] = (struct mr_host){
		.name = mr_strdup(arena, name),
		.services = service,
		.server_id = ++topology->server_id_high_water,
		.state = MR_INVITED,
	};
	return 0;
}

struct mr_former mr_former_parse(struct mr_arena *arena, const char *text)
{
	size_t len = strcspn(text, " ");

	return (struct mr_former){ mr_strndup(arena, text, len),
				   mr_strdup(arena, text + len + (text[len] == ' ')) };
}

/* A host that is here again gets its mail itself, and who is gone forwards nothing. */
static void drop_former(struct mr_arena *arena, struct mr_topology *topology)
{
	struct mr_list kept = { 0 };

	for (size_t i = 0; i < topology->former.count; i++) {
		struct mr_former former = mr_former_parse(arena, topology->former.items[i]);

		if (!mr_topology_host(topology, former.gone) &&
		    mr_topology_host(topology, former.by))
			mr_list_add(arena, &kept, topology->former.items[i]);
	}
	topology->former = kept;
}

/* Hosts that are in no service any more are gone, and are no MX either. An MX that has not been
 * invited yet stays: it may be named before. */
static void drop_hosts(struct mr_arena *arena, struct mr_topology *topology)
{
	struct mr_list mx = { 0 };
	size_t kept = 0;

	for (size_t i = 0; i < topology->mx.count; i++) {
		const struct mr_host *host = mr_topology_host(topology, topology->mx.items[i]);

		if (!host || host->services)
			mr_list_add(arena, &mx, topology->mx.items[i]);
	}
	topology->mx = mx;
	for (size_t i = 0; i < topology->count; i++)
		if (topology->hosts[i].services)
			topology->hosts[kept++] = topology->hosts[i];
	topology->count = kept;
	drop_former(arena, topology);
}

static int refuse_many(const struct mr_topology *topology, struct mr_error *err)
{
	size_t count = 0;

	for (size_t i = 0; i < topology->count; i++)
		count += mr_host_is_provider(topology, &topology->hosts[i]);
	if (count <= MR_PROVIDERS_MOST)
		return 0;
	return mr_fail(err, MR_E_INVALID,
		       _("that would be %zu mail servers (the home counts as one): a host can pull "
			 "from at most %d, nothing was changed"),
		       count, MR_PROVIDERS_MOST);
}

int mr_topology_set(struct mr_arena *arena, const struct mr_topology *old, enum mr_service service,
		    const struct mr_list *hosts, struct mr_topology *out, struct mr_error *err)
{
	struct mr_topology topology = *old;
	bool changed = false;

	if (refuse_set(old, service, hosts, err) < 0)
		return -1;
	topology.hosts = MR_NEW_ARRAY(arena, struct mr_host, old->count + hosts->count);
	memcpy(topology.hosts, old->hosts, old->count * sizeof(*old->hosts));
	for (size_t i = 0; i < topology.count; i++)
		changed |= set_service(&topology, &topology.hosts[i], service,
				       mr_list_has(hosts, topology.hosts[i].name));
	for (size_t i = 0; i < hosts->count; i++) {
		if (mr_topology_host(&topology, hosts->items[i]))
			continue;
		if (invite(arena, &topology, hosts->items[i], service, err) < 0)
			return -1;
		changed = true;
	}
	drop_hosts(arena, &topology);
	if (refuse_many(&topology, err) < 0 || mr_topology_check_modes(&topology, err) < 0)
		return -1;
	topology.generation += changed;
	*out = topology;
	return 0;
}

void mr_topology_take_over(struct mr_arena *arena, const struct mr_topology *old, const char *gone,
			   const char *by, struct mr_topology *out)
{
	struct mr_topology topology = *old;
	struct mr_list former = { 0 };

	topology.hosts = MR_NEW_ARRAY(arena, struct mr_host, old->count);
	memcpy(topology.hosts, old->hosts, old->count * sizeof(*old->hosts));
	for (size_t i = 0; i < topology.count; i++)
		if (strcmp(topology.hosts[i].name, gone) == 0)
			topology.hosts[i].services = 0;
	if (strcmp(topology.home, gone) == 0) {
		topology.home = mr_strdup(arena, by);
		topology.epoch++;
	}
	for (size_t i = 0; i < old->former.count; i++) {
		struct mr_former one = mr_former_parse(arena, old->former.items[i]);

		mr_list_add(arena, &former,
			    strcmp(one.by, gone) == 0 ? mr_printf(arena, "%s %s", one.gone, by)
						      : old->former.items[i]);
	}
	/* An earlier run may have come as far as this. */
	if (!mr_list_has(&former, mr_printf(arena, "%s %s", gone, by)))
		mr_list_add(arena, &former, mr_printf(arena, "%s %s", gone, by));
	topology.former = former;
	drop_hosts(arena, &topology);
	topology.generation++;
	*out = topology;
}

static struct mr_value *postmasters_value(struct mr_arena *arena,
					  const struct mr_topology *topology)
{
	struct mr_value *value = mr_value_object(arena);

	for (size_t i = 0; i < topology->domain_detail_count; i++)
		mr_value_set_string(arena, value, topology->domain_details[i].name,
				    topology->domain_details[i].postmaster);
	return value;
}

static struct mr_value *foreign_value(struct mr_arena *arena, const struct mr_topology *topology)
{
	struct mr_value *list = mr_value_list(arena);

	for (size_t i = 0; i < topology->foreign_count; i++) {
		const struct mr_foreign *foreign = &topology->foreign[i];
		struct mr_value *one = mr_value_append(arena, list, mr_value_object(arena));

		mr_value_set_string(arena, one, "domain", foreign->name);
		mr_value_set_string(arena, one, "primary", foreign->primary);
		mr_value_set(arena, one, "recipients",
			     mr_value_strings(arena, &foreign->recipients));
	}
	return list;
}

static struct mr_value *host_value(struct mr_arena *arena, const struct mr_topology *topology,
				   const struct mr_host *host)
{
	static const enum mr_service services[] = { MR_MAIL, MR_UNIX };
	struct mr_value *value = mr_value_object(arena), *list = mr_value_list(arena);

	for (size_t i = 0; i < 2; i++)
		if (host->services & services[i])
			mr_value_append(arena, list,
					mr_value_string(arena, mr_service_name(services[i])));
	mr_value_set_string(arena, value, "name", host->name);
	mr_value_set_string(arena, value, "role", mr_host_role(host));
	mr_value_set_bool(arena, value, "home", strcmp(host->name, topology->home) == 0);
	mr_value_set_bool(arena, value, "provider", mr_host_is_provider(topology, host));
	mr_value_set(arena, value, "services", list);
	mr_value_set_int(arena, value, "server_id", host->server_id);
	mr_value_set_string(arena, value, "state", mr_host_state_word(host->state));
	mr_value_set_string(arena, value, "mode", mr_mode_word(host->mode));
	mr_value_set(arena, value, "fingerprints", mr_value_strings(arena, &host->fingerprints));
	return value;
}

struct mr_value *mr_topology_value(struct mr_arena *arena, const struct mr_topology *topology)
{
	struct mr_value *value = mr_value_object(arena), *hosts = mr_value_list(arena);

	for (size_t i = 0; i < topology->count; i++)
		mr_value_append(arena, hosts, host_value(arena, topology, &topology->hosts[i]));
	mr_value_set_string(arena, value, "domain_id", topology->domain_id);
	mr_value_set_string(arena, value, "home", topology->home);
	mr_value_set_int(arena, value, "epoch", topology->epoch);
	mr_value_set_int(arena, value, "generation", topology->generation);
	mr_value_set_int(arena, value, "server_id_high_water", topology->server_id_high_water);
	mr_value_set_string(arena, value, "scheme", mr_scheme_word(topology->scheme));
	mr_value_set_string(arena, value, "delimiter", mr_delimiter_word(topology->delimiter));
	mr_value_set_bool(arena, value, "system_accounts", topology->system_accounts);
	mr_value_set(arena, value, "mx", mr_value_strings(arena, &topology->mx));
	mr_value_set(arena, value, "former", mr_value_strings(arena, &topology->former));
	mr_value_set(arena, value, "domains", mr_value_strings(arena, &topology->domains));
	mr_value_set(arena, value, "postmasters", postmasters_value(arena, topology));
	mr_value_set(arena, value, "foreign", foreign_value(arena, topology));
	mr_value_set(arena, value, "hosts", hosts);
	return value;
}
