/* This machine's own name. */
#ifndef MR_BASE_HOSTNAME_H
#define MR_BASE_HOSTNAME_H

#include "base/memory.h"

/* What `hostname -f` prints: the canonical name of gethostname(2), lower case. MR_E_CONFIG if it
 * has no dot, with what to do. */
int mr_hostname(struct mr_arena *arena, const char **out, struct mr_error *err) MR_MUST_CHECK;

#endif
