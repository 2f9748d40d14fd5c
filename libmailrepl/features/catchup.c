#include "features/catchup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/paths.h"
#include "base/process.h"
#include "features/instance.h"

/* What a route takes in the database; an account takes as much. */
#define ENTRY_SIZE 900
#define BOOT_ID "/proc/sys/kernel/random/boot_id"
#define MOST_LDIF ((size_t)16 * 1024 * 1024)

/* As templates/slapd/config.ldif numbers them. */
static const struct {
	enum mr_service service;
	enum mr_database database;
	const char *settings;
} copies[] = {
	{ MR_MAIL, MR_DB_MAIL, "olcDatabase={3}mdb,cn=config" },
	{ MR_UNIX, MR_DB_UNIX, "olcDatabase={6}mdb,cn=config" },
};

static size_t copy_of(enum mr_service service)
{
	return service == MR_MAIL ? 0 : 1;
}

static const char *folder_of(struct mr_arena *arena, const struct mr_config *config)
{
	return mr_path(arena, config->root, MR_PATH_DB "/.catchup");
}

static const char *snapshot_of(struct mr_arena *arena, const struct mr_config *config, size_t copy)
{
	return mr_printf(arena, "%s/%s.ldif", folder_of(arena, config),
			 mr_database_word(copies[copy].database));
}

bool mr_catchup_running(const struct mr_config *config, enum mr_service service)
{
	MR_ARENA arena = mr_arena_open();

	return mr_path_exists(snapshot_of(arena, config, copy_of(service)));
}

int mr_catchup_many(const struct mr_config *config, enum mr_service service)
{
	MR_ARENA arena = mr_arena_open();
	const char *folder = mr_database_path(arena, config, copies[copy_of(service)].database);
	struct stat st;
	long long part = 0;

	/* The file is as large as the database may become, and mostly a hole. */
	if (stat(mr_printf(arena, "%s/data.mdb", folder), &st) == 0)
		part = (long long)st.st_blocks * 512 / ENTRY_SIZE / MR_CATCHUP_PART;
	return part > MR_CATCHUP_MANY ? (int)part : MR_CATCHUP_MANY;
}

/* --- slapd's settings */

static int set_nosync(struct mr_directory *dir, size_t copy, bool on, struct mr_error *err)
{
	static const char *const attrs[] = { "olcSuffix", "olcDbNoSync", NULL };
	const char *dn = copies[copy].settings, *suffix = mr_dit_all(copies[copy].service);
	const char *value = on ? "TRUE" : "FALSE", *now;
	struct mr_mod mod = { .op = MR_MOD_REPLACE, .attr = { .name = "olcDbNoSync" } };
	MR_ARENA arena = mr_arena_open();
	struct mr_entry *entry;

	if (mr_directory_read(dir, arena, dn, attrs, &entry, err) < 0)
		return -1;
	if (!entry || !mr_entry_has_nocase(entry, "olcSuffix", suffix))
		return mr_fail(err, MR_E_CONFIG, _("%s: not the settings of %s"), dn, suffix);
	now = mr_entry_value(entry, "olcDbNoSync");
	if (strcmp(now ? now : "FALSE", value) == 0)
		return 0;
	mr_list_add(arena, &mod.attr.values, value);
	return mr_directory_modify(dir, dn, &mod, 1, err);
}

/* --- the snapshot: a line with the boot's id, then LDIF */

static int boot_line(struct mr_arena *arena, const char **out, struct mr_error *err)
{
	char *id;

	if (mr_file_read(arena, BOOT_ID, 128, &id, NULL, err) < 0)
		return -1;
	id[strcspn(id, "\n")] = '\0';
	*out = mr_printf(arena, "# boot %s\n", id);
	return 0;
}

static int dump(const struct mr_config *config, size_t copy, int to, struct mr_error *err)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_child *child;
	const char *line;
	int from;

	if (boot_line(arena, &line, err) < 0 || mr_write_all(to, line, strlen(line), err) < 0 ||
	    mr_database_dump(mr_path(arena, config->root, MR_PATH_SLAPD_D),
			     mr_dit_all(copies[copy].service), NULL, &child, &from, err) < 0)
		return -1;
	if (mr_copy_all(from, to, err) < 0) {
		mr_process_kill(child);
		return -1;
	}
	return mr_process_end(child, err);
}

static int write_file(const struct mr_config *config, size_t copy, const char *path,
		      struct mr_error *err)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	int rc;

	if (fd < 0)
		return mr_fail_errno(err, "%s", path);
	rc = dump(config, copy, fd, err);
	if (rc == 0 && fsync(fd) < 0)
		rc = mr_fail_errno(err, "%s", path);
	close(fd);
	return rc;
}

