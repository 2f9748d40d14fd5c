#include "features/instance.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/paths.h"
#include "base/process.h"

#define MOST_LDIF ((size_t)16 * 1024 * 1024)
/* So much that neither of two readers waits while the other one is being written to. */
#define PIPE_SIZE (1 << 20)

int mr_database_beside(struct mr_arena *arena, const struct mr_config *config,
		       const struct mr_rendering *rendering, const char *folder, struct mr_buf *out,
		       struct mr_error *err)
{
	const struct mr_rendered *file = mr_rendering_slapd(rendering);
	const char *from = mr_printf(arena, "olcDbDirectory: %s%s/", config->root, MR_PATH_DB);
	const char *at, *text;

	if (!file)
		return mr_fail(err, MR_E_CONFIG, _("no slapd configuration was rendered"));
	for (text = file->content; (at = strstr(text, from)); text = at + strlen(from)) {
		mr_buf_add(out, text, (size_t)(at - text));
		mr_buf_printf(out, "olcDbDirectory: %s/", folder);
	}
	mr_buf_puts(out, text);
	for (enum mr_database i = 0; i < MR_DATABASE_COUNT; i++) {
		const char *made = mr_printf(arena, "%s/%s", folder, mr_database_word(i));

		if (mr_folder_make(made, MR_FILE_PRIVATE_FOLDER, err) < 0)
			return -1;
	}
	return 0;
}

/* Feeds what `write` produces to slapadd. */
static int feed(struct mr_child *child, int fd, mr_ldif_writer write, void *context,
		struct mr_error *err)
{
	struct mr_error ended = { 0 };
	int result = write(context, fd, err);

	/* Of two failures slapadd's own tells more: the writer then only sees a closed pipe. */
	if (mr_process_end(child, &ended) < 0) {
		*err = ended;
		return -1;
	}
	return result;
}

static int write_text(void *context, int fd, struct mr_error *err)
{
	return mr_write_all(fd, context, strlen(context), err);
}

int mr_slapd_config_load(const char *ldif, const char *folder, struct mr_error *err)
{
	const char *const argv[] = { "slapadd", "-n0", "-F", folder, NULL };
	const struct mr_process process = { .argv = argv, .timeout_ms = 3600 * 1000 };
	struct mr_child *child;
	int fd;

	if (mr_tree_remove(folder, err) < 0 ||
	    mr_folder_make(folder, MR_FILE_PRIVATE_FOLDER, err) < 0 ||
	    mr_process_write_to(&process, &child, &fd, err) < 0)
		return -1;
	if (feed(child, fd, write_text, (void *)ldif, err) < 0)
		return mr_fail_in(err, _("loading slapd's configuration"));
	return 0;
}

int mr_slapd_own(const char *folder, struct mr_error *err)
{
	uid_t uid;
	gid_t gid;

	if (geteuid() != 0)
		return 0;
	if (mr_user_id("openldap", &uid, &gid, err) < 0)
		return -1;
	return mr_tree_own(folder, uid, gid, err);
}

/* Into the folder beside. */
static int start_slapadd(struct mr_arena *arena, const struct mr_config *config, const char *folder,
			 enum mr_database database, unsigned server_id, bool fresh,
			 struct mr_child **child, int *fd, struct mr_error *err)
{
	const char *const argv[] = { "slapadd",
				     "-q",
				     "-S",
				     mr_printf(arena, "%u", server_id),
				     "-F",
				     mr_printf(arena, "%s/slapd.d", folder),
				     "-b",
				     mr_database_suffix(arena, database, config->host),
				     fresh ? "-w" : NULL,
				     NULL };
	const struct mr_process process = { .argv = argv, .timeout_ms = 3600 * 1000 };

	return mr_process_write_to(&process, child, fd, err);
}

static int fill(struct mr_arena *arena, const struct mr_config *config, const char *folder,
		enum mr_database database, unsigned server_id, const struct mr_seed *seed,
		struct mr_error *err)
{
	bool seeded = seed && seed->write;
	MR_BUF text = { 0 };
	struct mr_child *child;
	int fd;

	if (start_slapadd(arena, config, folder, database, server_id, seeded && seed->fresh, &child,
			  &fd, err) < 0)
		return -1;
	if (seeded)
		return feed(child, fd, seed->write, seed->context, err);
	mr_database_base(arena, database, config->host, &text);
	return feed(child, fd, write_text, (void *)mr_buf_text(&text), err);
}

/* Both come from one reading: two slapadds have work at the same time. */
static int fill_both(struct mr_arena *arena, const struct mr_config *config, const char *folder,
		     enum mr_database owned, unsigned server_id, const struct mr_seed *seed,
		     struct mr_error *err)
{
	const enum mr_database databases[2] = { owned, mr_database_copy(owned) };
	struct mr_child *children[2] = { NULL };
	struct mr_error ended;
	int fds[2], rc = 0;

