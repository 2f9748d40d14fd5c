#include "features/restore_record.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>

#include "base/paths.h"

#define PATH_UNDER_WAY MR_PATH_STATE "/restoring"
#define PATH_BEFORE MR_PATH_STATE "/restored"
#define RECORD_MOST ((size_t)1 << 20)
/* Paths that are remembered, also of archives that are gone: the folder may be unmounted. */
#define BEFORE_MOST 5000

/* *out = NULL: there is none. One that cannot be read must not look like none. */
static int read_text(struct mr_arena *arena, const struct mr_config *config, const char *path,
		     char **out, struct mr_error *err)
{
	*out = NULL;
	if (mr_file_read(arena, mr_path(arena, config->root, path), RECORD_MOST, out, NULL, err) ==
		    0 ||
	    err->code == MR_E_NOT_FOUND)
		return 0;
	return -1;
}

const char *mr_restore_word(const struct mr_restore_request *request)
{
	if (request->undo)
		return "undo";
	return request->only.count ? "only" : "changes";
}

int mr_restore_record_read(struct mr_arena *arena, const struct mr_config *config,
			   struct mr_restore_record *out, struct mr_error *err)
{
	char *text, *archive, *line;

	*out = (struct mr_restore_record){ 0 };
	if (read_text(arena, config, PATH_UNDER_WAY, &text, err) < 0)
		return -1;
	archive = text ? strchr(text, ' ') : NULL;
	if (!archive)
		return 0;
	*archive++ = '\0';
	line = archive + strcspn(archive, "\n");
	if (*line)
		*line++ = '\0';
	line[strcspn(line, "\n")] = '\0';
	*out = (struct mr_restore_record){ text, archive,
					   *line && strcmp(line, "-") != 0 ? line : NULL };
	return 0;
}

/* A full archive of `host`: "<time>-<host>.tar.bz2", sealed or not. */
static bool is_own(const char *name, const char *host)
{
	size_t stamp = strlen("20260102T030405Z-"), len = strlen(host);

	return strlen(name) > stamp + len && name[stamp - 1] == '-' &&
	       strncmp(name + stamp, host, len) == 0 &&
	       mr_starts_with(name + stamp + len, ".tar.bz2");
}

/* A folder that cannot be read must not look like an empty one: an ordinary archive would be taken for that
 * of the state before. */
static int own_archives(struct mr_arena *arena, const struct mr_config *config, struct mr_list *out,
			struct mr_error *err)
{
	const char *path = mr_path(arena, config->root, config->backup_folder);
	DIR *dir = opendir(path);
	struct dirent *item;

	*out = (struct mr_list){ 0 };
	if (!dir)
		return errno == ENOENT ? 0 : mr_fail_errno(err, "%s", path);
	while (errno = 0, (item = readdir(dir)))
		if (is_own(item->d_name, config->host))
			mr_list_add(arena, out, item->d_name);
	if (errno) {
		mr_fail_errno(err, "%s", path);
		closedir(dir);
		return -1;
	}
	closedir(dir);
	mr_list_sort(out);
	return 0;
}

int mr_restore_record_plan(struct mr_arena *arena, struct mr_restore *restore, const char *word,
			   struct mr_plan *plan, struct mr_error *err)
{
	const struct mr_config *config = &restore->config;
	struct mr_restore_record record;
	struct mr_list names;

	/* What the interrupted run has recorded is still right: what came after that is of the state before. */
	if (mr_restore_record_read(arena, config, &record, err) < 0)
		return -1;
	if (record.word && strcmp(record.word, word) == 0 &&
	    strcmp(record.archive, restore->archive.path) == 0)
		return 0;
	if (own_archives(arena, config, &names, err) < 0)
		return -1;
	mr_plan_file(arena, plan, mr_path(arena, config->root, PATH_UNDER_WAY),
		     mr_printf(arena, "%s %s\n%s\n", word, restore->archive.path,
			       names.count ? names.items[names.count - 1] : "-"),
		     MR_FILE_PRIVATE, _("record that a restore is under way"));
	return 0;
}

static int end(void *argument, struct mr_error *err)
{
	const struct mr_restore *restore = argument;
	MR_ARENA arena = mr_arena_open();

	return mr_tree_remove(mr_path(arena, restore->config.root, PATH_UNDER_WAY), err);
}

