/* Does anybody listen? */
#ifndef MR_ADAPTERS_REACH_H
#define MR_ADAPTERS_REACH_H

#include <stdbool.h>

/* True if a TCP connection to one of the host's addresses is accepted within `ms` milliseconds
 * (looking up its name not counted). */
bool mr_reachable(const char *host, int port, int ms);

#endif
