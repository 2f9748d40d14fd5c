/* A write whose change sequence number is older than what is there is ignored by consumers,
 * silently. So nobody writes while this host's clock is behind what the directory has already seen.
 */
#ifndef MR_FEATURES_SKEW_H
#define MR_FEATURES_SKEW_H

#include "adapters/directory.h"

#define MR_SKEW_MOST 5 /* seconds */

/* MR_E_TEMPORARY if the newest contextCSN that `dir` shows on the copies, or, with `host`, on what
 * that host owns, lies more than MR_SKEW_MOST seconds ahead of this host's clock. What is absent or
 * unreadable says nothing. */
int mr_skew_check(struct mr_directory *dir, const char *host, struct mr_error *err) MR_MUST_CHECK;

#endif
