/* Users, groups, and what users have left behind, from this host's copies, one after the other in
 * the order of the directory.
 *
 * Memory does not grow with what a row holds: of an ordinary mailbox eight bytes are kept, by which
 * its account is known to belong to it; only what is out of the ordinary (a route with a forward, a
 * lock or a move, one whose account is missing or says something else) is kept whole. So each
 * database is read once. */
#ifndef MR_FEATURES_USERLIST_H
#define MR_FEATURES_USERLIST_H

#include "adapters/directory.h"
#include "model/mailbox.h"
#include "model/topology.h"

enum mr_user_kind { MR_LIST_USER, MR_LIST_GROUP, MR_LIST_FORMER, MR_LIST_HELD };
const char *mr_user_kind_word(enum mr_user_kind kind); /* "user", "group", "former", "held" */

struct mr_userlist_row {
	enum mr_user_kind kind;
	const char *name;
	const char *full_name; /* NULL: none, or not known here (a relay) */
	const char *owner;
	unsigned services; /* of a user: MR_MAIL: has a mailbox; MR_UNIX: has a login shell */
	struct mr_list addresses;
	const char *mailbox;               /* mailRoutingAddress, or NULL */
	struct mr_list forward;            /* of a group: its members; without the mailbox itself */
	bool keep;                         /* forwarded, and kept too */
	bool locked, no_account, no_route; /* the last two: half there */
	enum mr_access access;
	const char *held_until, *move; /* or NULL */
	long long quota;               /* bytes; 0: none */
	const char *hash;              /* with `hashes`, or NULL */
};

struct mr_userlist {
	const char *domain;  /* has an address of this domain; NULL: any, and so on */
	const char *host;    /* is owned by it */
	const char *pattern; /* name or an address matches (fnmatch(3)), without regard to case */
	bool users, groups;  /* which kinds; users with what they have left behind */
	unsigned services;   /* of users: at least one of these */
	bool hashes;         /* read the password hashes */
};

/* The state in words, as for people: "locked", "deferred", "forwarded", "moving", … joined by
 * commas;
 * "" for an ordinary one. */
const char *mr_userlist_state(struct mr_arena *arena, const struct mr_userlist_row *row);

/* -1 ends the listing. The row is gone after the call. */
typedef int (*mr_userlist_visitor)(void *context, const struct mr_userlist_row *row,
				   struct mr_error *err);
/* Calls `visit` for each row. */
int mr_userlist_visit(struct mr_directory *dir, const struct mr_userlist *list,
		      mr_userlist_visitor visit, void *context, struct mr_error *err) MR_MUST_CHECK;

#endif
