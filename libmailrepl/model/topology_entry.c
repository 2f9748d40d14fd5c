/* The topology as directory entries. */
#include "model/topology.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/directory.h"
#include "model/names.h"

#define SERVER_ID_MOST 4095

static void add_number(struct mr_arena *arena, struct mr_entry *entry, const char *name,
		       long long number)
{
	mr_entry_add(arena, entry, name, mr_printf(arena, "%lld", number));
}

static struct mr_entry *host_format(struct mr_arena *arena, const struct mr_host *host,
				    const char *container)
{
	static const enum mr_service services[] = { MR_MAIL, MR_UNIX };
	struct mr_entry *entry = mr_entry_new(arena, mr_dit_host(arena, host->name, container));

	mr_entry_add(arena, entry, "objectClass", "mailReplHost");
	mr_entry_add(arena, entry, "cn", host->name);
	for (size_t i = 0; i < 2; i++)
		if (host->services & services[i])
			mr_entry_add(arena, entry, "mailReplService", mr_service_name(services[i]));
	add_number(arena, entry, "mailReplServerID", host->server_id);
	mr_entry_add(arena, entry, "mailReplState", mr_host_state_word(host->state));
	/* What everybody had before there were modes stays as it is. */
	if (host->mode != MR_MODE_INTERNET)
		mr_entry_add(arena, entry, "mailReplMode", mr_mode_word(host->mode));
	mr_entry_add_list(arena, entry, "mailReplCertificateFingerprint", &host->fingerprints);
	return entry;
}

void mr_topology_format(struct mr_arena *arena, const struct mr_topology *topology,
			const char *container, struct mr_entries *out)
{
	struct mr_entry *entry = mr_entry_new(arena, mr_dit_hosts(arena, container));

	mr_entry_add(arena, entry, "objectClass", "organizationalUnit");
	mr_entry_add(arena, entry, "objectClass", "mailReplTopology");
	mr_entry_add(arena, entry, "ou", "Hosts");
	mr_entry_add(arena, entry, "mailReplDomainId", topology->domain_id);
	mr_entry_add(arena, entry, "mailReplHome", topology->home);
	add_number(arena, entry, "mailReplEpoch", topology->epoch);
	add_number(arena, entry, "mailReplGeneration", topology->generation);
	add_number(arena, entry, "mailReplServerIDHighWater", topology->server_id_high_water);
	mr_entry_add(arena, entry, "mailReplScheme", mr_scheme_word(topology->scheme));
	mr_entry_add_list(arena, entry, "mailReplMx", &topology->mx);
	mr_entry_add_list(arena, entry, "mailReplFormer", &topology->former);
	if (topology->delimiter != MR_DELIMITER_PLUS)
		mr_entry_add(arena, entry, "mailReplRecipientDelimiter",
			     mr_delimiter_word(topology->delimiter));
	if (topology->system_accounts)
		mr_entry_add(arena, entry, "mailReplSystemAccounts", "TRUE");
	mr_entries_add(arena, out, entry);
	for (size_t i = 0; i < topology->count; i++)
		mr_entries_add(arena, out, host_format(arena, &topology->hosts[i], container));
}

static int need(const struct mr_entry *entry, const char *name, const char **out,
		struct mr_error *err)
{
	*out = mr_entry_value(entry, name);
	return *out ? 0 : mr_fail(err, MR_E_CONFIG, _("entry %s has no %s"), entry->dn, name);
}

static int need_number(const struct mr_entry *entry, const char *name, long long most,
		       long long *out, struct mr_error *err)
{
	const char *text;
	char *end;

	if (need(entry, name, &text, err) < 0)
		return -1;
	errno = 0;
	*out = strtoll(text, &end, 10);
	if (errno || *end || end == text || *out < 1 || *out > most)
		return mr_fail(err, MR_E_CONFIG,
			       _("entry %s: %s %s is not a number from 1 to %lld"), entry->dn, name,
			       text, most);
	return 0;
}

static int need_host(struct mr_arena *arena, const struct mr_entry *entry, const char *name,
		     const char **out, struct mr_error *err)
{
	if (need(entry, name, out, err) < 0)
		return -1;
	if (mr_host_parse(arena, *out, out, err) < 0) {
		err->code = MR_E_CONFIG;
		return mr_fail_in(err, _("entry %s: %s"), entry->dn, name);
	}
	return 0;
}

static int services_parse(const struct mr_entry *entry, unsigned *out, struct mr_error *err)
{
	const struct mr_attr *attr = mr_entry_attr(entry, "mailReplService");

	*out = 0;
	for (size_t i = 0; attr && i < attr->values.count; i++) {
		enum mr_service service;

		if (mr_service_parse(attr->values.items[i], &service, err) < 0) {
			err->code = MR_E_CONFIG;
			return mr_fail_in(err, _("entry %s"), entry->dn);
		}
		*out |= service;
	}
	return 0;
}

