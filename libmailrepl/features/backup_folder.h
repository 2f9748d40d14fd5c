/* A folder of archives that is gone, because nothing is mounted there, must not be made anew on the machine's own disk, where nobody
 * looks for archives and where they are lost with the machine. */
#ifndef MR_FEATURES_BACKUP_FOLDER_H
#define MR_FEATURES_BACKUP_FOLDER_H

#include "adapters/config.h"

/* MR_E_NOT_FOUND: archives were written to the configured folder, and it is not there. */
int mr_backup_folder_check(const struct mr_config *config, struct mr_error *err) MR_MUST_CHECK;
/* Remembers that archives were written there. */
int mr_backup_folder_record(const struct mr_config *config, struct mr_error *err) MR_MUST_CHECK;

#endif
