#include "features/render_template.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/paths.h"

#define TEMPLATE_MOST ((size_t)1 << 20)

static int read_template(const struct mr_template_folders *folders, const char *name,
			 const char **file, char **text, struct mr_error *err)
{
	struct mr_arena *arena = folders->arena;

	if (folders->read && !mr_list_has(folders->read, name))
		mr_list_add(arena, folders->read, name);
	*file = mr_printf(arena, "%s/%s", mr_path(arena, folders->config->root, MR_PATH_OVERRIDES),
			  name);
	if (!mr_path_exists(*file))
		*file = mr_printf(arena, "%s/templates/%s", mr_data_folder(), name);
	return mr_file_read(arena, *file, TEMPLATE_MOST, text, NULL, err);
}

const char *mr_render_partial(void *context, const char *name)
{
	struct mr_error absent;
	const char *file;
	char *text;

	if (*name == '/' || strstr(name, ".."))
		return NULL;
	return read_template(context, name, &file, &text, &absent) == 0 ? text : NULL;
}

int mr_render_template(struct mr_template_folders *folders, const char *name,
		       struct mr_template *out, struct mr_error *err)
{
	char *text;

	*out = (struct mr_template){ .partials = mr_render_partial, .context = folders };
	if (read_template(folders, name, &out->file, &text, err) < 0)
		return -1;
	out->text = text;
	return 0;
}

bool mr_render_is_ours(const struct mr_config *config, const char *path)
{
	MR_ARENA arena = mr_arena_open();
	char real[PATH_MAX];

	return realpath(path, real) &&
	       (mr_starts_with(real, mr_printf(arena, "%s/", mr_path(arena, config->root, MR_PATH_OVERRIDES))) ||
		mr_starts_with(real, mr_printf(arena, "%s/templates/", mr_data_folder())));
}
