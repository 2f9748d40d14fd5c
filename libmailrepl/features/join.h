/* Joining: `cl-rebuild --repl` on a peer to which an archive was copied.
 *
 * The newest valid archive for this host gives its key, the domain's CA and copies to start from;
 * the peers give what is newer. An owned database that is there is never loaded over; one that is
 * absent is refilled from a peer's copy, or begun as new if no peer has one and the home says
 * "invited". Postfix is touched only when the host is in step and joined. */
#ifndef MR_FEATURES_JOIN_H
#define MR_FEATURES_JOIN_H

#include "adapters/config.h"
#include "adapters/directory.h"
#include "adapters/tls.h"
#include "features/backup.h"
#include "model/plan.h"
#include "model/topology.h"

/* What the steps refer to; start as { 0 } but for `given`, close after the plan was applied or printed. */
struct mr_join {
	const char *given; /* the archive to be used; NULL: the newest that is usable */
	const struct mr_config *config;
	bool new_host;      /* mailrepl.conf did not name this host yet */
	const char *folder; /* the unpacked archive; removed on close. NULL: none was needed */
	struct mr_backup archive;
	struct mr_topology topology; /* the archive's, or this host's if it has joined already */
	struct mr_identity identity;
	char *ca_cert;
	struct mr_directory *dir;
};
void mr_join_close(struct mr_join *join);

/* Steps of the join; `host` as typed or NULL for what hostname -f says. A host that is whole and
 * joined is only rendered again, and one that has lost just what it owned takes it back
 * (features/lost.h): no archive is needed. `config->host` is set by this call.
 * MR_E_NO_HOST: this host is not in the topology. */
int mr_join_plan(struct mr_arena *arena, struct mr_config *config, const char *host,
		 struct mr_join *join, struct mr_plan *plan, struct mr_error *err) MR_MUST_CHECK;

#endif
