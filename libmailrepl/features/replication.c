#include "features/replication.h"

#include <string.h>

#include "adapters/tls.h"
#include "base/file.h"
#include "base/paths.h"
#include "features/identity.h"
#include "features/rebuild.h"
#include "features/topology_plan.h"

/* How many entries with an address the host owns, as this host's copy says. */
static int count_owned(struct mr_arena *arena, struct mr_directory *dir, const char *host,
		       enum mr_service service, size_t *out, struct mr_error *err)
{
	static const char *const attrs[] = { "1.1", NULL };
	const struct mr_search find = {
		.base = mr_dit_copy(arena, service, host),
		.filter = service == MR_MAIL ? "(objectClass=inetLocalMailRecipient)"
					     : "(objectClass=posixAccount)",
		.attrs = attrs,
	};
	struct mr_entries owned = { 0 };

	if (mr_directory_list(dir, arena, &find, &owned, err) < 0)
		return -1;
	*out = owned.count;
	return 0;
}

/* Whoever is no provider any more takes out of the domain all that it owns. */
static int check_leavers(struct mr_arena *arena, struct mr_directory *dir,
			 const struct mr_topology *old, const struct mr_topology *fresh,
			 struct mr_replication *out, struct mr_error *err)
{
	for (size_t i = 0; i < old->count; i++) {
		const char *name = old->hosts[i].name;
		const struct mr_host *now = mr_topology_host(fresh, name);
		size_t routes, accounts;

		if (now &&
		    (mr_host_is_provider(fresh, now) || !mr_host_is_provider(old, &old->hosts[i])))
			continue;
		if (count_owned(arena, dir, name, MR_MAIL, &routes, err) < 0 ||
		    count_owned(arena, dir, name, MR_UNIX, &accounts, err) < 0)
			return -1;
		if ((routes || accounts) && !out->force)
			return mr_fail(err, MR_E_INVALID,
				       _("%s still owns %zu routes and %zu accounts: it cannot "
					 "leave before they are gone "
					 "(--force gives them up, --take-over adopts those of a "
					 "host that is dead)"),
				       name, routes, accounts);
		out->lost_routes += routes;
		out->lost_accounts += accounts;
	}
	return 0;
}

/* A key and a certificate for each host but this one, and their fingerprints in the topology. The
 * others must render it again also if only a fingerprint is new. */
static int certify(struct mr_arena *arena, const struct mr_config *config,
		   const struct mr_topology *old, struct mr_topology *topology,
		   struct mr_replication *replication, struct mr_plan *plan, struct mr_error *err)
{
	if (mr_identity_ca_read(arena, config, &replication->ca, err) < 0)
		return -1;
	replication->hosts = MR_NEW_ARRAY(arena, struct mr_identity, topology->count);
	for (size_t i = 0; i < topology->count; i++) {
		struct mr_host *host = &topology->hosts[i];
		struct mr_identity *identity = &replication->hosts[replication->count];
		struct mr_certificate certificate;

		if (strcmp(host->name, topology->home) == 0)
			continue;
		replication->count++;
		if (mr_identity_host(arena, config, &replication->ca, host->name,
				     mr_printf(arena, "%s/%s", MR_PATH_PEERS, host->name),
				     MR_FILE_PRIVATE, identity, plan, err) < 0 ||
		    mr_tls_describe(arena, identity->cert, &certificate, err) < 0)
			return mr_fail_in(err, _("the certificate of %s"), host->name);
		if (mr_list_has(&host->fingerprints, certificate.fingerprint))
			continue;
		mr_list_add(arena, &host->fingerprints, certificate.fingerprint);
		topology->generation = old->generation + 1;
	}
	return 0;
}

/* A host that comes back one day gets a new key: the old one has left the house. */
static void plan_forgetting(struct mr_arena *arena, const struct mr_config *config,
			    const struct mr_topology *old, const struct mr_topology *fresh,
			    struct mr_plan *plan)
{
	for (size_t i = 0; i < old->count; i++) {
		const char *name = old->hosts[i].name;

		if (!mr_topology_host(fresh, name))
			mr_identity_forget(arena, config, name, plan);
	}
}

static int check_hosts(const struct mr_topology *topology, enum mr_service service,
		       const struct mr_list *hosts, struct mr_error *err)
{
	const struct mr_host *home = mr_topology_host(topology, topology->home);

	for (size_t i = 0; i < hosts->count; i++)
		if (mr_list_has(&topology->domains, hosts->items[i]))
			return mr_fail(err, MR_E_INVALID,
				       _("%s is a mail domain: a host needs another name"),
				       hosts->items[i]);
	if (!(home->services & service))
		return mr_fail(err, MR_E_CONFIG,
			       _("%s does not serve %s yet: run cl-setup %s first"), topology->home,
			       mr_service_name(service), mr_service_name(service));
	return 0;
}

int mr_replication_set_plan(struct mr_arena *arena, const struct mr_config *config,
			    struct mr_directory *dir, const struct mr_topology *topology,
			    enum mr_service service, const struct mr_list *hosts,
			    struct mr_replication *out, struct mr_plan *plan, struct mr_error *err)
{
	struct mr_topology *fresh = MR_NEW(arena, struct mr_topology);

	if (strcmp(topology->home, config->host) != 0)
		return mr_fail(
			err, MR_E_DENIED,
			_("only the home of the domain changes the list of hosts: run this on %s"),
			topology->home);
	if (check_hosts(topology, service, hosts, err) < 0 ||
	    mr_topology_set(arena, topology, service, hosts, fresh, err) < 0 ||
	    check_leavers(arena, dir, topology, fresh, out, err) < 0 ||
	    certify(arena, config, topology, fresh, out, plan, err) < 0)
		return -1;
	/* Before the topology: afterwards nobody knows any more whose key it is. */
	plan_forgetting(arena, config, topology, fresh, plan);
	mr_topology_plan(arena, topology, fresh, plan);
	if (mr_rebuild_plan(arena, config, dir, fresh, NULL, plan, err) < 0)
		return -1;
	for (size_t i = 0; i < fresh->count; i++) {
		const struct mr_host *host = &fresh->hosts[i];

		/* Also after a run that was killed between the topology and our own rendering. */
		if (host->state == MR_INVITED)
			mr_list_add(arena, &out->invited, host->name);
		else if (strcmp(host->name, fresh->home) != 0 && plan->count)
			mr_list_add(arena, &out->stale, host->name);
	}
	return 0;
}

void mr_replication_close(struct mr_replication *replication)
{
	mr_identity_close(&replication->ca);
	for (size_t i = 0; i < replication->count; i++)
		mr_identity_close(&replication->hosts[i]);
	*replication = (struct mr_replication){ 0 };
}
