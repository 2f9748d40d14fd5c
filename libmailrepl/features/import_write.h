/* Writing imported users through their owner's slapd, one after the other. */
#ifndef MR_FEATURES_IMPORT_WRITE_H
#define MR_FEATURES_IMPORT_WRITE_H

#include "features/import.h"

/* Gives each new user of `host` (whose steps it writes) a uidNumber from the owner's range: the
 * high-water mark is raised by their number in one durable write first, so that a run that is
 * killed wastes numbers and never gives one twice. MR_E_INVALID: the range has not so many left. */
int mr_import_number(struct mr_import *import, const struct mr_host *host,
		     struct mr_error *err) MR_MUST_CHECK;
/* Adds the account and the route of each new or half-made user of `host`. */
int mr_import_write(struct mr_import *import, const struct mr_host *host,
		    struct mr_error *err) MR_MUST_CHECK;
/* Is to be written at `host`. */
bool mr_import_is_at(const struct mr_import_item *item, const struct mr_host *host);

#endif
