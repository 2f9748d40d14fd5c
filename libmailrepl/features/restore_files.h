/* The files of this host's own archive: configuration, templates, and keys where they are gone. */
#ifndef MR_FEATURES_RESTORE_FILES_H
#define MR_FEATURES_RESTORE_FILES_H

#include "features/restore.h"

/* Steps for what differs; `missing`: only for what is not there. Keys and certificates that are there
 * stay: they may be newer, and the directory knows them. So does a mailrepl.conf that names another home
 * than the archive's: what has been taken over stays so. No step holds a key: they are copied from the
 * unpacked archive by actions. */
int mr_restore_files(struct mr_arena *arena, struct mr_restore *restore, bool missing,
		     struct mr_plan *plan, struct mr_error *err) MR_MUST_CHECK;

#endif
