#include <string.h>
#include <time.h>

#include "base/file.h"
#include "base/log.h"
#include "base/paths.h"
#include "features/apply.h"
#include "features/ask.h"
#include "features/move_state.h"

#define LOCK_MS 10000
#define DAY 86400

int mr_move_apply(const struct mr_mover *mover, const struct mr_plan *plan, struct mr_error *err)
{
	int lock, rc;

	if (mr_lock_open(mr_path(mover->arena, mover->config->root, MR_PATH_LOCK), LOCK_MS, &lock,
			 err) < 0)
		return -1;
	rc = mr_plan_apply(plan, mover->config, mover->dir, err);
	mr_lock_close(lock);
	return rc;
}

static int read_there(const struct mr_mover *mover, const char *dn, const char *const *attrs,
		      struct mr_entry **out, struct mr_error *err)
{
	return mr_directory_read(mover->dir, mover->arena, dn, attrs, out, err);
}

/* Taken over, or taken out of the list of hosts: nobody fetches the mail any more. */
static bool is_lost(const struct mr_mover *mover, const struct mr_move_entry *at)
{
	return !mr_topology_host(mover->topology, at->move.host);
}

static bool is_taken_over(const struct mr_mover *mover, const struct mr_move_entry *at)
{
	const struct mr_list *former = &mover->topology->former;

	for (size_t i = 0; i < former->count; i++)
		if (strcmp(mr_former_parse(mover->arena, former->items[i]).gone, at->move.host) ==
		    0)
			return true;
	return false;
}

struct heir {
	const char *home, *mailbox;
	bool found;
};

/* Who took a host over adopted what had arrived there, and takes mail for its old real addresses. */
static int find_heir(struct mr_arena *arena, struct mr_directory *dir, void *answer,
		     struct mr_error *err)
{
	static const char *const attrs[] = { "uid", NULL };
	struct heir *heir = answer;
	const struct mr_search find = {
		.base = mr_dit_owned(arena, MR_MAIL, heir->home),
		.filter = mr_filter(arena, "(&(mailRoutingAddress=*)(mailLocalAddress=%s))",
				    heir->mailbox),
		.attrs = attrs,
	};
	struct mr_entries found = { 0 };

	if (mr_directory_list(dir, arena, &find, &found, err) < 0)
		return -1;
	heir->found = found.count > 0;
	return 0;
}

/* The home is asked itself: that the host is gone and what was adopted may come to the copies here
 * in any order. */
static int has_heir(const struct mr_mover *mover, const struct mr_move_entry *at, bool *yes,
		    struct mr_error *err)
{
	struct heir heir = { mover->topology->home, at->move.mailbox, false };
	struct mr_question question = { .host = heir.home, .answer = &heir };

	if (mr_ask_all(mover->config, NULL, &question, 1, find_heir) != 1) {
		*err = question.err;
		return mr_fail_in(err, _("%s is gone; who has the mailbox of %s now"),
				  at->move.host, at->route.user);
	}
	*yes = heir.found;
	return 0;
}

static int give_up(const struct mr_mover *mover, const struct mr_move_entry *at,
		   struct mr_error *err)
{
	struct mr_move next = at->move;

	next.phase = MR_MOVE_ABORTING;
	return mr_move_entry_advance(mover->arena, mover->dir, at, &next, err);
}

/* The new owner's entries, in this host's copies. */
static int has_arrived(const struct mr_mover *mover, const struct mr_move_entry *at, bool *yes,
		       struct mr_error *err)
{
	static const char *const attrs[] = { "mailRoutingAddress", NULL };
	struct mr_arena *arena = mover->arena;
	const char *user = at->route.user, *host = at->move.host;
	struct mr_entry *route, *account;

	*yes = false;
	if (read_there(mover, mr_dit_user(arena, user, mr_dit_copy(arena, MR_MAIL, host)), attrs,
		       &route, err) < 0 ||
	    read_there(mover, mr_dit_user(arena, user, mr_dit_copy(arena, MR_UNIX, host)), attrs,
		       &account, err) < 0)
		return -1;
	*yes = route && account &&
	       mr_entry_has_nocase(route, "mailRoutingAddress", at->move.mailbox);
	return 0;
}

static void plan_account(const struct mr_mover *mover, const struct mr_move_entry *at,
			 struct mr_plan *plan)
{
	const char *self = mover->config->host;

	mr_plan_delete_entry(
		mover->arena, plan, NULL,
		mr_dit_user(mover->arena, at->route.user,
			    mr_dit_owned(mover->arena, MR_UNIX, self)),
		mr_printf(mover->arena, _("delete account %s at %s"), at->route.user, self));
}

/* All in one modify: who finds the new owner's route finds this one, or none that claims anything.
 */
