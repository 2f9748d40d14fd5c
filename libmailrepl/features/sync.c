#include "features/sync.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "features/instance.h"

/* The serverID in a change sequence number: "20261121195135.123456Z#000000#001#000000",
 * hexadecimal. */
static unsigned csn_server_id(const char *csn)
{
	const char *at = strchr(csn, '#');

	at = at ? strchr(at + 1, '#') : NULL;
	return at ? (unsigned)strtoul(at + 1, NULL, 16) : 0;
}

int mr_sync_csn(struct mr_arena *arena, struct mr_directory *dir, const char *dn,
		unsigned server_id, char **out, struct mr_error *err)
{
	static const char *const attrs[] = { "contextCSN", NULL };
	const struct mr_attr *csns;
	struct mr_entry *entry;

	*out = NULL;
	if (mr_directory_read(dir, arena, dn, attrs, &entry, err) < 0)
		return -1;
	csns = entry ? mr_entry_attr(entry, "contextCSN") : NULL;
	for (size_t i = 0; csns && i < csns->values.count; i++)
		if (csn_server_id(csns->values.items[i]) == server_id)
			*out = mr_strdup(arena, csns->values.items[i]);
	return 0;
}

/* One copy that must come up to what its provider had when it was asked. */
struct target {
	const struct mr_host *provider;
	enum mr_service service;
	const char *want; /* NULL: not asked yet */
	bool reached;
};

static int ask_provider(struct mr_arena *arena, const struct mr_config *config,
			struct mr_directory *dir, struct target *target, struct mr_error *err)
{
	const char *base = mr_dit_owned(arena, target->service, target->provider->name);
	MR_DIRECTORY peer = NULL;
	char *csn;

	if (strcmp(target->provider->name, config->host) != 0) {
		if (mr_instance_open_peer(arena, config, NULL, target->provider->name, &peer, err) <
		    0)
			return -1;
		dir = peer;
	}
	if (mr_sync_csn(arena, dir, base, target->provider->server_id, &csn, err) < 0)
		return -1;
	target->want = csn ? csn : "";
	return 0;
}

/* 1: the copy is as new as wanted. */
static int in_step(struct mr_arena *arena, const struct mr_config *config, struct mr_directory *dir,
		   struct target *target, struct mr_error *err)
{
	MR_ARENA scratch = mr_arena_open();
	char *have;

	if (!target->want && ask_provider(arena, config, dir, target, err) < 0) {
		mr_log(MR_LOG_DEBUG, "%s: %s", target->provider->name, err->message);
		return 0;
	}
	if (mr_sync_csn(scratch, dir, mr_dit_all(target->service), target->provider->server_id,
			&have, err) < 0)
		return -1;
	target->reached = have && strcmp(have, target->want) >= 0;
	return target->reached;
}

static size_t make_targets(struct mr_arena *arena, const struct mr_config *config,
			   const struct mr_topology *topology, const char *provider,
			   struct target **out)
{
	const struct mr_host *self = mr_topology_host(topology, config->host);
	static const enum mr_service services[] = { MR_MAIL, MR_UNIX };
	size_t count = 0;

	*out = MR_NEW_ARRAY(arena, struct target, topology->count * 2);
	for (size_t i = 0; i < topology->count; i++)
		for (size_t s = 0; s < 2; s++) {
			const struct mr_host *host = &topology->hosts[i];

			if (!mr_host_is_provider(topology, host) ||
			    !(self->services & host->services & services[s]))
				continue;
			/* This host's own container is there before it is joined. */
			if (provider ? strcmp(provider, host->name) == 0
				     : host->state == MR_JOINED || host == self)
				(*out)[count++] = (struct target){ host, services[s], NULL, false };
		}
	return count;
}

static int give_up(struct mr_arena *arena, const struct target *targets, size_t count,
		   const struct mr_config *config, struct mr_error *err)
{
	struct mr_list unreached = { 0 }, behind = { 0 };

	for (size_t i = 0; i < count; i++) {
		struct mr_list *list = targets[i].want ? &behind : &unreached;

		if (!targets[i].reached && !mr_list_has(list, targets[i].provider->name))
			mr_list_add(arena, list, targets[i].provider->name);
	}
	return mr_fail(err, MR_E_TEMPORARY,
		       _("not in step after %lld seconds (not reached: %s; behind: %s); run the "
			 "command again"),
		       config->join_deadline,
		       unreached.count ? mr_list_join(arena, &unreached, ", ") : "-",
		       behind.count ? mr_list_join(arena, &behind, ", ") : "-");
}

int mr_sync_wait(struct mr_arena *arena, const struct mr_config *config, struct mr_directory *dir,
		 const struct mr_topology *topology, const char *provider, struct mr_error *err)
{
	struct target *targets;
	size_t count = make_targets(arena, config, topology, provider, &targets), done;
	time_t end = time(NULL) + config->join_deadline;

	for (;;) {
		done = 0;
		for (size_t i = 0; i < count; i++) {
			int result = targets[i].reached
					     ? 1
					     : in_step(arena, config, dir, &targets[i], err);

			if (result < 0)
				return -1;
			done += result > 0;
		}
		mr_progress(_("providers in step"), done, count);
		if (done == count || time(NULL) >= end)
			break;
		/* Between two questions; each of them has its own deadline. */
		(void)usleep(20 * 1000);
	}
	mr_progress_end();
	return done == count ? 0 : give_up(arena, targets, count, config, err);
}
