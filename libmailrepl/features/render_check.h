/* A mail service's own judgement of files that are not installed yet. */
#ifndef MR_FEATURES_RENDER_CHECK_H
#define MR_FEATURES_RENDER_CHECK_H

#include "features/render.h"

/* Writes all files of `service` (Postfix or Dovecot) below a folder of their own and lets the
 * service's programs read them there; Postfix's tables are asked, too (features/render_probe.h). The
 * folder is removed again. MR_E_CONFIG with what they say, a warning about the configuration
 * included. MR_E_TEMPORARY: one of them was killed. */
int mr_render_check(const struct mr_config *config, const struct mr_rendering *rendering,
		    enum mr_service_name service, struct mr_error *err) MR_MUST_CHECK;

/* Makes a file that was just replaced look three seconds old. Each of Postfix's programs takes a younger
 * one for half written and waits up to two seconds; ours appear whole, by rename. */
int mr_render_age(const char *path, struct mr_error *err) MR_MUST_CHECK;

#endif