static int become_former(const struct mr_mover *mover, const struct mr_move_entry *at,
			 struct mr_error *err)
{
	static const char *const owned[] = { "mailLocalAddress",   "mailHost",
					     "mailRoutingAddress", "mailReplFormerAddress",
					     "mailReplForward",    "mailReplAccess",
					     "mailReplHeldUntil",  NULL };
	struct mr_arena *arena = mover->arena;
	struct mr_move next = at->move;
	struct mr_route former = { .user = at->route.user };
	struct mr_plan plan = { 0 };

	next.phase = MR_MOVE_MOVED;
	for (size_t i = 0; i < at->route.addresses.count; i++)
		mr_list_add(arena, &former.former, at->route.addresses.items[i]);
	for (size_t i = 0; i < at->route.former.count; i++)
		if (!mr_list_has(&former.former, at->route.former.items[i]))
			mr_list_add(arena, &former.former, at->route.former.items[i]);
	mr_list_add(arena, &former.former, at->route.routing_address);
	mr_list_add(arena, &former.forward, at->move.mailbox);
	former.move = mr_move_format(arena, &next);
	mr_plan_update_entry(
		arena, &plan, NULL, at->entry,
		mr_route_format(arena, &former, mr_dit_owned(arena, MR_MAIL, mover->config->host)),
		owned,
		mr_printf(arena, _("%s is at %s now: mail for %s goes there"), at->route.user,
			  at->move.host, at->route.routing_address));
	plan_account(mover, at, &plan);
	return mr_move_apply(mover, &plan, err);
}

/* The address at this host that the mailbox had, by which mail still waits in queues. */
static const char *real_address(const struct mr_mover *mover, const struct mr_move_entry *at)
{
	const char *tail = mr_printf(mover->arena, "@%s", mover->config->host), *found = NULL;

	if (at->route.routing_address)
		return at->route.routing_address;
	/* A mailbox that had moved before may have several: the newest is the last. */
	for (size_t i = 0; i < at->route.former.count; i++)
		if (mr_ends_with(at->route.former.items[i], tail) &&
		    mr_move_folder_is_held(mover->config,
					   mr_move_id(mover->arena, at->route.former.items[i])))
			found = at->route.former.items[i];
	return found;
}

struct sight {
	const char *former_dn, *mailbox;
	bool both;
};

static int see(struct mr_arena *arena, struct mr_directory *dir, void *answer, struct mr_error *err)
{
	static const char *const attrs[] = { "mailRoutingAddress", "mailReplForward", NULL };
	struct sight *sight = answer;
	/* With whoever has it by now: that may be the heir of the new owner. */
	const struct mr_search find = {
		.base = mr_dit_all(MR_MAIL),
		.filter = mr_filter(arena,
				    "(|(mailRoutingAddress=%s)(&(mailRoutingAddress=*)"
				    "(mailLocalAddress=%s)))",
				    sight->mailbox, sight->mailbox),
		.attrs = attrs,
	};
	struct mr_entry *former;
	struct mr_entries routes = { 0 };

	if (mr_directory_read(dir, arena, sight->former_dn, attrs, &former, err) < 0 ||
	    mr_directory_list(dir, arena, &find, &routes, err) < 0)
		return -1;
	sight->both = former && !mr_entry_value(former, "mailRoutingAddress") && routes.count;
	return 0;
}

/* Every joined host's copy, this one's among them. */
static bool is_known_everywhere(const struct mr_mover *mover, const struct mr_move_entry *at)
{
	const struct mr_topology *topology = mover->topology;
	struct mr_arena *arena = mover->arena;
	struct mr_question *questions = MR_NEW_ARRAY(arena, struct mr_question, topology->count);
	struct sight *sights = MR_NEW_ARRAY(arena, struct sight, topology->count);
	const char *user = at->route.user;
	const struct sight want = { mr_dit_user(arena, user,
						mr_dit_copy(arena, MR_MAIL, mover->config->host)),
				    at->move.mailbox, false };
	size_t count = 0;
	bool all = true;

	for (size_t i = 0; i < topology->count; i++)
		if (topology->hosts[i].state == MR_JOINED &&
		    topology->hosts[i].services & MR_MAIL) {
			sights[count] = want;
			questions[count] = (struct mr_question){ .host = topology->hosts[i].name,
								 .answer = &sights[count] };
			count++;
		}
	if (mr_ask_all(mover->config, NULL, questions, count, see) < count)
		return false;
	for (size_t i = 0; i < count; i++)
		all &= sights[i].both;
	return all;
}

static const char *keep_until(struct mr_arena *arena, long long days)
{
	const time_t then = time(NULL) + (time_t)(days * DAY);
	char *text = MR_NEW_ARRAY(arena, char, 32);
	struct tm utc;

	if (!gmtime_r(&then, &utc) || strftime(text, 32, "%Y%m%d%H%M%SZ", &utc) == 0)
		return "99991231235959Z";
	return text;
}

