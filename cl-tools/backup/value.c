#include "backup/actions.h"

#include <string.h>

#include "features/backup_manifest.h"

struct mr_value *backup_archive_value(struct mr_arena *arena, const struct mr_backup *archive)
{
	struct mr_value *item = mr_value_object(arena);

	mr_value_set_string(arena, item, "path", archive->path);
	mr_value_set_int(arena, item, "size", archive->size);
	mr_value_set_string(arena, item, "host", archive->manifest.host);
	mr_value_set_string(arena, item, "for", archive->manifest.for_host);
	mr_value_set_string(arena, item, "created",
			    mr_manifest_time(arena, archive->manifest.created));
	mr_value_set_int(arena, item, "generation", archive->manifest.generation);
	return item;
}

const char *backup_file_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

void backup_archive_cells(struct mr_arena *arena, const struct mr_manifest *manifest,
			  const char **cells)
{
	bool known = manifest->host;

	cells[0] = known ? mr_manifest_time(arena, manifest->created) : "-";
	cells[1] = known ? manifest->host : "-";
	cells[2] = manifest->for_host ? manifest->for_host : known ? _("itself") : "-";
}
