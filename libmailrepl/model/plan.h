/* A plan: the ordered steps that turn what is into what shall be. It is data: printed by --dry-run, or
 * applied step by step (features/apply.h). Applying it twice changes nothing the second time, because
 * whoever makes a plan compares first and leaves out what is already so. */
#ifndef MR_MODEL_PLAN_H
#define MR_MODEL_PLAN_H

#include "base/entry.h"
#include "base/file.h"
#include "base/value.h"

enum mr_step_kind {
	MR_STEP_ADD,    /* entry */
	MR_STEP_MODIFY, /* dn, mods */
	MR_STEP_DELETE, /* dn */
	MR_STEP_RENAME, /* dn, name: one entry keeps its identity, and there is no moment without it */
	MR_STEP_FILE,   /* path, content, attrs: atomic replace */
	MR_STEP_ACTION, /* anything else: run(), which must be repeatable */
};

struct mr_step {
	enum mr_step_kind kind;
	const char *host;             /* directory steps: on whose slapd; NULL: this host's */
	const char *summary;          /* "add route user1@maildomain.org -> user1@mail1.lan"; one line, no secret */
	struct mr_entry *entry;       /* MR_STEP_ADD */
	const char *dn;               /* MR_STEP_MODIFY, MR_STEP_DELETE, MR_STEP_RENAME */
	const char *name;             /* MR_STEP_RENAME: the new value in the first RDN */
	struct mr_mod *mods;
	size_t mod_count;
	const char *path;             /* MR_STEP_FILE, with root */
	const char *content;
	size_t content_len;
	const struct mr_secret *secret_content; /* instead of content; never printed */
	struct mr_file_attrs attrs;
	int (*run)(void *argument, struct mr_error *err); /* MR_STEP_ACTION */
	void *argument;
	/* NULL, or called with `argument` after the step has failed, if those before it must not stand
	 * alone: takes them back. `err` says why, and may be told more. */
	void (*take_back)(void *argument, struct mr_error *err);
};

struct mr_plan {
	struct mr_step *steps;
	size_t count, size;
};

/* Each appends a zeroed step with kind and summary (formatted into the arena) and returns it to be filled. */
struct mr_step *mr_plan_step(struct mr_arena *arena, struct mr_plan *plan, enum mr_step_kind kind,
			     const char *summary, ...) MR_PRINTF(4, 5);
void mr_plan_add_entry(struct mr_arena *arena, struct mr_plan *plan, const char *host,
		       struct mr_entry *entry, const char *summary);
/* Modifications that turn `old` into `wanted` (same DN); attributes that only `old` has are left alone
 * unless named in `owned_attrs` (NULL-terminated). No step if nothing differs. A wanted secret attribute is not compared: ignored. */
void mr_plan_update_entry(struct mr_arena *arena, struct mr_plan *plan, const char *host,
			  const struct mr_entry *old, const struct mr_entry *wanted,
			  const char *const *owned_attrs, const char *summary);
void mr_plan_delete_entry(struct mr_arena *arena, struct mr_plan *plan, const char *host, const char *dn,
			  const char *summary);
void mr_plan_rename_entry(struct mr_arena *arena, struct mr_plan *plan, const char *host, const char *dn,
			  const char *name, const char *summary);
/* A step with up to `most` modifications, to be filled by mr_plan_mod. One that stays empty belongs to no
 * plan: make it with mr_step_modify, and append it if it has become one. */
struct mr_step *mr_step_modify(struct mr_arena *arena, const char *host, const char *dn, size_t most,
			       const char *summary);
void mr_plan_append(struct mr_arena *arena, struct mr_plan *plan, const struct mr_step *step);
struct mr_step *mr_plan_modify_entry(struct mr_arena *arena, struct mr_plan *plan, const char *host,
				     const char *dn, size_t most, const char *summary);
/* Another modification of a step made by that; `value` NULL: no value. */
struct mr_mod *mr_plan_mod(struct mr_arena *arena, struct mr_step *step, enum mr_mod_op op,
			   const char *attribute, const char *value);
void mr_plan_file(struct mr_arena *arena, struct mr_plan *plan, const char *path, const char *content,
		  struct mr_file_attrs attrs, const char *summary);
/* Of the step that was appended last. */
void mr_plan_take_back(struct mr_plan *plan, void (*take_back)(void *, struct mr_error *), void *argument);
void mr_plan_action(struct mr_arena *arena, struct mr_plan *plan, int (*run)(void *, struct mr_error *),
		    void *argument, const char *summary);

/* One line per step ("  1. add route …"), with `details` also the entries and modifications as LDIF, secrets
 * shown as "(hidden)". "nothing to do" for an empty plan. */
void mr_plan_format(const struct mr_plan *plan, bool details, struct mr_buf *out);
struct mr_value *mr_plan_value(struct mr_arena *arena, const struct mr_plan *plan); /* for --json */

#endif
