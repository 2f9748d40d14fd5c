/* Whom mail waits for in Exim's queue: hosts that could not be reached are in its hints on retries, by name and address, until
 * they take something. The queue itself says nothing of it: there stand the addresses as they came. */
#ifndef MR_FEATURES_EXIM_RETRIES_H
#define MR_FEATURES_EXIM_RETRIES_H

#include <stdint.h>

#include "base/strings.h"

/* A number that changes whenever the hints do; 0: there are none. */
int64_t mr_exim_retries_state(void);
/* *out: the hints as exim_dumpdb(8) prints them. */
int mr_exim_retries_read(struct mr_arena *arena, const char **out,
			 struct mr_error *err) MR_MUST_CHECK;
/* A number that changes with each attempt to reach `host`; 0: mail does not wait for it. */
int64_t mr_exim_retries_of(const char *hints, const char *host);
/* The keys of what stands there about it. */
void mr_exim_retries_keys(struct mr_arena *arena, const char *hints, const char *host,
			  struct mr_list *out);
/* Has all that forgotten, and begins a run of the queue, which is not waited for: other hosts are tried when it is their time. */
int mr_exim_retries_end(const char *hints, const char *host, struct mr_error *err) MR_MUST_CHECK;

#endif
