/* What an MTA asks the directory that has no look-ups of its own for it (Exim binds with a password
 * or not at all): the same questions, in the same order, as templates/postfix/routes.cf, former.cf,
 * catchall.cf, access.cf, peers.cf and backup.cf. */
#ifndef MR_FEATURES_LOOKUP_H
#define MR_FEATURES_LOOKUP_H

#include "adapters/directory.h"

/* Tables:
 *	route   an address of a mail domain, or of a host that is gone -> the real address: exactly
 *		one claim, or else one former address, or else the domain's catch-all
 *	access  an address of a mail domain -> "closed", "deferred", "refused" or "gone"; most have none
 *	backup  a recipient in a domain of another primary -> where that is
 *	peer    a real address -> itself, if a mailbox or a group has it or had it before it moved
 * Of "user+detail@domain", where `delimiter` is "+" ("": there is none), is asked first as it is, then without the detail, which a route then gets
 * back. Without it a role address leads to itself: where that goes the MTA knows.
 *
 * *out in the arena, in lower case; NULL: nothing, for certain. MR_E_TEMPORARY: two have it, or
 * `gate_closed` and nobody here has it, who may be known elsewhere; other codes: the directory could
 * not be asked. MR_E_USAGE: no such table, or no address. */
int mr_lookup(struct mr_arena *arena, struct mr_directory *dir, const char *table,
	      const char *address, const char *delimiter, bool gate_closed, const char **out,
	      struct mr_error *err) MR_MUST_CHECK;

#endif
