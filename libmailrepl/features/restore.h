/* Restoring this host from the newest valid archive that it made itself.
 *
 * - This host's owned databases are there: what the archive says is applied as LDAP changes to what
 * this host owns, so that no old change sequence number enters a copy anywhere. Never rolled back:
 * serverIDs and their high-water mark, epoch, generation and states; hosts that came since stay,
 * hosts that are gone since are invited again with a new serverID; mail domains are added, never
 * removed.
 * - They are absent and another provider answers: the host joins again (features/join.h), so they
 * are refilled from the copies of the peer that knows most of us; the archive gives the files.
 * - They are absent and nobody answers (the whole domain is gone): loaded from the archive as a new
 * truth.
 *
 * Keys and certificates that are there stay. Which of the two latter cases it is, and the archive,
 * are recorded as long as they are under way, so that a run after a kill completes what the first
 * one began. */
#ifndef MR_FEATURES_RESTORE_H
#define MR_FEATURES_RESTORE_H

#include "features/backup.h"

enum mr_restore_case { MR_RESTORE_CHANGES, MR_RESTORE_REJOIN, MR_RESTORE_BARE };

struct mr_restore {
	enum mr_restore_case which;
	struct mr_backup archive;
	struct mr_config config;     /* the archive's where this host has none */
	struct mr_topology topology; /* the archive's */
	struct mr_topology wanted;   /* MR_RESTORE_CHANGES on the home: what the topology becomes */
	const char *folder;          /* the unpacked archive */
	struct mr_directory *dir;    /* MR_RESTORE_CHANGES */
};

/* Picks and unpacks the archive, tells the case apart, returns the steps; none if everything is as
 * the archive says. `restore` (start as { 0 }) must outlive the plan; close it also on failure. The
 * caller holds MR_PATH_LOCK. MR_E_NOT_FOUND: no archive. MR_E_DENIED: a peer is alive, but does not
 * accept this host's certificate. */
int mr_restore_plan(struct mr_arena *arena, const struct mr_config *config,
		    struct mr_restore *restore, struct mr_plan *plan,
		    struct mr_error *err) MR_MUST_CHECK;
void mr_restore_close(struct mr_restore *restore);            /* removes the unpacked archive */
const char *mr_restore_case_text(enum mr_restore_case which); /* a sentence for people */

#endif