static int state_parse(const struct mr_entry *entry, enum mr_host_state *out, struct mr_error *err)
{
	const char *word;

	if (need(entry, "mailReplState", &word, err) < 0)
		return -1;
	*out = strcmp(word, "joined") == 0 ? MR_JOINED : MR_INVITED;
	if (*out == MR_INVITED && strcmp(word, "invited") != 0)
		return mr_fail(err, MR_E_CONFIG, _("entry %s: unknown mailReplState \"%s\""),
			       entry->dn, word);
	return 0;
}

static int mode_parse(const struct mr_entry *entry, enum mr_mode *out, struct mr_error *err)
{
	const char *word = mr_entry_value(entry, "mailReplMode");

	*out = MR_MODE_INTERNET;
	if (!word || mr_mode_parse(word, out, err) == 0)
		return 0;
	err->code = MR_E_CONFIG;
	return mr_fail_in(err, _("entry %s"), entry->dn);
}

static int host_parse(struct mr_arena *arena, const struct mr_entry *entry, struct mr_host *out,
		      struct mr_error *err)
{
	const struct mr_attr *prints = mr_entry_attr(entry, "mailReplCertificateFingerprint");
	long long server_id;

	*out = (struct mr_host){ 0 };
	if (need_host(arena, entry, "cn", &out->name, err) < 0 ||
	    services_parse(entry, &out->services, err) < 0 ||
	    need_number(entry, "mailReplServerID", SERVER_ID_MOST, &server_id, err) < 0 ||
	    state_parse(entry, &out->state, err) < 0 || mode_parse(entry, &out->mode, err) < 0)
		return -1;
	out->server_id = (unsigned)server_id;
	for (size_t i = 0; prints && i < prints->values.count; i++)
		mr_list_add(arena, &out->fingerprints, prints->values.items[i]);
	return 0;
}

/* Lies directly below `above`? */
static bool is_child(const struct mr_entry *entry, const char *name, const char *above)
{
	MR_ARENA arena = mr_arena_open();
	const char *value = mr_entry_value(entry, name);

	return value && mr_dn_equal(entry->dn, mr_dn(arena, name, value, above));
}

static int by_server_id(const void *a, const void *b)
{
	const struct mr_host *left = a, *right = b;

	return (left->server_id > right->server_id) - (left->server_id < right->server_id);
}

static int unique_check(const struct mr_topology *topology, struct mr_error *err)
{
	for (size_t i = 1; i < topology->count; i++)
		if (topology->hosts[i].server_id == topology->hosts[i - 1].server_id)
			return mr_fail(err, MR_E_CONFIG,
				       _("the topology gives serverID %u to both %s and %s"),
				       topology->hosts[i].server_id, topology->hosts[i - 1].name,
				       topology->hosts[i].name);
	return 0;
}

static int hosts_parse(struct mr_arena *arena, const struct mr_entries *entries,
		       const char *hosts_dn, struct mr_topology *topology, struct mr_error *err)
{
	topology->hosts = MR_NEW_ARRAY(arena, struct mr_host, entries->count);
	for (size_t i = 0; i < entries->count; i++) {
		const struct mr_entry *entry = entries->items[i];

		if (!mr_entry_is(entry, "mailReplHost") || !is_child(entry, "cn", hosts_dn))
			continue;
		if (host_parse(arena, entry, &topology->hosts[topology->count], err) < 0)
			return -1;
		topology->count++;
	}
	if (topology->count)
		qsort(topology->hosts, topology->count, sizeof(*topology->hosts), by_server_id);
	return unique_check(topology, err);
}

static int delimiter_parse(const struct mr_entry *entry, enum mr_delimiter *out,
			   struct mr_error *err)
{
	const char *word = mr_entry_value(entry, "mailReplRecipientDelimiter");

	*out = MR_DELIMITER_PLUS;
	if (!word || mr_delimiter_parse(word, out, err) == 0)
		return 0;
	err->code = MR_E_CONFIG;
	return mr_fail_in(err, _("entry %s"), entry->dn);
}

/* Everything of ou=Hosts itself. */
static int head_parse(struct mr_arena *arena, const struct mr_entry *entry, struct mr_topology *out,
		      struct mr_error *err)
{
	const struct mr_attr *mx = mr_entry_attr(entry, "mailReplMx");
	const struct mr_attr *former = mr_entry_attr(entry, "mailReplFormer");
	const char *id, *scheme, *owner = mr_dit_owner(arena, entry->dn);
	long long high_water;

