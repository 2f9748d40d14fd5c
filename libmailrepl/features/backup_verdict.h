/* Archives read from the first byte to the last: what each is, and what is wrong with it. Needs no
 * server and no host that is set up. */
#ifndef MR_FEATURES_BACKUP_VERDICT_H
#define MR_FEATURES_BACKUP_VERDICT_H

#include "features/backup.h"

struct mr_backup_verdict {
	const char *path;
	int64_t size; /* of the file; -1: it is not there */
	/* As far as it could be read: `host` NULL if not even that; no members. */
	struct mr_manifest manifest;
	int64_t entries;         /* of all its databases; -1: it could not be read that far */
	const char *fault;       /* NULL: it is sound */
	enum mr_error_code code; /* of the fault */
};

/* Reads one with everything that mr_backup_read can check, under `key` (empty: under its own). A fault
 * is no failure. Memory does not grow with the archive. */
void mr_backup_verdict(struct mr_arena *arena, const struct mr_secret *key, const char *path,
		       struct mr_backup_verdict *out);

/* Paths of the archives in the configured folder, in the order of their names: all, or the newest of
 * them with those that were made by the same run. MR_E_NOT_FOUND: there is none. */
int mr_backup_paths(struct mr_arena *arena, const struct mr_config *config, bool all,
		    struct mr_list *out, struct mr_error *err) MR_MUST_CHECK;
/* A name without a slash that is no file here is one of the configured folder. */
const char *mr_backup_find(struct mr_arena *arena, const struct mr_config *config,
			   const char *name);

#endif
