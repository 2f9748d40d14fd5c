#include <string.h>

#include "base/log.h"
#include "features/catchup.h"
#include "features/watch_state.h"

/* Then the copy is made durable in any case: whoever has not caught up by then may never. */
#define MOST_SECONDS 900
/* After a refresh slapd's consumer waits for more for as long as its timeout, 5 seconds, and until
 * then everybody would have to wait for slapd's new settings. */
#define SETTLE_SECONDS 8

static bool is_behind(const struct mr_watch_peer *peer, const struct mr_watch_answer *answer)
{
	return peer->wanted && peer->answered && peer->services & answer->service &&
	       strcmp(answer->copy.have, answer->csn) < 0;
}

static int count_entry(void *context, const struct mr_entry *entry, struct mr_error *err)
{
	int *count = context;

	(void)entry;
	(void)err;
	(*count)++;
	return 0;
}

/* Deletions are not counted: nobody knows them any more. */
static bool is_far_behind(const struct mr_look *look, const struct mr_watch_peer *peer,
			  const struct mr_watch_answer *answer)
{
	static const char *const nothing[] = { "1.1", NULL };
	const char *have = answer->copy.have;
	int many = mr_catchup_many(&look->config, answer->service), count = 0;
	const struct mr_search find = {
		.base = mr_dit_owned(look->arena, answer->service, peer->name),
		.filter = *have ? mr_filter(look->arena, "(entryCSN>=%s)", have) : NULL,
		.attrs = nothing,
		.size_limit = many,
	};
	struct mr_error err = { 0 };

	if (mr_directory_visit(peer->dir, &find, count_entry, &count, &err) < 0) {
		mr_log(MR_LOG_DEBUG, "%s: %s", peer->name, err.message);
		return false;
	}
	return count >= many;
}

/* Slapd keeps all who ask waiting until it has its new settings, and may itself be waiting for a
 * provider that hangs. */
static bool all_answer(const struct mr_watch *watch)
{
	for (size_t i = 0; i < watch->count; i++)
		if (watch->peers[i].wanted && !watch->peers[i].answered)
			return false;
	return true;
}

static void begin(struct mr_watch *watch, const struct mr_look *look,
		  struct mr_watch_catching *catching, enum mr_service service, const char *owner)
{
	struct mr_error err = { 0 };

	if (mr_catchup_begin(&look->config, watch->dir, service, &err) < 0) {
		mr_watch_pause_begin(&catching->pause, look->now);
		mr_watch_say(_("the copy of %s cannot be let catch up faster: %s"),
			     mr_service_name(service), err.message);
		return;
	}
	catching->begun = look->now;
	catching->done = 0;
	mr_watch_say(_("the copy of what %s owns in %s has many changes to take, and does not wait "
		       "for the disk with each"),
		     owner, mr_service_name(service));
}

static void end(struct mr_watch *watch, const struct mr_look *look,
		struct mr_watch_catching *catching, enum mr_service service, bool late)
{
	struct mr_error err = { 0 };

	if (mr_catchup_end(&look->config, watch->dir, service, &err) < 0) {
		if (!catching->failed)
			mr_watch_say(_("the copy of %s cannot be made durable again: %s"),
				     mr_service_name(service), err.message);
		catching->failed = true;
		return;
	}
	catching->failed = false;
	if (late)
		mr_watch_pause_begin(&catching->pause, look->now);
	else
		mr_watch_pause_calm(&catching->pause, look->now);
	catching->begun = catching->done = 0;
	mr_watch_say(late ? _("the copy of %s has not caught up for long, and is durable again")
			  : _("the copy of %s has caught up and is durable again"),
		     mr_service_name(service));
}

/* Some peer of whose container this host's copy is behind; NULL: none. */
static const struct mr_watch_peer *find_behind(const struct mr_watch *watch,
					       const struct mr_look *look, size_t s, bool far)
{
	for (size_t i = 0; i < watch->count; i++) {
		const struct mr_watch_peer *peer = &watch->peers[i];

		if (is_behind(peer, &peer->answers[s]) &&
		    (!far || is_far_behind(look, peer, &peer->answers[s])))
			return peer;
	}
	return NULL;
}

/* True if nothing has been missing for long enough. What has come is safe from the beginning of that
 * time on, and so before the gate opens. */
static bool is_done(struct mr_watch *watch, const struct mr_look *look, size_t s)
{
	struct mr_watch_catching *catching = &watch->catching[s];
	struct mr_error err = { 0 };

	if (!all_answer(watch) || find_behind(watch, look, s, false)) {
		catching->done = 0;
		return false;
	}
	if (catching->done)
		return look->now - catching->done >= SETTLE_SECONDS;
	if (mr_catchup_renew(&look->config, s == 0 ? MR_MAIL : MR_UNIX, &err) < 0)
		mr_log(MR_LOG_WARNING, "%s", err.message);
	else
		catching->done = look->now;
	return false;
}

static void keep(struct mr_watch *watch, const struct mr_look *look, size_t s)
{
	struct mr_watch_catching *catching = &watch->catching[s];
	enum mr_service service = s == 0 ? MR_MAIL : MR_UNIX;
	bool running = mr_catchup_running(&look->config, service), late;
	const struct mr_watch_peer *peer;

	if (!running)
		catching->begun = 0;
	if (!running && !mr_watch_pause_over(&catching->pause, look->now))
		return;
	/* Also what was begun before this service was: it may have been killed on its way. */
	if (!catching->begun && all_answer(watch)) {
		peer = find_behind(watch, look, s, true);
		if (peer)
			begin(watch, look, catching, service, peer->name);
	}
	if (!running)
		return;
	if (!catching->begun)
		catching->begun = look->now;
	late = look->now - catching->begun > MOST_SECONDS;
	if (is_done(watch, look, s) || late)
		end(watch, look, catching, service, late);
}

void mr_watch_catch_up(struct mr_watch *watch, struct mr_look *look)
{
	for (size_t s = 0; look->known && watch->dir && s < 2; s++)
		keep(watch, look, s);
}

void mr_watch_catch_up_end(struct mr_watch *watch)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_look look = { .arena = arena };
	struct mr_error err;

	if (!watch->dir || mr_config_load(arena, watch->root, NULL, &look.config, &err) < 0 ||
	    !look.config.host)
		return;
	for (size_t s = 0; s < 2; s++)
		if (mr_catchup_running(&look.config, s == 0 ? MR_MAIL : MR_UNIX))
			end(watch, &look, &watch->catching[s], s == 0 ? MR_MAIL : MR_UNIX, false);
}
