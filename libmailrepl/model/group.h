/* A group of accounts, as the system knows it. (A group that mail is sent to: model/mailbox.h.) */
#ifndef MR_MODEL_GROUP_H
#define MR_MODEL_GROUP_H

#include "base/entry.h"

/* cn=<name>,<container of the owner in unix>: posixGroup */
struct mr_unix_group {
	const char *name;
	long long gid_number;   /* 0: not allocated yet */
	struct mr_list members; /* memberUid: user names; may be empty */
};

/* Formatting leaves out gidNumber while gid_number is 0. Parsing: MR_E_PROTOCOL with the DN for an
 * entry that lacks what it must have. */
struct mr_entry *mr_unix_group_format(struct mr_arena *arena, const struct mr_unix_group *group,
				      const char *container);
int mr_unix_group_parse(struct mr_arena *arena, const struct mr_entry *entry,
			struct mr_unix_group *out, struct mr_error *err) MR_MUST_CHECK;

#endif
