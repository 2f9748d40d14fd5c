/* Where the owner of a mailbox sends what comes for it. */
#ifndef MR_FEATURES_FORWARD_H
#define MR_FEATURES_FORWARD_H

#include "adapters/config.h"
#include "adapters/directory.h"
#include "model/mailbox.h"
#include "model/topology.h"

/* *out = the targets in their stored form. One in a domain of ours must be somebody's, and neither it
 * nor what it leads to (forwards, members of groups) may lead back to the mailbox of `route`, a copy kept
 * or not: hosts would hand such mail around. One outside must be able to leave. MR_E_INVALID says
 * which of these is broken. */
int mr_forward_parse(struct mr_arena *arena, const struct mr_config *config,
		     struct mr_directory *dir, const struct mr_topology *topology,
		     const struct mr_route *route, const struct mr_list *typed, struct mr_list *out,
		     struct mr_error *err) MR_MUST_CHECK;

/* Before the mailbox of `route` goes: appends to `notes` a line for each other user who forwards to one of
 * its addresses, its real one and former ones included. config->host is this host. */
int mr_forward_note_gone(struct mr_arena *arena, const struct mr_config *config,
			 struct mr_directory *dir, const struct mr_route *route,
			 struct mr_list *notes, struct mr_error *err) MR_MUST_CHECK;

#endif
