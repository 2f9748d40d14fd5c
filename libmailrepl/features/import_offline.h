/* Appending many users to what this host owns: to copies of its databases beside, by slapadd -q,
 * which then take the databases' place while slapd is stopped for a moment. The databases are
 * durable at every instant: killed or without power, it is the old ones or the new ones, the
 * accounts' before the routes'.
 *
 * Nothing that is written meanwhile is lost: LMDB writes one of the first two pages of its file
 * with each commit, and if these have changed between the beginning of the copying and slapd's end,
 * the copy is made again; at last with slapd stopped all the time.
 *
 * This host's copies are filled in the same way, with the same entryUUIDs and change sequence
 * numbers, if they were in step; the other hosts' through syncrepl: the new contextCSN is newer
 * than what they have. */
#ifndef MR_FEATURES_IMPORT_OFFLINE_H
#define MR_FEATURES_IMPORT_OFFLINE_H

#include "features/import.h"

/* Writes the users of `self`, which is this host. slapd runs when this returns, also after a
 * failure; the connection import->dir is then dead. MR_E_TEMPORARY: the clock is behind what the
 * directory has seen. */
int mr_import_append(struct mr_import *import, const struct mr_host *self,
		     struct mr_error *err) MR_MUST_CHECK;
/* After a run that was killed: starts slapd if it does not run, and removes the folder beside,
 * which may hold the databases of before. Nothing is done if there is no such folder, or while
 * another command holds the lock. */
int mr_import_recover(const struct mr_config *config, struct mr_error *err) MR_MUST_CHECK;

#endif
