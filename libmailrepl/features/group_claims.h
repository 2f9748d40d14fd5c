/* Whether a group may have the names that it shall have. */
#ifndef MR_FEATURES_GROUP_CLAIMS_H
#define MR_FEATURES_GROUP_CLAIMS_H

#include "features/account_claims.h"
#include "features/group.h"

struct mr_group_wanted {
	struct mr_owner owner;
	enum mr_service service;
	const char *name;          /* stored form; NULL: it has one and keeps it */
	struct mr_list addresses;  /* stored form: those that it does not have yet */
	const char *self;          /* its name now, if it is there; else NULL */
};

/* Parses addresses as typed, appending them to `out`, each once. */
int mr_group_addresses_parse(const struct mr_group_view *view, const struct mr_list *typed,
			     struct mr_list *out, struct mr_error *err) MR_MUST_CHECK;

/* MR_E_EXISTS: the name or an address is claimed by a user or another group, or the address is held
 * for a user who is gone. Appends the steps that end holds whose time has passed. */
int mr_group_claims_check(const struct mr_group_view *view, const struct mr_group_wanted *wanted,
			  struct mr_plan *plan, struct mr_error *err) MR_MUST_CHECK;

/* *out = "<name>@<owner>", or "<name>-2@…" if that is a mailbox's or another group's, or was. */
int mr_group_routing_choose(const struct mr_group_view *view, const char *name, const char *owner,
			    const char **out, struct mr_error *err) MR_MUST_CHECK;

#endif
