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
	const struct mr_rendering *rendering; /* NULL: undo */
};

/* Lives in the arena. With `rendering` the paths are its own, else all that MANIFEST has. */
int mr_change_new(struct mr_arena *arena, const struct mr_config *config,
		  const struct mr_rendering *rendering, enum mr_service_name service,
		  struct mr_change **out, struct mr_error *err) MR_MUST_CHECK;
/* Are services run, or are there just files (--root, mail.manage)? */
bool mr_change_is_managed(const struct mr_config *config);
/* Is something installed that is not in force? Waits for a change of the gate that mailrepl-watch is just
 * putting in force. */
bool mr_change_is_due(const struct mr_change *change);
bool mr_change_has_before(const struct mr_change *change);
/* Is something kept of what was there before mailrepl? */
bool mr_change_has_original(const struct mr_change *change);

/* Actions of a plan; `change` is a struct mr_change. The originals and what is there now are kept,
 * and it is written down that the service has to learn of what comes. */
int mr_change_begin(void *change, struct mr_error *err);
/* Nothing runs here that would have to learn of it. */
int mr_change_end(void *change, struct mr_error *err);
/* The service learns of it and is asked. After a failure what was there before is in force again;
 * the message says so, and why. Not what was there before mailrepl, and not if no change is under
 * way. */
int mr_change_put_in_force(void *change, struct mr_error *err);
/* For mr_plan_take_back of the files' steps: what was there before lies there again, and a service
 * that runs reads it again, since programs that it has started meanwhile may have read both. */
void mr_change_take_back(void *change, struct mr_error *err);
/* What was there before changes places with what is there now; to be put in force afterwards. */
int mr_change_swap(void *change, struct mr_error *err);

#endif
