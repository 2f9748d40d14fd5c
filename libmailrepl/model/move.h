/* How far a mailbox is on its way to another host: the text of mailReplMove, on the entry of the
 * host that gives it away, which alone writes it.
 *
 *	copying   offered to the other host, which copies; the mailbox is in use
 *	held      nobody changes it any more: mail for it waits in the queue, nobody is logged in
 *	adopting  the other host has all of it and makes it its own: there is no way back
 *	moved     the other host has it; the old entry points there
 *	kept      every host knows that; the old mail is kept aside for some days
 *	aborting  it stays; what was begun is put back */
#ifndef MR_MODEL_MOVE_H
#define MR_MODEL_MOVE_H

#include "base/strings.h"

enum mr_move_phase {
	MR_MOVE_COPYING,
	MR_MOVE_HELD,
	MR_MOVE_ADOPTING,
	MR_MOVE_MOVED,
	MR_MOVE_KEPT,
	MR_MOVE_ABORTING,
};

struct mr_move {
	const char *host; /* the new owner */
	enum mr_move_phase phase;
	long long days;      /* that the old mail is kept; 0: it is removed as soon as all know */
	const char *mailbox; /* adopting, moved, kept: its real address there; else NULL */
	const char *until;   /* kept: until when, generalized time; else NULL */
};

const char *mr_move_word(enum mr_move_phase phase);
/* "mail2.lan copying 7", "mail2.lan adopting 7 user1@mail2.lan", "mail2.lan kept 7 user1@mail2.lan
 * 20261128120000Z" */
char *mr_move_format(struct mr_arena *arena, const struct mr_move *move);
/* MR_E_PROTOCOL for what mr_move_format does not make, as a newer version's phase. */
int mr_move_parse(struct mr_arena *arena, const char *text, struct mr_move *out,
		  struct mr_error *err) MR_MUST_CHECK;
/* True until the new owner has it, or it stays. */
bool mr_move_is_busy(enum mr_move_phase phase);
/* True while commands must leave the user's entries alone: held, adopting, aborting. */
bool mr_move_is_fixed(enum mr_move_phase phase);

#endif
