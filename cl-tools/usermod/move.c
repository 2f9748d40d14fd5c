#include "usermod/move.h"

#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "features/instance.h"
#include "features/move.h"

#define LOOK_US 100000
#define START_MS 2000

struct waiting {
	struct cl_context *context;
	struct mr_move_outcome outcome;
	bool aborts;
};

static const char *words_of(enum mr_move_phase phase)
{
	switch (phase) {
	case MR_MOVE_COPYING:
		return _("copying, the mailbox is in use");
	case MR_MOVE_HELD:
		return _(
			"held: mail waits, nobody is logged in; what has come meanwhile is copied");
	case MR_MOVE_ADOPTING:
		return _("all is there: the new host makes it its own");
	case MR_MOVE_ABORTING:
		return _("the move is given up");
	default:
		return _("moved");
	}
}

/* This host may have a part in it, and nobody else may be there to start that. */
static int keep_worker(const struct waiting *waiting, long long *started, struct mr_error *err)
{
	const char *self = waiting->context->config.host;
	const struct mr_move_outcome *outcome = &waiting->outcome;

	if (strcmp(self, outcome->from) != 0 && (!outcome->to || strcmp(self, outcome->to) != 0))
		return 0;
	if (*started && mr_now_ms() - *started < START_MS)
		return 0;
	*started = mr_now_ms();
	return mr_move_start(&waiting->context->config, err);
}

/* slapd here may be restarted meanwhile: the next look connects again. */
static int look(struct waiting *waiting, struct mr_directory **dir, enum mr_move_sight *sight,
		enum mr_move_phase *phase, struct mr_error *err)
{
	MR_ARENA arena = mr_arena_open();

	if (!*dir && mr_instance_open(arena, &waiting->context->config, dir, err) < 0)
		return err->code == MR_E_UNAVAILABLE ? 0 : -1;
	if (mr_move_look(arena, *dir, &waiting->outcome, sight, phase, err) == 0)
		return 0;
	if (err->code != MR_E_UNAVAILABLE)
		return -1;
	mr_directory_close(*dir);
	*dir = NULL;
	return 0;
}

static int judge(const struct waiting *waiting, enum mr_move_sight sight, struct mr_error *err)
{
	const struct mr_move_outcome *outcome = &waiting->outcome;

	if (waiting->aborts && sight == MR_MOVE_ARRIVED)
		return mr_fail(err, MR_E_DENIED, _("%s is at %s already"), outcome->user,
			       outcome->to);
	if (!waiting->aborts && sight == MR_MOVE_STAYS)
		return mr_fail(err, MR_E_TEMPORARY, _("the move of %s to %s was given up"),
			       outcome->user, outcome->to);
	return 0;
}

/* What either host could not do, once each time that it is something else. */
static void tell_trouble(const struct waiting *waiting, struct mr_buf *told)
{
	MR_ARENA arena = mr_arena_open();
	const char *text = mr_move_trouble(arena, &waiting->context->config, waiting->outcome.user);

	if (!text || strcmp(text, mr_buf_text(told)) == 0)
		return;
	told->len = 0;
	mr_buf_puts(told, text);
	mr_log(MR_LOG_WARNING, _("%s: %s (it is tried again)"), waiting->outcome.user, text);
}

static int wait_for(void *argument, struct mr_error *err)
{
	struct waiting *waiting = argument;
	MR_DIRECTORY dir = NULL;
	long long started = 0;
	int told = -1;
	/* The copy here may not know the offer yet: only what was seen under way can have come
	 * back. */
	bool seen = waiting->aborts;
	MR_BUF trouble = { 0 };

	mr_move_trouble_forget(&waiting->context->config, waiting->outcome.user);
	for (;;) {
		enum mr_move_sight sight = MR_MOVE_UNDER_WAY;
		enum mr_move_phase phase = MR_MOVE_COPYING;

		if (look(waiting, &dir, &sight, &phase, err) < 0)
			return -1;
		if (sight == MR_MOVE_ARRIVED || (sight == MR_MOVE_STAYS && seen))
			return judge(waiting, sight, err);
		if (sight == MR_MOVE_UNDER_WAY && dir) {
			seen |= phase != MR_MOVE_COPYING || told >= 0;
			if (told != (int)phase)
				mr_log(MR_LOG_INFO, "%s: %s", waiting->outcome.user,
				       words_of(phase));
			told = (int)phase;
		}
		tell_trouble(waiting, &trouble);
		if (keep_worker(waiting, &started, err) < 0)
			return -1;
		(void)usleep(LOOK_US);
	}
}

static struct mr_value *result_of(struct mr_arena *arena, const struct mr_move_outcome *outcome)
{
	struct mr_value *move = mr_value_object(arena), *result = mr_value_object(arena);

	mr_value_set_string(arena, move, "user", outcome->user);
	mr_value_set_string(arena, move, "from", outcome->from);
	mr_value_set_string(arena, move, "to", outcome->to);
	mr_value_set(arena, result, "move", move);
	return result;
}

int usermod_move_run(struct cl_context *context, const struct usermod_move *move,
		     struct mr_error *err)
{
	struct mr_arena *arena = context->arena;
	const struct mr_move_request request = { move->user, move->host,
						 move->remove_old ? 0 : MR_MOVE_KEEP_DAYS };
	struct waiting *waiting = MR_NEW(arena, struct waiting);
	struct mr_plan plan = { 0 };

	waiting->context = context;
	waiting->aborts = !move->host;
	if (!context->dry_run && !context->config.mail_manage)
		return mr_fail(
			err, MR_E_CONFIG,
			_("mail is not managed on this host (mail.manage): there is nothing to "
			  "move from here"));
	if (waiting->aborts
		    ? mr_move_abort_plan(arena, &context->config, context->dir, &context->topology,
					 move->user, &plan, &waiting->outcome, err) < 0
		    : mr_move_offer_plan(arena, &context->config, context->dir, &context->topology,
					 &request, &plan, &waiting->outcome, err) < 0)
		return -1;
	if (waiting->outcome.wanted)
		mr_plan_action(arena, &plan, wait_for, waiting,
			       waiting->aborts
				       ? mr_printf(arena, _("wait until %s has put it back"),
						   waiting->outcome.from)
				       : mr_printf(arena,
						   _("wait while %s fetches the mail from %s and "
						     "makes it its own"),
						   waiting->outcome.to, waiting->outcome.from));
	return cl_finish(context, &plan, result_of(arena, &waiting->outcome), err);
}
