#include "features/render_change.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/paths.h"
#include "features/gate.h"
#include "features/render_back.h"
#include "features/render_keep.h"
#include "features/render_manifest.h"

#define TEXT_MOST ((size_t)16 << 20)

bool mr_change_is_managed(const struct mr_config *config)
{
	return config->mail_manage && !*config->root;
}

int mr_change_new(struct mr_arena *arena, const struct mr_config *config,
		  const struct mr_rendering *rendering, enum mr_service_name service,
		  struct mr_change **out, struct mr_error *err)
{
	const char *word = mr_service_word(service);
	struct mr_change *change = MR_NEW(arena, struct mr_change);
	struct mr_manifest manifest = { 0 };

	change->config = config;
	change->service = service;
	change->rendering = rendering;
	change->due = mr_printf(arena, "%s%s/.due-%s", config->root, MR_PATH_STATE, word);
	change->before = mr_printf(arena, "%s/%s", MR_PATH_BEFORE, word);
	change->pending = mr_printf(arena, "%s.pending", change->before);
	change->undone = mr_printf(arena, "%s.undone", change->before);
	change->redo = mr_printf(arena, "%s.redo", change->before);
	change->over = mr_printf(arena, "%s.over", change->before);
	*out = change;
	for (size_t i = 0; rendering && i < rendering->count; i++)
		if (rendering->files[i].service == service)
			mr_list_add(arena, &change->paths, rendering->files[i].path);
	if (rendering)
		return 0;
	if (mr_manifest_read(arena, config, &manifest, err) < 0)
		return -1;
	for (size_t i = 0; i < manifest.count; i++)
		if (manifest.rows[i].service == service)
			mr_list_add(arena, &change->paths,
				    mr_path(arena, config->root, manifest.rows[i].destination));
	return 0;
}

bool mr_change_has(const struct mr_change *change, const char *store)
{
	MR_ARENA arena = mr_arena_open();

	return mr_path_exists(mr_path(arena, change->config->root, store));
}

int mr_change_forget(const struct mr_change *change, const char *store, struct mr_error *err)
{
	MR_ARENA arena = mr_arena_open();

	return mr_tree_remove(mr_path(arena, change->config->root, store), err);
}

int mr_change_move(const struct mr_change *change, const char *from, const char *to,
		   struct mr_error *err)
{
	MR_ARENA arena = mr_arena_open();
	const char *path = mr_path(arena, change->config->root, to);
	const char *folder = mr_path(arena, change->config->root, MR_PATH_BEFORE);

	if (mr_tree_remove(path, err) < 0)
		return -1;
	if (rename(mr_path(arena, change->config->root, from), path) < 0)
		return mr_fail_errno(err, "%s", path);
	return mr_folder_sync(folder, err);
}

/* Is something kept in that store of one of the files? */
static bool keeps(const struct mr_change *change, const char *store)
{
	MR_ARENA arena = mr_arena_open();

	for (size_t i = 0; i < change->paths.count; i++) {
		struct mr_kept kept =
			mr_kept_find(arena, change->config, store, change->paths.items[i]);

		if (kept.is_copy || kept.is_absent)
			return true;
	}
	return false;
}

/* Of a way there or back that was cut off. */
static bool has_part(const struct mr_change *change)
{
	const char *const stores[] = { change->pending, change->undone, change->redo,
				       change->over };

	for (size_t i = 0; i < sizeof(stores) / sizeof(stores[0]); i++)
		if (mr_change_has(change, stores[i]))
			return true;
	return false;
}

bool mr_change_has_before(const struct mr_change *change)
{
	return has_part(change) || keeps(change, change->before);
}

bool mr_change_has_original(const struct mr_change *change)
{
	return keeps(change, MR_PATH_ORIGINAL);
}

bool mr_change_is_due(const struct mr_change *change)
{
	return mr_path_exists(change->due) || has_part(change) ||
	       (change->service == MR_SERVICE_POSTFIX && mr_gate_is_due(change->config));
}

int mr_change_note_due(const struct mr_change *change, bool restart, struct mr_error *err)
{
	/* Who was killed has seen that it needs one, and the file is the new one already. */
	const char *what = restart || mr_change_needs_restart(change) ? "restart" : "reload";

	return mr_file_replace(change->due, what, strlen(what), MR_FILE_PRIVATE, err);
}

bool mr_change_needs_restart(const struct mr_change *change)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_error absent;
	char *text;

	return mr_file_read(arena, change->due, 64, &text, NULL, &absent) == 0 &&
	       strcmp(text, "restart") == 0;
}

