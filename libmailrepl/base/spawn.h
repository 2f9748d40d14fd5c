/* How base/process.c starts a program. Nobody else needs this header. */
#ifndef MR_BASE_SPAWN_H
#define MR_BASE_SPAWN_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"

struct mr_spawn {
	const char *const *argv, *const *env; /* as in struct mr_process */
	int in, out, err;                     /* borrowed; become 0, 1 and 2 */
	bool daemon;
};

/* The program runs when this returns 0: in a process group of its own (a session if `daemon`), with
 * default signals and without any of our other descriptors. MR_E_SYSTEM if it could not be started.
 * *pidfd becomes readable at its end (pidfd_open(2)); the caller closes it and reaps *pid. */
int mr_spawn(const struct mr_spawn *spawn, pid_t *pid, int *pidfd,
	     struct mr_error *err) MR_MUST_CHECK;

#endif
