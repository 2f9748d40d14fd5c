#include "features/gate.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "adapters/service.h"
#include "base/file.h"
#include "base/paths.h"
#include "features/mta.h"

#define MOST_BYTES (1024 * 1024)
#define PARAMETER "\nsoft_bounce = "
#define LOCK_MS 30000

const char *mr_gate_text(struct mr_arena *arena, const char *text, bool closed)
{
	const char *word = closed ? "yes" : "no", *line = strstr(text, PARAMETER), *value;
	size_t len;

	if (!line)
		return text;
	value = line + strlen(PARAMETER);
	len = strcspn(value, "\n");
	if (len == strlen(word) && strncmp(value, word, len) == 0)
		return text;
	return mr_printf(arena, "%.*s%s%s", (int)(value - text), text, word, value + len);
}

int mr_gate_lock(const struct mr_config *config)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_error ignored;
	int lock;

	return mr_lock_open(mr_path(arena, config->root, MR_PATH_GATE_LOCK), LOCK_MS, &lock,
			    &ignored) < 0
		       ? -1
		       : lock;
}

static int install(const char *path, const char *text, struct mr_error *err)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return mr_fail_errno(err, "%s", path);
	return mr_file_replace(path, text, strlen(text),
			       (struct mr_file_attrs){ st.st_mode & 07777, st.st_uid, st.st_gid },
			       err);
}

static char *read_main_cf(struct mr_arena *arena, const char *path, struct mr_error *err)
{
	char *text;

	return mr_file_read(arena, path, MOST_BYTES, &text, NULL, err) < 0 ? NULL : text;
}

static bool is_ours(const struct mr_config *config)
{
	/* Exim's look-ups ask the gate each time. */
	return mr_mta(config) == MR_SERVICE_POSTFIX && mr_mta_is_ours(config);
}

/* What Postfix does not want to read a rendering may mend, which mailrepl-watch begins now and then, not at
 * every look. */
static void hand_over(const struct mr_config *config, const char *due)
{
	MR_ARENA arena = mr_arena_open();
	const char *rendering = mr_path(arena, config->root, MR_PATH_DUE_POSTFIX);

	if (mr_path_exists(rendering) || rename(due, rendering) < 0)
		(void)unlink(due);
}

/* A reload that is written down before the file is replaced is made up for by the next call, or by
 * the next rendering, if we are killed between. */
static int put_in_force(const struct mr_config *config, const char *due, const char *path,
			const char *text, struct mr_error *err)
{
	if (mr_file_replace(due, "", 0, MR_FILE_PRIVATE, err) < 0 ||
	    (text && install(path, text, err) < 0))
		return -1;
	if (mr_service_refresh(MR_SERVICE_POSTFIX, config->root, err) < 0) {
		hand_over(config, due);
		return -1;
	}
	(void)unlink(due);
	return 0;
}

/* The text is read under the lock: what a rendering has installed meanwhile would be lost. */
static int apply_locked(const struct mr_config *config, const char *path, bool closed,
			struct mr_error *err)
{
	MR_ARENA arena = mr_arena_open();
	const char *due = mr_path(arena, config->root, MR_PATH_DUE_GATE);
	const char *text = read_main_cf(arena, path, err), *wanted;

	if (!text)
		return -1;
	wanted = mr_gate_text(arena, text, closed);
	if (config->mail_manage && mr_service_running(MR_SERVICE_POSTFIX, config->root))
		return put_in_force(config, due, path, wanted == text ? NULL : wanted, err);
	/* It reads the file when it starts. */
	if (wanted != text && install(path, wanted, err) < 0)
		return -1;
	(void)unlink(due);
	return 0;
}

int mr_gate_apply(const struct mr_config *config, bool closed, bool *changed, struct mr_error *err)
{
	MR_ARENA arena = mr_arena_open();
	const char *path = mr_path(arena, config->root, MR_PATH_POSTFIX "/main.cf");
	const char *text;
	int lock, rc;

	*changed = false;
	if (!is_ours(config))
		return 0;
	text = read_main_cf(arena, path, err);
	if (!text)
		return err->code == MR_E_NOT_FOUND ? 0 : -1;
	if (mr_gate_text(arena, text, closed) == text &&
	    !mr_path_exists(mr_path(arena, config->root, MR_PATH_DUE_GATE)))
		return 0;
	*changed = true;
	lock = mr_gate_lock(config);
	rc = apply_locked(config, path, closed, err);
	mr_lock_close(lock);
	return rc;
}

bool mr_gate_is_due(const struct mr_config *config)
{
	MR_ARENA arena = mr_arena_open();
	const char *path = mr_path(arena, config->root, MR_PATH_DUE_GATE);
	bool due;
	int lock;

	if (!mr_path_exists(path))
		return false;
	lock = mr_gate_lock(config);
	due = mr_path_exists(path);
	mr_lock_close(lock);
	return due;
}

static bool same_text(struct mr_arena *arena, const char *a, const char *b)
{
	return strcmp(mr_gate_text(arena, a, false), mr_gate_text(arena, b, false)) == 0;
}

static int take_over(const struct mr_config *config, const char *replaced, const char *installed,
		     const char *due, struct mr_error *err)
{
	MR_ARENA arena = mr_arena_open();
	const char *left = mr_path(arena, config->root, MR_PATH_DUE_GATE);
	const char *path = mr_path(arena, config->root, MR_PATH_POSTFIX "/main.cf");
	const char *text = read_main_cf(arena, path, err), *wanted;
	struct mr_gate gate;
	bool crossed;

	if (!text)
		return err->code == MR_E_NOT_FOUND ? 0 : -1;
	if (mr_gate_read(arena, config, &gate, err) < 0)
		return -1;
	crossed = replaced && installed && same_text(arena, text, replaced);
	wanted = mr_gate_text(arena, crossed ? installed : text, gate.closed);
	if ((strcmp(wanted, text) != 0 || mr_path_exists(left)) && !mr_path_exists(due) &&
	    mr_file_replace(due, "reload", strlen("reload"), MR_FILE_PRIVATE, err) < 0)
		return -1;
	if (strcmp(wanted, text) != 0 && install(path, wanted, err) < 0)
		return -1;
	(void)unlink(left);
	return 0;
}

int mr_gate_take_over(const struct mr_config *config, const char *replaced, const char *installed,
		      const char *due, struct mr_error *err)
{
	int lock, rc;

	if (!is_ours(config))
		return 0;
	lock = mr_gate_lock(config);
	rc = take_over(config, replaced, installed, due, err);
	mr_lock_close(lock);
	return rc;
}
