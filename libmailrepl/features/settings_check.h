/* Settings of mailrepl.conf that are right each for itself, but not together or not for this host. */
#ifndef MR_FEATURES_SETTINGS_CHECK_H
#define MR_FEATURES_SETTINGS_CHECK_H

#include "adapters/config.h"
#include "model/topology.h"

/* Before anything is rendered; `config->host` is in the topology. MR_E_CONFIG: file, setting, what is wrong and what to do.
 * Looks for passwords, the certificates of authorities and packages only where mail is managed. */
int mr_settings_check(const struct mr_config *config, const struct mr_topology *topology,
		      struct mr_error *err) MR_MUST_CHECK;

#endif
