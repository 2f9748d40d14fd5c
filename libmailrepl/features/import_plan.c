#include "features/import.h"

#include <string.h>

#include "features/import_offline.h"
#include "features/import_write.h"

/* What is to be written at one host. */
struct batch {
	struct mr_import *import;
	const struct mr_host *host;
	size_t fresh, half; /* users */
};

static int run_hash(void *argument, struct mr_error *err)
{
	return mr_import_hash(argument, err);
}

static int run_number(void *argument, struct mr_error *err)
{
	const struct batch *batch = argument;

	return mr_import_number(batch->import, batch->host, err);
}

static int run_write(void *argument, struct mr_error *err)
{
	const struct batch *batch = argument;

	return mr_import_write(batch->import, batch->host, err);
}

static int run_append(void *argument, struct mr_error *err)
{
	const struct batch *batch = argument;

	return mr_import_append(batch->import, batch->host, err);
}

static void plan_batch(struct batch *batch, struct mr_plan *plan)
{
	struct mr_arena *arena = batch->import->arena;
	const char *host = batch->host->name;
	size_t count = batch->fresh + batch->half;
	bool own = strcmp(host, batch->import->config->host) == 0;

	if (batch->fresh)
		mr_plan_action(
			arena, plan, run_number, batch,
			mr_printf(arena, _("take %zu uidNumbers of %s"), batch->fresh, host));
	if (own && count >= MR_IMPORT_MANY)
		mr_plan_action(arena, plan, run_append, batch,
			       mr_printf(arena,
					 _("append %zu users to copies of the databases of %s, and "
					   "put these in their place (slapd is away for a moment)"),
					 count, host));
	else
		mr_plan_action(arena, plan, run_write, batch,
			       mr_printf(arena, _("add %zu users at %s"), count, host));
}

static void plan_hashing(struct mr_import *import, struct mr_plan *plan)
{
	size_t count = 0;

	for (size_t i = 0; i < import->file->count; i++)
		count += import->items[i].user->password.data &&
			 (import->items[i].state == MR_IMPORT_NEW ||
			  import->items[i].state == MR_IMPORT_OTHER);
	if (count)
		mr_plan_action(import->arena, plan, run_hash, import,
			       mr_printf(import->arena, _("hash %zu passwords"), count));
}

static void plan_other(const struct mr_import_item *item, struct mr_import *import,
		       struct mr_plan *plan)
{
	bool added = false;

	for (size_t i = 0; i < item->plan.count; i++) {
		struct mr_step *step = mr_plan_step(import->arena, plan, item->plan.steps[i].kind,
						    "%s", item->plan.steps[i].summary);

		*step = item->plan.steps[i];
		added |= step->entry && mr_entry_is(step->entry, "posixAccount");
	}
	import->added += added;
	import->completed += !added;
}

void mr_import_plan(struct mr_import *import, struct mr_plan *plan)
{
	const struct mr_topology *topology = import->topology;

	plan_hashing(import, plan);
	for (size_t h = 0; h < topology->count; h++) {
		struct batch *batch = MR_NEW(import->arena, struct batch);

		*batch = (struct batch){ import, &topology->hosts[h], 0, 0 };
		for (size_t i = 0; i < import->file->count; i++)
			if (mr_import_is_at(&import->items[i], batch->host)) {
				batch->fresh += import->items[i].state == MR_IMPORT_NEW;
				batch->half += import->items[i].state == MR_IMPORT_HALF;
			}
		import->added += batch->fresh;
		import->completed += batch->half;
		if (batch->fresh + batch->half)
			plan_batch(batch, plan);
	}
	for (size_t i = 0; i < import->file->count; i++) {
		import->skipped += import->items[i].state == MR_IMPORT_DONE;
		if (import->items[i].state == MR_IMPORT_OTHER)
			plan_other(&import->items[i], import, plan);
	}
}
