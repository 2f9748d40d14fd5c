/* Is this host in step with its providers? contextCSNs (draft-zeilenga-ldup / RFC 4533 cookies)
 * tell how far a copy is. */
#ifndef MR_FEATURES_SYNC_H
#define MR_FEATURES_SYNC_H

#include "adapters/config.h"
#include "adapters/directory.h"
#include "model/topology.h"

/* Polls until this host's copies of every service it has are as new as what `provider`, or with
 * NULL each joined provider and this host itself, had when asked, at most config->join_deadline
 * seconds; shows progress. MR_E_TEMPORARY names the providers that are not reached or not in step.
 */
int mr_sync_wait(struct mr_arena *arena, const struct mr_config *config, struct mr_directory *dir,
		 const struct mr_topology *topology, const char *provider,
		 struct mr_error *err) MR_MUST_CHECK;

/* Refilling what this host owned from a peer's copy. */
struct mr_sync_refill {
	const struct mr_config *config;
	const struct mr_topology *topology;
	enum mr_service service;
	const char *tls_folder; /* with ca.crt, host.crt, host.key to ask with */
	const char *from; /* set by mr_sync_find_refill: the host whose copy knows most of us; NULL:
			     nobody has one */
	const char *csn;  /* that copy's contextCSN for our serverID; NULL: none */
	bool quiet;       /* no warning for each host that cannot be asked */
	size_t silent;    /* joined hosts that could not be asked: one of them may know more */
};

/* Asks every other host of the service, all at the same time. The copy that knows most is that with
 * the highest contextCSN for our serverID. One without (csn NULL) may be a copy that is just being
 * filled, or what is left of a host that had left. MR_E_UNAVAILABLE if no host can be asked. */
int mr_sync_find_refill(struct mr_arena *arena, struct mr_sync_refill *refill,
			struct mr_error *err) MR_MUST_CHECK;
/* A writer for mr_database_load: the container under its owned name, with its entryUUIDs and CSNs
 * and the contextCSN on its first entry; with csn NULL without all of these, for a `fresh` seed. */
int mr_sync_write_refill(void *refill, int fd, struct mr_error *err);

/* `entry` under the suffix `to` instead of `from`, without what slapd makes itself and slapadd
 * refuses (entryDN, contextCSN, …). MR_E_PROTOCOL if it does not lie below `from`. */
int mr_sync_move_entry(struct mr_arena *arena, const struct mr_entry *entry, const char *from,
		       const char *to, struct mr_entry **out, struct mr_error *err) MR_MUST_CHECK;

#endif
