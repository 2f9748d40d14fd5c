#include "features/backup_verdict.h"

#include <string.h>
#include <sys/stat.h>

#include "base/paths.h"
#include "features/backup_entries.h"

#define TIME_LEN ((size_t)16) /* 20260102T030405Z */

static int64_t count_entries(struct mr_arena *arena, const struct mr_manifest *manifest)
{
	int64_t count = 0;

	for (size_t i = 0; i < manifest->count; i++)
		if (mr_backup_base(arena, manifest, manifest->members[i].name))
			count += manifest->members[i].entries;
	return count;
}

/* What it has read is gone with its own arena, but for this. */
static void keep(struct mr_arena *arena, const struct mr_manifest *from, struct mr_manifest *out)
{
	*out = *from;
	out->domain_id = mr_strdup(arena, from->domain_id);
	out->host = mr_strdup(arena, from->host);
	out->home = mr_strdup(arena, from->home);
	out->for_host = mr_strdup(arena, from->for_host);
	out->bzip2 = mr_strdup(arena, from->bzip2);
	out->rest_sha256 = mr_strdup(arena, from->rest_sha256);
	out->hmac = mr_strdup(arena, from->hmac);
	out->fingerprint = mr_strdup(arena, from->fingerprint);
	out->members = NULL;
	out->count = 0;
}

void mr_backup_verdict(struct mr_arena *arena, const struct mr_secret *key, const char *path,
		       struct mr_backup_verdict *out)
{
	MR_ARENA scratch = mr_arena_open();
	const struct mr_backup_reading reading = { .path = path, .key = key, .entries = true };
	struct mr_manifest manifest = { 0 };
	struct mr_error err = { 0 };
	struct stat st;

	*out = (struct mr_backup_verdict){ .path = mr_strdup(arena, path), .entries = -1 };
	out->size = stat(path, &st) == 0 ? st.st_size : -1;
	if (mr_backup_read(scratch, &reading, &manifest, &err) == 0) {
		out->entries = count_entries(scratch, &manifest);
	} else {
		out->fault = mr_strdup(arena, err.message);
		out->code = err.code;
	}
	/* A manifest that could not be read to its end says nothing. */
	if (manifest.count)
		keep(arena, &manifest, &out->manifest);
}

int mr_backup_paths(struct mr_arena *arena, const struct mr_config *config, bool all,
		    struct mr_list *out, struct mr_error *err)
{
	const char *folder = mr_path(arena, config->root, config->backup_folder), *newest;
	struct mr_list names = { 0 };

	if (mr_backup_names(arena, folder, &names, err) < 0)
		return -1;
	if (!names.count)
		return mr_fail(err, MR_E_NOT_FOUND, _("%s: there is no archive"), folder);
	newest = names.items[names.count - 1];
	for (size_t i = 0; i < names.count; i++)
		if (all || strncmp(names.items[i], newest, TIME_LEN) == 0)
			mr_list_add(arena, out, mr_printf(arena, "%s/%s", folder, names.items[i]));
	return 0;
}

const char *mr_backup_find(struct mr_arena *arena, const struct mr_config *config, const char *name)
{
	if (strchr(name, '/') || mr_path_exists(name))
		return name;
	return mr_printf(arena, "%s%s/%s", config->root, config->backup_folder, name);
}
