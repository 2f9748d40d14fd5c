/* What restores leave in the state folder: what is under way, and the archives of the states before.
 *
 * "restoring": what was begun and is not complete: "<word> <archive>", and on the next line the newest
 * archive of this host at that moment ("-": none): what was made after that is of the state before.
 * "restored": the paths of archives that were made before a restore, the last one last: undo returns to
 * it, and none of them is taken for the newest archive, since that would undo what was restored. */
#ifndef MR_FEATURES_RESTORE_RECORD_H
#define MR_FEATURES_RESTORE_RECORD_H

#include "features/restore.h"

struct mr_restore_record {
	const char *word;    /* "rejoin", "bare", "changes", "only" or "undo"; NULL: nothing is under way */
	const char *archive; /* its path */
	const char *newest;  /* a file's name, or NULL */
};

/* Of a restore as changes: "changes", "only" or "undo". */
const char *mr_restore_word(const struct mr_restore_request *request);

/* That there is none, or none that can be understood, is no error; one that cannot be read is. */
int mr_restore_record_read(struct mr_arena *arena, const struct mr_config *config,
			   struct mr_restore_record *out, struct mr_error *err) MR_MUST_CHECK;
/* The step that records it, and the one that says that all is done. */
int mr_restore_record_plan(struct mr_arena *arena, struct mr_restore *restore, const char *word,
			   struct mr_plan *plan, struct mr_error *err) MR_MUST_CHECK;
void mr_restore_record_end_plan(struct mr_arena *arena, struct mr_restore *restore,
				struct mr_plan *plan);

/* Archives made before a restore, oldest first. */
int mr_restore_before_list(struct mr_arena *arena, const struct mr_config *config,
			   struct mr_list *out, struct mr_error *err) MR_MUST_CHECK;
/* The step that makes one, for what the record says is under way: once, however often it is run. */
void mr_restore_before_plan(struct mr_arena *arena, struct mr_restore *restore,
			    struct mr_plan *plan);
/* *out = the archive that undo returns to. MR_E_NOT_FOUND: there is none, it is gone, or what was
 * interrupted had changed nothing yet. */
int mr_restore_undo_find(struct mr_arena *arena, const struct mr_config *config, const char **out,
			 struct mr_error *err) MR_MUST_CHECK;

#endif
