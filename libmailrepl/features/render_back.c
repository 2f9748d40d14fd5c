#include "features/render_back.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/paths.h"
#include "features/mta.h"
#include "features/render_diff.h"
#include "features/render_keep.h"

#define LIST_MOST 4096
#define TEXT_MOST ((size_t)16 << 20)
#define SERVICES 3

static const char *list_path(struct mr_arena *arena, const struct mr_config *config)
{
	return mr_path(arena, config->root, MR_PATH_UNDOING);
}

/* False: no way back is under way. */
static bool read_list(struct mr_arena *arena, const struct mr_config *config, struct mr_list *out)
{
	struct mr_error absent;
	char *text;

	*out = (struct mr_list){ 0 };
	if (mr_file_read(arena, list_path(arena, config), LIST_MOST, &text, NULL, &absent) < 0)
		return false;
	*out = mr_list_split(arena, text, '\n');
	return true;
}

static int drop_list(const struct mr_config *config, struct mr_error *err)
{
	MR_ARENA arena = mr_arena_open();

	return mr_tree_remove(list_path(arena, config), err);
}

static int write_list(const struct mr_config *config, const struct mr_list *words,
		      struct mr_error *err)
{
	MR_ARENA arena = mr_arena_open();
	const char *text = mr_list_join(arena, words, "\n");

	return mr_file_replace(list_path(arena, config), text, strlen(text), MR_FILE_PRIVATE, err);
}

int mr_back_unlist(const struct mr_change *change, struct mr_error *err)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_list words, left = { 0 };

	if (!read_list(arena, change->config, &words))
		return 0;
	for (size_t i = 0; i < words.count; i++)
		if (*words.items[i] && strcmp(words.items[i], mr_service_word(change->service)) != 0)
			mr_list_add(arena, &left, words.items[i]);
	return left.count ? write_list(change->config, &left, err) : drop_list(change->config, err);
}

int mr_back_settle(const struct mr_change *change, struct mr_error *err)
{
	if (mr_change_has(change, change->redo) &&
	    mr_change_move(change, change->redo, change->before, err) < 0)
		return -1;
	return mr_change_forget(change, change->over, err);
}

/* The last step of each way is one that can be seen to be missing: who is called again then does not
 * take it for a new beginning. */
int mr_back_end(const struct mr_change *change, struct mr_error *err)
{
	if (mr_change_has(change, change->undone) &&
	    mr_change_move(change, change->undone, change->redo, err) < 0)
		return -1;
	if (mr_change_has(change, change->pending) &&
	    mr_change_move(change, change->pending, change->over, err) < 0)
		return -1;
	if (mr_change_drop_due(change, err) < 0 || mr_back_unlist(change, err) < 0)
		return -1;
	return mr_back_settle(change, err);
}

int mr_back_give_up(const struct mr_change *change, struct mr_error *err)
{
	if (drop_list(change->config, err) < 0 || mr_back_settle(change, err) < 0)
		return -1;
	if (!mr_change_has(change, change->undone) || mr_change_is_like(change, change->undone))
		return 0;
	return mr_change_move(change, change->undone, change->pending, err);
}

/* Appears whole, or not at all. */
static int keep_undone(const struct mr_change *change, struct mr_error *err)
{
	MR_ARENA arena = mr_arena_open();
	const char *store = mr_printf(arena, "%s.new", change->before);
	bool ignored;

	if (mr_change_has(change, change->undone))
		return 0;
	if (mr_change_forget(change, store, err) < 0)
		return -1;
	for (size_t i = 0; i < change->paths.count; i++) {
		const char *path = change->paths.items[i];
		struct mr_kept kept = mr_kept_find(arena, change->config, change->before, path);

		if ((kept.is_copy || kept.is_absent) &&
		    mr_kept_make(change->config, store, path, &ignored, err) < 0)
			return -1;
	}
	return mr_change_has(change, store) ? mr_change_move(change, store, change->undone, err) : 0;
}

static bool must_restart(const struct mr_change *change, const char *store)
{
	MR_ARENA arena = mr_arena_open();

	for (size_t i = 0; i < change->paths.count; i++)
		if (mr_change_listens_elsewhere(change->paths.items[i],
						mr_kept_text(arena, change->config, store,
							     change->paths.items[i])))
			return true;
	return false;
}

/* A rendering that was cut off comes first. */
static const char *put_back_from(const struct mr_change *change)
{
	return mr_change_has(change, change->pending) ? change->pending : change->before;
}

/* But for the last step. */
static bool is_through(const struct mr_change *change)
{
	return mr_change_has(change, change->redo) || mr_change_has(change, change->over);
}

