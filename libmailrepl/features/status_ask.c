#include "features/status.h"

#include <math.h>
#include <time.h>

#include "features/clash.h"
#include "features/mx_check.h"
#include "features/status_host.h"

static const enum mr_service services[] = { MR_MAIL, MR_UNIX };
#define SERVICES (sizeof(services) / sizeof(services[0]))

static void each_host(struct mr_status_question *all, size_t count, void *(*ask)(void *))
{
	for (size_t i = 0; i < count; i++) {
		struct mr_status_question *q = &all[i];

		if (q->host->host->state != MR_JOINED)
			continue;
		q->started = pthread_create(&q->thread, NULL, ask, q) == 0;
		if (!q->started)
			ask(q);
	}
	for (size_t i = 0; i < count; i++)
		if (all[i].started)
			pthread_join(all[i].thread, NULL);
	for (size_t i = 0; i < count; i++)
		all[i].started = false;
}

static void tell_provider_csns(struct mr_status_question *all, size_t count)
{
	for (size_t i = 0; i < count; i++)
		for (size_t c = 0; c < all[i].host->count; c++) {
			struct mr_provider_status *copy = &all[i].host->providers[c];
			const struct mr_status_question *provider =
				&all[copy->provider - all[i].status->topology->hosts];

			copy->provider_csn = provider->owned_csn[copy->service == MR_UNIX];
		}
}

/* `asker`: of a service that this host does not have it may see nothing. */
static void init_host(struct mr_arena *arena, const struct mr_topology *topology,
		      const struct mr_host *asker, const struct mr_host *host,
		      struct mr_host_status *out)
{
	*out = (struct mr_host_status){
		.host = host, .rendered = -1, .queue = -1, .clock_offset = NAN
	};
	out->providers = MR_NEW_ARRAY(arena, struct mr_provider_status, topology->count * SERVICES);
	for (size_t i = 0; i < topology->count; i++)
		for (size_t s = 0; s < SERVICES; s++) {
			const struct mr_host *provider = &topology->hosts[i];

			if (host->state == MR_JOINED && provider->state == MR_JOINED &&
			    mr_host_is_provider(topology, provider) &&
			    (asker->services & host->services & provider->services & services[s]))
				out->providers[out->count++] = (struct mr_provider_status){
					.provider = provider,
					.service = services[s],
					.behind = -1,
					.changes = -1,
					.provider_entries = -1,
					.entries = -1,
				};
		}
}

/* `asked` has the hosts of the status' topology in the same order. */
static void take_check(struct mr_arena *arena, const struct mr_topology *asked,
		       struct mr_status *status, const struct mr_copy_check *check)
{
	struct mr_host_status *holder = &status->hosts[check->holder - asked->hosts];
	const struct mr_host *owner = &status->topology->hosts[check->owner - asked->hosts];

	for (size_t i = 0; i < holder->count; i++) {
		struct mr_provider_status *copy = &holder->providers[i];

		if (copy->provider != owner || copy->service != check->service)
			continue;
		copy->state = (int)check->state;
		copy->why = mr_strdup(arena, check->why);
		if (check->state == MR_COPY_UNKNOWN)
			continue;
		/* It has come into step since its contextCSN was read. */
		if (check->state == MR_COPY_EQUAL)
			copy->behind = 0, copy->changes = 0;
		copy->provider_entries = (long long)check->owner_entries;
		copy->entries = (long long)check->copy_entries;
	}
}

static void compare(struct mr_arena *arena, const struct mr_config *config,
		    struct mr_directory *dir, struct mr_status *status)
{
	struct mr_topology answering = *status->topology;
	struct mr_verification found = { 0 };
	struct mr_error err;

