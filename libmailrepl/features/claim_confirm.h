/* Two hosts that give out one name at the same moment: each has looked before it wrote, and seen nothing.
 *
 * So who has written looks again, at the others' own databases: of two who write and then look, at least one
 * sees the other. Whoever sees a rival withdraws; if both do, one of them will have it next time. Only hosts
 * that are cut off from each other are left with a clash (features/clash.h). */
#ifndef MR_FEATURES_CLAIM_CONFIRM_H
#define MR_FEATURES_CLAIM_CONFIRM_H

#include "adapters/config.h"
#include "model/topology.h"

struct mr_given {
	const char *owner, *user; /* whose they are; user NULL: a group's */
	struct mr_list addresses; /* new ones */
	bool name;                /* the name is new, too */
	const char *group;        /* its name */
	enum mr_service service;  /* of the group */
};

/* Begins to connect to the hosts that will be asked, while what is given out is being written; `arena`,
 * config and topology must outlive it, `given` need not. If it gives out nothing nobody is asked. */
struct mr_claim;
struct mr_claim *mr_claim_open(struct mr_arena *arena, const struct mr_config *config,
			       const struct mr_topology *topology, const struct mr_given *given);
/* Asks them, all at the same time, once it is written. MR_E_TEMPORARY: somebody else has one of these
 * addresses, or another host an account of that name, too; for a group: anybody an account or a mailbox,
 * another host a group of that service. The host is named. Who does not answer within 3 seconds has none. It
 * is no less for a host that was down a moment ago: it may just have come back, with what it has given out.
 * NULL: nothing is confirmed. */
int mr_claim_confirm(struct mr_claim *claim, struct mr_error *err) MR_MUST_CHECK;
/* NULL-safe. Without confirmation nobody is asked. */
void mr_claim_close(struct mr_claim *claim);
#define MR_CLAIM __attribute__((cleanup(mr_claim_closep))) struct mr_claim *
void mr_claim_closep(struct mr_claim **claim);

#endif
