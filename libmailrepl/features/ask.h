/* One question to several hosts at the same time: a host that hangs costs its own deadline, not the
 * sum of everybody's.
 *
 *	answered = mr_ask_all(&config, NULL, questions, count, ask);
 *
 * or, where there is something to do while the connections are made:
 *
 *	asking = mr_ask_open(&config, NULL, questions, count, ask);
 *	...
 *	answered = mr_ask_finish(asking);	 or mr_ask_cancel(asking): nobody is asked */
#ifndef MR_FEATURES_ASK_H
#define MR_FEATURES_ASK_H

#include "adapters/config.h"
#include "adapters/directory.h"

struct mr_question {
	const char *host;
	void *answer; /* what `ask` fills; it must not point into the arena given to it */
	int result;   /* afterwards: 0, or -1 with err */
	struct mr_error err;
};

/* Runs in a thread of its own, with an arena that is closed when it returns. After mr_ask_open it is called
 * again, on a new connection, where the first was lost. */
typedef int (*mr_ask)(struct mr_arena *arena, struct mr_directory *dir, void *answer,
		      struct mr_error *err);

/* Opens the slapd of each host and asks it: over TLS (`tls_folder` as in mr_instance_open_peer), this
 * host's own over its socket unless a `tls_folder` is given. Returns how many have answered. */
size_t mr_ask_all(const struct mr_config *config, const char *tls_folder,
		  struct mr_question *questions, size_t count, mr_ask ask);

struct mr_asking;
/* Begins to connect; all that is given must stay until the end. Nobody is asked before mr_ask_finish, and
 * who could not be reached before is tried again then: that a connection was made early never costs an
 * answer. It saves time: where nobody answers, the deadline counts from here on, unless it ends before
 * mr_ask_finish. One of the two others ends it. */
struct mr_asking *mr_ask_open(const struct mr_config *config, const char *tls_folder,
			      struct mr_question *questions, size_t count, mr_ask ask);
size_t mr_ask_finish(struct mr_asking *asking); /* as mr_ask_all */
void mr_ask_cancel(struct mr_asking *asking);   /* NULL-safe; waits for who is still connecting */

#endif
