#include "features/import_offline.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "adapters/service.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/paths.h"
#include "base/process.h"
#include "features/csn.h"
#include "features/import_ldif.h"
#include "features/instance.h"

#define TRIES 3
#define IN_STEP_MS 3000
#define LOCK_MS 30000
#define META_SIZE ((size_t)2 * 4096) /* LMDB's two meta pages */
#define DATABASES 4

/* One of the databases, in the order of their swapping. */
struct part {
	enum mr_database database;
	enum mr_service service;
	bool used;
	const char *path, *made, *ldif;
	char meta[META_SIZE]; /* before it was copied */
	struct mr_child *child;
};

struct append {
	struct mr_arena *arena;
	struct mr_import *import;
	const struct mr_host *self;
	const struct mr_config *config;
	const char *folder; /* beside */
	struct mr_stamp stamp;
	struct mr_rendering rendering;
	struct part parts[DATABASES];
};

/* --- the files of a database */

static int read_meta(const struct part *part, char *out, struct mr_error *err)
{
	MR_ARENA arena = mr_arena_open();
	const char *path = mr_printf(arena, "%s/data.mdb", part->path);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : pread(fd, out, META_SIZE, 0);

	if (n == (ssize_t)META_SIZE) {
		close(fd);
		return 0;
	}
	if (n >= 0)
		errno = EIO;
	mr_fail_errno(err, "%s", path);
	if (fd >= 0)
		close(fd);
	return -1;
}

/* Only what is not a hole: slapadd -q makes the file as large as it may ever become. */
static int copy_bytes(int from, int to)
{
	off_t size = lseek(from, 0, SEEK_END), at = 0, end;

	if (size < 0 || ftruncate(to, size) < 0)
		return -1;
	while ((at = lseek(from, at, SEEK_DATA)) >= 0) {
		off_t out = at;

		end = lseek(from, at, SEEK_HOLE);
		while (end > at) {
			ssize_t n = copy_file_range(from, &at, to, &out, (size_t)(end - at), 0);

			if (n == 0)
				return 0; /* it became shorter */
			if (n < 0 && errno != EINTR)
				return -1;
		}
		if (end < 0)
			return -1;
	}
	return errno == ENXIO ? 0 : -1; /* no data behind the last */
}

/* The copy is good if nobody has committed anything meanwhile. */
static int copy_data(const struct part *part, struct mr_error *err)
{
	MR_ARENA arena = mr_arena_open();
	const char *old = mr_printf(arena, "%s/data.mdb", part->path);
	const char *fresh = mr_printf(arena, "%s/data.mdb", part->made);
	int from = open(old, O_RDONLY | O_CLOEXEC);
	int to = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	int rc = 0;

	if (from < 0 || to < 0 || copy_bytes(from, to) < 0)
		rc = mr_fail_errno(err, _("copying %s"), old);
	if (from >= 0)
		close(from);
	if (to >= 0 && close(to) < 0 && rc == 0)
		rc = mr_fail_errno(err, "%s", fresh);
	return rc;
}

/* 1: as when it was copied, or begun to be. */
static int is_unchanged(const struct part *part, struct mr_error *err)
{
	char now[META_SIZE];

	if (read_meta(part, now, err) < 0)
		return -1;
	return memcmp(now, part->meta, META_SIZE) == 0;
}

/* --- making */

/* Has this host's copy all that it owns? Entries that it lacked would stay missing once it is told
 * that it has the newest. */
static bool is_in_step(struct append *append, enum mr_service service)
{
	const long long until = mr_now_ms() + IN_STEP_MS;
	const char *owned = mr_dit_owned(append->arena, service, append->config->host);
	struct mr_error err;

	do {
		char *here, *there;

		if (mr_csn_read(append->arena, append->import->dir, mr_dit_all(service),
				append->self->server_id, &there, &err) < 0 ||
		    mr_csn_read(append->arena, append->import->dir, owned, append->self->server_id,
				&here, &err) < 0)
			return false;
		if (here && there && strcmp(here, there) == 0)
			return true;
		usleep(10000);
	} while (mr_left_ms(until) > 0);
	mr_log(MR_LOG_WARNING, _("this host's copy is not in step, it follows later"));
	return false;
}

