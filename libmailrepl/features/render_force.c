#include <string.h>

#include "base/paths.h"
#include "base/process.h"
#include "features/gate.h"
#include "features/mta.h"
#include "features/render_back.h"
#include "features/render_check.h"
#include "features/render_keep.h"
#include "features/serves.h"

#define ALIASES "/etc/aliases"

/* Without the compiled table no local mail is delivered, and role addresses end there. */
static int make_aliases(struct mr_error *err)
{
	static const char *const argv[] = { "newaliases", NULL };

	if (!mr_path_exists(ALIASES) || mr_path_exists(ALIASES ".db") ||
	    mr_path_exists(ALIASES ".lmdb"))
		return 0;
	return mr_process_check(&(struct mr_process){ .argv = argv }, err);
}

static int age_files(const struct mr_change *change, struct mr_error *err)
{
	for (size_t i = 0; i < change->paths.count; i++)
		if (mr_path_exists(change->paths.items[i]) &&
		    mr_render_age(change->paths.items[i], err) < 0)
			return -1;
	return 0;
}

/* What was there before this change, or before it was undone. */
static const char *way_back(const struct mr_change *change)
{
	return change->rendering ? change->pending : change->undone;
}

/* The gate may have changed since main.cf was rendered, or was kept, and mailrepl-watch may have written its line
 * into the text that has just been replaced. `forth`: by the new one. */
static int align(const struct mr_change *change, bool forth, struct mr_error *err)
{
	MR_ARENA arena = mr_arena_open();
	const struct mr_config *config = change->config;
	const char *path = mr_path(arena, config->root, MR_PATH_POSTFIX "/main.cf");
	const struct mr_rendered *file = mr_change_rendered(change, path);
	const char *installed = mr_kept_text(arena, config, MR_PATH_WRITING, path);
	const char *replaced = mr_kept_text(arena, config, way_back(change), path);

	if (change->service != MR_SERVICE_POSTFIX)
		return 0;
	if (!forth)
		replaced = file ? file->content
				: mr_kept_text(arena, config, change->before, path);
	return mr_gate_take_over(config, replaced, installed, change->due, err);
}

int mr_change_record(void *argument, struct mr_error *err)
{
	return align(argument, true, err) < 0 ? -1 : mr_change_end(argument, err);
}

static int tell(const struct mr_change *change, struct mr_error *err)
{
	if (align(change, true, err) < 0)
		return -1;
	if (change->service == MR_SERVICE_POSTFIX &&
	    (age_files(change, err) < 0 || make_aliases(err) < 0))
		return -1;
	if (mr_mta_ready(change->config, change->service, err) < 0)
		return -1;
	return mr_change_needs_restart(change) ? mr_service_restart(change->service, "", err)
					       : mr_service_reload(change->service, "", err);
}

/* Of each file it is known at any time that it is ours, whether it lies there already or not. */
int mr_change_install(const struct mr_change *change, const char *store, struct mr_error *err)
{
	MR_ARENA arena = mr_arena_open();

	for (size_t i = change->paths.count; i > 0; i--) {
		const char *path = change->paths.items[i - 1];
		const char *text = mr_kept_text(arena, change->config, store, path);

		if (text && mr_kept_write(change->config, MR_PATH_WRITING, path, text, strlen(text),
					  err) < 0)
			return -1;
		if (mr_kept_put(change->config, store, path, err) < 0)
			return -1;
	}
	return 0;
}

/* What did not come up may not hear of a reload either. */
static int put_back(const struct mr_change *change, struct mr_error *err)
{
	if (mr_change_install(change, way_back(change), err) < 0 || align(change, false, err) < 0)
		return -1;
	if (change->service == MR_SERVICE_POSTFIX && age_files(change, err) < 0)
		return -1;
	return mr_service_restart(change->service, "", err);
}

/* Everything is as it was. */
static int forget_change(const struct mr_change *change, struct mr_error *err)
{
	if (mr_change_note_end(change, err) < 0 || mr_change_drop_due(change, err) < 0)
		return -1;
	if (!change->rendering && mr_back_unlist(change, err) < 0)
		return -1;
	return mr_change_forget(change, way_back(change), err);
}

static int take_back(const struct mr_change *change, struct mr_error *err)
{
	if (mr_change_install(change, change->pending, err) < 0 || align(change, false, err) < 0)
		return -1;
	if (mr_change_is_managed(change->config) &&
	    ((change->service == MR_SERVICE_POSTFIX && age_files(change, err) < 0) ||
	     mr_service_refresh(change->service, "", err) < 0))
		return -1;
	return forget_change(change, err);
}

void mr_change_take_back(void *argument, struct mr_error *err)
{
	const struct mr_change *change = argument;
	const char *word = mr_service_word(change->service);
	struct mr_error why = *err;

	/* There was nothing of ours before: the next run completes it. */
	if (!mr_change_has(change, change->pending))
		return;
	if (take_back(change, err) < 0)
		mr_fail(err, why.code, _("%s; putting back what %s had before has failed, too: %s"),
			why.message, word, err->message);
	else
		mr_fail(err, why.code, _("%s; what %s had before is there again"), why.message,
			word);
}

static int roll_back(const struct mr_change *change, struct mr_error *err)
{
	const char *word = mr_service_word(change->service);
	struct mr_error why = *err;

	/* Nothing was changed, or there was nothing of ours before. */
	if (!mr_change_has(change, way_back(change)))
		return -1;
	if (put_back(change, err) < 0)
		return mr_fail(
			err, why.code,
			_("%s does not serve with its new configuration: %s; putting back the "
			  "one before has failed, too: %s"),
			word, why.message, err->message);
	if (forget_change(change, err) < 0)
		return -1;
	return mr_fail(err, why.code,
		       _("%s does not serve with its new configuration: %s; the one before is in "
			 "force again"),
		       word, why.message);
}

int mr_change_put_in_force(void *argument, struct mr_error *err)
{
	const struct mr_change *change = argument;

	if (tell(change, err) < 0 || mr_serves(change->config, change->service, err) < 0)
		return roll_back(change, err);
	return mr_change_end(argument, err);
}
