#include "features/render.h"

#include <string.h>
#include <unistd.h>

#include "base/paths.h"
#include "features/mta.h"
#include "features/nss.h"
#include "features/render_back.h"
#include "features/render_keep.h"

/* Our tables have a folder of their own: it goes with the last of them. */
static void drop_folder(struct mr_arena *arena, const char *path)
{
	const char *folder = mr_strndup(arena, path, (size_t)(strrchr(path, '/') - path));

	if (mr_ends_with(folder, "/mailrepl"))
		(void)rmdir(folder);
}

/* Nothing is ours here any more. */
static int forget(struct mr_arena *arena, const struct mr_config *config, const char *path,
		  struct mr_error *err)
{
	static const char *const stores[] = { MR_PATH_WRITTEN, MR_PATH_WRITING, MR_PATH_CHANGES };

	for (size_t i = 0; i < sizeof(stores) / sizeof(stores[0]); i++) {
		const char *copy = mr_kept_find(arena, config, stores[i], path).copy;

		if (mr_tree_remove(copy, err) < 0 ||
		    mr_tree_remove(mr_printf(arena, "%s.json", copy), err) < 0)
			return -1;
	}
	return 0;
}

/* There is no step back behind that. */
static int forget_steps(const struct mr_change *change, struct mr_error *err)
{
	const char *const stores[] = { change->pending, change->undone, change->redo,
				       change->over, change->before };

	for (size_t i = 0; i < sizeof(stores) / sizeof(stores[0]); i++)
		if (mr_change_forget(change, stores[i], err) < 0)
			return -1;
	return mr_back_unlist(change, err);
}

/* The last file of a service refers to the others: it goes back first. */
static int put_back(void *argument, struct mr_error *err)
{
	const struct mr_change *change = argument;
	const struct mr_config *config = change->config;
	MR_ARENA arena = mr_arena_open();

	if (mr_change_is_managed(config) && mr_change_note_due(change, true, err) < 0)
		return -1;
	for (size_t i = change->paths.count; i > 0; i--) {
		const char *path = change->paths.items[i - 1];

		if (mr_kept_restore(config, MR_PATH_ORIGINAL, path, err) < 0 ||
		    forget(arena, config, path, err) < 0)
			return -1;
		if (i == 1 && mr_mta_forget(config, change->service, err) < 0)
			return -1;
		drop_folder(arena, path);
	}
	return forget_steps(change, err);
}

static int stop(void *argument, struct mr_error *err)
{
	const struct mr_change *change = argument;

	return mr_service_stop(change->service, "", err);
}

/* Postfix without a configuration cannot even be asked whether it runs. */
static bool had_nothing(struct mr_arena *arena, const struct mr_change *change)
{
	return change->service == MR_SERVICE_POSTFIX &&
	       mr_kept_find(arena, change->config, MR_PATH_ORIGINAL,
			    mr_path(arena, change->config->root, MR_PATH_POSTFIX "/main.cf"))
		       .is_absent;
}

static int restart_original(void *argument, struct mr_error *err)
{
	const struct mr_change *change = argument;

	if (mr_service_running(change->service, "") &&
	    mr_service_restart(change->service, "", err) < 0)
		return -1;
	return mr_change_end(argument, err);
}

/* With its packages' own configuration it serves nobody. */
static int stop_original(void *argument, struct mr_error *err)
{
	const struct mr_change *change = argument;

	return mr_service_stop(change->service, "", err) < 0 ? -1 : mr_change_end(argument, err);
}

int mr_render_service_undo_plan(struct mr_arena *arena, const struct mr_config *config,
				enum mr_service_name service, struct mr_plan *plan,
				struct mr_error *err)
{
	const char *word = mr_service_word(service);
	struct mr_change *change;

	if (mr_change_new(arena, config, NULL, service, &change, err) < 0)
		return -1;
	if (!mr_change_has_original(change) &&
	    !(mr_change_is_managed(config) && mr_path_exists(change->due)))
		return 0;
	if (mr_change_is_managed(config) && had_nothing(arena, change) &&
	    mr_service_running(service, ""))
		mr_plan_action(arena, plan, stop, change,
			       mr_printf(arena, _("stop %s, which had no configuration"), word));
	mr_plan_action(arena, plan, put_back, change,
		       mr_printf(arena, _("put back what %s had before mailrepl"), word));
	if (mr_change_is_managed(config) && service == MR_SERVICE_NSLCD)
		mr_plan_action(arena, plan, stop_original, change,
			       mr_printf(arena, _("stop %s"), word));
	else if (mr_change_is_managed(config))
		mr_plan_action(arena, plan, restart_original, change,
			       mr_printf(arena, _("restart %s if it runs"), word));
	return 0;
}

static int remove_hold(void *argument, struct mr_error *err)
{
	const struct mr_config *config = argument;
	MR_ARENA arena = mr_arena_open();

	return mr_tree_remove(mr_path(arena, config->root, MR_PATH_HELD), err);
}

static int remove_left(void *argument, struct mr_error *err)
{
	const struct mr_config *config = argument;
	MR_ARENA arena = mr_arena_open();

	return mr_tree_remove(mr_path(arena, config->root, MR_PATH_LEFT), err);
}

int mr_render_undo_plan(struct mr_arena *arena, const struct mr_config *config,
			struct mr_plan *plan, struct mr_error *err)
{
	static const enum mr_service_name services[] = { MR_SERVICE_POSTFIX, MR_SERVICE_EXIM,
							 MR_SERVICE_DOVECOT };

	if (mr_nss_undo_plan(arena, config, plan, err) < 0)
		return -1;
	for (size_t i = 0; i < sizeof(services) / sizeof(services[0]); i++)
		if (mr_render_service_undo_plan(arena, config, services[i], plan, err) < 0)
			return -1;
	if (mr_path_exists(mr_path(arena, config->root, MR_PATH_LEFT)))
		mr_plan_action(arena, plan, remove_left, (void *)config,
			       _("forget that Postfix is left alone"));
	if (mr_path_exists(mr_path(arena, config->root, MR_PATH_HELD)))
		mr_plan_action(arena, plan, remove_hold, (void *)config,
			       _("let Postfix start: it does not need the copies any more"));
	return 0;
}
