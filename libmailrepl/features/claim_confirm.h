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

/* MR_E_TEMPORARY: somebody else has one of these addresses, or another host an account of that name, too;
 * for a group: anybody an account or a mailbox, another host a group of that service. The host is named. Who does not answer within 3 seconds has none. All hosts are asked at the same time. */
int mr_claim_confirm(struct mr_arena *arena, const struct mr_config *config,
		     const struct mr_topology *topology, const struct mr_given *given,
		     struct mr_error *err) MR_MUST_CHECK;

#endif
