#include "features/render_change.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/paths.h"
#include "base/process.h"
#include "features/gate.h"
#include "features/mta.h"
#include "features/render_check.h"
#include "features/render_keep.h"
#include "features/render_manifest.h"
#include "features/serves.h"

#define ALIASES "/etc/aliases"
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

static const char *undone(struct mr_arena *arena, const struct mr_change *change)
{
	return mr_printf(arena, "%s.undone", change->before);
}

static bool is_pending(struct mr_arena *arena, const struct mr_change *change)
{
	return mr_path_exists(mr_path(arena, change->config->root, change->pending));
}

bool mr_change_has_before(const struct mr_change *change)
{
	MR_ARENA arena = mr_arena_open();

	/* It was begun to be put back. */
	if (mr_path_exists(mr_path(arena, change->config->root, undone(arena, change))) ||
	    is_pending(arena, change))
		return true;
	for (size_t i = 0; i < change->paths.count; i++) {
		struct mr_kept kept =
			mr_kept_find(arena, change->config, change->before, change->paths.items[i]);

		if (kept.is_copy || kept.is_absent)
			return true;
	}
	return false;
}

bool mr_change_has_original(const struct mr_change *change)
{
	MR_ARENA arena = mr_arena_open();

	for (size_t i = 0; i < change->paths.count; i++) {
		struct mr_kept kept = mr_kept_find(arena, change->config, MR_PATH_ORIGINAL,
						   change->paths.items[i]);

		if (kept.is_copy || kept.is_absent)
			return true;
	}
	return false;
}

static int lock_due(const struct mr_change *change)
{
	return change->service == MR_SERVICE_POSTFIX ? mr_gate_lock(change->config) : -1;
}

bool mr_change_is_due(const struct mr_change *change)
{
	bool due;
	int lock;

	if (!mr_path_exists(change->due))
		return false;
	lock = lock_due(change);
	due = mr_path_exists(change->due);
	mr_lock_close(lock);
	return due;
}

/* mailrepl-watch would remove it together with its own. */
static int note_due(const struct mr_change *change, const char *what, struct mr_error *err)
{
	int lock = lock_due(change);
	int rc = mr_file_replace(change->due, what, strlen(what), MR_FILE_PRIVATE, err);

	mr_lock_close(lock);
	return rc;
}

static bool is_due(const struct mr_change *change, const char *what)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_error absent;
	char *text;

	return mr_file_read(arena, change->due, 64, &text, NULL, &absent) == 0 &&
	       strcmp(text, what) == 0;
}

static const struct mr_rendered *rendered_at(const struct mr_change *change, const char *path)
{
	const struct mr_rendering *rendering = change->rendering;

	for (size_t i = 0; rendering && i < rendering->count; i++)
		if (strcmp(rendering->files[i].path, path) == 0)
			return &rendering->files[i];
	return NULL;
}

