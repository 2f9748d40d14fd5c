/* What Exim's templates are told of mailrepl.conf in another form than Postfix's (templates/README.md). */
#ifndef MR_FEATURES_RENDER_EXIM_H
#define MR_FEATURES_RENDER_EXIM_H

#include "adapters/config.h"

/* `limited`, `etrn`, `policy` and `ipv4_only`. */
void mr_render_exim(struct mr_arena *arena, const struct mr_config *config, struct mr_value *out);
/* All of `policy`, for templates that are tried. */
void mr_render_exim_sample(struct mr_arena *arena, struct mr_value *out);
/* A host of a manualroute router, with its port, of a nexthop as Postfix writes it: without brackets the MX records of
 * its name count, if there is DNS. */
const char *mr_render_exim_host(struct mr_arena *arena, const char *nexthop, bool dns);

#endif
