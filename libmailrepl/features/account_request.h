/* What is asked for, checked without looking at a directory. */
#ifndef MR_FEATURES_ACCOUNT_REQUEST_H
#define MR_FEATURES_ACCOUNT_REQUEST_H

#include "features/account.h"

struct mr_user_wanted {
	const char *user;
	struct mr_list addresses; /* stored form, each once, as typed otherwise */
	const char *full_name;    /* NULL: not asked for */
	const struct mr_host *owner;
	const char *step_host; /* for steps: NULL if this host is the owner */
	bool mailbox, shell;
	bool exists; /* the user is there: only the addresses must be free, not the name */
};

/* Appends an address of a user in its stored form, unless it is there. MR_E_INVALID: malformed, of a
 * domain that is none of ours (the known ones are named), or a role address. */
int mr_user_address_parse(struct mr_arena *arena, const struct mr_topology *topology, const char *text,
			  struct mr_list *out, struct mr_error *err) MR_MUST_CHECK;

/* Errors as mr_account_add_plan. */
int mr_user_wanted_parse(struct mr_arena *arena, const struct mr_topology *topology,
			 const char *self, const struct mr_user_request *request,
			 struct mr_user_wanted *out, struct mr_error *err) MR_MUST_CHECK;

#endif
