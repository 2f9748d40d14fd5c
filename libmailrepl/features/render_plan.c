#include "features/render.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/paths.h"
#include "base/process.h"
#include "features/nss.h"
#include "features/render_check.h"
#include "features/render_keep.h"
#include "features/render_manifest.h"

#define ALIASES "/etc/aliases"

/* What the action steps of one service need; it lives in the plan's arena. */
struct change {
	const struct mr_config *config;
	const struct mr_rendering *rendering;
	enum mr_service_name service;
	const char *due; /* a file: new configuration is installed and not in force yet; holds
			    "reload" or "restart" */
	struct mr_manifest manifest; /* undo only */
};

static bool is_managed(const struct mr_config *config)
{
	return config->mail_manage && !*config->root;
}

static struct change *change_new(struct mr_arena *arena, const struct mr_config *config,
				 const struct mr_rendering *rendering, enum mr_service_name service)
{
	struct change *change = MR_NEW(arena, struct change);

	change->config = config;
	change->rendering = rendering;
	change->service = service;
	change->due = mr_printf(arena, "%s%s/.due-%s", config->root, MR_PATH_STATE,
				mr_service_word(service));
	return change;
}

static bool differs(const struct mr_rendered *file)
{
	return !mr_file_same(file->path, file->content, file->len, file->attrs);
}

static int check_staged(void *argument, struct mr_error *err)
{
	const struct change *change = argument;

	return mr_render_check(change->config, change->rendering, change->service, err);
}

static bool is_due(const struct change *change, const char *what)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_error absent;
	char *text;

	return mr_file_read(arena, change->due, 64, &text, NULL, &absent) == 0 &&
	       strcmp(text, what) == 0;
}

/* Before the first file is replaced it is written down that the service has to learn of it: if we
 * are killed then, the next run finds nothing to replace and would leave the old configuration in
 * force. */
static int keep_originals(void *argument, struct mr_error *err)
{
	const struct change *change = argument;
	bool fresh = false;
	const char *what;

	for (size_t i = 0; i < change->rendering->count; i++) {
		const struct mr_rendered *file = &change->rendering->files[i];

		if (file->service == change->service &&
		    mr_kept_make(change->config, file->path, &fresh, err) < 0)
			return -1;
	}
	if (!is_managed(change->config))
		return 0;
	/* Ports, interfaces and the environment of the original are not changed by a reload. */
	what = fresh || is_due(change, "restart") ? "restart" : "reload";
	return mr_file_replace(change->due, what, strlen(what), MR_FILE_PRIVATE, err);
}

/* Without the compiled table no local mail is delivered, and role addresses end there. */
static int make_aliases(struct mr_error *err)
{
	static const char *const argv[] = { "newaliases", NULL };

	if (!mr_path_exists(ALIASES) || mr_path_exists(ALIASES ".db"))
		return 0;
	return mr_process_check(&(struct mr_process){ .argv = argv }, err);
}

static int settle(const struct change *change, struct mr_error *err)
{
	if (unlink(change->due) < 0 && errno != ENOENT)
		return mr_fail_errno(err, "%s", change->due);
	return 0;
}

static int age_files(const struct change *change, struct mr_error *err)
{
	for (size_t i = 0; i < change->rendering->count; i++) {
		const struct mr_rendered *file = &change->rendering->files[i];

		if (file->service == change->service && mr_render_age(file->path, err) < 0)
			return -1;
	}
	return 0;
}

static int put_in_force(void *argument, struct mr_error *err)
{
	const struct change *change = argument;
	bool restart = is_due(change, "restart");

	if (change->service == MR_SERVICE_POSTFIX &&
	    (age_files(change, err) < 0 || make_aliases(err) < 0))
		return -1;
	if ((restart ? mr_service_restart(change->service, "", err)
		     : mr_service_reload(change->service, "", err)) < 0)
		return -1;
	return settle(change, err);
}

static void plan_files(struct mr_arena *arena, const struct change *change, struct mr_plan *plan)
{
	for (size_t i = 0; i < change->rendering->count; i++) {
		const struct mr_rendered *file = &change->rendering->files[i];

		if (file->service == change->service && differs(file))
			mr_plan_file(arena, plan, file->path, file->content, file->attrs,
				     mr_printf(arena, _("write %s"), file->path));
	}
}

/* Does the service have files here, and do any of them differ from what lies there? */
static bool has_files(const struct change *change, bool *changed)
{
	bool any = false;

	*changed = false;
	for (size_t i = 0; i < change->rendering->count; i++) {
		const struct mr_rendered *file = &change->rendering->files[i];

		if (file->service != change->service)
			continue;
		any = true;
		*changed |= differs(file);
	}
	return any;
}

int mr_render_files_plan(struct mr_arena *arena, const struct mr_config *config,
			 const struct mr_rendering *rendering, enum mr_service_name service,
			 struct mr_plan *plan, struct mr_error *err)
{
	struct change *change = change_new(arena, config, rendering, service);
	const char *word = mr_service_word(service);
	bool changed;

	(void)err;
	if (!has_files(change, &changed) || !changed)
		return 0;
	/* nslcd has no way to read a file without starting. */
	if (is_managed(config) && service != MR_SERVICE_NSLCD)
		mr_plan_action(arena, plan, check_staged, change,
			       mr_printf(arena, _("let %s check its new configuration"), word));
	mr_plan_action(arena, plan, keep_originals, change,
		       mr_printf(arena, _("keep what %s had before, if it is not kept yet"), word));
	plan_files(arena, change, plan);
	return 0;
}

