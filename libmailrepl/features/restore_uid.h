/* After an archive has become the truth for all hosts (MR_RESTORE_BARE): nobody is left who knows
 * which uidNumbers were given out after it was made, and files may still belong to them. So this
 * host goes on counting MR_UID_GAP above all that the archive knows; only an owner that has given
 * out more than that since can give one twice. */
#ifndef MR_FEATURES_RESTORE_UID_H
#define MR_FEATURES_RESTORE_UID_H

#include "features/restore.h"

#define MR_UID_GAP 1000

/* Where counting goes on, as an index in the range of the host with `server_id`: the gap above the
 * container's mark and every uidNumber in `path` (unix-owned.ldif); without the gap where the range
 * would end. MR_E_ARCHIVE: it cannot be read. */
int mr_restore_uid_mark(const char *path, unsigned server_id, long long *out,
			struct mr_error *err) MR_MUST_CHECK;

/* The step that raises this host's mark to that, and notes that nobody else needs to be heard
 * (features/heard.h): there is no older truth than this one any more. `restore` must outlive the
 * plan. */
void mr_restore_uid_plan(struct mr_arena *arena, struct mr_restore *restore, struct mr_plan *plan);

#endif
