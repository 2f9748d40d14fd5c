/* Asks a server as its clients do: over TCP, line by line. */
#ifndef MR_ADAPTERS_PROBE_H
#define MR_ADAPTERS_PROBE_H

#include <stddef.h>

#include "base/error.h"

/* One thing said and what must come back. Of a reply of several lines ("250-…") the last counts. */
struct mr_probe_line {
	const char *say;  /* without line end; NULL: the server speaks first */
	const char *want; /* what the reply begins with; several possibilities are divided by '|' */
};

/* At `localhost`, or else at `host`, whoever of them listens first; tried until `timeout_ms` have
 * passed, since a server that was just reloaded may not listen yet, or it is a process from before
 * that takes leave ("421", "* BYE") or hangs up. MR_E_UNAVAILABLE: nobody listens, or nothing came
 * back. MR_E_CONFIG: something else came back; the message has both. */
int mr_probe(const char *host, unsigned port, const struct mr_probe_line *lines, size_t count,
	     int timeout_ms, struct mr_error *err) MR_MUST_CHECK;
/* The same at another machine's server, which is tried once. */
int mr_probe_at(const char *host, unsigned port, const struct mr_probe_line *lines, size_t count,
		int timeout_ms, struct mr_error *err) MR_MUST_CHECK;

#endif
