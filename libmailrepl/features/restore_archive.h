/* Which archive a restore is from. */
#ifndef MR_FEATURES_RESTORE_ARCHIVE_H
#define MR_FEATURES_RESTORE_ARCHIVE_H

#include "features/restore.h"

/* Unpacks the one that was asked for, otherwise the one that an interrupted run had begun with, otherwise the
 * newest that this host made itself and that was not made before a restore; sets folder, archive, topology,
 * and where a run that loads databases is completed resumed and which. restore->config.host must be
 * set. Errors as mr_restore_plan. */
int mr_restore_archive_take(struct mr_arena *arena, struct mr_restore *restore,
			    struct mr_error *err) MR_MUST_CHECK;

#endif
