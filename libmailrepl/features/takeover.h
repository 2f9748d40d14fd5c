/* A host is gone for good: this host adopts what it owned.
 *
 *	struct mr_takeover takeover = { .gone = host };
 *	mr_takeover_open()          is it allowed, does nobody answer, who knows most of what it
 *	                            owned
 *	mr_takeover_plan()          the changes of the directory
 *	mr_takeover_finish_plan()   this host's files and services
 *
 * Accounts come first, routes second, the topology third, this host's rendering last. Until the
 * copies of what the host owned are dropped (here in the last step, elsewhere by cl-rebuild) its
 * addresses are claimed twice and mail for them waits. Whoever is interrupted runs it again. The
 * mailboxes' contents do not come with it. */
#ifndef MR_FEATURES_TAKEOVER_H
#define MR_FEATURES_TAKEOVER_H

#include "adapters/config.h"
#include "adapters/directory.h"
#include "adapters/tls.h"
#include "features/backup.h"
#include "model/plan.h"
#include "model/topology.h"

struct mr_takeover {
	const char *gone;                /* set by the caller, in stored form */
	size_t routes, groups, accounts; /* adopted by this plan */
	struct mr_list notes; /* sentences: who gets another name, which address is not adopted */
	bool home;            /* the topology too: this host becomes the home, epoch + 1 */
	struct mr_topology topology;   /* as it will be */
	struct mr_directory *dir;      /* this host's, borrowed */
	struct mr_directory *peers[2]; /* mail, unix: another host that knows more; NULL: our own
					  copy is the newest */
	const char *folder;            /* the home's unpacked archive, or NULL; removed on close */
	struct mr_backup archive;
	struct mr_identity ca, *hosts; /* out of it */
	size_t count;
};
void mr_takeover_close(struct mr_takeover *takeover);

/* MR_E_EXISTS: it still answers (slapd or SMTP). MR_E_DENIED: another host must do this, it says
 * which. MR_E_INVALID: this host holds no mailboxes. MR_E_NO_HOST: it is neither in the topology
 * nor has it left anything. MR_E_NOT_FOUND: the home is taken over, its CA's key is not here, and
 * neither is its full archive; the message says what to copy where. */
int mr_takeover_open(struct mr_arena *arena, const struct mr_config *config,
		     struct mr_directory *dir, const struct mr_topology *topology,
		     struct mr_takeover *takeover, struct mr_error *err) MR_MUST_CHECK;
/* Needs takeover->gone, dir, home and peers. Entries get this host's DN, mailHost and
 * mailRoutingAddress; the old real address stays as an address, for mail that is queued, and tells
 * what was adopted by an earlier run. A user or mailbox name that is taken here gets a number; an
 * address that a mailbox of this host has already stays there. Then the topology drops the host. */
int mr_takeover_plan(struct mr_arena *arena, const struct mr_config *config,
		     const struct mr_topology *topology, struct mr_takeover *takeover,
		     struct mr_plan *plan, struct mr_error *err) MR_MUST_CHECK;
int mr_takeover_finish_plan(struct mr_arena *arena, const struct mr_config *config,
			    struct mr_takeover *takeover, struct mr_plan *plan,
			    struct mr_error *err) MR_MUST_CHECK;

#endif
