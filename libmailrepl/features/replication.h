/* Which hosts replicate what. */
#ifndef MR_FEATURES_REPLICATION_H
#define MR_FEATURES_REPLICATION_H

#include "adapters/config.h"
#include "adapters/directory.h"
#include "adapters/tls.h"
#include "model/plan.h"
#include "model/topology.h"

/* What a plan refers to, and what it means for the other hosts; start as { 0 } or { .force = true
 * }, close after the plan was applied or printed. */
struct mr_replication {
	bool force; /* hosts may leave although they own routes or accounts: */
	size_t lost_routes, lost_accounts; /* these, in all hosts that leave */
	struct mr_identity ca, *hosts;     /* `count` of them */
	size_t count;
	struct mr_list stale;   /* joined hosts on which cl-rebuild must run next */
	struct mr_list invited; /* hosts that need an archive and cl-rebuild --repl */
};
void mr_replication_close(struct mr_replication *replication);

/* `cl-replication -r HOSTS SERVICE`, on the home only (MR_E_DENIED names it): certificates for new
 * hosts, topology changes in the directory, this host's own configuration rendered again. No step
 * if all of this is so already. A host that still owns routes or accounts cannot leave
 * (MR_E_INVALID, with their number) unless out->force; one that leaves unix alone loses its routes,
 * too: nobody pulls from a relay. */
int mr_replication_set_plan(struct mr_arena *arena, const struct mr_config *config,
			    struct mr_directory *dir, const struct mr_topology *topology,
			    enum mr_service service, const struct mr_list *hosts,
			    struct mr_replication *out, struct mr_plan *plan,
			    struct mr_error *err) MR_MUST_CHECK;

struct mr_host_report {
	const struct mr_host *host;
	bool reachable;     /* its cn=Status could be read */
	long long rendered; /* generation that it has rendered; -1: unknown */
	const char *why;    /* why it is unknown, or NULL */
};
/* Asks every host for its cn=Status, all with the configured deadline, in parallel. Only the home
 * is answered by other hosts; elsewhere only this host's own is known. `out` has topology->count
 * rows. */
int mr_replication_report(struct mr_arena *arena, const struct mr_config *config,
			  struct mr_directory *dir, const struct mr_topology *topology,
			  struct mr_host_report *out, struct mr_error *err) MR_MUST_CHECK;

#endif
