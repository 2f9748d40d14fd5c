/* Are the copies equal to their owners? (Making them so: features/repair.h.) */
#ifndef MR_FEATURES_VERIFY_H
#define MR_FEATURES_VERIFY_H

#include "adapters/config.h"
#include "features/digest.h"
#include "model/plan.h"
#include "model/topology.h"

enum mr_copy_state { MR_COPY_UNKNOWN, MR_COPY_EQUAL, MR_COPY_BEHIND, MR_COPY_DIFFERS };

/* One copy: what `holder` has of `owner`'s container of a service. */
struct mr_copy_check {
	const struct mr_host *owner; /* NULL: entries that no provider of the topology owns; such a check is there only if there are some */
	const struct mr_host *holder;
	enum mr_service service;
	unsigned long long owner_entries, copy_entries;
	/* BEHIND: what differs is newer than the copy's contextCSN, so it may be on its way; or the copy has no contextCSN, whatever else it has. DIFFERS: the copy's contextCSN says that it
	 * has what it has not: nothing is on its way. */
	enum mr_copy_state state;
	const char *why;                   /* UNKNOWN: who could not be asked, and why. DIFFERS: why the owner is not right, else NULL */
	struct mr_differences differences; /* DIFFERS or BEHIND: up to 100; those of BEHIND may be none */
};
struct mr_verification {
	struct mr_copy_check *items; /* by service, owner, holder; those without owner last */
	size_t count;
};

/* "unknown", "equal", "behind", "differs" */
const char *mr_copy_state_word(enum mr_copy_state state);
/* The worst of all: DIFFERS, UNKNOWN, BEHIND, EQUAL. */
enum mr_copy_state mr_verification_state(const struct mr_verification *verification);

/* Every joined provider's container on every joined host of the service, hosts in parallel, each call with the deadline. A copy that differs
 * is read again after a moment, so that a change on its way is not called a difference. Asked from a host that may read (mail: any host; unix:
 * mail servers, on others only mail is looked at). `dir`: this host's. A host that cannot be asked makes its checks UNKNOWN, it is no failure. */
int mr_verify(struct mr_arena *arena, const struct mr_config *config, struct mr_directory *dir,
	      const struct mr_topology *topology, struct mr_verification *out, struct mr_error *err) MR_MUST_CHECK;
/* The same of a part. */
struct mr_verify_part {
	bool here;                    /* this host's copies alone */
	const struct mr_list *owners; /* what these own alone; NULL or empty: what anybody owns, and
					 what nobody owns */
};
/* MR_E_NO_HOST: one of the owners is no joined provider of a service that this host has. */
int mr_verify_part(struct mr_arena *arena, const struct mr_config *config, struct mr_directory *dir,
		   const struct mr_topology *topology, const struct mr_verify_part *part,
		   struct mr_verification *out, struct mr_error *err) MR_MUST_CHECK;

/* The topology as its home says it, over the network: this host's copy may be what is wrong. On the home itself, or if the home does not
 * answer, `known` (this host's, without hosts if it has none); MR_E_UNAVAILABLE if that does not name this host. */
int mr_verify_topology(struct mr_arena *arena, const struct mr_config *config, const struct mr_topology *known,
		       struct mr_topology *out, struct mr_error *err) MR_MUST_CHECK;

/* One copy looked at once: fills all but owner, holder and service of `check`, which say what to compare. */
int mr_verify_copy(struct mr_arena *arena, struct mr_directory *owner, struct mr_directory *holder,
		   struct mr_copy_check *check, struct mr_error *err) MR_MUST_CHECK;
/* The containers in a copy that no provider of the topology owns, as surplus entries (the topmost of each, with its DN in the copy). */
int mr_verify_strays(struct mr_arena *arena, struct mr_directory *holder, enum mr_service service,
		     const struct mr_topology *topology, struct mr_differences *out,
		     struct mr_error *err) MR_MUST_CHECK;

#endif
