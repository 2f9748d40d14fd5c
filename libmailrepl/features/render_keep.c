#include "features/render_keep.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/paths.h"

#define KEPT_MOST (16 * 1024 * 1024)

struct mr_kept mr_kept_find(struct mr_arena *arena, const struct mr_config *config,
			    const char *store, const char *path)
{
	struct mr_kept kept;

	kept.copy = mr_printf(arena, "%s%s%s", config->root, store, path + strlen(config->root));
	kept.absent = mr_printf(arena, "%s.absent", kept.copy);
	kept.is_copy = mr_path_exists(kept.copy);
	kept.is_absent = mr_path_exists(kept.absent);
	return kept;
}

/* Content, mode and owner of what `from` shows: a link's target is what the service has read. */
static int copy_file(struct mr_arena *arena, const char *from, const char *to, struct mr_error *err)
{
	struct stat st;
	char *text;
	size_t len;

	if (stat(from, &st) < 0)
		return mr_fail_errno(err, "%s", from);
	if (mr_file_read(arena, from, KEPT_MOST, &text, &len, err) < 0)
		return -1;
	return mr_file_replace(to, text, len,
			       (struct mr_file_attrs){ st.st_mode & 07777, st.st_uid, st.st_gid },
			       err);
}

/* What we keep may hold passwords: its folders are made 0700. */
static int make_parent(struct mr_arena *arena, const char *path, mode_t mode, struct mr_error *err)
{
	const char *folder = mr_strndup(arena, path, (size_t)(strrchr(path, '/') - path));

	if (mr_path_exists(folder))
		return 0;
	return mr_folder_make(folder, (struct mr_file_attrs){ mode, (uid_t)-1, (gid_t)-1 }, err);
}

int mr_kept_make(const struct mr_config *config, const char *store, const char *path, bool *fresh,
		 struct mr_error *err)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_kept kept = mr_kept_find(arena, config, store, path);

	if (kept.is_copy || kept.is_absent)
		return 0;
	*fresh = true;
	if (make_parent(arena, kept.copy, 0700, err) < 0)
		return -1;
	if (access(path, F_OK) == 0)
		return copy_file(arena, path, kept.copy, err);
	return mr_file_replace(kept.absent, "", 0, MR_FILE_PRIVATE, err);
}

int mr_kept_write(const struct mr_config *config, const char *store, const char *path,
		  const char *text, size_t len, struct mr_error *err)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_kept kept = mr_kept_find(arena, config, store, path);

	if (make_parent(arena, kept.copy, 0700, err) < 0)
		return -1;
	return mr_file_replace(kept.copy, text, len, MR_FILE_PRIVATE, err);
}

const char *mr_kept_text(struct mr_arena *arena, const struct mr_config *config, const char *store,
			 const char *path)
{
	struct mr_error absent;
	char *text;

	if (mr_file_read(arena, mr_kept_find(arena, config, store, path).copy, KEPT_MOST, &text,
			 NULL, &absent) < 0)
		return NULL;
	return text;
}

static int drop(const char *path, struct mr_error *err)
{
	if (unlink(path) < 0 && errno != ENOENT)
		return mr_fail_errno(err, "%s", path);
	return 0;
}

int mr_kept_put(const struct mr_config *config, const char *store, const char *path,
		struct mr_error *err)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_kept kept = mr_kept_find(arena, config, store, path);

	if (!kept.is_copy)
		return kept.is_absent ? drop(path, err) : 0;
	/* Whoever has removed the package may have taken the folder with it. */
	return make_parent(arena, path, 0755, err) < 0 ? -1 : copy_file(arena, kept.copy, path, err);
}

int mr_kept_restore(const struct mr_config *config, const char *store, const char *path,
		    struct mr_error *err)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_kept kept = mr_kept_find(arena, config, store, path);

	if (mr_kept_put(config, store, path, err) < 0)
		return -1;
	return kept.is_copy ? drop(kept.copy, err) : kept.is_absent ? drop(kept.absent, err) : 0;
}