const struct mr_rendered *mr_change_rendered(const struct mr_change *change, const char *path)
{
	const struct mr_rendering *rendering = change->rendering;

	for (size_t i = 0; rendering && i < rendering->count; i++)
		if (strcmp(rendering->files[i].path, path) == 0)
			return &rendering->files[i];
	return NULL;
}

static bool differs(const struct mr_change *change, const char *path)
{
	const struct mr_rendered *file = mr_change_rendered(change, path);

	return file && !mr_file_same(path, file->content, file->len, file->attrs);
}

/* What has been installed, also by a run that was killed, is ours from now on and no change by hand.
 * The gate may have closed since. */
static int note_written(struct mr_arena *arena, const struct mr_change *change, const char *path,
			struct mr_error *err)
{
	const char *writing = mr_kept_text(arena, change->config, MR_PATH_WRITING, path);
	struct mr_error absent;
	char *text;

	if (!writing || mr_file_read(arena, path, TEXT_MOST, &text, NULL, &absent) < 0 ||
	    strcmp(mr_gate_text(arena, text, false), mr_gate_text(arena, writing, false)) != 0)
		return 0;
	return mr_kept_write(change->config, MR_PATH_WRITTEN, path, text, strlen(text), err);
}

/* It lies there already, and is known to be ours. */
static bool is_written(struct mr_arena *arena, const struct mr_change *change, const char *path)
{
	const struct mr_rendered *file = mr_change_rendered(change, path);
	const char *written = mr_kept_text(arena, change->config, MR_PATH_WRITTEN, path);

	return file && written && !differs(change, path) && strcmp(written, file->content) == 0;
}

static int note_writing(const struct mr_change *change, struct mr_error *err)
{
	MR_ARENA arena = mr_arena_open();

	for (size_t i = 0; i < change->paths.count; i++) {
		const char *path = change->paths.items[i];
		const struct mr_rendered *file = mr_change_rendered(change, path);

		if (note_written(arena, change, path, err) < 0)
			return -1;
		if (is_written(arena, change, path))
			continue;
		if (file && mr_kept_write(change->config, MR_PATH_WRITING, path, file->content,
					  file->len, err) < 0)
			return -1;
	}
	return 0;
}

bool mr_change_is_like(const struct mr_change *change, const char *store)
{
	MR_ARENA arena = mr_arena_open();

	for (size_t i = 0; i < change->paths.count; i++) {
		const char *path = change->paths.items[i];
		const struct mr_rendered *file = mr_change_rendered(change, path);
		struct mr_kept kept = mr_kept_find(arena, change->config, store, path);
		const char *text = mr_kept_text(arena, change->config, store, path);

		if (kept.is_absent && file)
			return false;
		if (text && (!file || strcmp(mr_gate_text(arena, text, false),
					     mr_gate_text(arena, file->content, false)) != 0))
			return false;
	}
	return true;
}

/* Of those that will be replaced, what lies there: in `store` unless it is there already. */
static int keep_in(const struct mr_change *change, const char *store, struct mr_error *err)
{
	bool ignored;

	for (size_t i = 0; i < change->paths.count; i++)
		if (differs(change, change->paths.items[i]) &&
		    mr_kept_make(change->config, store, change->paths.items[i], &ignored, err) < 0)
			return -1;
	return 0;
}

/* Appears whole, or not at all. */
static int keep_pending(struct mr_arena *arena, const struct mr_change *change,
			struct mr_error *err)
{
	const char *store = mr_printf(arena, "%s.new", change->before);

	if (mr_change_forget(change, store, err) < 0 || keep_in(change, store, err) < 0)
		return -1;
	return mr_change_has(change, store) ? mr_change_move(change, store, change->pending, err)
					    : 0;
}

/* Is all that lies there what was rendered, in one run or another? */
static bool is_ours(struct mr_arena *arena, const struct mr_change *change)
{
	for (size_t i = 0; i < change->paths.count; i++) {
		const char *path = change->paths.items[i];
		const char *written = mr_kept_text(arena, change->config, MR_PATH_WRITTEN, path);
		struct mr_error absent;
		char *text;

		if (!mr_path_exists(path))
			continue;
		if (!written || mr_file_read(arena, path, TEXT_MOST, &text, NULL, &absent) < 0 ||
		    strcmp(mr_gate_text(arena, text, false), mr_gate_text(arena, written, false)) !=
			    0)
			return false;
	}
	return true;
}

