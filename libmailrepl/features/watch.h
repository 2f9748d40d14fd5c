/* mailrepl-watch: keeps a host in step without an administrator. One look after the other, each of
 * bounded length:
 *
 *	1. the directory's topology is newer than what is rendered: cl-rebuild;
 *	2. a copy that stays behind a provider that answers, or a slapd that hangs: slapd is
 *	   restarted (never often); one that has gone is started, unless an administrator has
 *	   stopped it, or systemd looks after it;
 *	   a copy that has thousands of changes to take does not wait for the disk with each
 *	   (features/catchup.h);
 *	3. the copies are compared with their owners, entry by entry, after a restart here or there
 *	   and from time to time: equal contextCSNs prove nothing. What differs is repaired;
 *	4. the gate (features/gate.h) is decided, written and put in force;
 *	5. the limits of mailboxes are written for Dovecot (features/quota.h);
 *	6. mail that waits for a host that is back is delivered, and who keeps mail for us is asked
 *	   for it (features/waiting.h);
 *	7. cn=Status tells the home about this host.
 *
 *	struct mr_watch *watch = mr_watch_open(root);
 *	mr_watch_judge(watch);
 *	… who waits for the gate is told …
 *	while (!ended) {
 *		mr_watch_look(watch);
 *		… wait mr_watch_interval(watch) seconds …
 *	}
 *	mr_watch_close(watch);
 */
#ifndef MR_FEATURES_WATCH_H
#define MR_FEATURES_WATCH_H

#include "adapters/config.h"
#include "features/gate.h"
#include "model/plan.h"

struct mr_watch;

struct mr_watch *mr_watch_open(const char *root);
void mr_watch_close(struct mr_watch *watch); /* NULL-safe */

/* A look that decides the gate and does nothing else: at a start whoever waits for the gate must
 * not wait for repairs, which may wait for him (cl-rebuild for Postfix, Postfix for this service).
 * Here the grace of an old topology does not count. */
void mr_watch_judge(struct mr_watch *watch);
/* One look, with what it leads to. Never fails: what goes wrong is logged once, until it is
 * something else. */
void mr_watch_look(struct mr_watch *watch);
long long mr_watch_interval(const struct mr_watch *watch); /* seconds */
const struct mr_gate *mr_watch_gate(const struct mr_watch *watch);

/* A step that starts the service, if it does not run. Nothing under --root: whoever wants it there
 * runs it. */
void mr_watch_plan(struct mr_arena *arena, const struct mr_config *config, struct mr_plan *plan);

#endif
