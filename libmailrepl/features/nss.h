/* The accounts of the directory as accounts of the system: nslcd asks the copy of unix over slapd's
 * socket, as its own user and for what getpwnam(3) needs, and /etc/nsswitch.conf sends the system
 * to nslcd. Off unless the topology says so. */
#ifndef MR_FEATURES_NSS_H
#define MR_FEATURES_NSS_H

#include "features/render.h"

/* MR_E_CONFIG: packages that this machine lacks, by name. */
int mr_nss_check(struct mr_error *err) MR_MUST_CHECK;
/* The host is a mail server, the topology says so, and the packages are there (ids->nslcd). */
bool mr_nss_is_wanted(const struct mr_topology *topology, const struct mr_host *host,
		      const struct mr_render_ids *ids);

/* The text of nsswitch.conf(5) with "ldap" at the end of the lines of passwd and group; one that
 * lacks such a line gets it. The same pointer if nothing is to be changed. */
const char *mr_nsswitch_with(struct mr_arena *arena, const char *text);
/* The text without it in those lines in which `original` does not have it. */
const char *mr_nsswitch_without(struct mr_arena *arena, const char *text, const char *original);

/* Steps: nslcd's configuration, nslcd started, nsswitch.conf; or, if it is not wanted here, all
 * that taken back. A mail server without the packages goes without, with a warning. Nothing where
 * mail is not managed. */
int mr_nss_plan(struct mr_arena *arena, const struct mr_config *config,
		const struct mr_topology *topology, const struct mr_rendering *rendering,
		struct mr_plan *plan, struct mr_error *err) MR_MUST_CHECK;
/* Takes it back: steps, none if it was not there. */
int mr_nss_undo_plan(struct mr_arena *arena, const struct mr_config *config, struct mr_plan *plan,
		     struct mr_error *err) MR_MUST_CHECK;

#endif
