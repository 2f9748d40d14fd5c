#include "features/instance.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "adapters/ldif.h"
#include "base/file.h"
#include "base/log.h"
#include "base/paths.h"
#include "base/process.h"

#define MOST_LDIF ((size_t)16 * 1024 * 1024)

/* One row per database: the folder's name, the service it belongs to. */
static const struct {
	const char *word;
	enum mr_service service; /* 0: of no service */
	bool owned;
} databases[MR_DATABASE_COUNT] = {
	[MR_DB_MAIL_OWNED] = { "mail-owned", MR_MAIL, true },
	[MR_DB_MAIL] = { "mail", MR_MAIL, false },
	[MR_DB_UNIX_OWNED] = { "unix-owned", MR_UNIX, true },
	[MR_DB_UNIX] = { "unix", MR_UNIX, false },
	[MR_DB_STATUS] = { "status", 0, false },
};

const char *mr_database_word(enum mr_database database)
{
	return databases[database].word;
}

bool mr_database_owned(enum mr_database database)
{
	return databases[database].owned;
}

const struct mr_rendered *mr_rendering_slapd(const struct mr_rendering *rendering)
{
	for (size_t i = 0; i < rendering->count; i++)
		if (rendering->files[i].service == MR_SERVICE_SLAPD &&
		    mr_ends_with(rendering->files[i].path, MR_PATH_SLAPD_LDIF))
			return &rendering->files[i];
	return NULL;
}

char *mr_database_path(struct mr_arena *arena, const struct mr_config *config,
		       enum mr_database database)
{
	return mr_printf(arena, "%s%s/%s", config->root, MR_PATH_DB, databases[database].word);
}

char *mr_database_suffix(struct mr_arena *arena, enum mr_database database, const char *host)
{
	if (database == MR_DB_STATUS)
		return mr_strdup(arena, MR_DIT_STATUS);
	if (databases[database].owned)
		return mr_dit_owned(arena, databases[database].service, host);
	return mr_strdup(arena, mr_dit_all(databases[database].service));
}

bool mr_database_exists(const struct mr_config *config, enum mr_database database)
{
	MR_ARENA arena = mr_arena_open();

	return mr_path_exists(
		mr_printf(arena, "%s/data.mdb", mr_database_path(arena, config, database)));
}

bool mr_database_wanted(const struct mr_topology *topology, const struct mr_host *host,
			enum mr_database database)
{
	if (database == MR_DB_STATUS)
		return true;
	if (!(host->services & databases[database].service))
		return false;
	return !databases[database].owned || mr_host_is_provider(topology, host);
}

/* Where databases are filled: every database of the configuration is moved there, because slapd
 * refuses a configuration whose folders do not exist. */
char *mr_database_loading(struct mr_arena *arena, const struct mr_config *config)
{
	return mr_printf(arena, "%s%s/.loading", config->root, MR_PATH_DB);
}

int mr_database_beside(struct mr_arena *arena, const struct mr_config *config,
		       const struct mr_rendering *rendering, const char *folder,
		       struct mr_buf *out, struct mr_error *err)
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
	for (int i = 0; i < MR_DATABASE_COUNT; i++) {
		const char *made = mr_printf(arena, "%s/%s", folder, databases[i].word);

		if (mr_folder_make(made, MR_FILE_PRIVATE_FOLDER, err) < 0)
			return -1;
	}
	return 0;
}

