/* What the directory has to do with the users of a file. */
#ifndef MR_FEATURES_IMPORT_TOUCH_H
#define MR_FEATURES_IMPORT_TOUCH_H

#include "features/import.h"

/* Notes with each user whether the directory holds its own account and route just as wanted, and
 * marks as `touched` each of whom anything else in the directory has the name, an address or the
 * mailbox. Reads everything once if there are many users, else only what may match. A user whose
 * own entries hold another quota or lock than the file says gets a problem. */
int mr_import_touch(struct mr_import *import, struct mr_error *err) MR_MUST_CHECK;

#endif
