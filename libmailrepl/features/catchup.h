/* A copy that catches up with thousands of changes. Durable one by one they take a minute for ten
 * thousand users, nearly all of it spent with writing pages that the next entry changes again. So
 * slapd writes them without waiting for the disk (olcDbNoSync), and all is made durable at the end:
 *
 *	mr_catchup_begin   a snapshot of the copy, durable; then slapd stops waiting
 *	mr_catchup_renew   a newer snapshot in its place: what the copy has now is durable
 *	mr_catchup_end	   slapd waits again, the database is made durable, the snapshot goes
 *	mr_catchup_recover before slapd starts
 *
 * LMDB's file cannot be trusted if the machine goes down in between; slapd alone may die, since the
 * kernel has what it wrote. So the snapshot, which is what slapcat says, bears the boot's id: after
 * another boot the copy is made from it again, and has what it had before, contextCSNs too; what
 * came later comes again from the owners. Only for copies: an owned database has no other truth. */
#ifndef MR_FEATURES_CATCHUP_H
#define MR_FEATURES_CATCHUP_H

#include "adapters/config.h"
#include "adapters/directory.h"
#include "model/topology.h"

/* So many changes behind one owner are many, or 1/100 of the copy if that is more: a snapshot must
 * cost less than it saves. */
#define MR_CATCHUP_MANY 1000
#define MR_CATCHUP_PART 100

/* A snapshot is there: slapd may be writing without waiting. */
bool mr_catchup_running(const struct mr_config *config, enum mr_service service);
/* How many changes are many for this host's copy; judged by the size of its file. */
int mr_catchup_many(const struct mr_config *config, enum mr_service service);

/* `dir` is this host's slapd. Look-ups wait while slapd changes its settings: some milliseconds, but
 * as long as five seconds (the timeout of its consumers) if it waits for a provider that hangs, or has just ended a
 * refresh: choose the moment. Done twice it changes nothing
 * the second time. After a failure the copy is as it was, or as between begin and end. */
int mr_catchup_begin(const struct mr_config *config, struct mr_directory *dir,
		     enum mr_service service, struct mr_error *err) MR_MUST_CHECK;
int mr_catchup_renew(const struct mr_config *config, enum mr_service service,
		     struct mr_error *err) MR_MUST_CHECK;
int mr_catchup_end(const struct mr_config *config, struct mr_directory *dir,
		   enum mr_service service, struct mr_error *err) MR_MUST_CHECK;
/* For before slapd starts. Nothing is done if nothing was begun, or in this boot. If it fails slapd
 * must not start: it could die of the file, or serve half of it. */
int mr_catchup_recover(const struct mr_config *config, struct mr_error *err) MR_MUST_CHECK;

#endif
