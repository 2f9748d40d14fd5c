#include "features/watch.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "base/paths.h"
#include "features/move.h"
#include "features/watch_state.h"

/* Of each question: a host that hangs must not keep the gate waiting for long. */
#define DEADLINE 5
/* Whoever has changed the topology may still be rendering it. */
#define COMMAND_GRACE 60
#define FIRST_START 15
#define FIRST_REBUILD 5
#define MOST_REBUILD 600
#define CATCHING { .pause = { .first = 60, .most = 3600 } }

void mr_watch_say(const char *fmt, ...)
{
	char text[MR_WATCH_WHY_SIZE];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	mr_log(MR_LOG_INFO, "%s", text);
	mr_audit("%s", text);
}

void mr_watch_complain(struct mr_watch *watch, const char *text)
{
	if (!text)
		text = "";
	if (*text && strcmp(watch->complaint, text) != 0)
		mr_watch_say("%s", text);
	snprintf(watch->complaint, sizeof(watch->complaint), "%s", text);
}

struct mr_watch *mr_watch_open(const char *root)
{
	struct mr_arena *arena = mr_arena_open();
	struct mr_watch *watch = MR_NEW(arena, struct mr_watch);

	*watch = (struct mr_watch){
		.arena = arena,
		.root = mr_strdup(arena, root ? root : ""),
		.interval = 1,
		.begun = time(NULL),
		.answered = time(NULL),
		.starts = { .first = FIRST_START, .most = MR_WATCH_FIRST_RESTART },
		.hangs = { .first = MR_WATCH_FIRST_RESTART, .most = MR_WATCH_MOST_RESTART },
		.catching = { CATCHING, CATCHING },
		.recalls = { .first = FIRST_REBUILD, .most = MOST_REBUILD },
		.rebuilds = { .first = FIRST_REBUILD, .most = MOST_REBUILD },
	};
	return watch;
}

void mr_watch_close(struct mr_watch *watch)
{
	if (!watch)
		return;
	mr_watch_verify_end(&watch->verifying);
	mr_waiting_close(&watch->waiting);
	mr_watch_catch_up_end(watch);
	for (size_t i = 0; i < watch->count; i++)
		mr_watch_peer_close(&watch->peers[i]);
	free(watch->peers);
	mr_directory_close(watch->dir);
	mr_arena_close(watch->arena);
}

long long mr_watch_interval(const struct mr_watch *watch)
{
	return watch->interval;
}

const struct mr_gate *mr_watch_gate(const struct mr_watch *watch)
{
	return &watch->gate;
}

static void view_peers(const struct mr_watch *watch, struct mr_look *look,
		       struct mr_gate_view *view)
{
	struct mr_provider_seen *seen =
		MR_NEW_ARRAY(look->arena, struct mr_provider_seen, watch->count);

	view->seen = seen;
	for (size_t i = 0; i < watch->count; i++) {
		const struct mr_watch_peer *peer = &watch->peers[i];

		if (peer->wanted)
			seen[view->count++] = (struct mr_provider_seen){
				peer->name, mr_watch_peer_in_step(peer), peer->last_reached
			};
	}
}

static void remember_gate(struct mr_watch *watch, const struct mr_gate *gate)
{
	snprintf(watch->gate_why, sizeof(watch->gate_why), "%s", gate->why ? gate->why : "");
	watch->gate = *gate;
	watch->gate.why = gate->closed ? watch->gate_why : NULL;
	watch->gate_known = true;
}

static bool gate_differs(const struct mr_gate *a, const struct mr_gate *b)
{
	return a->closed != b->closed || (a->closed && strcmp(a->why, b->why) != 0);
}

/* The file first: whoever renders meanwhile does it right. */
static int set_gate(struct mr_watch *watch, struct mr_look *look, const struct mr_gate *gate,
		    struct mr_error *err)
{
	bool changed;

	if ((gate_differs(gate, &watch->gate) || !watch->gate.since) &&
	    mr_gate_write(&look->config, gate, err) < 0)
		return -1;
	if (gate->closed != watch->gate.closed) {
		if (gate->closed)
			mr_watch_say(_("gate closed, unknown recipients are told to try again "
				       "later: %s"),
				     gate->why);
		else
			mr_watch_say(_("gate open, unknown recipients are refused"));
	}
	remember_gate(watch, gate);
	return mr_gate_apply(&look->config, gate->closed, &changed, err);
}

