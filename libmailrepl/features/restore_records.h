/* The entries that an unpacked archive holds of what its maker owned. */
#ifndef MR_FEATURES_RESTORE_RECORDS_H
#define MR_FEATURES_RESTORE_RECORDS_H

#include "features/restore.h"

/* One record at a time; `arena` is emptied after each. -1 ends it. */
typedef int (*mr_restore_record_user)(void *context, struct mr_arena *arena,
				      const struct mr_entry *entry, struct mr_error *err);

/* All of a service in the archive's order, parents before children; none if the archive has no such
 * member. `arena`: for names. */
int mr_restore_records(struct mr_arena *arena, const struct mr_restore *restore,
		       enum mr_service service, mr_restore_record_user use, void *context,
		       struct mr_error *err) MR_MUST_CHECK;

#endif
