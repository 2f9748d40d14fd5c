/* What a copy starts with when its host's owned database was loaded as a new truth: the same entries,
 * with the entryUUIDs and CSNs that slapadd has just given them. Filled by replication it would take
 * as long as so many durable writes, and until then nobody's mail could come in. Where both are gone both
 * are filled at the same time, with entryUUIDs and CSNs that are chosen here. */
#ifndef MR_FEATURES_RESTORE_SEED_H
#define MR_FEATURES_RESTORE_SEED_H

#include "features/backup.h"
#include "features/instance.h"

struct mr_restore_seed {
	struct mr_backup_source source;
	const struct mr_config *config;
	enum mr_database owned; /* that of the service */
};

/* A writer for mr_database_load, of the copy: the other hosts' containers as they are in the archive,
 * then this host's as it is in its owned database. A host that owns none gets the others alone. slapd
 * must not run. */
int mr_restore_write_copy(void *seed, int fd, struct mr_error *err);
/* The same of the owned database, without operational attributes (a `fresh` seed); and of both, with
 * the same ones. */
int mr_restore_write_owned(void *seed, int fd, struct mr_error *err);
int mr_restore_write_both(void *seed, int owned, int copy, struct mr_error *err);

#endif