	if (need(entry, "mailReplDomainId", &id, err) < 0 ||
	    need(entry, "mailReplScheme", &scheme, err) < 0 ||
	    need_host(arena, entry, "mailReplHome", &out->home, err) < 0 ||
	    need_number(entry, "mailReplEpoch", LLONG_MAX, &out->epoch, err) < 0 ||
	    need_number(entry, "mailReplGeneration", LLONG_MAX, &out->generation, err) < 0 ||
	    need_number(entry, "mailReplServerIDHighWater", SERVER_ID_MOST, &high_water, err) < 0)
		return -1;
	if (mr_scheme_parse(scheme, &out->scheme, err) < 0) {
		err->code = MR_E_CONFIG;
		return mr_fail_in(err, _("entry %s"), entry->dn);
	}
	if (delimiter_parse(entry, &out->delimiter, err) < 0)
		return -1;
	if (!owner || strcmp(owner, out->home) != 0)
		return mr_fail(err, MR_E_CONFIG,
			       _("entry %s names %s as the home, but lies in another container"),
			       entry->dn, out->home);
	out->domain_id = mr_lower(arena, id);
	out->server_id_high_water = (unsigned)high_water;
	out->system_accounts = mr_entry_has_nocase(entry, "mailReplSystemAccounts", "TRUE");
	for (size_t i = 0; mx && i < mx->values.count; i++)
		mr_list_add(arena, &out->mx, mr_lower(arena, mx->values.items[i]));
	mr_list_sort(&out->mx);
	for (size_t i = 0; former && i < former->values.count; i++)
		mr_list_add(arena, &out->former, mr_lower(arena, former->values.items[i]));
	mr_list_sort(&out->former);
	return 0;
}

/* *best = ou=Hosts with the highest epoch; a tie below that one does not matter. */
static int choose(struct mr_arena *arena, const struct mr_entries *entries,
		  const struct mr_entry **best, struct mr_topology *out, struct mr_error *err)
{
	const char *rival = NULL;

	*best = NULL;
	for (size_t i = 0; i < entries->count; i++) {
		const struct mr_entry *entry = entries->items[i];
		struct mr_topology one = { 0 };

		if (!mr_entry_is(entry, "mailReplTopology"))
			continue;
		if (head_parse(arena, entry, &one, err) < 0)
			return -1;
		if (*best && one.epoch == out->epoch)
			rival = one.home;
		if (*best && one.epoch <= out->epoch)
			continue;
		*best = entry;
		*out = one;
		rival = NULL;
	}
	if (rival)
		return mr_fail(err, MR_E_CONFIG,
			       _("both %s and %s claim to be the home of the domain (epoch %lld): "
				 "take one of them out of service"),
			       out->home, rival, out->epoch);
	return *best ? 0 : mr_fail(err, MR_E_NOT_FOUND, _("the directory holds no topology"));
}

static void foreign_parse(struct mr_arena *arena, const struct mr_entry *entry, const char *domain,
			  struct mr_topology *out)
{
	const struct mr_attr *recipients = mr_entry_attr(entry, "mailReplBackupRecipient");
	struct mr_foreign foreign = { .name = domain,
				      .primary = mr_entry_value(entry, "mailReplPrimary") };

	if (strcmp(foreign.primary, MR_PRIMARY_DNS) == 0)
		foreign.primary = NULL;
	for (size_t i = 0; recipients && i < recipients->values.count; i++)
		mr_list_add(arena, &foreign.recipients,
			    mr_lower(arena, recipients->values.items[i]));
	mr_list_sort(&foreign.recipients);
	mr_topology_set_foreign(arena, out, domain, &foreign);
}

/* After a take-over two containers may hold an entry of one domain: the home's counts. */
static void domains_parse(struct mr_arena *arena, const struct mr_entries *entries,
			  struct mr_topology *out)
{
	for (size_t i = 0; i < entries->count; i++) {
		const struct mr_entry *entry = entries->items[i];
		const char *domain = mr_entry_value(entry, "associatedDomain");
		const char *postmaster = mr_entry_value(entry, "mailReplPostmaster");
		const char *owner = mr_dit_owner(arena, entry->dn);
		bool home = owner && strcmp(owner, out->home) == 0;

		if (!domain || !mr_entry_is(entry, "mailReplDomain"))
			continue;
		domain = mr_lower(arena, domain);
		if (mr_entry_value(entry, "mailReplPrimary")) {
			if (home || !mr_topology_foreign(out, domain))
				foreign_parse(arena, entry, domain, out);
			continue;
		}
		if (!mr_list_has(&out->domains, domain))
			mr_list_add(arena, &out->domains, domain);
		else if (!home)
			continue;
		if (postmaster || mr_topology_postmaster(out, domain))
			mr_topology_set_postmaster(arena, out, domain, postmaster);
	}
	mr_list_sort(&out->domains);
}

int mr_topology_parse(struct mr_arena *arena, const struct mr_entries *entries,
		      struct mr_topology *out, struct mr_error *err)
{
	struct mr_topology topology = { 0 };
	const struct mr_entry *best;
	const struct mr_host *home;

	if (choose(arena, entries, &best, &topology, err) < 0 ||
	    hosts_parse(arena, entries, best->dn, &topology, err) < 0)
		return -1;
	home = mr_topology_host(&topology, topology.home);
	if (!home || !(home->services & MR_MAIL))
		return mr_fail(err, MR_E_CONFIG,
			       _("the topology at %s has no entry of the home %s in mail"),
			       best->dn, topology.home);
	/* The mark may have been restored from an old backup; numbers in use are never given again.
	 */
	if (topology.hosts[topology.count - 1].server_id > topology.server_id_high_water)
		topology.server_id_high_water = topology.hosts[topology.count - 1].server_id;
	domains_parse(arena, entries, &topology);
	*out = topology;
	return 0;
}
