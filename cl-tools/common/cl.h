/* What all commands share: options, what they need, one error message, one exit status.
 *
 * A command is a struct cl_command and a main() of one line: return cl_main(argc, argv, &command);
 * Common options of every command: --dry-run (-n), --json, --root DIR, --config FILE, -v, -q,
 * -h/--help, --version, and --yes (-y) where `asks`. */
#ifndef CL_COMMON_CL_H
#define CL_COMMON_CL_H

#include "adapters/config.h"
#include "adapters/directory.h"
#include "features/backup.h"
#include "model/plan.h"
#include "model/topology.h"

enum cl_needs {
	CL_CONFIG = 1, /* mailrepl.conf must be there: otherwise "not set up: cl-setup or cl-rebuild
			  --repl" */
	CL_DIRECTORY =
		2,   /* this host's slapd and the topology: opened before run (implies CL_CONFIG) */
	CL_LOCK = 4, /* exclusive, so that two changing commands do not cross; not taken with
			--dry-run */
	CL_ROOT = 8, /* uid 0, unless --root */
	CL_ASKS = 16, /* may ask for confirmation: has --yes */
	CL_SELF = 32, /* whoever is not root may run it with their own rights (context->self): then nothing is opened
			 and no lock taken */
};

struct cl_context {
	struct mr_arena *arena;
	struct mr_config config;
	struct mr_directory *dir;    /* CL_DIRECTORY */
	struct mr_topology topology; /* CL_DIRECTORY */
	bool dry_run, json, quiet, yes;
	bool self; /* CL_SELF, and neither root nor --root */
	bool reads; /* set by an option's handler: this run changes nothing, it takes no lock */
	bool repairs; /* set by an option's handler: a topology that cannot be read here is no error, it
			 is then empty */
	int verbose;
	int status; /* set by run: the exit status when it returns 0 */
	int argc; /* operands left after the options */
	char **argv;
	void *data; /* the command's own, from struct cl_command */
};

/* Added to the key of a row; handlers get the key without it. */
enum {
	CL_MANY = 0x10000, /* may be given again, every value counts: of any other a second value that differs is
			      refused, and so is an empty one */
	CL_EMPTY = 0x20000, /* "" is a value, too */
};

struct cl_option {
	int key;              /* a letter for the short option, or >= 256: long only */
	const char *name;     /* long name, or NULL */
	const char *argument; /* "ADDRESS"; NULL: takes none; "[TEXT]": takes one if the next word is
				 none of an option */
	const char *help;     /* N_("…") */
};

struct cl_command {
	const char *name;
	const char *usage;               /* "[-e ADDRESS]... USER SERVICE..." */
	const char *summary;             /* N_("one line") */
	const struct cl_option *options; /* ends in { 0 } */
	unsigned needs;
	void *data;
	/* Called for each own option; `value` is NULL if it takes none. */
	int (*option)(struct cl_context *context, int key, const char *value, struct mr_error *err);
	/* Looks at the operands when the configuration is loaded and nothing is opened, locked or
	 * made yet; may be NULL. */
	int (*check)(struct cl_context *context, struct mr_error *err);
	int (*run)(struct cl_context *context, struct mr_error *err);
};

int cl_main(int argc, char **argv, const struct cl_command *command);

/* MR_E_CONFIG unless mailrepl.conf is there and names this host: what CL_CONFIG does, for a command
 * that only sometimes needs it. */
int cl_require_config(const struct cl_context *context, struct mr_error *err) MR_MUST_CHECK;

/* Prints the plan (--dry-run, or -v), applies it (not with --dry-run), adds the outcome to --json
 * output:
 * {"dry_run":…, "changed": <number of steps applied>, "steps":[…]} and with `result` (may be NULL)
 * its members. Says "nothing to do" for an empty plan. */
int cl_finish(struct cl_context *context, const struct mr_plan *plan, struct mr_value *result,
	      struct mr_error *err) MR_MUST_CHECK;
/* After a confirmation that failed with `why` (features/claim_confirm.h): applies `back`, which takes back what
 * was given out, and fails with `why`, or with what went wrong with that. */
int cl_take_back(struct cl_context *context, const struct mr_plan *back, const struct mr_error *why,
		 struct mr_error *err) MR_MUST_CHECK;
/* Waits until this host's copy has the entry `dn` (a DN of a copy), for two seconds at most: Postfix
 * asks the copy, which is a moment behind what was written, and whoever runs a command and then
 * sends a message shall not be told "unknown". A copy that does not come is no failure, but a
 * warning about `name`: it is there, and the copies' state is shown elsewhere. */
void cl_await_copy(struct cl_context *context, const char *dn, const char *name);
/* Asks on the terminal; --yes answers. MR_E_USAGE if there is no terminal and no --yes; MR_E_DENIED
 * if the answer is no. */
int cl_confirm(struct cl_context *context, const char *question,
	       struct mr_error *err) MR_MUST_CHECK;
/* Before anything is done with an archive that was read: demands that its fingerprint be `typed`
 * (MR_E_ARCHIVE); with NULL, if this host could not authenticate it by a key of its own, shows the
 * fingerprint and, on a terminal and without --yes, asks whether it is the right one. */
int cl_fingerprint_check(struct cl_context *context, const struct mr_manifest *manifest,
			 const char *path, const char *typed, struct mr_error *err) MR_MUST_CHECK;
/* A table for people: columns padded by display width, header in the first row. */
void cl_table(const char *const *cells, size_t columns, size_t rows);

#endif
