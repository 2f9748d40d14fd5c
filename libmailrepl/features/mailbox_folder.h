/* The mail of one mailbox, on the host that owns it. */
#ifndef MR_FEATURES_MAILBOX_FOLDER_H
#define MR_FEATURES_MAILBOX_FOLDER_H

#include "adapters/config.h"
#include "model/plan.h"

struct mr_mailbox_folder {
	const char *path; /* with root; NULL: there is none */
	unsigned long long bytes, messages;
};

/* `mailbox` is the routing address, whose local part is the folder's name. */
int mr_mailbox_folder_read(struct mr_arena *arena, const struct mr_config *config,
			   const char *mailbox, struct mr_mailbox_folder *out,
			   struct mr_error *err) MR_MUST_CHECK;
/* "12 messages, 3.4 MB" */
char *mr_mailbox_folder_format(struct mr_arena *arena, const struct mr_mailbox_folder *folder);

/* Steps that end the mailbox's sessions, put its folder away (".removed-<id>", in one step) and remove that, no
 * symlink followed; what an interrupted run has put away goes too. No step if neither is there. */
void mr_mailbox_remove_plan(struct mr_arena *arena, const struct mr_config *config,
			    const char *mailbox, struct mr_plan *plan);

#endif
