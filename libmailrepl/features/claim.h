/* Who claims an address or a name, which must be unique in the domain. */
#ifndef MR_FEATURES_CLAIM_H
#define MR_FEATURES_CLAIM_H

#include "adapters/config.h"
#include "adapters/directory.h"
#include "model/dit.h"

/* Appends all entries of a service that match, whoever owns them, with `attrs` (as in mr_search).
 * What this host (config->host) owns is read where it is written, since its part of the copy lags
 * behind by milliseconds. */
int mr_claims_list(struct mr_arena *arena, const struct mr_config *config, struct mr_directory *dir,
		   enum mr_service service, const char *filter, const char *const *attrs,
		   struct mr_entries *out, struct mr_error *err) MR_MUST_CHECK;

#endif
