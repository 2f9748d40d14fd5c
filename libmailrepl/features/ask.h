/* One question to several hosts at the same time: a host that hangs costs its own deadline, not the
 * sum of everybody's. */
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

/* Runs in a thread of its own, with an arena that is closed when it returns. */
typedef int (*mr_ask)(struct mr_arena *arena, struct mr_directory *dir, void *answer,
		      struct mr_error *err);

/* Opens the slapd of each host (`tls_folder` as in mr_instance_open_peer) and asks it. Returns how
 * many have answered. */
size_t mr_ask_all(const struct mr_config *config, const char *tls_folder,
		  struct mr_question *questions, size_t count, mr_ask ask);

#endif
