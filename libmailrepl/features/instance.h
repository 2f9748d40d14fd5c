/* This host's own slapd: its databases, its configuration, its life.
 *
 * The configuration is rendered as LDIF (MR_PATH_SLAPD_LDIF), loaded with slapadd -n0 into a fresh
 * folder, checked with slaptest, swapped in by rename, and slapd is restarted. A database folder is
 * made by slapadd into a folder beside, and renamed when complete and durable: it is there whole or
 * not at all. */
#ifndef MR_FEATURES_INSTANCE_H
#define MR_FEATURES_INSTANCE_H

#include "adapters/directory.h"
#include "features/render.h"

enum mr_database { MR_DB_MAIL_OWNED, MR_DB_MAIL, MR_DB_UNIX_OWNED, MR_DB_UNIX, MR_DB_STATUS };
#define MR_DATABASE_COUNT 5

const char *mr_database_word(enum mr_database database); /* "mail-owned", … the folder's name */
char *mr_database_path(struct mr_arena *arena, const struct mr_config *config,
		       enum mr_database database);
/* The suffix; `host` is this host (owned databases). */
char *mr_database_suffix(struct mr_arena *arena, enum mr_database database, const char *host);
/* The folder beside in which databases are filled; it is there while one is, or after a kill. */
char *mr_database_loading(struct mr_arena *arena, const struct mr_config *config);
bool mr_database_exists(const struct mr_config *config, enum mr_database database);
bool mr_database_owned(enum mr_database database);
enum mr_database mr_database_copy(enum mr_database owned); /* of the same service */
/* Appends the LDIF of the database's base entry: the container, the empty copy, or cn=Status. */
void mr_database_base(struct mr_arena *arena, enum mr_database database, const char *host,
		      struct mr_buf *out);
/* Loads slapd's configuration from LDIF into a fresh folder by slapadd -n0. */
int mr_slapd_config_load(const char *ldif, const char *folder, struct mr_error *err) MR_MUST_CHECK;
/* The same, checked with slaptest, durable, and in one step in the place of what slapd starts with. */
int mr_slapd_config_install(const struct mr_config *config, const char *ldif,
			    struct mr_error *err) MR_MUST_CHECK;
/* Gives a folder and what is below to the user that slapd runs as: openldap, or with --root and
 * without root the caller. */
int mr_slapd_own(const char *folder, struct mr_error *err) MR_MUST_CHECK;
/* True if this host has this database: owned ones on providers, unix ones on servers, status
 * everywhere. */
bool mr_database_wanted(const struct mr_topology *topology, const struct mr_host *host,
			enum mr_database database);

/* slapd's configuration among what was rendered; NULL if it is not. */
const struct mr_rendered *mr_rendering_slapd(const struct mr_rendering *rendering);

/* Writes LDIF to `fd`. `context` is whatever made it. */
typedef int (*mr_ldif_writer)(void *context, int fd, struct mr_error *err);

/* What a database that is absent starts with. */
struct mr_seed {
	mr_ldif_writer write; /* NULL: the base entry alone; for an owned database: not to be made
				 at all */
	void *context;
	bool fresh; /* no operational attributes in it: a new truth, slapadd -w -S <serverID> */
	const char
		*what; /* for the plan: "from the archive", "as new", "refilled from mail1.lan" */
	/* Of an owned database: fills it and its service's copy at the same time if both are to be made, instead
	 * of `write` of each, with entryUUIDs and CSNs; NULL: it cannot. */
	int (*both)(void *context, int owned, int copy, struct mr_error *err);
};

/* Appends slapd's rendered configuration with every database below `folder`, whose folders are made
 * there: slapd's tools refuse a configuration whose folders do not exist. */
int mr_database_beside(struct mr_arena *arena, const struct mr_config *config,
		       const struct mr_rendering *rendering, const char *folder,
		       struct mr_buf *out, struct mr_error *err) MR_MUST_CHECK;

/* Makes the folder of each database that `which` says, from what its seed writes (no seeds: empty, with
 * the base entry), by slapadd -q into a folder beside; all are filled, then made durable, then renamed.
 * `rendering` holds the slapd configuration (which need not be installed yet). MR_E_EXISTS if one is
 * there: never loaded over. */
int mr_databases_load(const struct mr_config *config, const struct mr_rendering *rendering,
		      const bool which[MR_DATABASE_COUNT], unsigned server_id,
		      const struct mr_seed *seeds, struct mr_error *err) MR_MUST_CHECK;
/* The same for one. `seed` NULL: empty. */
int mr_database_load(const struct mr_config *config, const struct mr_rendering *rendering,
		     enum mr_database database, unsigned server_id, const struct mr_seed *seed,
		     struct mr_error *err) MR_MUST_CHECK;