static int keep_gate(struct mr_watch *watch, struct mr_look *look, struct mr_error *err)
{
	struct mr_gate_view view = {
		.own_directory = watch->answered,
		.stale_topology = watch->stale_since &&
				  look->now - watch->stale_since >
					  (look->locked ? COMMAND_GRACE : MR_GATE_GRACE),
		.doubt = look->config.mail_doubt,
		.now = look->now,
	};
	struct mr_gate gate;

	if (!watch->gate_known) {
		/* An unreadable one is replaced. */
		if (mr_gate_read(look->arena, &look->config, &gate, err) < 0)
			gate = (struct mr_gate){ 0 };
		remember_gate(watch, &gate);
	}
	view_peers(watch, look, &view);
	mr_gate_decide(look->arena, &watch->gate, &view, &gate);
	return set_gate(watch, look, &gate, err);
}

/* Its own settings are read at each look, so that a change needs no restart. */
static int load_config(struct mr_watch *watch, struct mr_look *look, struct mr_error *err)
{
	if (mr_config_load(look->arena, watch->root, NULL, &look->config, err) < 0)
		return -1;
	if (!look->config.exists || !look->config.host)
		return mr_fail(err, MR_E_CONFIG, _("%s: mailrepl is not set up here"),
			       look->config.path);
	if (look->config.directory_deadline > DEADLINE)
		look->config.directory_deadline = DEADLINE;
	watch->interval = look->config.watch_interval;
	return 0;
}

static int judge(struct mr_watch *watch, struct mr_look *look, struct mr_error *err)
{
	if (load_config(watch, look, err) < 0)
		return -1;
	mr_watch_read(watch, look);
	look->locked = mr_watch_is_locked(look);
	/* Who holds the lock is about to render it. */
	if (look->known && mr_watch_is_stale(look))
		watch->stale_since = look->locked ? look->now : 1;
	mr_watch_compare(watch, look);
	look->now = time(NULL);
	return keep_gate(watch, look, err);
}

void mr_watch_judge(struct mr_watch *watch)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_look look = { .arena = arena, .now = time(NULL) };
	struct mr_error err = { 0 };

	mr_watch_complain(watch, judge(watch, &look, &err) < 0 ? err.message : NULL);
}

/* A mailbox on its way goes on, whoever was killed. */
static void keep_moves(struct mr_watch *watch, const struct mr_look *look)
{
	struct mr_error err = { 0 };

	if (look->known && watch->dir &&
	    mr_move_watch(&look->config, watch->dir, look->now, &watch->moves, &err) < 0)
		mr_log(MR_LOG_DEBUG, "%s", err.message);
}

static int look_around(struct mr_watch *watch, struct mr_look *look, struct mr_error *err)
{
	if (load_config(watch, look, err) < 0)
		return -1;
	mr_watch_read(watch, look);
	mr_watch_rebuild(watch, look);
	mr_watch_compare(watch, look);
	mr_watch_catch_up(watch, look);
	mr_watch_recall(watch, look);
	mr_watch_mend(watch, look);
	keep_moves(watch, look);
	mr_watch_verify(watch, look);
	look->now = time(NULL);
	if (keep_gate(watch, look, err) < 0)
		return mr_fail_in(err, _("the gate"));
	if (mr_watch_quota(watch, look, err) < 0)
		return mr_fail_in(err, _("the limits of mailboxes"));
	if (look->known)
		mr_waiting_look(&watch->waiting, &look->config, &look->topology, look->now);
	if (look->known && look->status &&
	    mr_watch_status_write(&watch->status, &look->config, watch->dir, look->status,
				  &watch->gate, look->now, err) < 0)
		return mr_fail_in(err, "%s", MR_DIT_STATUS);
	return 0;
}

void mr_watch_look(struct mr_watch *watch)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_look look = { .arena = arena, .now = time(NULL) };
	struct mr_error err = { 0 };

	mr_watch_complain(watch, look_around(watch, &look, &err) < 0 ? err.message : NULL);
}
