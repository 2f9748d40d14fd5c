/* Importing users: what a file asks for, compared with the file itself, the topology and the
 * directory, and the steps that write it.
 *
 *	mr_import_check	   every problem there is, and what each user lacks; nothing is written
 *	mr_import_plan	   the steps for the users without a problem
 *
 * Each user ends as with cl-useradd: the account first, the route second; one who is there already
 * is left out, one who is half there is completed. Who owns them gives the uidNumbers, whose
 * high-water mark is raised, durably, before one is used.
 *
 * Few users are written through the owner's slapd. Many, at this host, are appended to copies of
 * its databases beside (features/import_offline.h), which is thirty times as fast. */
#ifndef MR_FEATURES_IMPORT_H
#define MR_FEATURES_IMPORT_H

#include "adapters/config.h"
#include "adapters/directory.h"
#include "features/account_request.h"
#include "features/import_file.h"
#include "features/import_index.h"
#include "model/plan.h"

/* So many new users at this host are appended beside; below that the fixed cost (slapd's
 * configuration loaded, databases copied, slapd restarted, consumers back after a second) is more
 * than what adding them one by one takes. */
#define MR_IMPORT_MANY 500

enum mr_import_state {
	MR_IMPORT_BAD,   /* has a problem */
	MR_IMPORT_NEW,   /* nothing in the directory has to do with it */
	MR_IMPORT_HALF,  /* the account is there as wanted, the route is missing */
	MR_IMPORT_DONE,  /* all is there */
	MR_IMPORT_OTHER, /* something else is there: decided as cl-useradd does */
};

struct mr_import_item {
	struct mr_import_user *user;
	struct mr_user_wanted wanted;
	enum mr_import_state state;
	const char *mailbox; /* mailRoutingAddress; NULL: none */
	long long uid_number;
	struct mr_secret hash; /* borrowed, empty: cannot log in; of a password: filled by a step */
	struct mr_plan plan;   /* MR_IMPORT_OTHER */
	bool touched, has_account, has_route;
	const char *account_mailbox, *route_mailbox;
};

struct mr_import {
	struct mr_arena *arena;
	const struct mr_config *config;
	struct mr_directory *dir;
	const struct mr_topology *topology;
	struct mr_import_file *file;
	struct mr_import_item *items; /* one per user of the file */
	struct mr_import_index *index;
	struct mr_secret hashes;          /* where hashes of passwords are put */
	struct mr_directory *again;       /* opened after slapd was restarted */
	size_t added, completed, skipped; /* users, set by mr_import_plan */
};

/* `host` is the owner of users for whom the file names none (NULL: this host). Problems are added
 * to `file` and sorted. -1 if the directory could not be asked. All arguments are borrowed until
 * mr_import_close. */
int mr_import_check(struct mr_arena *arena, const struct mr_config *config,
		    struct mr_directory *dir, const struct mr_topology *topology, const char *host,
		    struct mr_import_file *file, struct mr_import *out,
		    struct mr_error *err) MR_MUST_CHECK;
/* Steps for all users without a problem; none if all is there. */
void mr_import_plan(struct mr_import *import, struct mr_plan *plan);
void mr_import_close(struct mr_import *import); /* wipes the hashes; not the file */

/* The two entries of a user as they are written, in `arena`; the route NULL if there is no mailbox.
 */
struct mr_entry *mr_import_account(struct mr_arena *arena, const struct mr_import_item *item,
				   const char *container);
struct mr_entry *mr_import_route(struct mr_arena *arena, const struct mr_import_item *item,
				 const char *container);

/* Hashes the passwords of the users who need one, on all cores. */
int mr_import_hash(struct mr_import *import, struct mr_error *err) MR_MUST_CHECK;

#endif
