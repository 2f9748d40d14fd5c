/* Private to status_ask: one host, asked in a thread of its own. */
#ifndef MR_FEATURES_STATUS_HOST_H
#define MR_FEATURES_STATUS_HOST_H

#include <pthread.h>

#include "features/status.h"

/* The arena and the connection are the thread's own, and are kept for the later rounds. */
struct mr_status_question {
	const struct mr_config *config;
	struct mr_status *status;
	struct mr_host_status *host;
	struct mr_arena *arena;
	struct mr_directory *dir;
	const char *owned_csn[2]; /* mail, unix */
	struct mr_error err;
	pthread_t thread;
	bool started;
};

/* Thread functions; the argument is the question. First: what the host says, and the CSNs of what
 * it owns and of its copies. */
void *mr_status_ask_host(void *question);
/* When the CSNs of all providers are told: a change that was on its way is no lag, so the copies
 * have a moment to come up to what their providers had when they were asked. */
void *mr_status_ask_again(void *question);
/* As provider: how far each copy of it is behind; one that is newer than it is DIFFERS, with why.
 */
void *mr_status_ask_lags(void *question);

#endif
