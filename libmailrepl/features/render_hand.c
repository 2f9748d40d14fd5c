#include "features/render_hand.h"

#include <string.h>

#include "adapters/json.h"
#include "adapters/textdiff.h"
#include "base/log.h"
#include "base/paths.h"
#include "features/gate.h"
#include "features/render_diff.h"
#include "features/render_keep.h"

#define TEXT_MOST ((size_t)16 << 20)

struct hand {
	const char *base, *mine; /* NULL: no change */
	const char *path;        /* where they are recorded */
	bool recorded;
	bool is_new; /* what lies there is not what was recorded */
};

/* An action's argument. */
struct note {
	const struct mr_config *config;
	const char *path, *text;
};

static const char *read_text(struct mr_arena *arena, const char *path)
{
	struct mr_error absent;
	char *text;

	return mr_file_read(arena, path, TEXT_MOST, &text, NULL, &absent) < 0 ? NULL : text;
}

static int read_recorded(struct mr_arena *arena, struct hand *hand, struct mr_error *err)
{
	const char *text = read_text(arena, hand->path);
	struct mr_value *value;

	if (!text)
		return 0;
	if (mr_json_parse(arena, hand->path, text, strlen(text), &value, err) < 0)
		return -1;
	hand->recorded = true;
	hand->base = mr_value_get_string(value, "base", NULL);
	hand->mine = mr_value_get_string(value, "mine", NULL);
	if (hand->base && hand->mine)
		return 0;
	return mr_fail(err, MR_E_CONFIG, _("%s: not what mailrepl has recorded: remove it"),
		       hand->path);
}

/* Is what lies there what was installed, or what was just being installed when we were killed? Before
 * anything was installed it is what was there before us, which goes. */
static bool is_ours(struct mr_arena *arena, const struct mr_config *config, bool gate_closed,
		    const char *path, const char *current)
{
	static const char *const stores[] = { MR_PATH_WRITTEN, MR_PATH_WRITING };
	bool installed = false;

	for (size_t i = 0; i < sizeof(stores) / sizeof(stores[0]); i++) {
		const char *text = mr_kept_text(arena, config, stores[i], path);

		if (text && strcmp(mr_gate_text(arena, text, gate_closed), current) == 0)
			return true;
		installed |= text && i == 0;
	}
	return !installed;
}

static int find(struct mr_arena *arena, const struct mr_config *config, bool gate_closed,
		const char *path, struct hand *hand, struct mr_error *err)
{
	const char *current = read_text(arena, path);

	*hand = (struct hand){ .path = mr_printf(arena, "%s%s%s.json", config->root,
						 MR_PATH_CHANGES, path + strlen(config->root)) };
	if (read_recorded(arena, hand, err) < 0)
		return -1;
	if (current)
		current = mr_gate_text(arena, current, gate_closed);
	if (current && !is_ours(arena, config, gate_closed, path, current)) {
		hand->mine = current;
		hand->is_new = true;
		if (!hand->base)
			hand->base = mr_kept_text(arena, config, MR_PATH_WRITTEN, path);
	}
	if (!hand->base || !hand->mine)
		return 0;
	hand->base = mr_gate_text(arena, hand->base, gate_closed);
	hand->mine = mr_gate_text(arena, hand->mine, gate_closed);
	return 0;
}

static int remove_record(void *argument, struct mr_error *err)
{
	return mr_tree_remove(argument, err);
}

static int note_written(void *argument, struct mr_error *err)
{
	const struct note *note = argument;

	return mr_kept_write(note->config, MR_PATH_WRITTEN, note->path, note->text,
			     strlen(note->text), err);
}

static void forget(struct mr_arena *arena, const struct hand *hand, const char *path,
		   struct mr_plan *plan)
{
	if (hand->recorded)
		mr_plan_action(arena, plan, remove_record, (void *)hand->path,
			       mr_printf(arena, _("forget what was changed by hand in %s"), path));
}

