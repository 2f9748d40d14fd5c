/* Moving a mailbox to another host.
 *
 * No host writes what another owns. So the old owner (or the home, which administers all) *offers*
 * the mailbox: it writes mailReplMove into its route, and that is all that a command does. Each of
 * the two hosts then does its own part, in a process of its own (the worker, mailrepl-move(8)) that
 * mailrepl-watch or the waiting command starts: the new owner takes what is offered to it and writes
 * its own entries; the old owner, when it sees these in its copy, turns its own into the former one.
 * Every step is recorded in the directory before it is taken, and each is done again without harm by
 * whoever comes after a kill:
 *
 *	phase     the old owner                           the new owner
 *	copying   serves the mail                         fetches it with dsync, again and again
 *	held      puts a file in the mailbox' place:      fetches what has come meanwhile, compares
 *	          from now on LMTP answers 4xx and the    folders, UIDVALIDITY and UIDs
 *	          mail waits in the queue; logs the
 *	          user out
 *	adopting  waits                                   moves the mail to its place, adds the
 *	                                                  account and the route
 *	moved     former entry, account deleted, the      has it
 *	          queue goes to the new owner; waits
 *	          until every joined host knows both
 *	kept      addresses are forgotten but for the     has it
 *	          real one; after some days the old
 *	          mail, too
 *
 * The mail itself travels as Dovecot's dsync protocol through adapters/tls_channel.h, port
 * directory.port + 1. The old owner listens there only while it has something to give, answers only
 * the host that the mailbox is offered to, and only for that mailbox: a doveadm service of Dovecot's
 * would give whoever knows its password every command for every mailbox.
 *
 * The new owner asks for each phase through the same channel (verbs sync, hold, list, adopt; and trouble, which says why it does not go on), and
 * the old one records it as a compare-and-swap of mailReplMove: an abort and an adoption cannot both
 * win. */
#ifndef MR_FEATURES_MOVE_H
#define MR_FEATURES_MOVE_H

#include "adapters/config.h"
#include "adapters/directory.h"
#include "model/mailbox.h"
#include "model/move.h"
#include "model/plan.h"
#include "model/topology.h"

#define MR_MOVE_KEEP_DAYS 7

struct mr_move_request {
	const char *user, *host; /* as typed */
	long long days;          /* that the old mail is kept */
};

struct mr_move_outcome {
	const char *user;
	const char *from, *to; /* hosts */
	bool wanted; /* it is on its way, or will be when the plan is applied: wait for it */
};

/* A step that offers the mailbox; none if it is at that host, or on its way there. On the new
 * owner, without the right to write at the old one, this joins a move that was offered.
 * MR_E_NO_USER; MR_E_NO_HOST: not in the topology; MR_E_DENIED: a relay, or this host may not offer
 * it, with where to run the command; MR_E_UNAVAILABLE: invited, not joined; MR_E_EXISTS: on its way
 * to another host, or the name is taken there; MR_E_INVALID: the user has no mailbox. */
int mr_move_offer_plan(struct mr_arena *arena, const struct mr_config *config,
		       struct mr_directory *dir, const struct mr_topology *topology,
		       const struct mr_move_request *request, struct mr_plan *plan,
		       struct mr_move_outcome *out, struct mr_error *err) MR_MUST_CHECK;
/* A step that gives a move up; none if there is none. MR_E_DENIED: too late, the new owner adopts
 * it. */
int mr_move_abort_plan(struct mr_arena *arena, const struct mr_config *config,
		       struct mr_directory *dir, const struct mr_topology *topology,
		       const char *user, struct mr_plan *plan, struct mr_move_outcome *out,
		       struct mr_error *err) MR_MUST_CHECK;

/* What this host's copies say of a user on the way. */
enum mr_move_sight { MR_MOVE_UNDER_WAY, MR_MOVE_ARRIVED, MR_MOVE_STAYS };
int mr_move_look(struct mr_arena *arena, struct mr_directory *dir,
		 const struct mr_move_outcome *outcome, enum mr_move_sight *sight,
		 enum mr_move_phase *phase, struct mr_error *err) MR_MUST_CHECK;

/* Why a move of the user does not go on, as "HOST: words", since the last time that it was
 * forgotten; NULL: nothing is known. Both hosts know what either of them says, others do not. */
const char *mr_move_trouble(struct mr_arena *arena, const struct mr_config *config,
			    const char *user);
void mr_move_trouble_forget(const struct mr_config *config, const char *user);

/* Starts this host's worker in the background, if it does not run. It ends by itself. */
int mr_move_start(const struct mr_config *config, struct mr_error *err) MR_MUST_CHECK;
/* For a host that is gone while a mailbox was on its way from it to this one: whether some of its
 * mail has been copied here, or is in its place already, as the mailbox `id`; the first becomes the
 * second. */
bool mr_move_has_copy(const struct mr_config *config, const char *user);
bool mr_move_has_arrived(const struct mr_config *config, const char *id);
int mr_move_rescue(const struct mr_config *config, const char *user, const char *id,
		   struct mr_error *err) MR_MUST_CHECK;

/* For mailrepl-watch, at each look: starts the worker if one of this host's moves has something to
 * do. *last: when it was started last, kept by the caller, 0 at first. */
int mr_move_watch(const struct mr_config *config, struct mr_directory *dir, int64_t now,
		  int64_t *last, struct mr_error *err) MR_MUST_CHECK;

/* The worker: this host's part of all moves; returns when none has anything to do soon. `program`:
 * its own file, which doveadm runs to reach the other host. MR_E_EXISTS: it runs already. */
int mr_move_work(const struct mr_config *config, const char *program,
		 struct mr_error *err) MR_MUST_CHECK;
/* The dsync stream of the mailbox of `user` at `host`, on stdin and stdout. */
int mr_move_fetch(const struct mr_config *config, const char *host, const char *user,
		  struct mr_error *err) MR_MUST_CHECK;

#endif
