#include "features/watch_status.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/timex.h>
#include <time.h>

#include "adapters/tls.h"
#include "base/file.h"
#include "base/paths.h"
#include "features/mta.h"

#define QUEUE "/var/spool/postfix"
#define EXIM_QUEUE "/var/spool/exim4/input"
#define MOST_PEM (64 * 1024)
#define DEEPEST 4 /* hash_queue_depth, and one more */
#define WRITE_EVERY 5
#define READ_VERSIONS_EVERY 3600
#define VALUES 7

static void count_files(const char *path, int depth, long long *count)
{
	DIR *folder = opendir(path);
	struct dirent *one;

	while (folder && *count < MR_WATCH_QUEUE_MOST && (one = readdir(folder))) {
		MR_ARENA arena = NULL;

		if (one->d_name[0] == '.')
			continue;
		if (one->d_type != DT_DIR) {
			*count += one->d_type == DT_REG;
			continue;
		}
		if (depth >= DEEPEST)
			continue;
		arena = mr_arena_open();
		count_files(mr_printf(arena, "%s/%s", path, one->d_name), depth + 1, count);
	}
	if (folder)
		closedir(folder);
}

long long mr_watch_queue_length(const char *folder)
{
	static const char *const queues[] = { "maildrop", "incoming", "active", "deferred",
					      "hold" };
	MR_ARENA arena = mr_arena_open();
	long long count = 0;

	if (!mr_path_exists(mr_printf(arena, "%s/active", folder)))
		return -1;
	for (size_t i = 0; i < sizeof(queues) / sizeof(queues[0]); i++)
		count_files(mr_printf(arena, "%s/%s", folder, queues[i]), 0, &count);
	return count;
}

/* Exim has two files for each message. */
static long long queue_length(const struct mr_config *config)
{
	long long files = 0;

	if (mr_mta(config) != MR_SERVICE_EXIM)
		return mr_watch_queue_length(QUEUE);
	if (!mr_path_exists(EXIM_QUEUE))
		return -1;
	count_files(EXIM_QUEUE, 0, &files);
	return (files + 1) / 2;
}

static void read_versions(struct mr_watch_status *status, const struct mr_config *config)
{
	char exim[MR_VERSION_SIZE];

	status->mta = mr_mta(config);
	mr_version_read(MR_PROGRAM_SLAPD, status->slapd);
	mr_version_read(MR_PROGRAM_POSTFIX, status->postfix);
	mr_version_read(MR_PROGRAM_DOVECOT, status->dovecot);
	if (status->mta != MR_SERVICE_EXIM)
		return;
	/* There is one column for whichever mail server a host has. */
	mr_version_read(MR_PROGRAM_EXIM, exim);
	status->postfix[0] = '\0';
	if (*exim)
		snprintf(status->postfix, sizeof(status->postfix), "Exim %.40s", exim);
}

/* The kernel knows whether somebody keeps its clock, whichever program that is. */
static const char *clock_state(void)
{
	struct timex state = { 0 };
	int rc = adjtimex(&state);

	if (rc < 0)
		return NULL;
	return rc == TIME_ERROR || state.status & STA_UNSYNC ? "not synchronised" : "synchronised";
}

static const char *certificate_end(struct mr_arena *arena, const struct mr_config *config)
{
	const char *path = mr_path(arena, config->root, MR_PATH_HOST_CERT);
	struct mr_certificate certificate;
	struct mr_error ignored;
	char *pem, *text = MR_NEW_ARRAY(arena, char, 32);
	struct tm utc;
	time_t end;

	if (mr_file_read(arena, path, MOST_PEM, &pem, NULL, &ignored) < 0 ||
	    mr_tls_describe(arena, pem, &certificate, &ignored) < 0)
		return NULL;
	end = (time_t)certificate.not_after;
	if (!gmtime_r(&end, &utc) || strftime(text, 32, "%Y%m%d%H%M%SZ", &utc) == 0)
		return NULL;
	return text;
}

size_t mr_watch_status_mods(struct mr_arena *arena, const struct mr_entry *entry,
			    const struct mr_watch_value *values, size_t count, struct mr_mod **out)
{
	size_t used = 0;

	*out = MR_NEW_ARRAY(arena, struct mr_mod, count);
	for (size_t i = 0; i < count; i++) {
		const char *have = mr_entry_value(entry, values[i].attribute);
		const char *want = values[i].value;
		struct mr_mod *mod = &(*out)[used];

		if (!have && !want)
			continue;
		if (have && want && strcmp(have, want) == 0)
			continue;
		*mod = (struct mr_mod){ .op = MR_MOD_REPLACE, .attr.name = values[i].attribute };
		if (want)
			mr_list_add(arena, &mod->attr.values, want);
		used++;
	}
	return used;
}

static const char *or_null(const char *text)
{
	return *text ? text : NULL;
}

static size_t collect(struct mr_arena *arena, const struct mr_watch_status *status,
		      const struct mr_config *config, const struct mr_gate *gate,
		      struct mr_watch_value *out)
{
	long long queue = config->mail_manage && !*config->root ? queue_length(config) : -1;
	const struct mr_watch_value values[VALUES] = {
		{ "mailReplGate",
		  gate->closed ? mr_printf(arena, "closed: %.400s", gate->why) : "open" },
		{ "mailReplQueueLength", queue < 0 ? NULL : mr_printf(arena, "%lld", queue) },
		{ "mailReplSlapdVersion", or_null(status->slapd) },
		{ "mailReplPostfixVersion", or_null(status->postfix) },
		{ "mailReplDovecotVersion", or_null(status->dovecot) },
		{ "mailReplClockState", clock_state() },
		{ "mailReplCertificateNotAfter", certificate_end(arena, config) },
	};

	memcpy(out, values, sizeof(values));
	return VALUES;
}

int mr_watch_status_write(struct mr_watch_status *status, const struct mr_config *config,
			  struct mr_directory *dir, const struct mr_entry *entry,
			  const struct mr_gate *gate, int64_t now, struct mr_error *err)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_watch_value values[VALUES];
	const char *told = mr_entry_value(entry, "mailReplGate");
	bool moved = !told || mr_starts_with(told, "closed") != gate->closed;
	struct mr_mod *mods;
	size_t count;

	if (!moved && now >= status->written && now - status->written < WRITE_EVERY)
		return 0;
	status->written = now;
	if (!status->versions_read || now - status->versions_read >= READ_VERSIONS_EVERY ||
	    status->mta != mr_mta(config)) {
		status->versions_read = now;
		read_versions(status, config);
	}
	count = collect(arena, status, config, gate, values);
	count = mr_watch_status_mods(arena, entry, values, count, &mods);
	return count ? mr_directory_modify(dir, MR_DIT_STATUS, mods, count, err) : 0;
}
