/* What an MTA asks the directory that has no look-ups of its own for it (Exim binds with a password
 * or not at all): the same questions, in the same order, as templates/postfix/routes.cf, former.cf,
 * catchall.cf, access.cf, peers.cf, backup.cf, expand.cf and senders.cf. */
#ifndef MR_FEATURES_LOOKUP_H
#define MR_FEATURES_LOOKUP_H

#include "adapters/directory.h"

/* In whose name is asked. */
struct mr_lookup {
	const char *host;      /* this host */
	const char *delimiter; /* "+"; "": there is none */
	bool gate_closed;      /* who is unknown here may be known elsewhere */
};

/* An address at this host that a group has as a member, and that nobody has, is written so: user@ and this. */
#define MR_LOOKUP_NOBODY "nobody.mailrepl.invalid"

/* Tables:
 *	route   an address of a mail domain, or of a host that is gone -> the real address: exactly
 *		one claim, or else one former address, or else the domain's catch-all
 *	access  an address of a mail domain -> "closed", "deferred", "refused" or "gone"; most have none
 *	backup  a recipient in a domain of another primary -> where that is
 *	peer    a real address -> itself, if a mailbox or a group has it or had it before it moved
 *	expand  a real address of this host, from what it owns -> whom mail for it is for, divided by ", ": itself if it
 *		is a mailbox; where it is forwarded or has moved to, or a group's members, those at this host
 *		expanded in their turn, each once. An address at this host in the answer is a mailbox in any case.
 *	sender  an address of a mail domain -> the real address of the one mailbox that may write in its name; neither a
 *		group nor a catch-all does
 * Of "user+detail@domain" is asked first as it is, then without the detail, which a route and an expansion then
 * get back. Without it a role address leads to itself: where that goes the MTA knows.
 *
 * *out in the arena, in lower case but for addresses elsewhere that "expand" tells; NULL: nothing, for certain. MR_E_TEMPORARY: two have it, or the gate is
 * closed and nobody here has it; other codes: the directory could not be asked. MR_E_USAGE: no such table, or no
 * address. */
int mr_lookup(struct mr_arena *arena, struct mr_directory *dir, const struct mr_lookup *lookup,
	      const char *table, const char *address, const char **out,
	      struct mr_error *err) MR_MUST_CHECK;

#endif