/* Has an installation of ours ever come to its end? */
static bool has_written(struct mr_arena *arena, const struct mr_change *change)
{
	for (size_t i = 0; i < change->paths.count; i++)
		if (mr_kept_find(arena, change->config, MR_PATH_WRITTEN, change->paths.items[i])
			    .is_copy)
			return true;
	return false;
}

static int keep(const struct mr_change *change, bool *fresh, struct mr_error *err)
{
	MR_ARENA arena = mr_arena_open();
	bool ours = has_written(arena, change);

	for (size_t i = 0; i < change->paths.count; i++)
		if (mr_kept_make(change->config, MR_PATH_ORIGINAL, change->paths.items[i], fresh,
				 err) < 0)
			return -1;
	/* What the distribution has installed refuses our mail: never go back to that by ourselves. */
	if (!ours)
		return 0;
	if (mr_back_give_up(change, err) < 0)
		return -1;
	/* Cut off with something else to be rendered: what it did not come to is from before it, too. */
	if (mr_change_has(change, change->pending))
		return keep_in(change, change->pending, err);
	/* And if the way back was cut off, what is there now is neither the old nor the new. */
	if (mr_change_has(change, change->undone) ||
	    (mr_path_exists(change->due) && !is_ours(arena, change)))
		return 0;
	return keep_pending(arena, change, err);
}

/* What stands behind a parameter of main.cf that is set in one line; "": nothing. */
static const char *parameter(struct mr_arena *arena, const char *text, const char *name)
{
	const char *line = strstr(text, mr_printf(arena, "\n%s =", name));

	if (!line)
		return "";
	line += strlen(name) + 3;
	return mr_strndup(arena, line, strcspn(line, "\n"));
}

/* postconf(5): a reload does not do for what Postfix listens at. */
bool mr_change_listens_elsewhere(const char *path, const char *fresh)
{
	MR_ARENA arena = mr_arena_open();
	static const char *const names[] = { "inet_interfaces", "inet_protocols" };
	struct mr_error absent;
	char *text;

	if (!fresh || !mr_ends_with(path, MR_PATH_POSTFIX "/main.cf") ||
	    mr_file_read(arena, path, TEXT_MOST, &text, NULL, &absent) < 0)
		return false;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(parameter(arena, text, names[i]), parameter(arena, fresh, names[i])) !=
		    0)
			return true;
	return false;
}

static bool must_restart(const struct mr_change *change)
{
	for (size_t i = 0; i < change->paths.count; i++) {
		const char *path = change->paths.items[i];
		const struct mr_rendered *file = mr_change_rendered(change, path);

		if (file && mr_change_listens_elsewhere(path, file->content))
			return true;
	}
	return false;
}

/* Before the first file is replaced it is written down that the service has to learn of it: if we
 * are killed then, the next run finds nothing to replace and would leave the old configuration in
 * force. */
int mr_change_begin(void *argument, struct mr_error *err)
{
	const struct mr_change *change = argument;
	bool fresh = false;

	if (keep(change, &fresh, err) < 0 || note_writing(change, err) < 0)
		return -1;
	/* Ports, interfaces and the environment of the original are not changed by a reload. */
	return mr_change_note_due(change, fresh || must_restart(change), err);
}

/* From now on it is what --undo puts back; unless the change was given up, and nothing is different. */
static int settle(const struct mr_change *change, struct mr_error *err)
{
	if (!mr_change_has(change, change->pending))
		return 0;
	if (mr_change_is_like(change, change->pending))
		return mr_change_forget(change, change->pending, err);
	return mr_change_move(change, change->pending, change->before, err);
}

int mr_change_note_end(const struct mr_change *change, struct mr_error *err)
{
	MR_ARENA arena = mr_arena_open();

	for (size_t i = 0; i < change->paths.count; i++) {
		const char *path = change->paths.items[i];

		if (note_written(arena, change, path, err) < 0 ||
		    mr_tree_remove(mr_kept_find(arena, change->config, MR_PATH_WRITING, path).copy,
				   err) < 0)
			return -1;
	}
	return 0;
}

int mr_change_drop_due(const struct mr_change *change, struct mr_error *err)
{
	return unlink(change->due) < 0 && errno != ENOENT ? mr_fail_errno(err, "%s", change->due)
							   : 0;
}

int mr_change_end(void *argument, struct mr_error *err)
{
	const struct mr_change *change = argument;

	if (mr_change_note_end(change, err) < 0)
		return -1;
	if (!change->rendering)
		return mr_back_end(change, err);
	if (settle(change, err) < 0 || mr_back_settle(change, err) < 0 ||
	    mr_change_forget(change, change->undone, err) < 0)
		return -1;
	return mr_change_drop_due(change, err);
}
