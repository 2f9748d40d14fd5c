/* Where is a host, and does anybody listen there? */
#ifndef MR_ADAPTERS_REACH_H
#define MR_ADAPTERS_REACH_H

#include <stdbool.h>

#include "base/strings.h"

/* True if a TCP connection to one of the host's addresses is accepted within `ms` milliseconds
 * (looking up its name not counted). */
bool mr_reachable(const char *host, int port, int ms);
/* A connected socket, close-on-exec and non-blocking, or -1; the caller closes it. */
int mr_reach(const char *host, int port, int ms);
/* Adds its addresses, as numbers, sorted. False: its name says nothing. */
bool mr_reach_addresses(struct mr_arena *arena, const char *host, struct mr_list *out);

#endif