	for (int i = 0; i < 2 && rc == 0; i++)
		rc = start_slapadd(arena, config, folder, databases[i], server_id, false,
				   &children[i], &fds[i], err);
	if (rc == 0) {
		for (int i = 0; i < 2; i++)
			(void)fcntl(fds[i], F_SETPIPE_SZ, PIPE_SIZE);
		rc = seed->both(seed->context, fds[0], fds[1], err);
	}
	for (int i = 0; i < 2; i++)
		if (children[i])
			mr_process_hang_up(children[i]);
	for (int i = 0; i < 2; i++)
		if (children[i] && mr_process_end(children[i], &ended) < 0) {
			*err = ended;
			rc = -1;
		}
	return rc;
}

/* Makes the folder beside, with a configuration of slapd for what is filled there. */
static int prepare(struct mr_arena *arena, const struct mr_config *config,
		   const struct mr_rendering *rendering, const char *folder, struct mr_error *err)
{
	MR_BUF text = { 0 };

	if (mr_tree_remove(folder, err) < 0 ||
	    mr_database_beside(arena, config, rendering, folder, &text, err) < 0)
		return -1;
	return mr_slapd_config_load(mr_buf_text(&text), mr_printf(arena, "%s/slapd.d", folder),
				    err);
}

/* *made = what was filled, durable. */
static int finish(struct mr_arena *arena, const char *folder, enum mr_database database,
		  const char **made, struct mr_error *err)
{
	*made = mr_printf(arena, "%s/%s", folder, mr_database_word(database));
	return mr_slapd_own(*made, err) < 0 ? -1 : mr_tree_sync(*made, err);
}

/* *made = a whole and durable database in the folder beside. */
static int make_beside(struct mr_arena *arena, const struct mr_config *config,
		       const struct mr_rendering *rendering, const char *folder,
		       enum mr_database database, unsigned server_id, const struct mr_seed *seed,
		       const char **made, struct mr_error *err)
{
	if (prepare(arena, config, rendering, folder, err) < 0 ||
	    fill(arena, config, folder, database, server_id, seed, err) < 0)
		return mr_fail_in(err, _("filling the database %s"), mr_database_word(database));
	return finish(arena, folder, database, made, err);
}

static int fill_all(struct mr_arena *arena, const struct mr_config *config, const char *folder,
		    const bool *which, unsigned server_id, const struct mr_seed *seeds,
		    struct mr_error *err)
{
	for (enum mr_database i = 0; i < MR_DATABASE_COUNT; i++) {
		const struct mr_seed *seed = seeds ? &seeds[i] : NULL;
		bool both = which[i] && seed && seed->both && which[mr_database_copy(i)];

		if (which[i] && (both ? fill_both(arena, config, folder, i, server_id, seed, err)
				      : fill(arena, config, folder, i, server_id, seed, err)) < 0)
			return mr_fail_in(err, _("filling the database %s"), mr_database_word(i));
		if (both)
			i = mr_database_copy(i);
	}
	return 0;
}

static int check_absent(struct mr_arena *arena, const struct mr_config *config, const bool *which,
			struct mr_error *err)
{
	for (enum mr_database i = 0; i < MR_DATABASE_COUNT; i++)
		if (which[i] && mr_database_exists(config, i))
			return mr_fail(err, MR_E_EXISTS,
				       _("%s: the database is there and is not loaded over"),
				       mr_database_path(arena, config, i));
	return 0;
}

static int put_in_place(struct mr_arena *arena, const struct mr_config *config, const char *made,
			enum mr_database database, struct mr_error *err)
{
	const char *path = mr_database_path(arena, config, database);

	/* An empty folder of that name may be left from a database that was dropped. */
	if (rmdir(path) < 0 && mr_path_exists(path) && mr_tree_remove(path, err) < 0)
		return -1;
	return rename(made, path) < 0 ? mr_fail_errno(err, "%s", path) : 0;
}

int mr_databases_load(const struct mr_config *config, const struct mr_rendering *rendering,
		      const bool which[MR_DATABASE_COUNT], unsigned server_id,
		      const struct mr_seed *seeds, struct mr_error *err)
{
	MR_ARENA arena = mr_arena_open();
	const char *folder = mr_database_loading(arena, config), *made[MR_DATABASE_COUNT];

	if (check_absent(arena, config, which, err) < 0 ||
	    prepare(arena, config, rendering, folder, err) < 0 ||
	    fill_all(arena, config, folder, which, server_id, seeds, err) < 0)
		return -1;
	for (enum mr_database i = 0; i < MR_DATABASE_COUNT; i++)
		if (which[i] && finish(arena, folder, i, &made[i], err) < 0)
			return -1;
	/* What is owned comes before its copy: one without it would be of a truth that nobody has. */
	for (enum mr_database i = 0; i < MR_DATABASE_COUNT; i++)
		if (which[i] && put_in_place(arena, config, made[i], i, err) < 0)
			return -1;
	if (mr_folder_sync(mr_path(arena, config->root, MR_PATH_DB), err) < 0)
		return -1;
	return mr_tree_remove(folder, err);
}

