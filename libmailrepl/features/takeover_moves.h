/* Private to taking over: mailboxes that were on their way when the host went.
 *
 *	to the host, not there yet       stay where they are: their owner gives the move up
 *	to the host, both have entries   stay where they are: all of the mail is there
 *	from it, here                    what had been copied here becomes the mailbox
 *	from it, elsewhere, both have    stay there
 *	moved from it before             only mail for the old real address has to find its way
 *	all others                       are adopted as if they had not been on their way */
#ifndef MR_FEATURES_TAKEOVER_MOVES_H
#define MR_FEATURES_TAKEOVER_MOVES_H

#include "features/takeover_adopt.h"

/* For each adoption of a user, before names are chosen: marks as done what another host has, adds
 * notes, and fills `forwards`. */
int mr_takeover_moves_find(struct mr_arena *arena, const struct mr_config *config,
			   const struct mr_topology *topology, struct mr_takeover *takeover,
			   struct mr_adoptions *adoptions, struct mr_error *err) MR_MUST_CHECK;
/* Steps: whoever waits for the host to make a mailbox its own does not wait any more. They fail,
 * and nothing else is done, if that has been decided otherwise meanwhile. */
int mr_takeover_moves_stop_plan(struct mr_arena *arena, const struct mr_config *config,
				struct mr_takeover *takeover, struct mr_plan *plan,
				struct mr_error *err) MR_MUST_CHECK;
/* The step before the route of one: its mail, if this host has copied some. */
void mr_takeover_moves_mail_plan(struct mr_arena *arena, const struct mr_config *config,
				 const struct mr_adoption *adoption, struct mr_plan *plan);
/* Steps: old real addresses of mailboxes that are elsewhere by now lead there. */
int mr_takeover_moves_forward_plan(struct mr_arena *arena, const struct mr_config *config,
				   struct mr_takeover *takeover,
				   const struct mr_adoptions *adoptions, struct mr_plan *plan,
				   struct mr_error *err) MR_MUST_CHECK;

#endif
