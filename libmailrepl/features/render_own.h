/* An administrator's own parameters, which win over ours: /etc/mailrepl/own/postfix/main.cf and
 * /etc/mailrepl/own/dovecot/dovecot.conf. */
#ifndef MR_FEATURES_RENDER_OWN_H
#define MR_FEATURES_RENDER_OWN_H

#include "adapters/config.h"

/* `text`, rendered for `destination` (without root), with the own parameters at its end, if there are any; of main.cf
 * ours of the same names are left out, since Postfix complains about parameters that are set twice. */
int mr_render_own(struct mr_arena *arena, const struct mr_config *config, const char *destination,
		  const char *text, const char **out, struct mr_error *err) MR_MUST_CHECK;

#endif
