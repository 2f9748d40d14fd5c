/* What cl-replication does: one action per run. Its row is in cl-replication.c, its handlers are in a file of its own here. */
#ifndef CL_REPLICATION_ACTIONS_H
#define CL_REPLICATION_ACTIONS_H

#include "common/cl.h"
#include "features/modes.h"
#include "features/replication.h"

/* What was asked for; context->data of every handler. */
struct replication {
	const struct action *action; /* NULL: none yet */
	const char *value;           /* of the action's option, as typed; NULL: it takes none */
	bool force;                  /* --force */
	bool watch, quick;           /* --status */
	const char *prometheus, *html; /* --status: files to write, or NULL */
	bool status_only;            /* one of these four was given */
	bool here;                   /* --verify: --here */
	bool old_format;             /* --take-over: --old-format */
	struct mr_list owners;       /* --verify, --repair: parsed */
	struct mr_list hosts;        /* -r, -a, -d: parsed */
	enum mr_service service;
	struct mr_mode_changes modes; /* --mode: parsed */
};

struct action {
	int key;          /* of its option */
	const char *name; /* "-r", "--status": for messages */
	bool reads;       /* changes nothing: takes no lock */
	const char *operands; /* what follows, for messages; NULL: nothing does */
	int least, most;      /* number of operands */
	/* Looks at the operands before anything is opened; may be NULL. */
	int (*check)(struct cl_context *context, struct mr_error *err);
	int (*run)(struct cl_context *context, struct mr_error *err);
};

/* set.c: -r, -a, -d */
int replication_set_check(struct cl_context *context, struct mr_error *err);
int replication_one_check(struct cl_context *context, struct mr_error *err);
int replication_set_run(struct cl_context *context, struct mr_error *err);
int replication_add_run(struct cl_context *context, struct mr_error *err);
int replication_remove_run(struct cl_context *context, struct mr_error *err);
/* mode.c: --mode */
int replication_mode_check(struct cl_context *context, struct mr_error *err);
int replication_mode_run(struct cl_context *context, struct mr_error *err);
/* list.c: -l */
int replication_list_run(struct cl_context *context, struct mr_error *err);

/* clashes.c: --clashes, --settle */
int replication_clashes_run(struct cl_context *context, struct mr_error *err);
int replication_settle_run(struct cl_context *context, struct mr_error *err);
/* status.c: --status */
int replication_status_run(struct cl_context *context, struct mr_error *err);

/* verify.c: --verify, --repair */
int replication_verify_check(struct cl_context *context, struct mr_error *err);
int replication_verify_run(struct cl_context *context, struct mr_error *err);
int replication_repair_run(struct cl_context *context, struct mr_error *err);

/* renew.c: --renew */
int replication_renew_run(struct cl_context *context, struct mr_error *err);

/* take_over.c: --take-over */
int replication_takeover_run(struct cl_context *context, struct mr_error *err);

/* next.c: says what must be done where after the topology has changed, unless --quiet or --json. */
void replication_print_next(const struct cl_context *context, const struct mr_list *stale,
			    const struct mr_list *invited);

#endif
