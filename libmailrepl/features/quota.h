/* How much each mailbox of this host may hold, as Dovecot reads it: MR_PATH_QUOTA, a passwd-file(5)
 * of Dovecot's with a line for each account that has a limit of its own. A delivery thus depends on
 * no slapd, and Dovecot reads the file anew when it has changed, without a reload.
 *
 *	user1@mail1.lan:::::::userdb_quota_rule=*:bytes=1048576
 *
 * mailrepl-watch keeps it: it asks slapd how far the accounts are at each look and writes the file
 * when they have changed. */
#ifndef MR_FEATURES_QUOTA_H
#define MR_FEATURES_QUOTA_H

#include "adapters/config.h"
#include "adapters/directory.h"

/* The file's text. Accounts without mailbox or limit, and entries that are no account, are left
 * out; so is a mailbox whose id could not stand in a line. Sorted. */
const char *mr_quota_format(struct mr_arena *arena, const struct mr_entries *accounts);

/* Writes the file if what this host owns (over `dir`) makes another of it. */
int mr_quota_write(const struct mr_config *config, struct mr_directory *dir,
		   struct mr_error *err) MR_MUST_CHECK;
bool mr_quota_written(const struct mr_config *config); /* the file is there */

#endif
