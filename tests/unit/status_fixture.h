/* A status to show: three hosts and one that is invited, with something wrong of every kind, or
 * nothing. */
#ifndef MR_TESTS_UNIT_STATUS_FIXTURE_H
#define MR_TESTS_UNIT_STATUS_FIXTURE_H

#include "test.h"

#include <math.h>

#include "features/status.h"

#define FIXTURE_TIME 1795294425 /* 2026-11-21 20:53:45 UTC */
#define FIXTURE_CSN "20261121205300.123456Z#000000#00%u#000000"

struct fixture {
	struct mr_arena *arena;
	struct mr_topology topology;
	struct mr_status status;
};

static inline void fixture_host(struct fixture *fixture, const char *name, unsigned services,
				enum mr_host_state state)
{
	struct mr_host *host = &fixture->topology.hosts[fixture->topology.count++];

	*host = (struct mr_host){ .name = name,
				  .services = services,
				  .server_id = (unsigned)fixture->topology.count,
				  .state = state };
}

static inline void fixture_copies(struct fixture *fixture, struct mr_host_status *out)
{
	static const enum mr_service services[] = { MR_MAIL, MR_UNIX };

	out->providers = MR_NEW_ARRAY(fixture->arena, struct mr_provider_status,
				      2 * fixture->topology.count);
	for (size_t i = 0; i < fixture->topology.count; i++)
		for (size_t s = 0; s < 2; s++) {
			const struct mr_host *provider = &fixture->topology.hosts[i];
			const char *csn =
				mr_printf(fixture->arena, FIXTURE_CSN, provider->server_id);

			if (provider->state != MR_JOINED || out->host->state != MR_JOINED ||
			    !(provider->services & MR_UNIX) || !(out->host->services & services[s]))
				continue;
			out->providers[out->count++] = (struct mr_provider_status){
				provider, services[s], csn,  csn,           0,
				0,        1203,        1203, MR_COPY_EQUAL, NULL
			};
		}
}

/* Joined hosts that are well in every way. */
static inline void fixture_fill(struct fixture *fixture)
{
	struct mr_status *status = &fixture->status;

	*status = (struct mr_status){ .when = FIXTURE_TIME,
				      .asked_from = "mail1.lan",
				      .topology = &fixture->topology,
				      .digests = true };
	status->hosts =
		MR_NEW_ARRAY(fixture->arena, struct mr_host_status, fixture->topology.count);
	for (size_t i = 0; i < fixture->topology.count; i++) {
		const struct mr_host *host = &fixture->topology.hosts[i];

		status->hosts[i] = (struct mr_host_status){
			.host = host, .rendered = -1, .queue = -1, .clock_offset = NAN
		};
		fixture_copies(fixture, &status->hosts[i]);
		if (host->state != MR_JOINED)
			continue;
		status->hosts[i].reachable = true;
		status->hosts[i].latency_ms = 0.4 + (double)i;
		status->hosts[i].rendered = 4;
		status->hosts[i].version = "0.1.0";
		status->hosts[i].slapd = "2.5.13+dfsg-5";
		status->hosts[i].postfix = "3.7.11";
		status->hosts[i].dovecot = host->services & MR_UNIX ? "2.3.19.1" : NULL;
		status->hosts[i].clock_offset = 0;
		status->hosts[i].clock_source = "synchronised";
		status->hosts[i].certificate_not_after = FIXTURE_TIME + 3649 * 86400LL + 60;
		status->hosts[i].queue = 0;
		status->hosts[i].gate = "open";
	}
}

static inline void fixture_topology(struct fixture *fixture, struct mr_arena *arena, size_t most)
{
	*fixture = (struct fixture){ .arena = arena };
	fixture->topology =
		(struct mr_topology){ .domain_id = "0",
				      .home = "mail1.lan",
				      .epoch = 1,
				      .generation = 4,
				      .hosts = MR_NEW_ARRAY(arena, struct mr_host, most) };
	mr_list_add(arena, &fixture->topology.domains, "maildomain.org");
}

/* mail1.lan (home), mail2.lan and relay.lan: all is well. */
static inline void fixture_well(struct fixture *fixture, struct mr_arena *arena)
{
	fixture_topology(fixture, arena, 3);
	fixture_host(fixture, "mail1.lan", MR_MAIL | MR_UNIX, MR_JOINED);
	fixture_host(fixture, "mail2.lan", MR_MAIL | MR_UNIX, MR_JOINED);
	fixture_host(fixture, "relay.lan", MR_MAIL, MR_JOINED);
	fixture_fill(fixture);
	mr_status_judge(arena, &fixture->status);
}

#define HOSTILE "<script>alert(\"1\")</script>&'\\\n\x1b[31m\xff"

/* mail2.lan has words of its own, is old, late and behind; relay.lan holds a copy that differs;
 * mail3.lan does not answer; a fifth host has not come yet. */
static inline void fixture_trouble(struct fixture *fixture, struct mr_arena *arena)
{
	struct mr_host_status *hosts;

	fixture_topology(fixture, arena, 5);
	fixture_host(fixture, "mail1.lan", MR_MAIL | MR_UNIX, MR_JOINED);
	fixture_host(fixture, "mail2.lan", MR_MAIL | MR_UNIX, MR_JOINED);
	fixture_host(fixture, "mail3.lan", MR_MAIL | MR_UNIX, MR_JOINED);
	fixture_host(fixture, "relay.lan", MR_MAIL, MR_JOINED);
	fixture_host(fixture, "a-relay-with-a-long-name.somewhere.example.org", MR_MAIL,
		     MR_INVITED);
	fixture_fill(fixture);
	hosts = fixture->status.hosts;
	hosts[1].slapd = HOSTILE;
	hosts[1].gate = "closed: it is not in step with mail1.lan";
	hosts[1].rendered = 3;
	hosts[1].clock_offset = -300.04;
	hosts[1].clock_source = "not synchronised";
	hosts[1].certificate_not_after = FIXTURE_TIME + 12 * 86400LL + 5;
	hosts[1].queue = 1702;
	hosts[1].providers[0].copy_csn = "20261121203000.000000Z#000000#001#000000";
	hosts[1].providers[0].behind = 1380.5;
	hosts[1].providers[0].changes = 3;
	hosts[1].providers[0].entries = 1200;
	hosts[1].providers[0].state = MR_COPY_BEHIND;
	hosts[2] = (struct mr_host_status){ .host = hosts[2].host,
					    .rendered = -1,
					    .queue = -1,
					    .clock_offset = NAN,
					    .providers = hosts[2].providers,
					    .count = hosts[2].count };
	hosts[2].why = "slapd at mail3.lan:3890: Connection refused " HOSTILE;
	hosts[3].providers[1].entries = 1202;
	hosts[3].providers[1].state = MR_COPY_DIFFERS;
	for (size_t i = 0; i < 5; i++)
		for (size_t c = 0; c < hosts[i].count; c++)
			if (hosts[i].providers[c].provider == hosts[2].host || i == 2) {
				hosts[i].providers[c].behind = -1;
				hosts[i].providers[c].changes = -1;
				hosts[i].providers[c].entries = -1;
				hosts[i].providers[c].provider_entries = -1;
				hosts[i].providers[c].provider_csn = NULL;
				hosts[i].providers[c].state = MR_COPY_UNKNOWN;
			}
	fixture->status.clashes = 1;
	mr_status_judge(arena, &fixture->status);
}

#endif
