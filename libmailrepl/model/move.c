#include "model/move.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MOST_DAYS 3650

static const char *const words[] = { "copying", "held", "adopting", "moved", "kept", "aborting" };

const char *mr_move_word(enum mr_move_phase phase)
{
	return words[phase];
}

bool mr_move_is_busy(enum mr_move_phase phase)
{
	return phase != MR_MOVE_MOVED && phase != MR_MOVE_KEPT;
}

bool mr_move_is_fixed(enum mr_move_phase phase)
{
	return mr_move_is_busy(phase) && phase != MR_MOVE_COPYING;
}

static bool has_mailbox(enum mr_move_phase phase)
{
	return phase == MR_MOVE_ADOPTING || phase == MR_MOVE_MOVED || phase == MR_MOVE_KEPT;
}

char *mr_move_format(struct mr_arena *arena, const struct mr_move *move)
{
	const bool mailbox = has_mailbox(move->phase), until = move->phase == MR_MOVE_KEPT;

	return mr_printf(arena, "%s %s %lld%s%s%s%s", move->host, words[move->phase], move->days,
			 mailbox ? " " : "", mailbox ? move->mailbox : "", until ? " " : "",
			 until ? move->until : "");
}

static bool phase_parse(const char *word, enum mr_move_phase *out)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(word, words[i]) == 0) {
			*out = (enum mr_move_phase)i;
			return true;
		}
	return false;
}

static bool days_parse(const char *text, long long *out)
{
	char *end;

	errno = 0;
	*out = strtoll(text, &end, 10);
	return !errno && end != text && !*end && *out >= 0 && *out <= MOST_DAYS;
}

int mr_move_parse(struct mr_arena *arena, const char *text, struct mr_move *out,
		  struct mr_error *err)
{
	const struct mr_list parts = mr_list_split(arena, text, ' ');
	struct mr_move move = { 0 };
	size_t want = 3;

	if (parts.count >= 3 && phase_parse(parts.items[1], &move.phase) &&
	    days_parse(parts.items[2], &move.days)) {
		move.host = mr_lower(arena, parts.items[0]);
		if (has_mailbox(move.phase))
			want++;
		if (move.phase == MR_MOVE_KEPT)
			want++;
	}
	if (!move.host || parts.count != want)
		return mr_fail(err, MR_E_PROTOCOL, _("mailReplMove \"%s\" makes no sense here"),
			       text);
	if (want >= 4)
		move.mailbox = mr_lower(arena, parts.items[3]);
	if (want == 5)
		move.until = parts.items[4];
	*out = move;
	return 0;
}