/* Makes each copy whose files are gone while its folder is there: empty, with its base entry.
 * Otherwise slapd would make one that nobody can see, and the copy could never say how far it is. For
 * before slapd starts. */
int mr_database_revive(const struct mr_config *config, struct mr_error *err) MR_MUST_CHECK;
/* The same for a copy that is there: what the seed writes takes its place in one step. slapd keeps
 * the old files open and must be restarted afterwards; what it writes until then comes again from
 * the providers. MR_E_INTERNAL for an owned one. */
int mr_database_replace(const struct mr_config *config, const struct mr_rendering *rendering,
			enum mr_database database, unsigned server_id, const struct mr_seed *seed,
			struct mr_error *err) MR_MUST_CHECK;
/* The same for a copy whose file cannot be trusted, with what slapd is configured with. Before slapd
 * starts; in a folder of its own, since whoever starts it may hold the lock and be filling another. */
int mr_database_restore(const struct mr_config *config, enum mr_database database,
			const struct mr_seed *seed, struct mr_error *err) MR_MUST_CHECK;
/* The same for one that may be owned, and is older than its copies (features/recall.h): slapd must
 * not run. */
int mr_database_recall(const struct mr_config *config, const struct mr_rendering *rendering,
		       enum mr_database database, unsigned server_id, const struct mr_seed *seed,
		       struct mr_error *err) MR_MUST_CHECK;
/* Runs slapcat (unwrapped, operational attributes included) of a database with an optional filter
 * (NULL: all), giving a descriptor to read from; mr_process_end ends it. `folder` holds slapd's
 * configuration (MR_PATH_SLAPD_D with root). Works while slapd runs. */
struct mr_child;
int mr_database_dump(const char *folder, const char *suffix, const char *filter,
		     struct mr_child **child, int *fd, struct mr_error *err) MR_MUST_CHECK;
/* The entries of such a dump, appended to `out`: for the few that a filter leaves. */
int mr_database_list(const char *folder, const char *suffix, const char *filter,
		     struct mr_arena *arena, struct mr_entries *out,
		     struct mr_error *err) MR_MUST_CHECK;

/* Steps: make each wanted database that is absent from `seeds` (an array indexed by enum
 * mr_database, or NULL), install the rendered configuration if it differs, start or restart slapd
 * where needed, remove copies that are not wanted any more. An owned database that is wanted,
 * absent and has no seed is MR_E_CONFIG: an empty one would make every peer delete its copies. */
int mr_instance_plan(struct mr_arena *arena, const struct mr_config *config,
		     const struct mr_topology *topology, const struct mr_rendering *rendering,
		     const struct mr_seed *seeds, struct mr_plan *plan,
		     struct mr_error *err) MR_MUST_CHECK;

/* This host's slapd over its socket, as root (or, with --root, as the caller). */
int mr_instance_open(struct mr_arena *arena, const struct mr_config *config,
		     struct mr_directory **out, struct mr_error *err) MR_MUST_CHECK;
/* The same as the user of an entry, who has no other right than to change a password of their own. Wrong, locked
 * or no such entry: MR_E_DENIED. */
int mr_instance_open_as(struct mr_arena *arena, const struct mr_config *config, const char *dn,
			const struct mr_secret *password, struct mr_directory **out,
			struct mr_error *err) MR_MUST_CHECK;
/* Another host's slapd over TLS with the certificate in `tls_folder` (ca.crt, host.crt, host.key;
 * NULL: this host's own). */
int mr_instance_open_peer(struct mr_arena *arena, const struct mr_config *config,
			  const char *tls_folder, const char *host, struct mr_directory **out,
			  struct mr_error *err) MR_MUST_CHECK;

/* Reads the topology from the local copies, on the home from what it owns. With config->home only
 * what that host says counts; another that claims to be the home is a warning. `dir` NULL: from the
 * database files (slapcat), for when slapd does not run. MR_E_NOT_FOUND: there is none. */
int mr_instance_topology(struct mr_arena *arena, struct mr_directory *dir,
			 const struct mr_config *config, struct mr_topology *out,
			 struct mr_error *err) MR_MUST_CHECK;

/* Sets mailReplRenderedGeneration of cn=Status when applied; no step if `dir` (may be NULL) says
 * that it is so already. */
int mr_instance_status_plan(struct mr_arena *arena, struct mr_directory *dir,
			    const struct mr_config *config, long long generation,
			    struct mr_plan *plan, struct mr_error *err) MR_MUST_CHECK;

#endif
