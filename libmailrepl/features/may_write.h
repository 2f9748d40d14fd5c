/* The one question before every write: is whoever writes behind what others know already? */
#ifndef MR_FEATURES_MAY_WRITE_H
#define MR_FEATURES_MAY_WRITE_H

#include "adapters/config.h"
#include "adapters/directory.h"

/* `own`: this host's slapd; `at`: the slapd that is written, `host`'s; NULL for `host`: this host's,
 * and `at` is `own`. MR_E_TEMPORARY: a clock is wrong (features/skew.h), or the disk may be an old
 * one (features/heard.h). */
int mr_may_write(const struct mr_config *config, struct mr_directory *own, struct mr_directory *at,
		 const char *host, struct mr_error *err) MR_MUST_CHECK;

#endif
