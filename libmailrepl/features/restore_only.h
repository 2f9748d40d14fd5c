/* Single users, groups and domains of an archive: what `cl-backup -r --only` was asked for. */
#ifndef MR_FEATURES_RESTORE_ONLY_H
#define MR_FEATURES_RESTORE_ONLY_H

#include "features/restore.h"

struct mr_restore_only {
	struct mr_list users, groups,
		domains; /* stored forms; an address stands for who has it in the archive */
	struct mr_list mailboxes; /* real addresses of the users there */
	struct mr_list owners;    /* users with an address in one of the domains */
};

/* Parses and looks for all of it in the unpacked archive. MR_E_USAGE: not of that form. MR_E_INVALID: not
 * a name, domain or address. MR_E_NOT_FOUND: the archive does not have it. */
int mr_restore_only_find(struct mr_arena *arena, const struct mr_restore *restore,
			 struct mr_restore_only *out, struct mr_error *err) MR_MUST_CHECK;

enum mr_restore_chosen {
	MR_RESTORE_NOT_CHOSEN,
	MR_RESTORE_CHOSEN,
	MR_RESTORE_IF_ABSENT, /* an account of a domain's user: it is not changed if it is there */
};
/* Is this entry of `service` among them? `only` NULL: all is chosen. What somebody who moved or was deleted has
 * left behind is not. */
enum mr_restore_chosen mr_restore_only_has(const struct mr_restore_only *only,
					   enum mr_service service, const struct mr_entry *entry);
/* Appends those members of a group of the archive that are chosen users (names in unix, real addresses in
 * mail). */
void mr_restore_only_members(struct mr_arena *arena, const struct mr_restore_only *only,
			     enum mr_service service, const struct mr_entry *group,
			     struct mr_list *out);
/* The attribute with a group's members. */
const char *mr_restore_member_attr(enum mr_service service);

#endif
