/* The databases of this host, dumped and compressed once for all archives. */
#ifndef MR_FEATURES_BACKUP_DUMP_H
#define MR_FEATURES_BACKUP_DUMP_H

#include "features/backup_piece.h"
#include "features/instance.h"

#define MR_DUMPS 4

/* A database as it goes into the archives: one piece with the member's header, one with its data.
 */
struct mr_dump {
	const char *name; /* of the member */
	enum mr_service service;
	bool present;
	int64_t size, entries;
	char sha256[65];
	struct mr_piece head, data;
};

struct mr_dumps {
	struct mr_dump items[MR_DUMPS]; /* in the archive's order */
	struct mr_piece end;            /* what ends an archive: two blocks of zeros */
};

/* Dumps the databases that this host has, with files in `folder`; `time` is the members'. The
 * copies are dumped without this host's own container. Close them also on failure. */
int mr_dumps_create(const struct mr_config *config, const char *folder, int64_t time,
		    struct mr_dumps *out, struct mr_error *err) MR_MUST_CHECK;
void mr_dumps_close(struct mr_dumps *dumps);

#endif
