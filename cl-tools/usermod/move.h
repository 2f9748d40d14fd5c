/* cl-usermod --host and --abort: a mailbox moves to another host, or stays. */
#ifndef CL_USERMOD_MOVE_H
#define CL_USERMOD_MOVE_H

#include "common/cl.h"

struct usermod_move {
	const char *user; /* as typed */
	const char *host; /* as typed; NULL: abort */
	bool remove_old;  /* the old mail is not kept for some days */
};

/* Offers the mailbox, or gives the move up, and waits until that is done. The caller's option sets
 * context->reads: a move takes minutes, and the command's lock would keep both this host's worker
 * and every other command waiting. */
int usermod_move_run(struct cl_context *context, const struct usermod_move *move,
		     struct mr_error *err) MR_MUST_CHECK;

#endif
