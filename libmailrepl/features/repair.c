#include "features/repair.h"

#include <string.h>
#include <unistd.h>

#include "adapters/service.h"
#include "base/clock.h"
#include "base/log.h"
#include "features/instance.h"
#include "features/repair_copy.h"

#define WAIT_MS  10000 /* for what is on its way */
#define PAUSE_US (200 * 1000)

struct repairing {
	const struct mr_config *config;
	const struct mr_topology *topology;
	struct mr_repair *repair;
};

const char *mr_repair_word(enum mr_repair_means means)
{
	static const char *const words[] = { [MR_REPAIR_NONE] = "none",
					     [MR_REPAIR_WAIT] = "wait",
					     [MR_REPAIR_RESTART] = "restart",
					     [MR_REPAIR_REFILL] = "refill",
					     [MR_REPAIR_WIPE] = "wipe" };

	return words[means];
}

static int open_owner(struct mr_arena *arena, const struct repairing *r,
		      const struct mr_host *owner, struct mr_directory **out, struct mr_error *err)
{
	if (strcmp(owner->name, r->config->host) == 0)
		return mr_instance_open(arena, r->config, out, err);
	return mr_instance_open_peer(arena, r->config, NULL, owner->name, out, err);
}

static int look(struct repairing *r, struct mr_directory *owner, struct mr_directory *holder,
		enum mr_copy_state *state, struct mr_error *err)
{
	struct mr_copy_check check = *r->repair->copy;
	MR_ARENA arena = mr_arena_open();

	if (!check.owner) {
		if (mr_verify_strays(arena, holder, check.service, r->topology, &check.differences,
				     err) < 0)
			return -1;
		*state = check.differences.count ? MR_COPY_DIFFERS : MR_COPY_EQUAL;
		return 0;
	}
	if (mr_verify_copy(arena, owner, holder, &check, err) < 0)
		return -1;
	*state = check.state;
	return 0;
}

/* Until it is equal, or it differs twice (waiting does not help against that), or time is over. */
static int await_equal(struct repairing *r, enum mr_copy_state *state, struct mr_error *err)
{
	long long end = mr_now_ms() + WAIT_MS;
	MR_ARENA arena = mr_arena_open();
	MR_DIRECTORY owner = NULL;
	MR_DIRECTORY holder = NULL;
	int differed = 0;

	if (mr_instance_open(arena, r->config, &holder, err) < 0 ||
	    (r->repair->copy->owner &&
	     open_owner(arena, r, r->repair->copy->owner, &owner, err) < 0))
		return -1;
	for (;;) {
		if (look(r, owner, holder, state, err) < 0)
			return -1;
		differed += *state == MR_COPY_DIFFERS;
		if (*state == MR_COPY_EQUAL || differed > 1 || mr_left_ms(end) == 0)
			return 0;
		(void)usleep(PAUSE_US);
	}
}

static int restart(struct repairing *r, struct mr_error *err)
{
	return mr_service_restart(MR_SERVICE_SLAPD, r->config->root, err);
}

static int refill(struct repairing *r, struct mr_error *err)
{
	const struct mr_copy_check *copy = r->repair->copy;

	return mr_copy_refill(&(struct mr_copy_refill){ .config = r->config,
							.topology = r->topology,
							.service = copy->service,
							.owner = copy->owner },
			      err);
}

static int wipe(struct repairing *r, struct mr_error *err)
{
	return mr_copy_refill(&(struct mr_copy_refill){ .config = r->config,
							.topology = r->topology,
							.service = r->repair->copy->service,
							.all = true },
			      err);
}

static const struct rung {
	enum mr_repair_means means;
	int (*apply)(struct repairing *r, struct mr_error *err); /* NULL: nothing but waiting */
	const char *done;
} rungs[] = {
	{ MR_REPAIR_WAIT, NULL, N_("it came by itself") },
	{ MR_REPAIR_RESTART, restart, N_("slapd was restarted") },
	{ MR_REPAIR_REFILL, refill, N_("the container was filled again from its owner") },
	{ MR_REPAIR_WIPE, wipe, N_("the whole copy was filled again from all owners") },
};
#define RUNG_COUNT (sizeof(rungs) / sizeof(*rungs))