void mr_restore_record_end_plan(struct mr_arena *arena, struct mr_restore *restore,
				struct mr_plan *plan)
{
	mr_plan_action(arena, plan, end, restore, _("record that the restore is complete"));
}

int mr_restore_before_list(struct mr_arena *arena, const struct mr_config *config,
			   struct mr_list *out, struct mr_error *err)
{
	char *text, *rest, *line;

	*out = (struct mr_list){ 0 };
	if (read_text(arena, config, PATH_BEFORE, &text, err) < 0)
		return -1;
	for (line = text ? strtok_r(text, "\n", &rest) : NULL; line;
	     line = strtok_r(NULL, "\n", &rest))
		mr_list_add(arena, out, line);
	return 0;
}

/* *out = the one that the run which is under way has made already; NULL: none. */
static int made_already(struct mr_arena *arena, const struct mr_config *config,
			const struct mr_restore_record *record, const char **out,
			struct mr_error *err)
{
	struct mr_list names;

	*out = NULL;
	if (own_archives(arena, config, &names, err) < 0)
		return -1;
	for (size_t i = 0; i < names.count && !*out; i++)
		if (!record->newest || strcmp(names.items[i], record->newest) > 0)
			*out = mr_printf(arena, "%s%s/%s", config->root, config->backup_folder,
					 names.items[i]);
	return 0;
}

static int remember(struct mr_arena *arena, const struct mr_config *config, const char *path,
		    struct mr_error *err)
{
	struct mr_list paths;
	MR_BUF text = { 0 };
	size_t first;

	if (mr_restore_before_list(arena, config, &paths, err) < 0)
		return -1;
	if (mr_list_has(&paths, path))
		return 0;
	mr_list_add(arena, &paths, path);
	first = paths.count > BEFORE_MOST ? paths.count - BEFORE_MOST : 0;
	for (size_t i = first; i < paths.count; i++)
		mr_buf_printf(&text, "%s\n", paths.items[i]);
	return mr_file_replace(mr_path(arena, config->root, PATH_BEFORE), text.data, text.len,
			       MR_FILE_PRIVATE, err);
}

static int make_before(void *argument, struct mr_error *err)
{
	const struct mr_restore *restore = argument;
	const struct mr_config *config = &restore->config;
	MR_ARENA arena = mr_arena_open();
	const struct mr_backup_order order = { .for_host = config->host,
					       .seal = restore->request.seal };
	struct mr_restore_record record;
	struct mr_topology topology;
	struct mr_backups made;
	MR_DIRECTORY dir = NULL;
	const char *path;

	if (mr_restore_record_read(arena, config, &record, err) < 0)
		return -1;
	if (made_already(arena, config, &record, &path, err) < 0)
		return -1;
	if (!path) {
		if (mr_instance_open(arena, config, &dir, err) < 0 ||
		    mr_instance_topology(arena, dir, config, &topology, err) < 0 ||
		    mr_backup_create_ordered(arena, config, &topology, &order, &made, err) < 0)
			return -1;
		path = made.items[0].path;
	}
	return remember(arena, config, path, err);
}

void mr_restore_before_plan(struct mr_arena *arena, struct mr_restore *restore,
			    struct mr_plan *plan)
{
	mr_plan_action(arena, plan, make_before, restore,
		       _("archive the state before, so that this can be undone"));
}

int mr_restore_undo_find(struct mr_arena *arena, const struct mr_config *config, const char **out,
			 struct mr_error *err)
{
	struct mr_restore_record record;
	struct mr_list paths;
	const char *made;

	if (mr_restore_before_list(arena, config, &paths, err) < 0 ||
	    mr_restore_record_read(arena, config, &record, err) < 0)
		return -1;
	*out = paths.count ? paths.items[paths.count - 1] : NULL;
	if (record.word) {
		if (made_already(arena, config, &record, &made, err) < 0)
			return -1;
		if (!made)
			return mr_fail(err, MR_E_NOT_FOUND,
				       _("the restore from %s was interrupted before it had "
					 "changed anything: there is nothing to undo"),
				       record.archive);
		*out = made;
	}
	if (!*out)
		return mr_fail(err, MR_E_NOT_FOUND,
			       _("no restore is recorded here that could be undone"));
	if (!mr_path_exists(*out))
		return mr_fail(err, MR_E_NOT_FOUND,
			       _("%s, which was made before the last restore, is gone"), *out);
	return 0;
}
