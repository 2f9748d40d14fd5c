/* Internationalised domain names (RFC 5890 to 5894): the only way to libidn2. */
#ifndef MR_ADAPTERS_IDN_H
#define MR_ADAPTERS_IDN_H

#include "base/memory.h"

/* *out = `domain` (UTF-8) with every label as an A-label or in ASCII, lower case; mapped as UTS #46
 * says (non-transitional), labels that are A-labels already are checked. Lengths and the letters of
 * ASCII labels are the caller's affair. MR_E_INVALID with libidn2's reason. */
int mr_idn_format(struct mr_arena *arena, const char *domain, const char **out,
		  struct mr_error *err) MR_MUST_CHECK;

/* The domain with A-labels as U-labels, UTF-8; as it is if libidn2 does not take it. */
const char *mr_idn_show(struct mr_arena *arena, const char *domain);

#endif
