/* The pieces of one archive of format 2, in their order: the manifest's stream, the small members,
 * the databases, the end. */
#ifndef MR_FEATURES_BACKUP_PIECES_H
#define MR_FEATURES_BACKUP_PIECES_H

#include "features/backup.h"
#include "features/backup_dump.h"
#include "features/backup_parts.h"

struct mr_pieces {
	struct mr_piece manifest, parts; /* its own */
	const struct mr_piece *all[2 * MR_DUMPS + 3];
	size_t count;
};

/* Whose databases and keys those are: what all archives of a run share. */
struct mr_pieces_common {
	const char *folder; /* for files without a name */
	const struct mr_topology *topology;
	const struct mr_secret *key;  /* the domain's backup key; empty: none */
	const struct mr_dumps *dumps; /* must outlive the pieces */
};

/* Compresses `parts`, completes `manifest`, whose members are filled in, by what follows it and by
 * the HMAC, and compresses that. Of the dumps those go in that are among the members. The parts are
 * proven, the manifest is parsed and compared with the topology. `out` (start as { 0 }): close it
 * also on failure. */
int mr_pieces_make(struct mr_arena *arena, const struct mr_pieces_common *common,
		   const struct mr_backup_parts *parts, struct mr_manifest *manifest,
		   struct mr_pieces *out, struct mr_error *err) MR_MUST_CHECK;
/* Appends all to `fd`. */
int mr_pieces_write(const struct mr_pieces *pieces, int fd, struct mr_error *err) MR_MUST_CHECK;
/* MR_E_IO unless all that `fd` holds from its beginning are these pieces. */
int mr_pieces_compare(const struct mr_pieces *pieces, int fd, struct mr_error *err) MR_MUST_CHECK;
void mr_pieces_close(struct mr_pieces *pieces);

#endif
