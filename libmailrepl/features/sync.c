#include "features/sync.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "features/ask.h"
#include "features/csn.h"
#include "features/instance.h"

#define POLL_MS 20         /* between two looks at this host's own copies */
#define MOST_PAUSE_MS 2000 /* between two questions to a provider that does not answer */

/* One copy that must come up to what its provider had when it was asked. */
struct target {
	const struct mr_host *provider;
	enum mr_service service;
	bool asked, reached;
	bool refused; /* it answers, and shows us nothing */
	char want[MR_CSN_SIZE];
};

/* The newest of all: a host that has left and come back may have written with an older serverID. */
static int ask_provider(struct mr_arena *arena, struct mr_directory *dir, void *answer,
			struct mr_error *err)
{
	struct target *target = answer;
	const char *base = mr_dit_owned(arena, target->service, target->provider->name);
	struct mr_list csns;
	bool found;

	if (mr_csns_read(arena, dir, base, &found, &csns, err) < 0) {
		target->refused = err->code == MR_E_DENIED;
		return -1;
	}
	target->refused = !found;
	if (!found)
		return mr_fail(err, MR_E_DENIED, _("%s: this host may not read it"), base);
	target->want[0] = '\0';
	for (size_t i = 0; i < csns.count; i++)
		if (strcmp(csns.items[i], target->want) > 0)
			snprintf(target->want, sizeof(target->want), "%s", csns.items[i]);
	target->asked = true;
	return 0;
}

/* A provider that has not rendered a topology with this host in it lets it read nothing. */
static void warn_refused(const struct target *target, bool before)
{
	if (target->refused && !before)
		mr_log(MR_LOG_WARNING,
		       _("%s does not know this host yet: cl-rebuild must run there"),
		       target->provider->name);
}

static void ask_peers(const struct mr_config *config, struct target *targets, size_t count)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_question *questions = MR_NEW_ARRAY(arena, struct mr_question, count);
	bool *refused = MR_NEW_ARRAY(arena, bool, count);
	size_t asked = 0;

	for (size_t i = 0; i < count; i++) {
		if (targets[i].asked || strcmp(targets[i].provider->name, config->host) == 0)
			continue;
		refused[asked] = targets[i].refused;
		questions[asked++] = (struct mr_question){
			.host = targets[i].provider->name,
			.answer = &targets[i],
		};
	}
	mr_ask_all(config, NULL, questions, asked, ask_provider);
	for (size_t i = 0; i < asked; i++) {
		warn_refused(questions[i].answer, refused[i]);
		if (questions[i].result < 0)
			mr_log(MR_LOG_DEBUG, "%s", questions[i].err.message);
	}
}

/* 1: the copy is as new as wanted. */
static int in_step(const struct mr_config *config, struct mr_directory *dir, struct target *target,
		   struct mr_error *err)
{
	MR_ARENA arena = mr_arena_open();
	const char *have;
	struct mr_list csns;
	bool found;

	if (!target->asked && strcmp(target->provider->name, config->host) == 0 &&
	    ask_provider(arena, dir, target, err) < 0)
		return -1;
	if (!target->asked)
		return 0;
	if (mr_csns_read(arena, dir, mr_dit_all(target->service), &found, &csns, err) < 0)
		return -1;
	have = mr_csn_of(&csns, mr_csn_server_id(target->want));
	target->reached = !*target->want || (have && strcmp(have, target->want) >= 0);
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
				(*out)[count++] =
					(struct target){ .provider = host, .service = services[s] };
		}
	return count;
}

static void name_lagging(struct mr_buf *out, const struct target *targets, size_t count, bool asked,
			 bool refused, const char *title)
{
	const char *last = NULL, *between = out->len ? "; " : "";

	for (size_t i = 0; i < count; i++) {
		const char *name = targets[i].provider->name;

		if (targets[i].reached || targets[i].asked != asked ||
		    targets[i].refused != refused || (last && strcmp(last, name) == 0))
			continue;
		if (last)
			mr_buf_printf(out, ", %s", name);
		else
			mr_buf_printf(out, "%s%s: %s", between, title, name);
		last = name;
	}
}

static int give_up(const struct target *targets, size_t count, const struct mr_config *config,
		   struct mr_error *err)
{
	MR_BUF who = { 0 };

	name_lagging(&who, targets, count, false, false, _("not reached"));
	name_lagging(&who, targets, count, false, true,
		     _("does not know this host, run cl-rebuild there"));
	name_lagging(&who, targets, count, true, false, _("behind"));
	return mr_fail(err, MR_E_TEMPORARY,
		       _("not in step after %lld seconds (%s); run the command again"),
		       config->join_deadline, mr_buf_text(&who));
}

static void pause_ms(long ms)
{
	const struct timespec time = { ms / 1000, ms % 1000 * 1000000L };

	nanosleep(&time, NULL);
}

static int poll_targets(const struct mr_config *config, struct mr_directory *dir,
			struct target *targets, size_t count, size_t *done, struct mr_error *err)
{
	*done = 0;
	for (size_t i = 0; i < count; i++) {
		int result = targets[i].reached ? 1 : in_step(config, dir, &targets[i], err);

		if (result < 0)
			return -1;
		*done += result > 0;
	}
	mr_progress(_("providers in step"), *done, count);
	return 0;
}

int mr_sync_wait(struct mr_arena *arena, const struct mr_config *config, struct mr_directory *dir,
		 const struct mr_topology *topology, const char *provider, struct mr_error *err)
{
	struct target *targets;
	size_t count = make_targets(arena, config, topology, provider, &targets), done = 0;
	long long end = mr_now_ms() + config->join_deadline * 1000, next = 0;
	long pause = POLL_MS;

	for (;;) {
		/* A host that hangs takes its deadline; how often it is asked must not depend on
		 * how often our own copies are looked at. */
		if (mr_left_ms(next) == 0) {
			ask_peers(config, targets, count);
			next = mr_now_ms() + pause;
			pause = pause * 2 < MOST_PAUSE_MS ? pause * 2 : MOST_PAUSE_MS;
		}
		if (poll_targets(config, dir, targets, count, &done, err) < 0)
			return -1;
		if (done == count || mr_left_ms(end) == 0)
			break;
		pause_ms(POLL_MS);
	}
	mr_progress_end();
	return done == count ? 0 : give_up(targets, count, config, err);
}