static bool is_past(const char *until)
{
	MR_ARENA arena = mr_arena_open();

	return strcmp(keep_until(arena, 0), until) >= 0;
}

/* Only the real address stays: mail that is queued anywhere may still have it. The file in the
 * mailbox' place stays longer than any message may wait in a queue. */
static int reduce(const struct mr_mover *mover, const struct mr_move_entry *at,
		  struct mr_error *err)
{
	struct mr_arena *arena = mover->arena;
	const char *tail = mr_printf(arena, "@%s", mover->config->host);
	const long long days = at->move.days ? at->move.days : MR_MOVE_KEEP_DAYS;
	struct mr_move next = at->move;
	struct mr_plan plan = { 0 };
	struct mr_step *step;
	struct mr_mod *mod;

	next.phase = MR_MOVE_KEPT;
	next.until = keep_until(arena, days);
	step = mr_plan_modify_entry(arena, &plan, NULL, at->entry->dn, 2,
				    mr_printf(arena, _("every host knows that %s is at %s"),
					      at->route.user, at->move.host));
	mod = mr_plan_mod(arena, step, MR_MOD_REPLACE, "mailReplFormerAddress", NULL);
	for (size_t i = 0; i < at->route.former.count; i++)
		if (mr_ends_with(at->route.former.items[i], tail))
			mr_list_add(arena, &mod->attr.values, at->route.former.items[i]);
	mr_plan_mod(arena, step, MR_MOD_REPLACE, "mailReplMove", mr_move_format(arena, &next));
	if (!at->move.days && real_address(mover, at) &&
	    mr_move_folder_forget_old(mover->config, mr_move_id(arena, real_address(mover, at)),
				      err) < 0)
		return -1;
	return mr_move_apply(mover, &plan, err);
}

static int give_moved(const struct mr_mover *mover, const struct mr_move_entry *at, bool *busy,
		      struct mr_error *err)
{
	const char *address = real_address(mover, at);
	const char *dn = mr_dit_user(mover->arena, at->route.user,
				     mr_dit_owned(mover->arena, MR_UNIX, mover->config->host));
	static const char *const none[] = { "1.1", NULL };
	struct mr_plan plan = { 0 };
	struct mr_entry *account;
	size_t waiting = 0;

	*busy = true;
	/* Whoever was killed between the two left it. */
	if (mr_directory_read(mover->dir, mover->arena, dn, none, &account, err) < 0)
		return -1;
	if (account) {
		plan_account(mover, at, &plan);
		if (mr_move_apply(mover, &plan, err) < 0)
			return -1;
	}
	if (address && mr_move_requeue(mover->config, address, &waiting, err) < 0)
		return -1;
	return is_known_everywhere(mover, at) ? reduce(mover, at, err) : 0;
}

static int give_kept(const struct mr_mover *mover, const struct mr_move_entry *at, bool *busy,
		     struct mr_error *err)
{
	const char *address = real_address(mover, at), *id;
	size_t waiting = 0;

	if (address && mr_move_requeue(mover->config, address, &waiting, err) < 0)
		return -1;
	*busy = waiting > 0;
	if (waiting || !is_past(at->move.until))
		return 0;
	id = address ? mr_move_id(mover->arena, address) : NULL;
	if (id && (mr_move_folder_forget_old(mover->config, id, err) < 0 ||
		   mr_move_folder_forget_hold(mover->config, id, err) < 0))
		return -1;
	return mr_move_entry_advance(mover->arena, mover->dir, at, NULL, err);
}

static int give_back(const struct mr_mover *mover, const struct mr_move_entry *at,
		     struct mr_error *err)
{
	const char *address = at->route.routing_address;
	size_t waiting;

	if (mr_move_folder_release(mover->config, mr_move_id(mover->arena, address), err) < 0 ||
	    mr_move_requeue(mover->config, address, &waiting, err) < 0)
		return -1;
	return mr_move_entry_advance(mover->arena, mover->dir, at, NULL, err);
}

int mr_move_give(const struct mr_mover *mover, const struct mr_move_entry *at, bool *busy,
		 struct mr_error *err)
{
	const bool lost = is_lost(mover, at);
	bool arrived;

	*busy = at->move.phase != MR_MOVE_KEPT;
	switch (at->move.phase) {
	case MR_MOVE_ADOPTING:
		if ((lost ? has_heir : has_arrived)(mover, at, &arrived, err) < 0)
			return -1;
		if (!arrived && lost && is_taken_over(mover, at))
			return give_up(mover, at, err);
		return arrived ? become_former(mover, at, err) : 0;
	case MR_MOVE_MOVED:
		return give_moved(mover, at, busy, err);
	case MR_MOVE_KEPT:
		return give_kept(mover, at, busy, err);
	case MR_MOVE_ABORTING:
		return give_back(mover, at, err);
	default:
		return lost ? give_up(mover, at, err) : 0; /* the new owner asks */
	}
}
