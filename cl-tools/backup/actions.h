/* What cl-backup does: one action per run. Its row is in cl-backup.c, its handlers are in a file of its own here. */
#ifndef CL_BACKUP_ACTIONS_H
#define CL_BACKUP_ACTIONS_H

#include "common/cl.h"
#include "features/restore.h"
#include "model/keep.h"

/* Options that go with an action. */
enum backup_key {
	BACKUP_AUTHORITATIVE = 300,
	BACKUP_ONLY,
	BACKUP_UNDO,
	BACKUP_OLD_FORMAT,
	BACKUP_LIST,
	BACKUP_VERIFY,
	BACKUP_ALL,
	BACKUP_FINGERPRINT,
	BACKUP_PRUNE,
	BACKUP_MAKE_KEY,
	BACKUP_FOR,
	BACKUP_KEEP,
	BACKUP_ENCRYPT_TO,
	BACKUP_PASSPHRASE,
	BACKUP_PASSPHRASE_STDIN,
};

/* What was asked for; context->data of every handler. */
struct backup {
	const struct backup_action *action; /* the row without a key: make archives */
	const char *value;     /* of the action's option, as typed; NULL: it takes none */
	const char *restoring; /* an option that goes with -r; NULL: none was given */
	struct mr_restore_request restore;
	const char *creating; /* an option that goes with making archives; NULL: none was given */
	const char *for_host, *keep;       /* as typed, or NULL */
	bool passphrase, passphrase_stdin; /* the second also opens archives */
	struct mr_list encrypt_to;
	struct mr_secret secret; /* the passphrase */
	struct mr_age_seal seal;
	bool all;                /* --all */
	const char *fingerprint; /* of --fingerprint with -r; NULL: none */
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

/* create.c: no option; --for */
int backup_create_run(struct cl_context *context, struct mr_error *err);
/* restore.c: -r; an option that goes with it is taken, false: it is none. */
bool backup_restore_option(struct cl_context *context, int key, const char *value);
int backup_restore_check(struct cl_context *context, struct mr_error *err);
int backup_restore_run(struct cl_context *context, struct mr_error *err);

/* list.c: --list */
int backup_list_run(struct cl_context *context, struct mr_error *err);

/* verify.c: --verify, --all */
int backup_verify_check(struct cl_context *context, struct mr_error *err);
int backup_verify_run(struct cl_context *context, struct mr_error *err);
/* fingerprint.c: --fingerprint alone */
int backup_fingerprint_run(struct cl_context *context, struct mr_error *err);

/* keep.c: --prune, and --keep. `keeps` tells whether anything was said about it, by the option or the setting. */
int backup_prune_check(struct cl_context *context, struct mr_error *err);
int backup_prune_run(struct cl_context *context, struct mr_error *err);
int backup_keep_parse(struct cl_context *context, struct mr_keep *out, bool *keeps,
		      struct mr_error *err);
int backup_topology_read(struct cl_context *context, struct mr_topology *out, struct mr_error *err);
void backup_print_gone(const struct cl_context *context, const struct mr_list *gone);

/* seal.c: --make-key, --encrypt-to, --passphrase, --passphrase-stdin. An option that is one of the last three is taken. */
int backup_key_run(struct cl_context *context, struct mr_error *err);
bool backup_seal_option(struct cl_context *context, int key, const char *value);
int backup_seal_check(struct cl_context *context, struct mr_error *err);
/* Reads the passphrase, and makes this process open sealed archives: for every action. */
int backup_seal_read(struct cl_context *context, struct mr_error *err);
/* How archives are to be sealed, by options or settings; NULL: not at all. Of `context`'s data. */
const struct mr_age_seal *backup_seal_of(struct cl_context *context);

/* value.c: {"path", "size", "host", "for" (absent: the host itself), "created", "generation"}, for --json. */
struct mr_value *backup_archive_value(struct mr_arena *arena, const struct mr_backup *archive);
/* The three columns TIME, HOST and FOR of a table; "-" where the manifest is not known. */
void backup_archive_cells(struct mr_arena *arena, const struct mr_manifest *manifest,
			  const char **cells);
/* What is behind the last slash; part of `path`. */
const char *backup_file_name(const char *path);

#endif
