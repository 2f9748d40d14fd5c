#include "features/render.h"

#include <string.h>

#include "features/render_change.h"
#include "features/render_check.h"

static bool differs(const struct mr_rendered *file)
{
	return !mr_file_same(file->path, file->content, file->len, file->attrs);
}

static int check_staged(void *argument, struct mr_error *err)
{
	const struct mr_change *change = argument;

	return mr_render_check(change->config, change->rendering, change->service, err);
}

static void plan_files(struct mr_arena *arena, struct mr_change *change, struct mr_plan *plan)
{
	for (size_t i = 0; i < change->rendering->count; i++) {
		const struct mr_rendered *file = &change->rendering->files[i];

		if (file->service != change->service || !differs(file))
			continue;
		mr_plan_file(arena, plan, file->path, file->content, file->attrs,
			     mr_printf(arena, _("write %s"), file->path));
		mr_plan_take_back(plan, mr_change_take_back, change);
	}
}

/* The last parts of the names of what differs; "": nothing. */
static const char *changed_names(struct mr_arena *arena, const struct mr_change *change)
{
	MR_BUF names = { 0 };

	for (size_t i = 0; i < change->rendering->count; i++) {
		const struct mr_rendered *file = &change->rendering->files[i];

		if (file->service == change->service && differs(file))
			mr_buf_printf(&names, "%s%s", names.len ? ", " : "",
				      strrchr(file->path, '/') + 1);
	}
	return mr_strdup(arena, mr_buf_text(&names));
}

/* Where services are not run; after a kill everything may be installed already. */
static void plan_end(struct mr_arena *arena, struct mr_change *change, struct mr_plan *plan)
{
	if (!mr_change_is_managed(change->config))
		mr_plan_action(arena, plan, mr_change_record, change,
			       mr_printf(arena, _("record what was written for %s"),
					 mr_service_word(change->service)));
}

int mr_render_files_plan(struct mr_arena *arena, const struct mr_config *config,
			 const struct mr_rendering *rendering, enum mr_service_name service,
			 struct mr_plan *plan, struct mr_error *err)
{
	const char *word = mr_service_word(service);
	struct mr_change *change;

	if (mr_change_new(arena, config, rendering, service, &change, err) < 0)
		return -1;
	if (!*changed_names(arena, change)) {
		if (change->paths.count && mr_change_is_due(change))
			plan_end(arena, change, plan);
		return 0;
	}
	/* nslcd has no way to read a file without starting. */
	if (mr_change_is_managed(config) && service != MR_SERVICE_NSLCD)
		mr_plan_action(arena, plan, check_staged, change,
			       mr_printf(arena, _("let %s check its new configuration"), word));
	mr_plan_action(arena, plan, mr_change_begin, change,
		       mr_printf(arena, _("keep what %s has now"), word));
	plan_files(arena, change, plan);
	plan_end(arena, change, plan);
	return 0;
}

int mr_render_force_plan(struct mr_arena *arena, const struct mr_config *config,
			 const struct mr_rendering *rendering, enum mr_service_name service,
			 struct mr_plan *plan, struct mr_error *err)
{
	const char *word = mr_service_word(service), *names;
	struct mr_change *change;

	if (mr_change_new(arena, config, rendering, service, &change, err) < 0)
		return -1;
	if (!change->paths.count || !mr_change_is_managed(config))
		return 0;
	names = changed_names(arena, change);
	if (*names)
		mr_plan_action(arena, plan, mr_change_put_in_force, change,
			       mr_printf(arena,
					 _("let %s read its new configuration (%s), and see that "
					   "it serves"),
					 word, names));
	else if (mr_change_is_due(change))
		mr_plan_action(arena, plan, mr_change_put_in_force, change,
			       mr_printf(arena,
					 _("let %s read its new configuration (an earlier run did "
					   "not come to that), and see that it serves"),
					 word));
	else if (!mr_service_running(service, ""))
		mr_plan_action(arena, plan, mr_change_put_in_force, change,
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
