#include "features/instance.h"

#include <string.h>

#include "adapters/ldif.h"
#include "base/paths.h"
#include "base/process.h"

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

enum mr_database mr_database_copy(enum mr_database owned)
{
	return owned == MR_DB_MAIL_OWNED ? MR_DB_MAIL : MR_DB_UNIX;
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