/* Base and change are recorded anew together, in one file: what a kill leaves is one or the other. */
static void record(struct mr_arena *arena, const struct hand *hand, const char *path,
		   const char *base, const char *mine, struct mr_plan *plan)
{
	struct mr_value *value = mr_value_object(arena);
	const char *text;

	mr_value_set_string(arena, value, "base", base);
	mr_value_set_string(arena, value, "mine", mine);
	text = mr_json_format(arena, value);
	if (!mr_file_same(hand->path, text, strlen(text), MR_FILE_PRIVATE))
		mr_plan_file(arena, plan, hand->path, text, MR_FILE_PRIVATE,
			     mr_printf(arena, _("record what was changed by hand in %s"), path));
}

/* From now on that is what is expected there. */
static void accept(struct mr_arena *arena, const struct mr_config *config, const struct hand *hand,
		   const char *path, struct mr_plan *plan)
{
	struct note *note = MR_NEW(arena, struct note);

	*note = (struct note){ config, path, hand->mine };
	mr_plan_action(arena, plan, note_written, note,
		       mr_printf(arena, _("expect that change in %s"), path));
}

static int merge(struct mr_arena *arena, const struct mr_config *config, const struct hand *hand,
		 struct mr_rendered *file, struct mr_plan *plan, struct mr_error *err)
{
	MR_BUF merged = { 0 };

	if (mr_text_merge(hand->mine, hand->base, file->content, &merged, err) < 0) {
		if (err->code != MR_E_EXISTS)
			return -1;
		return mr_fail(err, MR_E_CONFIG,
			       _("%s was changed by hand in lines that change now: see cl-rebuild "
				 "--changes; undo that, or give it up with cl-rebuild "
				 "--replace-changes"),
			       file->path);
	}
	/* A run that is killed before the file is replaced leaves the file as it is recorded here. */
	if (hand->is_new) {
		record(arena, hand, file->path, hand->base, hand->mine, plan);
		accept(arena, config, hand, file->path, plan);
	}
	if (strcmp(mr_buf_text(&merged), file->content) == 0) {
		forget(arena, &(struct hand){ .path = hand->path, .recorded = true }, file->path,
		       plan);
		return 0;
	}
	mr_log(MR_LOG_WARNING,
	       _("%s was changed by hand, which is kept (cl-rebuild --changes shows it, "
		 "--replace-changes gives it up)"),
	       file->path);
	if (!hand->is_new || strcmp(hand->base, file->content) != 0)
		record(arena, hand, file->path, file->content,
		       mr_strdup(arena, mr_buf_text(&merged)), plan);
	file->content = mr_strdup(arena, mr_buf_text(&merged));
	file->len = merged.len;
	return 0;
}

int mr_render_hand_plan(struct mr_arena *arena, const struct mr_config *config, bool gate_closed,
			bool give_up, struct mr_rendering *rendering, struct mr_plan *plan,
			struct mr_error *err)
{
	for (size_t i = 0; i < rendering->count; i++) {
		struct mr_rendered *file = &rendering->files[i];
		struct hand hand;

		if (file->service == MR_SERVICE_SLAPD)
			continue;
		if (find(arena, config, gate_closed, file->path, &hand, err) < 0)
			return -1;
		if (!hand.mine || give_up)
			forget(arena, &hand, file->path, plan);
		else if (merge(arena, config, &hand, file, plan, err) < 0)
			return -1;
	}
	return 0;
}

int mr_render_hand_show(struct mr_arena *arena, const struct mr_config *config, bool gate_closed,
			const struct mr_rendering *rendering, struct mr_buf *out,
			struct mr_error *err)
{
	for (size_t i = 0; i < rendering->count; i++) {
		const struct mr_rendered *file = &rendering->files[i];
		struct hand hand;

		if (file->service == MR_SERVICE_SLAPD)
			continue;
		if (find(arena, config, gate_closed, file->path, &hand, err) < 0 ||
		    (hand.mine &&
		     mr_diff_texts(arena, file->path, hand.base, hand.mine, out, err) < 0))
			return -1;
	}
	return 0;
}
