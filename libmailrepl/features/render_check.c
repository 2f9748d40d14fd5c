#include "features/render_check.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/paths.h"
#include "base/process.h"
#include "features/mta.h"
#include "features/render_blame.h"
#include "features/render_probe.h"

#define OLD_ENOUGH 3 /* seconds */

static const char *etc_folder(enum mr_service_name service)
{
	return service == MR_SERVICE_DOVECOT ? MR_PATH_DOVECOT : mr_mta_folder(service);
}

int mr_render_age(const char *path, struct mr_error *err)
{
	const struct timespec times[2] = { { 0, UTIME_OMIT }, { time(NULL) - OLD_ENOUGH, 0 } };

	return utimensat(AT_FDCWD, path, times, 0) < 0 ? mr_fail_errno(err, "%s", path) : 0;
}

/* Below the service's own folder everything keeps its place. */
static int stage(struct mr_arena *arena, const struct mr_config *config,
		 const struct mr_rendering *rendering, enum mr_service_name service,
		 const char *staging, struct mr_error *err)
{
	const char *etc = mr_path(arena, config->root, etc_folder(service));
	const struct mr_file_attrs folder_attrs = { 0755, (uid_t)-1, (gid_t)-1 };

	for (size_t i = 0; i < rendering->count; i++) {
		const struct mr_rendered *file = &rendering->files[i];
		const char *to, *folder;

		if (file->service != service || !mr_starts_with(file->path, etc))
			continue;
		to = mr_printf(arena, "%s%s", staging, file->path + strlen(etc));
		folder = mr_strndup(arena, to, (size_t)(strrchr(to, '/') - to));
		if (!mr_path_exists(folder) && mr_folder_make(folder, folder_attrs, err) < 0)
			return -1;
		if (mr_file_replace(to, file->content, file->len, file->attrs, err) < 0 ||
		    mr_render_age(to, err) < 0)
			return -1;
	}
	return 0;
}

/* "postfix check" calls it for the queue, where a message that comes just then has a name that it finds strange. */
static bool is_about_the_queue(const char *line)
{
	return mr_starts_with(line, "postsuper: ");
}

/* The first line that complains: postconf prints the whole configuration before it. Lines with `other` (or NULL) in
 * them are about something else. */
static const char *complaint(struct mr_arena *arena, const char *output, const char *other)
{
	static const char *const words[] = { ": fatal: ", ": error: ", ": warning: ",
					     ": Fatal: ", ": Error: ", ": Warning: " };
	struct mr_list lines = mr_list_split(arena, output, '\n');

	for (size_t i = 0; i < lines.count; i++)
		for (size_t j = 0; j < sizeof(words) / sizeof(words[0]); j++)
			if (strstr(lines.items[i], words[j]) &&
			    !is_about_the_queue(lines.items[i]) &&
			    !(other && strstr(lines.items[i], other)))
				return lines.items[i];
	return NULL;
}

static int ask(struct mr_arena *arena, const char *const *argv, const char *other, struct mr_error *err)
{
	const struct mr_process process = { .argv = argv };
	struct mr_process_result result = { 0 };
	const char *said;
	int rc = -1;

	if (mr_process_run(&process, &result, err) == 0) {
		said = complaint(arena, mr_buf_text(&result.output), other);
		/* By a machine without memory, for example: that is no judgement. */
		if (result.status > 128)
			mr_fail(err, MR_E_TEMPORARY, _("%s was ended by signal %d"), argv[0],
				result.status - 128);
		else if (said)
			mr_fail(err, MR_E_CONFIG, "%s", said);
		else if (result.status != 0)
			mr_fail(err, MR_E_CONFIG, _("%s: exit status %d"), argv[0], result.status);
		else
			rc = 0;
	}
	mr_buf_close(&result.output);
	return rc;
}

/* Its mistakes are two lines: where, and what. */
static int ask_exim(const char *file, struct mr_error *err)
{
	const char *const argv[] = { "exim4", "-C", file, "-bV", NULL };
	const struct mr_process process = { .argv = argv };
	struct mr_process_result result = { 0 };
	char *at;
	int rc = -1;

	if (mr_process_run(&process, &result, err) == 0) {
		at = strstr(mr_buf_text(&result.output), "configuration error");
		for (char *c = at; c && (c = strchr(c, '\n')); c++)
			*c = ' ';
		if (result.status == 0)
			rc = 0;
		else
			mr_fail(err, MR_E_CONFIG, _("exim4: %s"),
				at ? at : mr_buf_text(&result.output));
	}
	mr_buf_close(&result.output);
	return rc;
}

static int ask_all(struct mr_arena *arena, enum mr_service_name service, const char *staging,
		   struct mr_error *err)
{
	const char *const postconf[] = { "postconf", "-c", staging, "-n", NULL };
	const char *const services[] = { "postconf", "-c", staging, "-M", NULL };
	const char *const values[] = { "postmap", "-c", staging, "-q", "x", "static:x", NULL };
	const char *const postfix[] = { "postfix", "-c", staging, "check", NULL };
	const char *const doveconf[] = { "doveconf", "-c",
					 mr_printf(arena, "%s/dovecot.conf", staging), "-n", NULL };

	if (service == MR_SERVICE_EXIM)
		return ask_exim(mr_printf(arena, "%s/exim4.conf", staging), err);
	if (service == MR_SERVICE_DOVECOT)
		return ask(arena, doveconf, NULL, err);
	if (ask(arena, postconf, NULL, err) < 0 || ask(arena, services, NULL, err) < 0)
		return -1;
	/* "postfix check" tells the log alone what is wrong with a value. */
	if (ask(arena, values, NULL, err) < 0)
		return -1;
	/* It reads the machine's own configuration, too, which may be broken: that is why it is replaced. */
	return ask(arena, postfix, MR_PATH_POSTFIX "/", err);
}

int mr_render_check(const struct mr_config *config, const struct mr_rendering *rendering,
		    enum mr_service_name service, struct mr_error *err)
{
	MR_ARENA arena = mr_arena_open();
	const char *staging = mr_printf(arena, "%s%s/.check-%s", config->root, MR_PATH_STATE,
					mr_service_word(service));
	struct mr_error removed;
	int result;

	if (mr_tree_remove(staging, err) < 0)
		return -1;
	result = stage(arena, config, rendering, service, staging, err);
	if (result == 0)
		result = ask_all(arena, service, staging, err);
	if (result < 0 && err->code == MR_E_CONFIG)
		mr_fail(err, MR_E_CONFIG, "%s",
			mr_render_blame(arena, config, rendering, service, staging,
					mr_path(arena, config->root, etc_folder(service)),
					mr_strdup(arena, err->message)));
	if (result == 0 && service == MR_SERVICE_POSTFIX)
		result = mr_render_probe(config, staging, err);
	if (result == 0 && service == MR_SERVICE_EXIM)
		result = mr_render_probe_exim(config, rendering->topology, staging, err);
	/* A later check removes what could not be removed now. */
	if (mr_tree_remove(staging, &removed) < 0 && result == 0)
		*err = removed;
	return result;
}
