/* What slapd forgets when it dies: an owned database may hold a write that its contextCSN does not
 * know of, since slapd writes the entry first and the contextCSN after it, and believes the latter
 * at its next start (syncprov takes every mdb database for cleanly closed). A consumer that was in
 * step is then told that there is nothing new, and the next write takes its cookie past the lost
 * one: the copies never get the entry, or keep what was deleted.
 *
 * The cure is a contextCSN that is newer than every consumer's before the first of them connects:
 * each then compares everything. So a write is made while slapd listens at a socket that nobody
 * knows. */
#ifndef MR_FEATURES_ADVANCE_H
#define MR_FEATURES_ADVANCE_H

#include "adapters/directory.h"

/* Writes the container of each service that `host` owns in `dir` again as it is: always with
 * `always`, else only if an entry is newer than the contextCSN. (Not always always: a host that
 * comes back with an old disk must not make its old state the newest.) What is not there is left
 * out. MR_E_TEMPORARY: the clock is behind the contextCSN, nothing was written. */
int mr_advance(struct mr_directory *dir, const char *host, bool always,
	       struct mr_error *err) MR_MUST_CHECK;

#endif
