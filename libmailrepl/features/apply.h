/* Applies a plan step by step. */
#ifndef MR_FEATURES_APPLY_H
#define MR_FEATURES_APPLY_H

#include "adapters/directory.h"
#include "adapters/config.h"
#include "model/plan.h"

/* Opens what the steps need when the first step needs it: this host's slapd, or `step->host`'s.
 * Each applied step is logged (MR_LOG_INFO) and audited. An add that finds the DN taken by an equal
 * entry and a delete of what is gone are done. `dir` may be NULL: opened on demand. Stops at the
 * first failure, with the step in the message; the step's take_back is then called. */
int mr_plan_apply(const struct mr_plan *plan, const struct mr_config *config,
		  struct mr_directory *dir, struct mr_error *err) MR_MUST_CHECK;

#endif
