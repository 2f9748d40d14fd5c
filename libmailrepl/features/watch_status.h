/* What this host says about itself in cn=Status, beside what rendering records there. */
#ifndef MR_FEATURES_WATCH_STATUS_H
#define MR_FEATURES_WATCH_STATUS_H

#include <stdint.h>

#include "adapters/config.h"
#include "adapters/directory.h"
#include "adapters/service.h"
#include "features/gate.h"
#include "features/versions.h"

/* A queue of more messages is counted no further. */
#define MR_WATCH_QUEUE_MOST 100000

/* Kept from look to look; starts as { 0 }. */
struct mr_watch_status {
	int64_t versions_read, written;
	char slapd[MR_VERSION_SIZE], postfix[MR_VERSION_SIZE], dovecot[MR_VERSION_SIZE];
	enum mr_service_name mta; /* whose version is in `postfix` */
};

/* Messages in a Postfix queue below `folder` (maildrop, incoming, active, deferred, hold), counted
 * by file; -1: there is none. */
long long mr_watch_queue_length(const char *folder);

/* Modifications that make `entry` (cn=Status as it is) say `values`, an array of `count` {
 * attribute, value or NULL }; *out lies in the arena. Returns how many. */
struct mr_watch_value {
	const char *attribute, *value;
};
size_t mr_watch_status_mods(struct mr_arena *arena, const struct mr_entry *entry,
			    const struct mr_watch_value *values, size_t count, struct mr_mod **out);

/* Writes what has changed since `entry` was read, at most every five seconds, except for the gate,
 * which is told at once. */
int mr_watch_status_write(struct mr_watch_status *status, const struct mr_config *config,
			  struct mr_directory *dir, const struct mr_entry *entry,
			  const struct mr_gate *gate, int64_t now,
			  struct mr_error *err) MR_MUST_CHECK;

#endif
