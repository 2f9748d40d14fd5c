/* The small members of an archive: everything but the databases. */
#ifndef MR_FEATURES_BACKUP_PARTS_H
#define MR_FEATURES_BACKUP_PARTS_H

#include <stdint.h>

#include "adapters/config.h"
#include "model/topology.h"

struct mr_backup_part {
	const char *name;
	const char *text; /* or, for a key: */
	struct mr_secret secret;
	size_t len;
	int64_t entries; /* of an LDIF; -1: it is none */
};

struct mr_backup_parts {
	struct mr_backup_part *items;
	size_t count, size;
};

/* What the archive for `peer` (NULL: the full one of this host) holds, in the archive's order; `key`,
 * the domain's backup key, unless it is empty.
 * Close them also on failure. MR_E_NOT_FOUND: a key or certificate that must be there is not. */
int mr_backup_parts_read(struct mr_arena *arena, const struct mr_config *config,
			 const struct mr_topology *topology, const char *peer,
			 const struct mr_secret *key, struct mr_backup_parts *out,
			 struct mr_error *err) MR_MUST_CHECK;
void mr_backup_parts_close(struct mr_backup_parts *parts); /* wipes the keys */
/* Both files of a peer are there. */
bool mr_backup_peer_known(const struct mr_config *config, const char *peer);

#endif
