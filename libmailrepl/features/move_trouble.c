#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "base/paths.h"
#include "features/move_state.h"

#define MOST 1024

static const char *path_of(struct mr_arena *arena, const struct mr_config *config, const char *user)
{
	return mr_path(arena, config->root, mr_printf(arena, MR_PATH_RUN "/move-trouble.%s", user));
}

void mr_move_trouble_note(const struct mr_config *config, const char *user, const char *host,
			  const char *text)
{
	MR_ARENA arena = mr_arena_open();
	const char *line = mr_printf(arena, "%s: %s", host, text);
	struct mr_error err;

	if (mr_file_replace(path_of(arena, config, user), line, strlen(line), MR_FILE_PRIVATE,
			    &err) < 0)
		mr_log(MR_LOG_WARNING, "%s", err.message);
}

const char *mr_move_trouble(struct mr_arena *arena, const struct mr_config *config,
			    const char *user)
{
	struct mr_error none;
	char *text;
	size_t len;

	return mr_file_read(arena, path_of(arena, config, user), MOST, &text, &len, &none) == 0
		       ? text
		       : NULL;
}

void mr_move_trouble_forget(const struct mr_config *config, const char *user)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_error err;

	if (mr_tree_remove(path_of(arena, config, user), &err) < 0)
		mr_log(MR_LOG_WARNING, "%s", err.message);
}
