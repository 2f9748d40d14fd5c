/* The three hosts of the README, to test what is done with a topology. */
#ifndef MR_TESTS_UNIT_TOPOLOGY_FIXTURE_H
#define MR_TESTS_UNIT_TOPOLOGY_FIXTURE_H

#include "model/topology.h"
#include "test.h"

#define ID "9b2f6a0e-0f0e-4c57-8a3b-0c2d6e1f7a11"

static inline struct mr_list words(struct mr_arena *arena, const char *text)
{
	return mr_list_split(arena, text, ',');
}

/* "mail1.lan 1 mail+unix joined; relay.lan 3 mail invited" */
static inline const char *show(struct mr_arena *arena, const struct mr_topology *topology)
{
	struct mr_list hosts = { 0 };

	for (size_t i = 0; i < topology->count; i++) {
		const struct mr_host *host = &topology->hosts[i];
		const char *services[] = { "none", "mail", "unix", "mail+unix" };

		mr_list_add(arena, &hosts,
			    mr_printf(arena, "%s %u %s %s", host->name, host->server_id,
				      services[host->services & 3],
				      mr_host_state_word(host->state)));
	}
	return mr_list_join(arena, &hosts, "; ");
}

static inline void set(struct mr_arena *arena, struct mr_topology *topology,
		       enum mr_service service, const char *hosts)
{
	struct mr_error err = { 0 };
	struct mr_list list = words(arena, hosts);

	if (mr_topology_set(arena, topology, service, &list, topology, &err) < 0)
		fail_msg("%s: %s", hosts, err.message);
}

/* The three hosts of the README, all joined. */
static inline struct mr_topology three(struct mr_arena *arena)
{
	struct mr_topology topology;

	mr_topology_init(arena, ID, "mail1.lan", &topology);
	set(arena, &topology, MR_MAIL, "mail1.lan,mail2.lan,relay.lan");
	set(arena, &topology, MR_UNIX, "mail1.lan,mail2.lan");
	for (size_t i = 0; i < topology.count; i++)
		topology.hosts[i].state = MR_JOINED;
	return topology;
}

/* Of mail1.lan, the home. */
static inline void add_foreign(struct mr_arena *arena, struct mr_topology *topology,
			       const char *domain, const char *primary, const char *recipients)
{
	const struct mr_foreign foreign = { domain, primary, words(arena, recipients) };

	mr_topology_set_foreign(arena, topology, domain, &foreign);
}

#endif
