#include "features/backup_folder.h"

#include <string.h>

#include "base/file.h"
#include "base/paths.h"

static bool is_recorded(struct mr_arena *arena, const struct mr_config *config)
{
	const char *text = mr_printf(arena, "%s\n", config->backup_folder);

	return mr_file_same(mr_path(arena, config->root, MR_PATH_ARCHIVED), text, strlen(text),
			    MR_FILE_PRIVATE);
}

int mr_backup_folder_check(const struct mr_config *config, struct mr_error *err)
{
	MR_ARENA arena = mr_arena_open();
	const char *folder = mr_path(arena, config->root, config->backup_folder);

	if (mr_path_exists(folder) || !is_recorded(arena, config))
		return 0;
	return mr_fail(
		err, MR_E_NOT_FOUND,
		_("%s: archives were written there, and it is gone. Is it not mounted? If it "
		  "shall be a new one: mkdir -m 0700 %s"),
		folder, folder);
}

int mr_backup_folder_record(const struct mr_config *config, struct mr_error *err)
{
	MR_ARENA arena = mr_arena_open();
	const char *text = mr_printf(arena, "%s\n", config->backup_folder);

	if (is_recorded(arena, config))
		return 0;
	return mr_file_replace(mr_path(arena, config->root, MR_PATH_ARCHIVED), text, strlen(text),
			       MR_FILE_PRIVATE, err);
}