static const char *owner_name(const struct mr_copy_check *copy)
{
	return copy->owner ? copy->owner->name : _("nobody");
}

/* 1: it is equal now. A means that fails is no reason not to try the next one. */
static int climb(struct repairing *r, const struct rung *rung, enum mr_copy_state *state,
		 struct mr_error *err)
{
	const struct mr_copy_check *copy = r->repair->copy;

	/* The consumer would ask for what is newer than the contextCSN, and that is nothing. */
	if (rung->means == MR_REPAIR_RESTART && *state == MR_COPY_DIFFERS)
		return 0;
	if ((rung->apply && rung->apply(r, err) < 0) || await_equal(r, state, err) < 0) {
		mr_log(MR_LOG_WARNING, "%s: %s: %s", owner_name(copy),
		       mr_repair_word(rung->means), err->message);
		return -1;
	}
	if (*state != MR_COPY_EQUAL)
		return 0;
	r->repair->means = rung->means;
	mr_log(MR_LOG_INFO, _("%s of %s: equal now, %s"), mr_service_name(copy->service),
	       owner_name(copy), _(rung->done));
	return 1;
}

static int repair_copy(void *argument, struct mr_error *err)
{
	struct repairing *r = argument;
	enum mr_copy_state state = MR_COPY_UNKNOWN;
	int result = 0;

	for (size_t i = 0; i < RUNG_COUNT; i++) {
		result = climb(r, &rungs[i], &state, err);
		if (result > 0)
			return 0;
		/* If the owner does not answer, nothing can be read from it and nothing be proved. */
		if (result < 0 && err->code == MR_E_UNAVAILABLE)
			return -1;
	}
	if (result < 0)
		return -1;
	return mr_fail(err, MR_E_TEMPORARY,
		       _("the copy still differs after all that was tried; cl-replication --verify "
			 "names the entries"));
}

static const char *summary(struct mr_arena *arena, const struct mr_copy_check *check)
{
	const char *service = mr_service_name(check->service);

	if (!check->owner)
		return mr_printf(arena, _("remove from the copy of %s what no host owns"), service);
	return mr_printf(arena, _("make the copy of %s of %s equal to its owner (%s)"), service,
			 check->owner->name, mr_copy_state_word(check->state));
}

int mr_repair_plan(struct mr_arena *arena, const struct mr_config *config,
		   const struct mr_topology *topology, const struct mr_verification *found,
		   struct mr_repairs *out, struct mr_plan *plan, struct mr_error *err)
{
	const struct mr_host *self = mr_topology_host(topology, config->host);

	*out = (struct mr_repairs){ MR_NEW_ARRAY(arena, struct mr_repair, found->count), 0 };
	if (!self)
		return mr_fail(err, MR_E_NO_HOST, _("%s is not in the topology any more"), config->host);
	for (size_t i = 0; i < found->count; i++) {
		const struct mr_copy_check *check = &found->items[i];
		struct repairing *r;

		if (check->holder != self ||
		    (check->state != MR_COPY_BEHIND && check->state != MR_COPY_DIFFERS))
			continue;
		/* It is the only one that still has what the owner has lost. */
		if (check->why) {
			mr_log(MR_LOG_WARNING, _("the copy of %s of %s is left as it is: %s"),
			       mr_service_name(check->service), owner_name(check), check->why);
			continue;
		}
		r = MR_NEW(arena, struct repairing);
		*r = (struct repairing){ config, topology, &out->items[out->count] };
		out->items[out->count++] = (struct mr_repair){ check, MR_REPAIR_NONE };
		mr_plan_action(arena, plan, repair_copy, r, summary(arena, check));
	}
	return 0;
}
