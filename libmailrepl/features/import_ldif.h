/* The entries of an import as LDIF for slapadd, complete with what slapd itself would add, so that
 * the owned database and this host's copy get the same. */
#ifndef MR_FEATURES_IMPORT_LDIF_H
#define MR_FEATURES_IMPORT_LDIF_H

#include "features/import.h"
#include "features/stamp.h"

/* Writes the accounts (MR_UNIX) or routes (MR_MAIL) of the users of `host` into the files `owned`
 * and `copy` (NULL: no such), made 0600, for the databases of these suffixes. */
int mr_import_ldif_write(struct mr_import *import, const struct mr_host *host,
			 enum mr_service service, const struct mr_stamp *stamp,
			 const char *owned, const char *copy, struct mr_error *err) MR_MUST_CHECK;

#endif
