/* The look after an import: whom another host has given the same name or address meanwhile.
 *
 *	begin = now; mr_import_check(); the plan is applied
 *	mr_import_confirm()
 *
 * As features/claim_confirm.h says why; but of so many users nothing is taken back, and no filter
 * could name them all: each other host is asked once for what was changed there since, and that is
 * compared with the file. */
#ifndef MR_FEATURES_IMPORT_CONFIRM_H
#define MR_FEATURES_IMPORT_CONFIRM_H

#include "features/import.h"

#define MR_IMPORT_CLOCKS 60 /* seconds that the hosts' clocks may differ */

/* Appends a sentence to `out` for each user who was written and has a rival, at most 20 a host. Who
 * does not answer within 3 seconds has none. `begin`: seconds of the epoch, before the check. */
void mr_import_confirm(const struct mr_import *import, long long begin, struct mr_list *out);

#endif