int mr_render_force_plan(struct mr_arena *arena, const struct mr_config *config,
			 const struct mr_rendering *rendering, enum mr_service_name service,
			 struct mr_plan *plan, struct mr_error *err)
{
	struct change *change = change_new(arena, config, rendering, service);
	const char *word = mr_service_word(service);
	bool changed;

	(void)err;
	if (!has_files(change, &changed) || !is_managed(config))
		return 0;
	if (changed || mr_path_exists(change->due))
		mr_plan_action(
			arena, plan, put_in_force, change,
			mr_printf(arena, _("put the new configuration of %s in force"), word));
	else if (!mr_service_running(service, ""))
		mr_plan_action(arena, plan, put_in_force, change,
			       mr_printf(arena, _("start %s"), word));
	return 0;
}

int mr_render_plan(struct mr_arena *arena, const struct mr_config *config,
		   const struct mr_rendering *rendering, enum mr_service_name service,
		   struct mr_plan *plan, struct mr_error *err)
{
	return mr_render_files_plan(arena, config, rendering, service, plan, err) < 0
		       ? -1
		       : mr_render_force_plan(arena, config, rendering, service, plan, err);
}

/* Our tables have a folder of their own: it goes with the last of them. */
static void drop_folder(struct mr_arena *arena, const char *path)
{
	const char *folder = mr_strndup(arena, path, (size_t)(strrchr(path, '/') - path));

	if (mr_ends_with(folder, "/mailrepl"))
		(void)rmdir(folder);
}

/* The last file of a service refers to the others: it goes back first. */
static int put_back(void *argument, struct mr_error *err)
{
	const struct change *change = argument;
	MR_ARENA arena = mr_arena_open();

	if (is_managed(change->config) &&
	    mr_file_replace(change->due, "restart", strlen("restart"), MR_FILE_PRIVATE, err) < 0)
		return -1;
	for (size_t i = change->manifest.count; i > 0; i--) {
		const struct mr_manifest_row *row = &change->manifest.rows[i - 1];
		const char *path = mr_path(arena, change->config->root, row->destination);

		if (row->service != change->service)
			continue;
		if (mr_kept_restore(change->config, path, err) < 0)
			return -1;
		drop_folder(arena, path);
	}
	return 0;
}

static int restart_original(void *argument, struct mr_error *err)
{
	const struct change *change = argument;

	if (mr_service_running(change->service, "") &&
	    mr_service_restart(change->service, "", err) < 0)
		return -1;
	return settle(change, err);
}

static int remove_hold(void *argument, struct mr_error *err)
{
	const struct change *change = argument;
	MR_ARENA arena = mr_arena_open();

	return mr_tree_remove(mr_path(arena, change->config->root, MR_PATH_HELD), err);
}

static bool has_undo(struct mr_arena *arena, const struct change *change)
{
	for (size_t i = 0; i < change->manifest.count; i++) {
		const struct mr_manifest_row *row = &change->manifest.rows[i];
		struct mr_kept kept;

		if (row->service != change->service)
			continue;
		kept = mr_kept_find(arena, change->config,
				    mr_path(arena, change->config->root, row->destination));
		if (kept.is_copy || kept.is_absent)
			return true;
	}
	return is_managed(change->config) && mr_path_exists(change->due);
}

/* With its packages' own configuration it serves nobody. */
static int stop_original(void *argument, struct mr_error *err)
{
	const struct change *change = argument;

	return mr_service_stop(change->service, "", err) < 0 ? -1 : settle(change, err);
}

int mr_render_service_undo_plan(struct mr_arena *arena, const struct mr_config *config,
				enum mr_service_name service, struct mr_plan *plan,
				struct mr_error *err)
{
	struct change *change = change_new(arena, config, NULL, service);
	const char *word = mr_service_word(service);

	if (mr_manifest_read(arena, config, &change->manifest, err) < 0)
		return -1;
	if (!has_undo(arena, change))
		return 0;
	mr_plan_action(arena, plan, put_back, change,
		       mr_printf(arena, _("put back what %s had before"), word));
	if (is_managed(config) && service == MR_SERVICE_NSLCD)
		mr_plan_action(arena, plan, stop_original, change,
			       mr_printf(arena, _("stop %s"), word));
	else if (is_managed(config))
		mr_plan_action(arena, plan, restart_original, change,
			       mr_printf(arena, _("restart %s if it runs"), word));
	return 0;
}

int mr_render_undo_plan(struct mr_arena *arena, const struct mr_config *config,
			struct mr_plan *plan, struct mr_error *err)
{
	static const enum mr_service_name services[] = { MR_SERVICE_POSTFIX, MR_SERVICE_DOVECOT };

	if (mr_nss_undo_plan(arena, config, plan, err) < 0)
		return -1;
	for (size_t i = 0; i < sizeof(services) / sizeof(services[0]); i++)
		if (mr_render_service_undo_plan(arena, config, services[i], plan, err) < 0)
			return -1;
	if (mr_path_exists(mr_path(arena, config->root, MR_PATH_HELD)))
		mr_plan_action(arena, plan, remove_hold,
			       change_new(arena, config, NULL, MR_SERVICE_POSTFIX),
			       _("let Postfix start: it does not need the copies any more"));
	return 0;
}
