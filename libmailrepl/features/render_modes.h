/* What templates get to know of this host's mode, and of the servers that it hands mail to. */
#ifndef MR_FEATURES_RENDER_MODES_H
#define MR_FEATURES_RENDER_MODES_H

#include "adapters/config.h"
#include "model/topology.h"

/* Sets mode, router, closed, satellite, sends_out, stays, mail_name, forwards_root, loopback, limits, smarthost… in `out`:
 * templates/README.md. Pure. */
void mr_render_modes(struct mr_arena *arena, const struct mr_config *config,
		     const struct mr_topology *topology, struct mr_value *out);
/* The same names in `out` with something of everything: what templates are tried with. */
void mr_render_modes_sample(struct mr_arena *arena, struct mr_value *out);
/* Of one host in a list of hosts: closed, patient, hands_on. */
void mr_render_host_mode(struct mr_arena *arena, const struct mr_host *host, struct mr_value *out);

#endif