int mr_change_swap(void *argument, struct mr_error *err)
{
	const struct mr_change *change = argument;
	const char *store = put_back_from(change);
	MR_ARENA arena = mr_arena_open();

	/* The staging folder of a rendering that was cut off. */
	if (mr_tree_remove(mr_printf(arena, "%s%s/.check-%s", change->config->root, MR_PATH_STATE,
				     mr_service_word(change->service)),
			   err) < 0 ||
	    mr_change_forget(change, mr_printf(arena, "%s.new", change->before), err) < 0)
		return -1;
	if (!mr_path_exists(list_path(arena, change->config)) &&
	    write_list(change->config, change->undoing, err) < 0)
		return -1;
	if (is_through(change))
		return 0;
	if (store == change->before && keep_undone(change, err) < 0)
		return -1;
	return mr_change_note_due(change, must_restart(change, store), err) < 0
		       ? -1
		       : mr_change_install(change, store, err);
}

/* `listed` NULL: a new beginning. */
static bool takes_part(const struct mr_change *change, const struct mr_list *listed)
{
	if (!listed)
		return mr_change_has_before(change);
	return mr_list_has(listed, mr_service_word(change->service)) || is_through(change);
}

/* Those that are undone now, in this order. */
static int choose(struct mr_arena *arena, const struct mr_config *config,
		  struct mr_change *out[SERVICES], size_t *count, struct mr_error *err)
{
	const enum mr_service_name services[SERVICES] = { mr_mta(config), MR_SERVICE_DOVECOT,
							  MR_SERVICE_NSLCD };
	struct mr_change *changes[SERVICES];
	struct mr_list *undoing = MR_NEW(arena, struct mr_list), listed;
	bool under_way = read_list(arena, config, &listed);

	for (size_t i = 0; i < SERVICES; i++) {
		if (mr_change_new(arena, config, NULL, services[i], &changes[i], err) < 0)
			return -1;
		changes[i]->undoing = undoing;
		under_way |= is_through(changes[i]);
	}
	*count = 0;
	for (size_t i = 0; i < SERVICES; i++) {
		if (!takes_part(changes[i], under_way ? &listed : NULL))
			continue;
		mr_list_add(arena, undoing, mr_service_word(services[i]));
		out[(*count)++] = changes[i];
		/* A rendering that was cut off here did not come to the others. */
		if (mr_change_has(changes[i], changes[i]->pending))
			break;
	}
	return 0;
}

/* The last parts of the names of what is put back. */
static const char *names_of(struct mr_arena *arena, const struct mr_change *change)
{
	struct mr_list names = { 0 };

	for (size_t i = 0; i < change->paths.count; i++) {
		const char *path = change->paths.items[i];
		struct mr_kept kept =
			mr_kept_find(arena, change->config, put_back_from(change), path);

		if (kept.is_copy || kept.is_absent)
			mr_list_add(arena, &names, strrchr(path, '/') + 1);
	}
	return mr_list_join(arena, &names, ", ");
}

static void plan_service(struct mr_arena *arena, struct mr_change *change, struct mr_plan *plan)
{
	const char *word = mr_service_word(change->service);

	mr_plan_action(arena, plan, mr_change_swap, change,
		       mr_printf(arena, _("put back what %s had before its last change (%s)"), word,
				 names_of(arena, change)));
	if (mr_change_is_managed(change->config))
		mr_plan_action(arena, plan, mr_change_put_in_force, change,
			       mr_printf(arena, _("let %s read it, and see that it serves"), word));
	else
		mr_plan_action(arena, plan, mr_change_record, change,
			       mr_printf(arena, _("record what was written for %s"), word));
}

int mr_render_step_back_plan(struct mr_arena *arena, const struct mr_config *config,
			     struct mr_plan *plan, struct mr_error *err)
{
	struct mr_change *changes[SERVICES];
	size_t count;

	if (choose(arena, config, changes, &count, err) < 0)
		return -1;
	for (size_t i = 0; i < count; i++)
		plan_service(arena, changes[i], plan);
	return 0;
}

static int show_change(struct mr_arena *arena, const struct mr_change *change, struct mr_buf *out,
		       struct mr_error *err)
{
	for (size_t i = 0; i < change->paths.count; i++) {
		const char *path = change->paths.items[i], *store = put_back_from(change), *before;
		struct mr_kept kept = mr_kept_find(arena, change->config, store, path);
		struct mr_error absent;
		char *now;

		if (!kept.is_copy && !kept.is_absent)
			continue;
		before = mr_kept_text(arena, change->config, store, path);
		if (mr_file_read(arena, path, TEXT_MOST, &now, NULL, &absent) < 0)
			now = NULL;
		if ((now || before) && mr_diff_texts(arena, path, now, before, out, err) < 0)
			return -1;
	}
	return 0;
}

int mr_render_step_back_show(struct mr_arena *arena, const struct mr_config *config,
			     struct mr_buf *out, struct mr_error *err)
{
	struct mr_change *changes[SERVICES];
	size_t count;

	if (choose(arena, config, changes, &count, err) < 0)
		return -1;
	for (size_t i = 0; i < count; i++)
		if (show_change(arena, changes[i], out, err) < 0)
			return -1;
	return 0;
}
