/* The archives in the configured folder: what each is, and whether it is sound; and which of them go.
 *
 * Archives with the same names but for their times are a series: "mail1.lan", "mail1.lan-for-relay.lan". Of each series the newest
 * ones, and one a day, a week, … stay (model/keep.h). */
#ifndef MR_FEATURES_BACKUP_LIST_H
#define MR_FEATURES_BACKUP_LIST_H

#include "features/backup.h"
#include "model/keep.h"

enum mr_archive_state {
	MR_ARCHIVE_GOOD,   /* its manifest, or with `thorough` all of it, was read and is sound */
	MR_ARCHIVE_SEALED, /* nothing here opens it: what is said of it is from its name */
	MR_ARCHIVE_BAD,    /* `fault` says why */
};

struct mr_archive_item {
	struct mr_backup
		archive; /* sealed or bad: of the manifest host, for_host and created alone, from the name, if it is one */
	const char *
		series; /* from the name; NULL: it is not named as an archive is, or its manifest says otherwise */
	enum mr_archive_state state;
	bool sealed; /* also if it was opened */
	const char *fault;
};

struct mr_archive_list {
	struct mr_archive_item *items; /* in the order of their names, oldest first */
	size_t count;
};

/* Without `thorough` the manifest alone is read, of a sealed archive all, and no passphrase is asked for. An archive that is not sound is no error; a folder that
 * is not there is one (MR_E_NOT_FOUND), since it may be one that is not mounted. */
int mr_backup_list(struct mr_arena *arena, const struct mr_config *config, bool thorough,
		   struct mr_archive_list *out, struct mr_error *err) MR_MUST_CHECK;

struct mr_prune {
	const struct mr_keep *keep;
	const char *domain_id; /* archives of another domain are not touched */
	int64_t now;
	/* Series that get a new archive before the plan's next step: no other is touched. NULL: all, but an archive goes only if the
	 * newest that stays of its series was read through and is sound. */
	const struct mr_list *fresh;
};

/* Appends a step for each archive that goes; their names in `gone`. What is sealed and cannot be opened here goes and stays by its
 * name; what is bad, or no archive of ours, is never touched, nor is one that an undo (features/restore_record.h) needs. */
int mr_prune_plan(struct mr_arena *arena, const struct mr_config *config,
		  const struct mr_prune *prune, struct mr_plan *plan, struct mr_list *gone,
		  struct mr_error *err) MR_MUST_CHECK;
/* The series of the archive that `host` makes for `for_host` (NULL: its full one). */
const char *mr_backup_series(struct mr_arena *arena, const char *host, const char *for_host);

#endif
