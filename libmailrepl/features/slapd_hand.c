#include "features/slapd_hand.h"

#include <fts.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/paths.h"
#include "base/process.h"
#include "features/instance.h"
#include "features/render_diff.h"

#define MARK "loaded"
#define LDIF_MOST ((size_t)16 << 20)

int mr_slapd_hand_mark(const char *folder, struct mr_error *err)
{
	MR_ARENA arena = mr_arena_open();

	return mr_file_replace(mr_printf(arena, "%s/" MARK, folder), "", 0, MR_FILE_PRIVATE, err);
}

static bool is_younger(const struct stat *a, const struct stat *b)
{
	return a->st_mtim.tv_sec != b->st_mtim.tv_sec ? a->st_mtim.tv_sec > b->st_mtim.tv_sec
						      : a->st_mtim.tv_nsec > b->st_mtim.tv_nsec;
}

static bool is_touched(struct mr_arena *arena, const struct mr_config *config)
{
	char *folder = (char *)mr_path(arena, config->root, MR_PATH_SLAPD_D);
	char *const paths[] = { folder, NULL };
	bool found = false;
	struct stat mark;
	FTSENT *entry;
	FTS *fts;

	if (stat(mr_printf(arena, "%s/" MARK, folder), &mark) < 0)
		return false;
	fts = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	while (fts && !found && (entry = fts_read(fts)))
		found = entry->fts_info == FTS_F && is_younger(entry->fts_statp, &mark);
	if (fts)
		fts_close(fts);
	return found;
}

/* Who wrote an entry and when differs each time it is loaded; and what mailrepl itself changes. */
static bool is_no_setting(const char *line)
{
	static const char *const names[] = {
		"olcDbNoSync:",     "entryUUID:",       "entryCSN:",
		"creatorsName:",    "createTimestamp:", "modifiersName:",
		"modifyTimestamp:", "contextCSN:",      "structuralObjectClass:"
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (mr_starts_with(line, names[i]))
			return true;
	return false;
}

static int dump(struct mr_arena *arena, const char *folder, const char **out, struct mr_error *err)
{
	const char *const argv[] = { "slapcat", "-n0", "-o", "ldif-wrap=no", "-F", folder, NULL };
	const struct mr_process process = { .argv = argv };
	struct mr_child *child;
	struct mr_list lines;
	MR_BUF text = { 0 };
	char block[16384];
	ssize_t len;
	int fd;

	if (mr_process_read_from(&process, &child, &fd, err) < 0)
		return -1;
	while ((len = read(fd, block, sizeof(block))) > 0 && text.len < LDIF_MOST)
		mr_buf_add(&text, block, (size_t)len);
	if (mr_process_end(child, err) < 0)
		return -1;
	lines = mr_list_split(arena, mr_buf_text(&text), '\n');
	mr_buf_close(&text);
	for (size_t i = 0; i < lines.count; i++)
		if (!is_no_setting(lines.items[i]))
			mr_buf_printf(&text, "%s\n", lines.items[i]);
	*out = mr_strdup(arena, mr_buf_text(&text));
	return 0;
}

int mr_slapd_hand_show(struct mr_arena *arena, const struct mr_config *config, struct mr_buf *out,
		       struct mr_error *err)
{
	const char *folder = mr_path(arena, config->root, MR_PATH_SLAPD_D);
	const char *spare = mr_path(arena, config->root, MR_PATH_SLAPD "/compare.d");
	const char *loaded, *now;
	struct mr_error ignored;
	char *ldif;
	int rc;

	if (!is_touched(arena, config))
		return 0;
	if (mr_file_read(arena, mr_path(arena, config->root, MR_PATH_SLAPD_LDIF), LDIF_MOST, &ldif,
			 NULL, err) < 0)
		return -1;
	rc = mr_slapd_config_load(ldif, spare, err);
	if (rc == 0)
		rc = dump(arena, spare, &loaded, err);
	if (rc == 0)
		rc = dump(arena, folder, &now, err);
	if (mr_tree_remove(spare, &ignored) < 0 && rc == 0)
		*err = ignored;
	return rc < 0 ? -1 : mr_diff_texts(arena, folder, loaded, now, out, err);
}

int mr_slapd_hand_note(const struct mr_config *config, struct mr_error *err)
{
	MR_ARENA arena = mr_arena_open();
	const char *path = mr_path(arena, config->root, MR_PATH_SLAPD_CHANGES);
	MR_BUF diff = { 0 };

	if (mr_slapd_hand_show(arena, config, &diff, err) < 0)
		return -1;
	return diff.len ? mr_file_replace(path, diff.data, diff.len, MR_FILE_PRIVATE, err) : 0;
}
