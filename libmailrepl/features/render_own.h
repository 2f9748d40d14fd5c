/* An administrator's own parameters, which win over ours: /etc/mailrepl/own/postfix/main.cf and
 * /etc/mailrepl/own/dovecot/dovecot.conf. */
#ifndef MR_FEATURES_RENDER_OWN_H
#define MR_FEATURES_RENDER_OWN_H

#include "adapters/config.h"

/* The file with own parameters for that destination (without root); NULL: there is none. */
const char *mr_render_own_path(struct mr_arena *arena, const struct mr_config *config,
			       const char *destination);
/* In which line of own parameters for main.cf that one is set, from 1; 0: it is not. */
unsigned mr_render_own_line(const char *own, const char *name);
/* What stands before them in the rendered file, a line of its own. */
const char *mr_render_own_mark(struct mr_arena *arena, const char *own_path);

/* `text`, rendered for `destination` (without root), with the own parameters at its end, if there are any; of main.cf
 * ours of the same names are left out, since Postfix complains about parameters that are set twice. MR_E_CONFIG, with file and
 * line: what is no parameter there. */
int mr_render_own(struct mr_arena *arena, const struct mr_config *config, const char *destination,
		  const char *text, const char **out, struct mr_error *err) MR_MUST_CHECK;

#endif