	/* Nobody waits a second time for a host that has not answered: as if it had not joined. */
	answering.hosts = MR_NEW_ARRAY(arena, struct mr_host, answering.count);
	for (size_t i = 0; i < answering.count; i++) {
		answering.hosts[i] = status->topology->hosts[i];
		if (!status->hosts[i].reachable)
			answering.hosts[i].state = MR_INVITED;
	}
	if (mr_verify(arena, config, dir, &answering, &found, &err) < 0) {
		for (size_t i = 0; i < status->topology->count; i++)
			for (size_t c = 0; c < status->hosts[i].count; c++)
				status->hosts[i].providers[c].why = mr_strdup(arena, err.message);
		return;
	}
	for (size_t i = 0; i < found.count; i++)
		take_check(arena, &answering, status, &found.items[i]);
}

/* The answers lie in the arenas of the questions: what stays is copied. */
static void keep(struct mr_arena *arena, struct mr_status_question *q)
{
	struct mr_host_status *host = q->host;
	const char **texts[] = { &host->why,     &host->version,      &host->slapd, &host->postfix,
				 &host->dovecot, &host->clock_source, &host->gate };

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		*texts[i] = mr_strdup(arena, *texts[i]);
	for (size_t i = 0; i < host->count; i++) {
		host->providers[i].provider_csn = mr_strdup(arena, host->providers[i].provider_csn);
		host->providers[i].copy_csn = mr_strdup(arena, host->providers[i].copy_csn);
		host->providers[i].why = mr_strdup(arena, host->providers[i].why);
	}
}

static void ask_all(struct mr_arena *arena, const struct mr_config *config,
		    struct mr_status *status)
{
	size_t count = status->topology->count;
	struct mr_status_question *all = MR_NEW_ARRAY(arena, struct mr_status_question, count);

	for (size_t i = 0; i < count; i++)
		all[i] = (struct mr_status_question){ .config = config,
						      .status = status,
						      .host = &status->hosts[i],
						      .arena = mr_arena_open() };
	each_host(all, count, mr_status_ask_host);
	tell_provider_csns(all, count);
	each_host(all, count, mr_status_ask_again);
	each_host(all, count, mr_status_ask_lags);
	for (size_t i = 0; i < count; i++)
		keep(arena, &all[i]);
	for (size_t i = 0; i < count; i++) {
		mr_directory_close(all[i].dir);
		mr_arena_close(all[i].arena);
	}
}

/* That DNS does not answer says nothing of this domain. */
static void check_mx(struct mr_arena *arena, const struct mr_config *config,
		     struct mr_status *status)
{
	struct mr_mx_check check;

	if (!mr_mx_wanted(config) || status->topology->scheme == MR_SCHEME_INTRANET)
		return;
	mr_mx_look(arena, config, status->topology, &check);
	for (size_t i = 0; i < check.count; i++)
		if (!mr_mx_is_note(check.findings[i].fault))
			mr_list_add(arena, &status->mx_faults, check.findings[i].text);
}

int mr_status_ask(struct mr_arena *arena, const struct mr_config *config, struct mr_directory *dir,
		  const struct mr_topology *topology, bool digests, struct mr_status *out,
		  struct mr_error *err)
{
	const struct mr_host *asker = mr_topology_host(topology, config->host);
	struct mr_clashes clashes = { 0 };

	if (!asker)
		return mr_fail(err, MR_E_NO_HOST, _("%s is not in the topology"), config->host);
	*out = (struct mr_status){ .when = (int64_t)time(NULL),
				   .asked_from = config->host,
				   .topology = topology,
				   .digests = digests };
	out->hosts = MR_NEW_ARRAY(arena, struct mr_host_status, topology->count);
	for (size_t i = 0; i < topology->count; i++)
		init_host(arena, topology, asker, &topology->hosts[i], &out->hosts[i]);
	ask_all(arena, config, out);
	if (digests) {
		compare(arena, config, dir, out);
		check_mx(arena, config, out);
	}
	if (mr_clash_list(arena, dir, &clashes, err) < 0)
		return mr_fail_in(err, _("looking for addresses that are claimed twice"));
	out->clashes = (long long)clashes.count;
	mr_status_judge(arena, out);
	return 0;
}