static int make_snapshot(const struct mr_config *config, size_t copy, struct mr_error *err)
{
	MR_ARENA arena = mr_arena_open();
	const char *folder = folder_of(arena, config), *path = snapshot_of(arena, config, copy);
	const char *fresh = mr_printf(arena, "%s.new", path);

	if (mr_folder_make(folder, MR_FILE_PRIVATE_FOLDER, err) < 0)
		return -1;
	if (write_file(config, copy, fresh, err) < 0) {
		unlink(fresh);
		return -1;
	}
	if (rename(fresh, path) < 0)
		return mr_fail_errno(err, "%s", path);
	return mr_folder_sync(folder, err);
}

static int drop_snapshot(const struct mr_config *config, size_t copy, struct mr_error *err)
{
	MR_ARENA arena = mr_arena_open();
	const char *path = snapshot_of(arena, config, copy);

	if (unlink(path) < 0 && errno != ENOENT)
		return mr_fail_errno(err, "%s", path);
	return mr_folder_sync(folder_of(arena, config), err);
}

/* --- begin and end */

int mr_catchup_begin(const struct mr_config *config, struct mr_directory *dir,
		     enum mr_service service, struct mr_error *err)
{
	size_t copy = copy_of(service);

	if (!mr_catchup_running(config, service) && make_snapshot(config, copy, err) < 0)
		return -1;
	return set_nosync(dir, copy, true, err);
}

int mr_catchup_renew(const struct mr_config *config, enum mr_service service, struct mr_error *err)
{
	return make_snapshot(config, copy_of(service), err);
}

int mr_catchup_end(const struct mr_config *config, struct mr_directory *dir,
		   enum mr_service service, struct mr_error *err)
{
	MR_ARENA arena = mr_arena_open();
	size_t copy = copy_of(service);

	/* The settings, too: slapd does not wait for the disk when it writes them, and without a
	 * snapshot nobody would put them right. */
	if (set_nosync(dir, copy, false, err) < 0 ||
	    mr_tree_sync(mr_path(arena, config->root, MR_PATH_SLAPD_D), err) < 0 ||
	    mr_tree_sync(mr_database_path(arena, config, copies[copy].database), err) < 0)
		return -1;
	return drop_snapshot(config, copy, err);
}

/* --- after another boot */

static int write_entries(void *context, int to, struct mr_error *err)
{
	return mr_copy_all(*(const int *)context, to, err);
}

/* Positioned behind its first line. *same: it was made in this boot. */
static int open_snapshot(const char *path, int *out, bool *same, struct mr_error *err)
{
	MR_ARENA arena = mr_arena_open();
	const char *want;
	size_t len;
	char *line;

	if (boot_line(arena, &want, err) < 0)
		return -1;
	*out = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (*out < 0)
		return mr_fail_errno(err, "%s", path);
	len = strlen(want);
	line = mr_alloc(arena, len);
	if (read(*out, line, len) != (ssize_t)len || line[len - 1] != '\n') {
		close(*out);
		return mr_fail(err, MR_E_PROTOCOL, _("%s: not a snapshot of a copy"), path);
	}
	*same = memcmp(line, want, len) == 0;
	return 0;
}

static int restore(const struct mr_config *config, size_t copy, int fd, struct mr_error *err)
{
	const struct mr_seed seed = { .write = write_entries, .context = &fd };
	MR_ARENA arena = mr_arena_open();
	char *ldif;

	/* A host that is no longer in the service. */
	if (!mr_path_exists(mr_database_path(arena, config, copies[copy].database)))
		return drop_snapshot(config, copy, err);
	mr_log(MR_LOG_WARNING,
	       _("the machine went down while the copy of %s was catching up: it is made again as "
		 "it was before"),
	       mr_service_name(copies[copy].service));
	if (mr_database_restore(config, copies[copy].database, &seed, err) < 0 ||
	    mr_file_read(arena, mr_path(arena, config->root, MR_PATH_SLAPD_LDIF), MOST_LDIF, &ldif,
			 NULL, err) < 0 ||
	    mr_slapd_config_install(config, ldif, err) < 0)
		return -1;
	return drop_snapshot(config, copy, err);
}

int mr_catchup_recover(const struct mr_config *config, struct mr_error *err)
{
	MR_ARENA arena = mr_arena_open();

	for (size_t i = 0; i < sizeof(copies) / sizeof(*copies); i++) {
		const char *path = snapshot_of(arena, config, i);
		bool same = false;
		int fd, rc;

		if (!mr_path_exists(path))
			continue;
		if (open_snapshot(path, &fd, &same, err) < 0)
			return -1;
		rc = same ? 0 : restore(config, i, fd, err);
		close(fd);
		if (rc < 0)
			return -1;
	}
	return 0;
}
