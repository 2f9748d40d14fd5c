/* Private to renewing: which certificates a host has, and who knows of them. */
#ifndef MR_FEATURES_RENEW_TOPOLOGY_H
#define MR_FEATURES_RENEW_TOPOLOGY_H

#include "features/renew.h"

/* Fingerprint of the certificate that the host uses: this host's own from its file, another's as
 * its slapd shows it. NULL: unknown. *useless: it is this host's own, and is not valid. */
const char *mr_renew_used(struct mr_arena *arena, const struct mr_config *config, const char *host,
			  const char *ca, bool *useless);
/* Issued within the last tenth of its time. */
bool mr_renew_is_young(const char *cert_pem, const struct mr_config *config);
/* Puts `fresh` beside what the host uses into the topology and renders that here; what it has used
 * before goes if `used` is known. `stale`: joined hosts that have not rendered it. */
int mr_renew_topology_plan(struct mr_arena *arena, const struct mr_config *config,
			   struct mr_directory *dir, const struct mr_topology *topology,
			   const char *host, const char *used, const char *fresh,
			   struct mr_list *stale, struct mr_plan *plan,
			   struct mr_error *err) MR_MUST_CHECK;

#endif