int mr_database_load(const struct mr_config *config, const struct mr_rendering *rendering,
		     enum mr_database database, unsigned server_id, const struct mr_seed *seed,
		     struct mr_error *err)
{
	bool which[MR_DATABASE_COUNT] = { false };
	struct mr_seed seeds[MR_DATABASE_COUNT] = { 0 };

	which[database] = true;
	if (seed)
		seeds[database] = *seed;
	return mr_databases_load(config, rendering, which, server_id, seeds, err);
}

/* What slapd was configured with, as it was rendered. */
static int read_rendering(struct mr_arena *arena, const struct mr_config *config,
			  struct mr_rendering *out, struct mr_error *err)
{
	const char *path = mr_path(arena, config->root, MR_PATH_SLAPD_LDIF);
	struct mr_rendered *file = MR_NEW(arena, struct mr_rendered);
	char *text;
	size_t len;

	if (mr_file_read(arena, path, MOST_LDIF, &text, &len, err) < 0)
		return -1;
	*file = (struct mr_rendered){
		.path = path, .content = text, .len = len, .service = MR_SERVICE_SLAPD
	};
	*out = (struct mr_rendering){ .files = file, .count = 1 };
	return 0;
}

static int revive(struct mr_arena *arena, const struct mr_config *config, enum mr_database database,
		  struct mr_error *err)
{
	struct mr_rendering rendering;
	int lock, result;

	if (!mr_path_exists(mr_database_path(arena, config, database)) ||
	    mr_database_exists(config, database))
		return 0;
	/* Whoever holds it may be filling just this one. */
	if (mr_lock_open(mr_path(arena, config->root, MR_PATH_LOCK), 0, &lock, err) < 0)
		return 0;
	result = read_rendering(arena, config, &rendering, err);
	/* The base entry is nobody's, so it has no server's number. */
	if (result == 0)
		result = mr_database_load(config, &rendering, database, 0, NULL, err);
	mr_lock_close(lock);
	return result;
}

int mr_database_revive(const struct mr_config *config, struct mr_error *err)
{
	MR_ARENA arena = mr_arena_open();

	return revive(arena, config, MR_DB_MAIL, err) < 0 ||
			       revive(arena, config, MR_DB_UNIX, err) < 0
		       ? -1
		       : 0;
}

/* In one step where the database is, which is there. */
static int replace_in(const struct mr_config *config, const struct mr_rendering *rendering,
		      const char *folder, enum mr_database database, unsigned server_id,
		      const struct mr_seed *seed, struct mr_error *err)
{
	MR_ARENA arena = mr_arena_open();
	const char *path = mr_database_path(arena, config, database);
	const char *made = NULL;

	if (make_beside(arena, config, rendering, folder, database, server_id, seed, &made, err) <
		    0 ||
	    mr_folder_swap(made, path, err) < 0)
		return -1;
	return mr_tree_remove(folder, err);
}

int mr_database_recall(const struct mr_config *config, const struct mr_rendering *rendering,
		       enum mr_database database, unsigned server_id, const struct mr_seed *seed,
		       struct mr_error *err)
{
	MR_ARENA arena = mr_arena_open();

	return replace_in(config, rendering, mr_database_loading(arena, config), database,
			  server_id, seed, err);
}

int mr_database_restore(const struct mr_config *config, enum mr_database database,
			const struct mr_seed *seed, struct mr_error *err)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_rendering rendering;

	if (read_rendering(arena, config, &rendering, err) < 0)
		return -1;
	/* All that the seed writes has its numbers. */
	return replace_in(config, &rendering,
			  mr_path(arena, config->root, MR_PATH_DB "/.restoring"), database, 0, seed,
			  err);
}

int mr_database_replace(const struct mr_config *config, const struct mr_rendering *rendering,
			enum mr_database database, unsigned server_id, const struct mr_seed *seed,
			struct mr_error *err)
{
	if (mr_database_owned(database))
		return mr_fail(err, MR_E_INTERNAL, "%s is owned and cannot be filled again",
			       mr_database_word(database));
	return mr_database_recall(config, rendering, database, server_id, seed, err);
}
