/* A change of the files of one mail service, as a transaction: what was there before is kept, the
 * new files are installed, the service learns of them and is asked whether it still serves; if not,
 * what was there before is put back. Each function can be called again after a kill. */
#ifndef MR_FEATURES_RENDER_CHANGE_H
#define MR_FEATURES_RENDER_CHANGE_H

#include "features/render.h"

struct mr_change {
	const struct mr_config *config;
	enum mr_service_name service;
	struct mr_list paths; /* of the service's files, in the order in which they are installed */
	const char *due;      /* a file: new configuration is installed and not in force yet; holds
				 "reload" or "restart" */
	const char *before;   /* the store (features/render_keep.h) with what was there before the
				 last change, */
	const char *pending;  /* and the one with what was there before a change that is not in
				 force yet */
	const char *undone, *redo, *over; /* stores of the way back, features/render_back.h */
	const struct mr_rendering *rendering; /* NULL: undo */
	const struct mr_list *undoing; /* undo: the words of all services that are undone */
};

/* Lives in the arena. With `rendering` the paths are its own, else all that MANIFEST has. */
int mr_change_new(struct mr_arena *arena, const struct mr_config *config,
		  const struct mr_rendering *rendering, enum mr_service_name service,
		  struct mr_change **out, struct mr_error *err) MR_MUST_CHECK;
/* Are services run, or are there just files (--root, mail.manage)? */
bool mr_change_is_managed(const struct mr_config *config);
/* Was something cut off, so that what is installed may not be in force? Waits for a change of the gate that
 * mailrepl-watch is just putting in force. */
bool mr_change_is_due(const struct mr_change *change);
bool mr_change_has_before(const struct mr_change *change);
/* Is something kept of what was there before mailrepl? */
bool mr_change_has_original(const struct mr_change *change);

/* Actions of a plan; `change` is a struct mr_change. The originals and what is there now are kept,
 * and it is written down that the service has to learn of what comes. */
int mr_change_begin(void *change, struct mr_error *err);
/* Nothing runs here that would have to learn of it. */
int mr_change_record(void *change, struct mr_error *err);
/* The service learns of it and is asked. After a failure what was there before is in force again;
 * the message says so, and why. Not what was there before mailrepl, and not if no change is under
 * way. */
int mr_change_put_in_force(void *change, struct mr_error *err);
/* For mr_plan_take_back of the files' steps: what was there before lies there again, and a service
 * that runs reads it again, since programs that it has started meanwhile may have read both. */
void mr_change_take_back(void *change, struct mr_error *err);
/* What was there before changes places with what is there now; to be put in force afterwards. */
int mr_change_swap(void *change, struct mr_error *err);

/* What these are made of. It is in force: nothing of the way there is left. */
int mr_change_end(void *change, struct mr_error *err) MR_MUST_CHECK;
/* What was written is known as ours. */
int mr_change_note_end(const struct mr_change *change, struct mr_error *err) MR_MUST_CHECK;
/* The service has to learn of what comes, `restart`: by starting again; once noted that stays. */
int mr_change_note_due(const struct mr_change *change, bool restart,
		       struct mr_error *err) MR_MUST_CHECK;
int mr_change_drop_due(const struct mr_change *change, struct mr_error *err) MR_MUST_CHECK;
bool mr_change_needs_restart(const struct mr_change *change); /* it is noted so */
/* Would Postfix with this main.cf listen elsewhere than with the one at `path`? `fresh` may be NULL. */
bool mr_change_listens_elsewhere(const char *path, const char *fresh);
/* NULL: not rendered. */
const struct mr_rendered *mr_change_rendered(const struct mr_change *change, const char *path);
/* Is all in that store, but for the gate, what is rendered? */
bool mr_change_is_like(const struct mr_change *change, const char *store);
bool mr_change_has(const struct mr_change *change, const char *store);
int mr_change_forget(const struct mr_change *change, const char *store,
		     struct mr_error *err) MR_MUST_CHECK;
/* One store becomes another, which is lost. */
int mr_change_move(const struct mr_change *change, const char *from, const char *to,
		   struct mr_error *err) MR_MUST_CHECK;
/* Puts back what is in that store, which stays. */
int mr_change_install(const struct mr_change *change, const char *store,
		      struct mr_error *err) MR_MUST_CHECK;

#endif