/* Feeds what `write` produces to slapadd. */
static int feed(const char *const *argv, mr_ldif_writer write, void *context, struct mr_error *err)
{
	const struct mr_process process = { .argv = argv, .timeout_ms = 3600 * 1000 };
	struct mr_error ended = { 0 };
	struct mr_child *child;
	int fd, result;

	if (mr_process_write_to(&process, &child, &fd, err) < 0)
		return -1;
	result = write(context, fd, err);
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

	if (mr_tree_remove(folder, err) < 0 ||
	    mr_folder_make(folder, MR_FILE_PRIVATE_FOLDER, err) < 0)
		return -1;
	if (feed(argv, write_text, (void *)ldif, err) < 0)
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

/* The suffix entry: what a database holds before anything else. */
static struct mr_entry *base_entry(struct mr_arena *arena, enum mr_database database,
				   const char *host)
{
	struct mr_entry *entry = mr_entry_new(arena, mr_database_suffix(arena, database, host));

	if (databases[database].owned) {
		mr_entry_add(arena, entry, "objectClass", "mailReplContainer");
		mr_entry_add(arena, entry, "cn", host);
		if (databases[database].service == MR_UNIX)
			mr_entry_add(arena, entry, "mailReplUidHighWater", "0");
	} else if (database == MR_DB_STATUS) {
		mr_entry_add(arena, entry, "objectClass", "mailReplStatus");
		mr_entry_add(arena, entry, "cn", "Status");
	} else {
		mr_entry_add(arena, entry, "objectClass", "organizationalUnit");
		mr_entry_add(arena, entry, "ou", mr_service_ou(databases[database].service));
	}
	return entry;
}

void mr_database_base(struct mr_arena *arena, enum mr_database database, const char *host,
		      struct mr_buf *out)
{
	mr_ldif_format(out, base_entry(arena, database, host));
}

/* Runs slapadd into the folder beside. */
static int fill(struct mr_arena *arena, const struct mr_config *config, const char *folder,
		enum mr_database database, unsigned server_id, const struct mr_seed *seed,
		struct mr_error *err)
{
	const char *suffix = mr_database_suffix(arena, database, config->host);
	const char *sid = mr_printf(arena, "%u", server_id);
	const char *conf = mr_printf(arena, "%s/slapd.d", folder);
	const char *const fresh[] = { "slapadd", "-q", "-w", "-S",   sid,
				      "-F",      conf, "-b", suffix, NULL };
	const char *const kept[] = { "slapadd", "-q", "-S", sid, "-F", conf, "-b", suffix, NULL };
	MR_BUF text = { 0 };

	if (seed && seed->write)
		return feed(seed->fresh ? fresh : kept, seed->write, seed->context, err);
	mr_database_base(arena, database, config->host, &text);
	return feed(kept, write_text, (void *)mr_buf_text(&text), err);
}

/* *made = a whole and durable database in the folder beside. */
static int make_beside(struct mr_arena *arena, const struct mr_config *config,
		       const struct mr_rendering *rendering, const char *folder,
		       enum mr_database database, unsigned server_id, const struct mr_seed *seed,
		       const char **made, struct mr_error *err)
{
	MR_BUF text = { 0 };

	*made = mr_printf(arena, "%s/%s", folder, databases[database].word);
	if (mr_tree_remove(folder, err) < 0 ||
	    mr_database_beside(arena, config, rendering, folder, &text, err) < 0 ||
	    mr_slapd_config_load(mr_buf_text(&text), mr_printf(arena, "%s/slapd.d", folder), err) <
		    0 ||
	    fill(arena, config, folder, database, server_id, seed, err) < 0)
		return mr_fail_in(err, _("filling the database %s"), databases[database].word);
	return mr_slapd_own(*made, err) < 0 ? -1 : mr_tree_sync(*made, err);
}

int mr_database_load(const struct mr_config *config, const struct mr_rendering *rendering,
		     enum mr_database database, unsigned server_id, const struct mr_seed *seed,
		     struct mr_error *err)
{
	MR_ARENA arena = mr_arena_open();
	const char *path = mr_database_path(arena, config, database);
	const char *folder = mr_database_loading(arena, config), *made;

	if (mr_database_exists(config, database))
		return mr_fail(err, MR_E_EXISTS,
			       _("%s: the database is there and is not loaded over"), path);
	if (make_beside(arena, config, rendering, folder, database, server_id, seed, &made, err) <
	    0)
		return -1;
	/* An empty folder of that name may be left from a database that was dropped. */
	if (rmdir(path) < 0 && mr_path_exists(path) && mr_tree_remove(path, err) < 0)
		return -1;
	if (rename(made, path) < 0)
		return mr_fail_errno(err, "%s", path);
	if (mr_folder_sync(mr_path(arena, config->root, MR_PATH_DB), err) < 0)
		return -1;
	return mr_tree_remove(folder, err);
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

static int revive(struct mr_arena *arena, const struct mr_config *config,
		  enum mr_database database, struct mr_error *err)
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
	const char *made;

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
	return replace_in(config, &rendering, mr_path(arena, config->root, MR_PATH_DB "/.restoring"),
			  database, 0, seed, err);
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

int mr_database_dump(const char *folder, const char *suffix, const char *filter,
		     struct mr_child **child, int *fd, struct mr_error *err)
{
	const char *const argv[] = { "slapcat", "-o",   "ldif-wrap=no",       "-F",   folder,
				     "-b",      suffix, filter ? "-a" : NULL, filter, NULL };
	const struct mr_process process = { .argv = argv, .timeout_ms = 3600 * 1000 };

	return mr_process_read_from(&process, child, fd, err);
}

int mr_database_list(const char *folder, const char *suffix, const char *filter,
		     struct mr_arena *arena, struct mr_entries *out, struct mr_error *err)
{
	struct mr_entry *entry;
	struct mr_child *child;
	struct mr_ldif *ldif;
	int fd, more;

	if (mr_database_dump(folder, suffix, filter, &child, &fd, err) < 0)
		return -1;
	ldif = mr_ldif_open(fd, suffix);
	while ((more = mr_ldif_read(ldif, arena, &entry, err)) > 0)
		mr_entries_add(arena, out, entry);
	mr_ldif_close(ldif);
	if (more < 0) {
		mr_process_kill(child);
		return -1;
	}
	return mr_process_end(child, err);
}
