/* Restoring this host from an archive that it made itself. Which case it is, is told by what is
 * there and who answers, never guessed:
 *
 * - alive: this host's databases are there. Nothing in them is older than the archive, so nothing is
 *   loaded: what came, changed or went since is counted, and files that are missing come back.
 * - roll back (asked for: authoritative, or undo): the same, but what this host owns returns to the
 *   archive's state as LDAP changes, so that no old change sequence number enters a copy anywhere.
 *   Files return, too; those that came since stay. Never rolled back: serverIDs and their high-water
 *   mark, epoch, generation, states, uidNumbers given out, and who the home is; hosts that came since
 *   stay, hosts that are gone since are invited again with a new serverID; mail domains are added,
 *   never removed. What cannot return without harm to somebody else stays as it is, and is named: an
 *   address, a name or a number that another host has given out meanwhile, a mailbox that is moving.
 * - only (asked for): the same for single users, groups, or a domain. They are brought back and
 *   changed back; what came since goes only if authoritative, too. Anything in the way is an error.
 * - rejoin: a database is gone, and among the hosts that answer is a copy of all that this host
 *   owned: it joins again (features/join.h), refilled from the copy that knows most of it; the
 *   archive gives the files.
 * - bare metal: a database is gone and nobody answers, or (authoritative) nobody who has a copy:
 *   loaded from the archive as a new truth, which all others follow when they come.
 *
 * Keys and certificates that are there stay. Before databases or files are rolled back an ordinary archive
 * is made, which undo returns to. What is under way is recorded (features/restore_record.h), so that
 * a run after a kill completes what the first one began. */
#ifndef MR_FEATURES_RESTORE_H
#define MR_FEATURES_RESTORE_H

#include "features/backup.h"

enum mr_restore_case {
	MR_RESTORE_ALIVE,
	MR_RESTORE_ROLL_BACK,
	MR_RESTORE_ONLY,
	MR_RESTORE_REJOIN,
	MR_RESTORE_BARE,
};

struct mr_restore_request {
	const char *
		archive; /* a path, or a file's name in the configured folder; NULL: the newest that
				was not made before a restore */
	bool authoritative, undo;
	const struct mr_age_seal *seal; /* of the archive of the state before; NULL: in the clear */
	struct mr_list only; /* "user:NAME", "group:NAME", "domain:NAME" or an address, as typed */
};

struct mr_restore {
	struct mr_restore_request request; /* to be set; all else starts as { 0 } */
	enum mr_restore_case which;
	bool resumed;  /* completes what an interrupted run began */
	bool new_host; /* mailrepl.conf did not name this host */
	struct mr_backup archive;
	struct mr_config config;     /* the archive's where this host has none */
	struct mr_topology topology; /* the archive's */
	struct mr_topology wanted;   /* on the home: what the topology becomes */
	const char *folder;          /* the unpacked archive */
	struct mr_directory *dir;    /* where the databases are there and slapd runs */
	/* Since the archive, in words ("mailbox anna"): what came, changed, went. `kept`: what stays as it is
	 * all the same, with the reason. Not among them: hosts, domains and files. */
	struct mr_list came, changed, went, kept;
	struct mr_list besides; /* what the steps do that the lists above do not name, in order */
	/* Of the other hosts that the archive knows: who answers, and has a copy or has not; who does not. */
	struct mr_list copies, without, silent;
};

/* Picks and unpacks the archive, tells the case apart, returns the steps; none if there is nothing to
 * do, in the case "alive" also if something differs. `restore` must outlive the plan; close it also on
 * failure. The caller holds MR_PATH_LOCK. MR_E_NOT_FOUND: no archive, nothing to undo, or something of
 * `only` is not in it. MR_E_ARCHIVE: not this host's. MR_E_DENIED: a host is alive, but does not accept
 * this host's certificate. MR_E_UNAVAILABLE: hosts answer, but none that has a copy of what this host
 * owned; or slapd must run. MR_E_EXISTS: something of `only` is in somebody's way. MR_E_CONFIG: a
 * part is wanted, but the databases are gone. */
int mr_restore_plan(struct mr_arena *arena, const struct mr_config *config,
		    struct mr_restore *restore, struct mr_plan *plan,
		    struct mr_error *err) MR_MUST_CHECK;
void mr_restore_close(struct mr_restore *restore);            /* removes the unpacked archive */
const char *mr_restore_case_word(enum mr_restore_case which); /* "bare-metal", for --json */
const char *mr_restore_case_text(enum mr_restore_case which); /* sentences for people */

#endif
