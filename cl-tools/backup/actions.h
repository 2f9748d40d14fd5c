/* What cl-backup does: one action per run. Its row is in cl-backup.c, its handlers are in a file of its own here. */
#ifndef CL_BACKUP_ACTIONS_H
#define CL_BACKUP_ACTIONS_H

#include "common/cl.h"
#include "features/restore.h"

/* Options that go with an action. */
enum backup_key { BACKUP_AUTHORITATIVE = 300, BACKUP_ONLY, BACKUP_UNDO };

/* What was asked for; context->data of every handler. */
struct backup {
	const struct backup_action *action; /* the row without a key: make archives */
	const char *value; /* of the action's option, as typed; NULL: it takes none */
	const char *restoring; /* an option that goes with -r; NULL: none was given */
	struct mr_restore_request restore;
};

struct backup_action {
	int key;          /* of its option; 0: what is done without one */
	const char *name; /* "-r", "--list": for messages */
	bool reads;       /* changes nothing: takes no lock */
	int most;         /* number of operands */
	/* Looks at options and operands before anything is opened; may be NULL. */
	int (*check)(struct cl_context *context, struct mr_error *err);
	int (*run)(struct cl_context *context, struct mr_error *err);
};

/* create.c: no option */
int backup_create_run(struct cl_context *context, struct mr_error *err);
/* restore.c: -r; an option that goes with it is taken, false: it is none. */
bool backup_restore_option(struct cl_context *context, int key, const char *value);
int backup_restore_check(struct cl_context *context, struct mr_error *err);
int backup_restore_run(struct cl_context *context, struct mr_error *err);

/* value.c: {"path", "size", "host", "for" (absent: the host itself), "created", "generation"}, for --json. */
struct mr_value *backup_archive_value(struct mr_arena *arena, const struct mr_backup *archive);

#endif
