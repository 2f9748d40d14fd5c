/* The records of an LDIF member, one after the other. */
#ifndef MR_FEATURES_BACKUP_ENTRIES_H
#define MR_FEATURES_BACKUP_ENTRIES_H

#include "adapters/ldif.h"
#include "features/backup.h"

/* The base of a database's member, which comes first in it; NULL: it is none. */
const char *mr_backup_base(struct mr_arena *arena, const struct mr_manifest *manifest,
			   const char *name);
/* Reads `ldif` to its end: every record is well-formed and has a DN below `base`, the first one is
 * the base itself. *count is their number. Memory: one record. MR_E_ARCHIVE. */
int mr_backup_entries_check(struct mr_ldif *ldif, const char *name, const char *base,
			    int64_t *count, struct mr_error *err) MR_MUST_CHECK;

#endif
