#include "features/renew_topology.h"

#include <string.h>
#include <time.h>

#include "base/log.h"
#include "base/paths.h"
#include "features/identity.h"
#include "features/instance.h"
#include "features/rebuild.h"
#include "features/replication.h"
#include "features/topology_plan.h"

#define DAY 86400

static const char *own_fingerprint(struct mr_arena *arena, const struct mr_config *config,
				   const char *ca, bool *useless)
{
	struct mr_identity own = { 0 };
	struct mr_certificate certificate;
	struct mr_error err;
	const char *fingerprint = NULL;

	*useless =
		mr_identity_read(arena, mr_path(arena, config->root, MR_PATH_HOST_CERT),
				 mr_path(arena, config->root, MR_PATH_HOST_KEY), &own, &err) < 0 ||
		mr_tls_check(&own, ca, &err) < 0;
	if (own.cert && mr_tls_describe(arena, own.cert, &certificate, &err) == 0)
		fingerprint = certificate.fingerprint;
	mr_identity_close(&own);
	return fingerprint;
}

const char *mr_renew_used(struct mr_arena *arena, const struct mr_config *config, const char *host,
			  const char *ca, bool *useless)
{
	struct mr_certificate certificate;
	MR_DIRECTORY peer = NULL;
	struct mr_error err;
	MR_BUF der = { 0 };

	*useless = false;
	if (strcmp(host, config->host) == 0)
		return own_fingerprint(arena, config, ca, useless);
	if (mr_instance_open_peer(arena, config, NULL, host, &peer, &err) < 0) {
		mr_log(MR_LOG_INFO, _("%s cannot be asked which certificate it uses: %s"), host,
		       err.message);
		return NULL;
	}
	if (!mr_directory_certificate(peer, &der) ||
	    mr_tls_describe_der(arena, der.data, der.len, &certificate, &err) < 0)
		return NULL;
	return certificate.fingerprint;
}

bool mr_renew_is_young(const char *cert_pem, const struct mr_config *config)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_certificate certificate;
	struct mr_error err;
	int64_t all = config->certificate_days * DAY;

	return mr_tls_describe(arena, cert_pem, &certificate, &err) == 0 &&
	       certificate.not_after - (int64_t)time(NULL) > all - all / 10;
}

/* The topology with the host's fingerprints as they shall be. */
static struct mr_topology *with_fingerprint(struct mr_arena *arena,
					    const struct mr_topology *topology, const char *host,
					    const char *used, const char *fresh)
{
	struct mr_topology *changed = MR_NEW(arena, struct mr_topology);
	struct mr_list *list, old;

	*changed = *topology;
	changed->hosts = MR_NEW_ARRAY(arena, struct mr_host, topology->count);
	memcpy(changed->hosts, topology->hosts, topology->count * sizeof(*topology->hosts));
	list = &((struct mr_host *)mr_topology_host(changed, host))->fingerprints;
	old = *list;
	*list = (struct mr_list){ 0 };
	for (size_t i = 0; i < old.count; i++)
		if (!used || strcmp(old.items[i], used) == 0 || strcmp(old.items[i], fresh) == 0)
			mr_list_add(arena, list, old.items[i]);
	if (!mr_list_has(list, fresh))
		mr_list_add(arena, list, fresh);
	changed->generation += !mr_list_equal(list, &old);
	return changed;
}

static int find_stale(struct mr_arena *arena, const struct mr_config *config,
		      struct mr_directory *dir, const struct mr_topology *old, long long generation,
		      struct mr_list *stale, struct mr_error *err)
{
	struct mr_host_report *reports = MR_NEW_ARRAY(arena, struct mr_host_report, old->count);

	if (mr_replication_report(arena, config, dir, old, reports, err) < 0)
		return -1;
	for (size_t i = 0; i < old->count; i++)
		if (old->hosts[i].state == MR_JOINED &&
		    strcmp(old->hosts[i].name, config->host) != 0 &&
		    reports[i].rendered < generation)
			mr_list_add(arena, stale, old->hosts[i].name);
	return 0;
}

int mr_renew_topology_plan(struct mr_arena *arena, const struct mr_config *config,
			   struct mr_directory *dir, const struct mr_topology *topology,
			   const char *host, const char *used, const char *fresh,
			   struct mr_list *stale, struct mr_plan *plan, struct mr_error *err)
{
	const struct mr_topology *changed = with_fingerprint(arena, topology, host, used, fresh);

	mr_topology_plan(arena, topology, changed, plan);
	if (mr_rebuild_plan(arena, config, dir, changed, NULL, plan, err) < 0)
		return -1;
	return find_stale(arena, config, dir, topology, changed->generation, stale, err);
}
