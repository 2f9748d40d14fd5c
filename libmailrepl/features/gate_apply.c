#include "features/gate.h"

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

/* A reload that is written down before the file is replaced is made up for by the next rendering,
 * or by the next start of mailrepl-watch, if we are killed between. */
static int put_in_force(const struct mr_config *config, const char *path, const char *text,
			struct mr_error *err)
{
	MR_ARENA arena = mr_arena_open();
	const char *due = mr_path(arena, config->root, MR_PATH_DUE_POSTFIX);
	bool mine = !mr_path_exists(due);

	if (mine && mr_file_replace(due, "reload", strlen("reload"), MR_FILE_PRIVATE, err) < 0)
		return -1;
	if (install(path, text, err) < 0 ||
	    mr_service_refresh(MR_SERVICE_POSTFIX, config->root, err) < 0)
		return -1;
	if (mine)
		(void)unlink(due);
	return 0;
}

static int replace(const struct mr_config *config, const char *path, const char *text,
		   struct mr_error *err)
{
	int lock, rc;

	if (!config->mail_manage || !mr_service_running(MR_SERVICE_POSTFIX, config->root))
		return install(path, text, err);
	lock = mr_gate_lock(config);
	rc = put_in_force(config, path, text, err);
	mr_lock_close(lock);
	return rc;
}

int mr_gate_apply(const struct mr_config *config, bool closed, bool *changed, struct mr_error *err)
{
	MR_ARENA arena = mr_arena_open();
	const char *path = mr_path(arena, config->root, MR_PATH_POSTFIX "/main.cf"), *wanted;
	char *text;

	*changed = false;
	/* Exim's look-ups ask the gate each time. */
	if (mr_mta(config) != MR_SERVICE_POSTFIX || !mr_mta_is_ours(config))
		return 0;
	if (mr_file_read(arena, path, MOST_BYTES, &text, NULL, err) < 0)
		return err->code == MR_E_NOT_FOUND ? 0 : -1;
	wanted = mr_gate_text(arena, text, closed);
	if (wanted == text)
		return 0;
	*changed = true;
	return replace(config, path, wanted, err);
}
