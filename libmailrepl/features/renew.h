/* Certificates are renewed before they end, each with a new key.
 *
 * Peers know each other's certificates by fingerprint at port 25, so a new one is used only when
 * everybody has rendered its fingerprint. On the home, the only host that can issue: a new key and
 * certificate are put below MR_PATH_PEERS and the fingerprint goes into the topology, beside the
 * old one. Another host takes its own from the archive that the home then makes for it, the way its
 * first came: no key ever travels through a directory. The home takes its own itself once all have
 * rendered. */
#ifndef MR_FEATURES_RENEW_H
#define MR_FEATURES_RENEW_H

#include "adapters/config.h"
#include "adapters/directory.h"
#include "adapters/tls.h"
#include "features/backup.h"
#include "model/plan.h"
#include "model/topology.h"

#define MR_RENEW_DAYS 30 /* with fewer left, it is time */

enum mr_renew_next {
	MR_RENEW_DONE,    /* the certificate is in use, or will be when the plan is applied */
	MR_RENEW_ARCHIVE, /* issued; the archive for the host must be brought there, when `stale` is
			     empty */
	MR_RENEW_AGAIN,   /* issued for the home itself: again, when `stale` is empty */
};

/* What the steps refer to; start as { 0 }, close after the plan was applied or printed. */
struct mr_renewal {
	struct mr_identity ca, fresh;
	const char *folder; /* unpacked archive; removed on close */
	enum mr_renew_next next;
	int64_t not_after;    /* of the certificate that is (to be) used */
	struct mr_list stale; /* joined hosts that have not rendered the fingerprint yet, or do not
				 answer */
};
void mr_renewal_close(struct mr_renewal *renewal);

/* On the home: issues for `host` (any, the home too) unless one is on its way already, or goes on
 * with that. MR_E_DENIED elsewhere, MR_E_NO_HOST. */
int mr_renew_issue_plan(struct mr_arena *arena, const struct mr_config *config,
			struct mr_directory *dir, const struct mr_topology *topology,
			const char *host, struct mr_renewal *out, struct mr_plan *plan,
			struct mr_error *err) MR_MUST_CHECK;
/* On any other host: takes this host's key and certificate from the newest archive made for it, if
 * it is another than it has and the topology knows it. MR_E_NOT_FOUND: no archive. MR_E_TEMPORARY:
 * the topology here does not know the certificate (yet). */
int mr_renew_take_plan(struct mr_arena *arena, const struct mr_config *config,
		       const struct mr_topology *topology, struct mr_renewal *out,
		       struct mr_plan *plan, struct mr_error *err) MR_MUST_CHECK;

/* When the certificate of a host ends, as far as files on this host say: its own, and on the home
 * everybody's. 0: unknown. */
int64_t mr_renew_not_after(struct mr_arena *arena, const struct mr_config *config,
			   const char *host);

#endif
