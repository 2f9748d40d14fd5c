#include <string.h>

#include "base/log.h"
#include "features/csn.h"
#include "features/heard.h"
#include "features/watch_state.h"

/* This host is asked after the others: no copy can know what it has not yet heard of. */
static bool find_newer(struct mr_watch *watch, struct mr_look *look, struct mr_watch_peer *peer,
		       struct mr_watch_answer *answer)
{
	const char *dn = mr_dit_owned(look->arena, answer->service, look->config.host);
	struct mr_error err = { 0 };
	char *own;

	if (!*answer->ours || strcmp(peer->name, look->config.host) == 0)
		return false;
	if (mr_csn_read(look->arena, watch->dir, dn, peer->own_id, &own, &err) < 0) {
		mr_log(MR_LOG_DEBUG, "%s", err.message);
		return false;
	}
	return !own || strcmp(answer->ours, own) > 0;
}

/* A host that is no provider is in no other's copies. */
static bool is_owner(const struct mr_look *look)
{
	const struct mr_host *self = mr_topology_host(&look->topology, look->config.host);

	return self && self->state == MR_JOINED && mr_host_is_provider(&look->topology, self);
}

/* Whose copy is newer than what it is a copy of; NULL: nobody's. */
static const char *find(struct mr_watch *watch, struct mr_look *look)
{
	const char *found = NULL;

	for (size_t i = 0; i < watch->count; i++) {
		struct mr_watch_peer *peer = &watch->peers[i];

		for (size_t s = 0; s < 2; s++) {
			struct mr_watch_answer *answer = &peer->answers[s];

			/* What was found stays until that host is asked again. */
			if (peer->wanted && peer->answered && peer->services & answer->service)
				answer->newer = find_newer(watch, look, peer, answer);
			if (peer->wanted && peer->answered && answer->newer)
				found = peer->name;
		}
	}
	return found;
}

static bool has_answer(const struct mr_watch *watch, const struct mr_look *look)
{
	bool other = false, answered = false;

	for (size_t i = 0; i < watch->count; i++)
		if (watch->peers[i].wanted &&
		    strcmp(watch->peers[i].name, look->config.host) != 0) {
			other = true;
			answered |= watch->peers[i].answered;
		}
	/* With relays alone nobody else is asked at each look. */
	return answered || !other;
}

/* Once all are asked, relays, too: then this host may write what it owns, also when they have gone
 * again. Returns who knows more, or NULL. */
static const char *ask_all(struct mr_watch *watch, struct mr_look *look)
{
	enum mr_heard heard;
	const char *from = NULL;
	struct mr_error err;

	if (!has_answer(watch, look) || look->topology.count < 2)
		return NULL;
	if (mr_heard_ask(look->arena, &look->config, watch->dir, &look->topology, &heard, &from,
			 &err) < 0) {
		mr_log(MR_LOG_DEBUG, "%s", err.message);
		return NULL;
	}
	if (heard != MR_HEARD_SOME)
		watch->heard_some = 0;
	else if (!watch->heard_some)
		watch->heard_some = look->now;
	else if (look->now - watch->heard_some >= MR_HEARD_PATIENCE &&
		 mr_heard_note(&look->config, watch->dir, &err) < 0)
		mr_log(MR_LOG_DEBUG, "%s", err.message);
	return from;
}

void mr_watch_recall(struct mr_watch *watch, struct mr_look *look)
{
	struct mr_process_result result = { 0 };
	struct mr_error err = { 0 };
	const char *name;
	int rc;

	if (!look->known || !is_owner(look))
		return;
	name = find(watch, look);
	if (!name)
		name = ask_all(watch, look);
	if (!name) {
		mr_watch_pause_calm(&watch->recalls, look->now);
		return;
	}
	if (!mr_watch_pause_over(&watch->recalls, look->now) || mr_watch_is_locked(look))
		return;
	mr_watch_pause_begin(&watch->recalls, look->now);
	mr_watch_say(_("this host's disk is old, %s knows newer changes of what this host owns: "
		       "cl-rebuild --repl takes them back"),
		     name);
	rc = mr_watch_run_rebuild(look, true, &result, &err);
	if (rc < 0 || result.status != 0)
		mr_watch_say(_("cl-rebuild --repl failed, the next attempt comes in %lld seconds: "
			       "%s"),
			     (long long)watch->recalls.length,
			     rc < 0 ? err.message
				    : mr_watch_last_line(look->arena, mr_buf_text(&result.output)));
	mr_buf_close(&result.output);
	mr_watch_hang_up(watch);
	mr_watch_read(watch, look);
}
