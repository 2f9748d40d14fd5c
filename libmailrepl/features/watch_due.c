#include "features/watch_due.h"

#include <string.h>

#include "features/verify.h"

/* Of the time that a comparison takes: whoever cannot find an end uses a tenth of it. */
#define REST 10

static int64_t later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

void mr_watch_due_call(struct mr_watch_due *due, int64_t slot, int64_t now)
{
	if (due->called)
		due->due = later(due->due, now + MR_WATCH_SETTLE);
	else
		due->due = later(due->rest, now + MR_WATCH_SETTLE + slot);
	due->called = true;
}

int64_t mr_watch_slot(size_t self, size_t owner, size_t count, int64_t took)
{
	return count ? (int64_t)((self + count - owner % count) % count) * later(took, 1) : 0;
}

bool mr_watch_due_now(struct mr_watch_due *due, int64_t interval, int64_t now)
{
	if (!due->due && interval && due->equal && now - due->equal >= interval)
		due->due = now;
	return due->due && now >= due->due;
}

void mr_watch_due_begin(struct mr_watch_due *due)
{
	due->due = 0;
	due->called = false;
}

/* When to look again at what is not equal. */
static int64_t again_at(struct mr_watch_due *due, enum mr_watch_found found, int64_t now)
{
	if (found == MR_FOUND_DIFFERS)
		return later(now + MR_WATCH_LOOK_AGAIN, due->repairs.last + due->repairs.length);
	mr_watch_pause_begin(&due->looks, now);
	return later(now + due->looks.length, due->rest);
}

bool mr_watch_due_end(struct mr_watch_due *due, enum mr_watch_found found, int64_t took,
		      int64_t now)
{
	bool twice = found == MR_FOUND_DIFFERS && due->differed;

	due->took = took;
	due->rest = now + REST * took;
	due->differed = found == MR_FOUND_DIFFERS;
	if (found <= MR_FOUND_LEFT) {
		due->equal = now;
		due->looks.length = 0;
		mr_watch_pause_calm(&due->repairs, now);
		return false;
	}
	if (twice && !due->called && mr_watch_pause_over(&due->repairs, now))
		return true;
	if (!due->called)
		due->due = again_at(due, found, now);
	return false;
}

void mr_watch_due_repair(struct mr_watch_due *due, int64_t now)
{
	due->differed = false;
	mr_watch_pause_begin(&due->repairs, now);
}

static enum mr_watch_found of_copy(const struct mr_value *copy)
{
	const char *state = mr_value_get_string(copy, "state", "");

	if (strcmp(state, mr_copy_state_word(MR_COPY_EQUAL)) == 0)
		return MR_FOUND_EQUAL;
	if (strcmp(state, mr_copy_state_word(MR_COPY_DIFFERS)) != 0)
		return MR_FOUND_LATER;
	return mr_value_get_string(copy, "why", NULL) ? MR_FOUND_LEFT : MR_FOUND_DIFFERS;
}

enum mr_watch_found mr_watch_found(const struct mr_value *result, const char *owner,
				   const char *holder, const char **why)
{
	const struct mr_value *copies = mr_value_get(result, "copies");
	enum mr_watch_found worst = MR_FOUND_EQUAL;
	bool known = false;

	if (why)
		*why = NULL;
	for (size_t i = 0; copies && copies->kind == MR_VALUE_LIST && i < copies->count; i++) {
		const struct mr_value *copy = copies->items[i];
		enum mr_watch_found found = of_copy(copy);

		if (strcmp(mr_value_get_string(copy, "owner", ""), owner) != 0 ||
		    strcmp(mr_value_get_string(copy, "holder", ""), holder) != 0)
			continue;
		if (why && (!known || found > worst))
			*why = mr_value_get_string(copy, "why", NULL);
		worst = found > worst ? found : worst;
		known = true;
	}
	return known ? worst : MR_FOUND_LATER;
}