static bool differs(const struct mr_change *change, const char *path)
{
	const struct mr_rendered *file = rendered_at(change, path);

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

static int note_writing(const struct mr_change *change, struct mr_error *err)
{
	MR_ARENA arena = mr_arena_open();

	for (size_t i = 0; i < change->paths.count; i++) {
		const char *path = change->paths.items[i];
		const struct mr_rendered *file = rendered_at(change, path);

		if (note_written(arena, change, path, err) < 0)
			return -1;
		if (file && mr_kept_write(change->config, MR_PATH_WRITING, path, file->content,
					  file->len, err) < 0)
			return -1;
	}
	return 0;
}

/* Appears whole, or not at all. */
static int keep_pending(struct mr_arena *arena, const struct mr_change *change,
			struct mr_error *err)
{
	const char *store = mr_printf(arena, "%s.new", change->before);
	const char *made = mr_path(arena, change->config->root, store);
	const char *path = mr_path(arena, change->config->root, change->pending);
	bool ignored;

	if (mr_tree_remove(made, err) < 0)
		return -1;
	for (size_t i = 0; i < change->paths.count; i++)
		if (differs(change, change->paths.items[i]) &&
		    mr_kept_make(change->config, store, change->paths.items[i], &ignored, err) < 0)
			return -1;
	if (mr_path_exists(made) && rename(made, path) < 0)
		return mr_fail_errno(err, "%s", path);
	return 0;
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
	/* What the distribution has installed refuses our mail: never go back to that by ourselves. And if
	 * the change is under way already, what is there now is neither the old nor the new. */
	if (!ours || is_pending(arena, change) || mr_change_is_due(change))
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
static bool listens_elsewhere(struct mr_arena *arena, const char *path, const char *fresh)
{
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

static bool needs_restart(const struct mr_change *change)
{
	MR_ARENA arena = mr_arena_open();

	for (size_t i = 0; i < change->paths.count; i++) {
		const char *path = change->paths.items[i];
		const struct mr_rendered *file = rendered_at(change, path);
		const char *fresh = file                ? file->content
				    : change->rendering ? NULL
							: mr_kept_text(arena, change->config,
								       change->before, path);

		if (listens_elsewhere(arena, path, fresh))
			return true;
	}
	/* Who was killed has seen that it needs one, and the file is the new one already. */
	return is_due(change, "restart");
}

/* Before the first file is replaced it is written down that the service has to learn of it: if we
 * are killed then, the next run finds nothing to replace and would leave the old configuration in
 * force. */
int mr_change_begin(void *argument, struct mr_error *err)
{
	const struct mr_change *change = argument;
	bool fresh = false;
	const char *what;

	if (keep(change, &fresh, err) < 0 || note_writing(change, err) < 0)
		return -1;
	/* Ports, interfaces and the environment of the original are not changed by a reload. */
	what = fresh || needs_restart(change) ? "restart" : "reload";
	return note_due(change, what, err);
}

/* From now on it is what --undo puts back. */
static int settle(struct mr_arena *arena, const struct mr_change *change, struct mr_error *err)
{
	const char *before = mr_path(arena, change->config->root, change->before);

	if (!is_pending(arena, change))
		return 0;
	if (mr_tree_remove(before, err) < 0)
		return -1;
	if (rename(mr_path(arena, change->config->root, change->pending), before) < 0)
		return mr_fail_errno(err, "%s", before);
	return 0;
}

int mr_change_end(void *argument, struct mr_error *err)
{
	const struct mr_change *change = argument;
	MR_ARENA arena = mr_arena_open();

	for (size_t i = 0; i < change->paths.count; i++) {
		const char *path = change->paths.items[i];

		if (note_written(arena, change, path, err) < 0 ||
		    mr_tree_remove(mr_kept_find(arena, change->config, MR_PATH_WRITING, path).copy,
				   err) < 0)
			return -1;
	}
	if (settle(arena, change, err) < 0)
		return -1;
	if (unlink(change->due) < 0 && errno != ENOENT)
		return mr_fail_errno(err, "%s", change->due);
	return 0;
}

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

static int tell(const struct mr_change *change, struct mr_error *err)
{
	if (change->service == MR_SERVICE_POSTFIX &&
	    (age_files(change, err) < 0 || make_aliases(err) < 0))
		return -1;
	if (mr_mta_ready(change->config, change->service, err) < 0)
		return -1;
	return is_due(change, "restart") ? mr_service_restart(change->service, "", err)
					 : mr_service_reload(change->service, "", err);
}

static int put_files_back(const struct mr_change *change, struct mr_error *err)
{
	MR_ARENA arena = mr_arena_open();

	for (size_t i = change->paths.count; i > 0; i--)
		if (mr_kept_restore(change->config, change->pending, change->paths.items[i - 1],
				    err) < 0)
			return -1;
	return mr_tree_remove(mr_path(arena, change->config->root, change->pending), err);
}

/* What did not come up may not hear of a reload either. */
static int put_back(const struct mr_change *change, struct mr_error *err)
{
	return put_files_back(change, err) < 0 ? -1 : mr_service_restart(change->service, "", err);
}

static int take_back(const struct mr_change *change, struct mr_error *err)
{
	if (put_files_back(change, err) < 0)
		return -1;
	if (mr_change_is_managed(change->config) &&
	    ((change->service == MR_SERVICE_POSTFIX && age_files(change, err) < 0) ||
	     mr_service_refresh(change->service, "", err) < 0))
		return -1;
	return mr_change_end((void *)change, err);
}

void mr_change_take_back(void *argument, struct mr_error *err)
{
	const struct mr_change *change = argument;
	const char *word = mr_service_word(change->service);
	struct mr_error why = *err;
	MR_ARENA arena = mr_arena_open();

	/* There was nothing of ours before: the next run completes it. */
	if (!is_pending(arena, change))
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
	MR_ARENA arena = mr_arena_open();

	/* Nothing was changed, or there was nothing of ours before. */
	if (!is_pending(arena, change))
		return -1;
	if (change->service == MR_SERVICE_POSTFIX && age_files(change, err) < 0)
		return -1;
	if (put_back(change, err) < 0)
		return mr_fail(
			err, why.code,
			_("%s does not serve with its new configuration: %s; putting back the "
			  "one before has failed, too: %s"),
			word, why.message, err->message);
	if (mr_change_end((void *)change, err) < 0)
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

static int keep_undone(struct mr_arena *arena, const struct mr_change *change, struct mr_error *err)
{
	bool ignored;

	for (size_t i = 0; i < change->paths.count; i++) {
		const char *path = change->paths.items[i];
		struct mr_kept kept = mr_kept_find(arena, change->config, change->before, path);

		if ((kept.is_copy || kept.is_absent) &&
		    mr_kept_make(change->config, undone(arena, change), path, &ignored, err) < 0)
			return -1;
	}
	return 0;
}

static int put_back_noted(struct mr_arena *arena, const struct mr_change *change,
			  struct mr_error *err)
{
	for (size_t i = change->paths.count; i > 0; i--) {
		const char *path = change->paths.items[i - 1];
		const char *text = mr_kept_text(arena, change->config, change->before, path);

		if (text && mr_kept_write(change->config, MR_PATH_WRITTEN, path, text, strlen(text),
					  err) < 0)
			return -1;
		if (mr_kept_restore(change->config, change->before, path, err) < 0)
			return -1;
	}
	return 0;
}

int mr_change_swap(void *argument, struct mr_error *err)
{
	const struct mr_change *change = argument;
	MR_ARENA arena = mr_arena_open();
	const char *root = change->config->root;
	const char *before = mr_path(arena, root, change->before);
	const char *now = mr_path(arena, root, undone(arena, change));
	const char *pending = mr_path(arena, root, change->pending);
	const char *what = needs_restart(change) ? "restart" : "reload";

	if (keep_undone(arena, change, err) < 0 || note_due(change, what, err) < 0 ||
	    put_back_noted(arena, change, err) < 0 || mr_tree_remove(before, err) < 0)
		return -1;
	if (mr_path_exists(now) && rename(now, pending) < 0)
		return mr_fail_errno(err, "%s", pending);
	return 0;
}