static void init_parts(struct append *append)
{
	static const struct {
		enum mr_database database;
		enum mr_service service;
	} order[DATABASES] = { { MR_DB_UNIX_OWNED, MR_UNIX },
			       { MR_DB_MAIL_OWNED, MR_MAIL },
			       { MR_DB_UNIX, MR_UNIX },
			       { MR_DB_MAIL, MR_MAIL } };

	for (size_t i = 0; i < DATABASES; i++) {
		struct part *part = &append->parts[i];
		const char *word = mr_database_word(order[i].database);

		part->database = order[i].database;
		part->service = order[i].service;
		part->path = mr_database_path(append->arena, append->config, part->database);
		part->made = mr_printf(append->arena, "%s/%s", append->folder, word);
		part->ldif = mr_printf(append->arena, "%s/%s.ldif", append->folder, word);
		part->used = mr_database_owned(part->database) ||
			     (mr_database_exists(append->config, part->database) &&
			      is_in_step(append, part->service));
	}
}

static int make_folder(struct append *append, struct mr_error *err)
{
	MR_BUF text = { 0 };

	if (mr_tree_remove(append->folder, err) < 0 ||
	    mr_folder_make(append->folder, MR_FILE_PRIVATE_FOLDER, err) < 0 ||
	    mr_database_beside(append->arena, append->config, &append->rendering, append->folder,
			       &text, err) < 0)
		return -1;
	return mr_slapd_config_load(mr_buf_text(&text),
				    mr_printf(append->arena, "%s/slapd.d", append->folder), err);
}

static int copy_parts(struct append *append, struct mr_error *err)
{
	for (size_t i = 0; i < DATABASES; i++) {
		struct part *part = &append->parts[i];
		int same = 1;

		if (!part->used)
			continue;
		if (read_meta(part, part->meta, err) < 0 || copy_data(part, err) < 0)
			return -1;
		/* A copy may go on meanwhile: it gets the rest again. A snapshot it must be. */
		if (!mr_database_owned(part->database))
			same = is_unchanged(part, err);
		if (same < 0)
			return -1;
		part->used = same;
	}
	return 0;
}

static int write_ldif(struct append *append, struct mr_error *err)
{
	const struct part *parts = append->parts;

	for (size_t i = 0; i < 2; i++)
		if (mr_import_ldif_write(append->import, append->self, parts[i].service,
					 &append->stamp, parts[i].ldif,
					 parts[i + 2].used ? parts[i + 2].ldif : NULL, err) < 0)
			return -1;
	return 0;
}

static int start_slapadd(struct append *append, struct part *part, struct mr_error *err)
{
	const char *sid = mr_printf(append->arena, "%u", append->self->server_id);
	const char *conf = mr_printf(append->arena, "%s/slapd.d", append->folder);
	const char *suffix =
		mr_database_suffix(append->arena, part->database, append->config->host);
	const char *const argv[] = { "slapadd", "-q", "-w",   "-S", sid,        "-F",
				     conf,      "-b", suffix, "-l", part->ldif, NULL };
	int ignored;

	return mr_process_read_from(&(struct mr_process){ .argv = argv, .timeout_ms = 3600 * 1000 },
				    &part->child, &ignored, err);
}

/* All at the same time: each takes one core. */
static int run_slapadd(struct append *append, struct mr_error *err)
{
	struct mr_error why;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < DATABASES; i++)
		if (append->parts[i].used)
			rc = start_slapadd(append, &append->parts[i], err);
	for (size_t i = 0; i < DATABASES; i++) {
		struct part *part = &append->parts[i];

		if (part->child && mr_process_end(part->child, &why) < 0 && rc == 0) {
			*err = why;
			rc = mr_fail_in(err, _("appending to the database %s"),
					mr_database_word(part->database));
		}
		part->child = NULL;
	}
	return rc;
}

/* Whole and durable, beside. */
static int make(struct append *append, struct mr_error *err)
{
	if (make_folder(append, err) < 0 || copy_parts(append, err) < 0 ||
	    write_ldif(append, err) < 0 || run_slapadd(append, err) < 0)
		return -1;
	for (size_t i = 0; i < DATABASES; i++) {
		const struct part *part = &append->parts[i];

		if (part->used && (unlink(part->ldif) < 0 || mr_slapd_own(part->made, err) < 0 ||
				   mr_tree_sync(part->made, err) < 0))
			return mr_fail_in(err, "%s", part->made);
	}
	return 0;
}

/* --- swapping */

static const char *start_lock(struct mr_arena *arena, const struct mr_config *config)
{
	return mr_path(arena, config->root, MR_PATH_RUN "/start.lock");
}

/* Stopped so that whoever watches over slapd starts it again if we are killed; but not before we
 * let go of the lock that every start needs. */
