/* What Exim makes of an address, as it says with -bt: which routers take it, without a message. */
#ifndef MR_FEATURES_EXIM_ASK_H
#define MR_FEATURES_EXIM_ASK_H

#include "base/error.h"
#include "base/strings.h"

enum mr_exim_fate { MR_EXIM_ROUTED, MR_EXIM_UNDELIVERABLE, MR_EXIM_LATER };

struct mr_exim_answer {
	enum mr_exim_fate fate;
	/* What the address becomes, in lower case: first what it is turned into, last what goes to a transport; one
	 * that stays as it is: itself. Of several only the way of the first that Exim names. */
	struct mr_list ways;
	const char *why; /* undeliverable or later: what Exim says; else NULL */
};

/* Asks with the configuration `file`, NULL: the one in force. In the arena. MR_E_TEMPORARY, MR_E_SYSTEM: it could not be
 * asked; MR_E_CONFIG: what it says is no answer. */
int mr_exim_ask(struct mr_arena *arena, const char *file, const char *address,
		struct mr_exim_answer *out, struct mr_error *err) MR_MUST_CHECK;

/* The answer in what it has said. Pure. */
int mr_exim_answer_parse(struct mr_arena *arena, const char *text, struct mr_exim_answer *out,
			 struct mr_error *err) MR_MUST_CHECK;

#endif
