/* mail.synchronous: the folders of Postfix's queue with the flag S of chattr(1), as Debian's package sets it. */
#ifndef MR_FEATURES_QUEUE_FLAGS_H
#define MR_FEATURES_QUEUE_FLAGS_H

#include "adapters/config.h"
#include "model/plan.h"

/* A step if a folder's flag is not as the setting says. Where the file system has no flags the step warns, once each
 * rendering, and the queue stays as it is. None where mail is not managed. */
void mr_queue_flags_plan(struct mr_arena *arena, const struct mr_config *config,
			 struct mr_plan *plan);
/* For one folder. 1: it has the flag, 0: it has not, -1: the file system knows none (or there is no such folder). */
int mr_folder_is_synchronous(const char *folder);
int mr_folder_set_synchronous(const char *folder, bool wanted, struct mr_error *err) MR_MUST_CHECK;

#endif