static int stop(const struct append *append, int *lock, struct mr_error *err)
{
	const char *root = append->config->root;

	if (mr_lock_open(start_lock(append->arena, append->config), LOCK_MS, lock, err) < 0)
		return -1;
	if (mr_service_stop(MR_SERVICE_SLAPD, root, err) < 0) {
		mr_lock_close(*lock);
		return -1;
	}
	unlink(mr_path(append->arena, root, MR_PATH_STOPPED));
	return 0;
}

static int start(const struct append *append, int lock, struct mr_error *err)
{
	mr_lock_close(lock);
	return mr_service_start(MR_SERVICE_SLAPD, append->config->root, err);
}

/* 1: swapped; 0: something was written meanwhile, nothing was changed. */
static int swap(const struct append *append, struct mr_error *err)
{
	for (size_t i = 0; i < DATABASES; i++)
		if (append->parts[i].used && mr_database_owned(append->parts[i].database)) {
			int same = is_unchanged(&append->parts[i], err);

			if (same <= 0)
				return same;
		}
	/* The accounts first. */
	for (size_t i = 0; i < DATABASES; i++)
		if (append->parts[i].used &&
		    mr_folder_swap(append->parts[i].made, append->parts[i].path, err) < 0)
			return -1;
	return 1;
}

/* Consumers take no notice of what is older than what they have. */
static int check_stamp(struct append *append, struct mr_error *err)
{
	static const enum mr_service services[] = { MR_MAIL, MR_UNIX };

	mr_stamp_now(append->self->server_id, &append->stamp);
	for (size_t i = 0; i < 2; i++) {
		const char *owned = mr_dit_owned(append->arena, services[i], append->config->host);
		char *csn;

		if (mr_csn_read(append->arena, append->import->dir, owned, append->self->server_id,
				&csn, err) < 0)
			return -1;
		if (csn && strcmp(csn, append->stamp.csn) >= 0)
			return mr_fail(err, MR_E_TEMPORARY,
				       _("this host's clock is behind the newest change in %s"),
				       owned);
	}
	return 0;
}

static int reopen(struct append *append, struct mr_error *err)
{
	struct mr_import *import = append->import;

	mr_directory_close(import->again);
	import->again = NULL;
	if (mr_instance_open(append->arena, append->config, &import->again, err) < 0)
		return -1;
	import->dir = import->again;
	return 0;
}

/* As swap, all of it. With `stopped` nobody can write meanwhile. */
static int try_once(struct append *append, bool stopped, struct mr_error *err)
{
	struct mr_error late;
	int lock, rc;

	if (check_stamp(append, err) < 0)
		return -1;
	init_parts(append);
	if (!stopped && make(append, err) < 0)
		return -1;
	if (stop(append, &lock, err) < 0)
		return -1;
	rc = stopped && make(append, err) < 0 ? -1 : swap(append, err);
	if (start(append, lock, &late) < 0 && rc >= 0) {
		*err = late;
		return -1;
	}
	return rc;
}

int mr_import_append(struct mr_import *import, const struct mr_host *self, struct mr_error *err)
{
	struct append append = {
		.arena = import->arena,
		.import = import,
		.self = self,
		.config = import->config,
		.folder = mr_database_loading(import->arena, import->config),
	};
	struct mr_error ignored;
	int rc = 0;

	if (mr_render(import->arena, import->config, import->topology, true, &append.rendering,
		      err) < 0)
		return -1;
	for (int i = 1; rc == 0 && i <= TRIES; i++) {
		rc = try_once(&append, i == TRIES, err);
		if (rc == 0 && reopen(&append, err) < 0)
			rc = -1;
	}
	if (mr_tree_remove(append.folder, rc < 0 ? &ignored : err) < 0 && rc > 0)
		return -1;
	if (rc > 0)
		mr_audit("import: appended users to the databases of %s", self->name);
	return rc > 0 ? 0 : -1;
}

int mr_import_recover(const struct mr_config *config, struct mr_error *err)
{
	MR_ARENA arena = mr_arena_open();
	const char *folder = mr_database_loading(arena, config);
	struct mr_error busy;
	int lock, rc = 0;

	if (!mr_path_exists(folder) ||
	    mr_lock_open(mr_path(arena, config->root, MR_PATH_LOCK), 0, &lock, &busy) < 0)
		return 0;
	if (!mr_service_running(MR_SERVICE_SLAPD, config->root))
		rc = mr_service_start(MR_SERVICE_SLAPD, config->root, err);
	if (rc == 0)
		rc = mr_tree_remove(folder, err);
	mr_lock_close(lock);
	return rc;
}
