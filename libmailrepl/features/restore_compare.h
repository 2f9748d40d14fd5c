/* What this host owns beside what an archive says of it. */
#ifndef MR_FEATURES_RESTORE_COMPARE_H
#define MR_FEATURES_RESTORE_COMPARE_H

#include "features/restore_only.h"

enum mr_restore_kind {
	MR_RESTORE_CAME,    /* is there, not in the archive */
	MR_RESTORE_CHANGED, /* is another */
	MR_RESTORE_WENT,    /* is in the archive alone */
	MR_RESTORE_LEFT,    /* a group that chosen users were members of, and are no more */
};

struct mr_restore_difference {
	enum mr_restore_kind kind;
	enum mr_service service;
	const char *dn; /* in the owned database */
	const char
		*label; /* "mailbox anna", "account anna", "mail group x", "group x", or the DN */
	struct mr_entry
		*wanted; /* CHANGED, WENT: the archive's, without password and without what slapd
				    keeps by itself */
	bool content, password; /* CHANGED: what is another; WENT: whether it has a password */
	struct mr_list members; /* LEFT */
	const char *kept;       /* why it stays as it is; NULL: it returns */
};

struct mr_restore_differences {
	struct mr_restore_difference *items;
	size_t count, size;
};

/* Appends all differences of what is chosen (`only` NULL: all), accounts first. `came`: with
 * MR_RESTORE_CAME. What is moving to another host, or was when the archive was made, is kept. Never among them:
 * the containers with their counters, hosts and domains. */
int mr_restore_compare(struct mr_arena *arena, struct mr_restore *restore,
		       const struct mr_restore_only *only, bool came,
		       struct mr_restore_differences *out, struct mr_error *err) MR_MUST_CHECK;
/* A copy without password and without what slapd keeps by itself. */
struct mr_entry *mr_restore_entry(struct mr_arena *arena, const struct mr_entry *from);

#endif
