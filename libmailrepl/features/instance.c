#include "features/instance.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "adapters/service.h"
#include "base/log.h"
#include "base/paths.h"
#include "base/process.h"
#include "features/slapd_hand.h"

/* What the action steps of one plan share; it lives in the plan's arena. */
struct instance {
	struct mr_arena *arena;
	const struct mr_config *config;
	const struct mr_rendering *rendering;
	const struct mr_rendered *file; /* slapd's configuration */
	unsigned server_id;
	struct mr_seed seeds[MR_DATABASE_COUNT];
	bool absent[MR_DATABASE_COUNT]; /* and wanted: they are made */
};

struct database_step {
	const struct instance *instance;
	enum mr_database database;
};

static int load_databases(void *argument, struct mr_error *err)
{
	const struct instance *in = argument;

	return mr_databases_load(in->config, in->rendering, in->absent, in->server_id, in->seeds,
				 err);
}

static int drop_database(void *argument, struct mr_error *err)
{
	const struct database_step *step = argument;
	const struct instance *in = step->instance;

	return mr_tree_remove(mr_database_path(in->arena, in->config, step->database), err);
}

int mr_slapd_config_install(const struct mr_config *config, const char *ldif, struct mr_error *err)
{
	MR_ARENA arena = mr_arena_open();
	const char *folder = mr_path(arena, config->root, MR_PATH_SLAPD_D);
	const char *fresh = mr_printf(arena, "%s.new", folder);
	const char *const check[] = { "slaptest", "-u", "-F", fresh, NULL };

	/* slaptest wants the pid file's folder, which every boot makes anew. */
	if (mr_slapd_config_load(ldif, fresh, err) < 0 || mr_slapd_hand_mark(fresh, err) < 0 ||
	    mr_folder_make(mr_path(arena, config->root, MR_PATH_RUN), MR_FILE_PUBLIC_FOLDER, err) <
		    0 ||
	    mr_process_check(&(struct mr_process){ .argv = check }, err) < 0 ||
	    mr_slapd_own(fresh, err) < 0 || mr_tree_sync(fresh, err) < 0 ||
	    mr_folder_swap(fresh, folder, err) < 0)
		return -1;
	return mr_tree_remove(fresh, err);
}

static int install_config(void *argument, struct mr_error *err)
{
	const struct instance *in = argument;

	return mr_slapd_config_install(in->config, in->file->content, err);
}

/* What cannot be shown any more, since slapd itself cannot read it, is what is replaced. */
static int note_hand(void *argument, struct mr_error *err)
{
	const struct instance *in = argument;

	if (mr_slapd_hand_note(in->config, err) < 0)
		mr_log(MR_LOG_WARNING, "%s", err->message);
	return 0;
}

static void plan_hand(struct mr_arena *arena, struct instance *in, bool goes, struct mr_plan *plan)
{
	const char *note = mr_path(arena, in->config->root, MR_PATH_SLAPD_CHANGES);
	struct mr_error err = { 0 };
	MR_BUF diff = { 0 };

	if (mr_slapd_hand_show(arena, in->config, &diff, &err) < 0)
		mr_log(MR_LOG_WARNING, "%s", err.message);
	if (!diff.len)
		return;
	mr_log(MR_LOG_WARNING,
	       goes ? _("slapd's configuration was changed by hand; that goes now, and is noted in "
			"%s: what shall stay belongs into a template (%s)")
		    : _("slapd's configuration was changed by hand (cl-rebuild --changes); that "
			"goes when it is rendered anew, and is noted in %s then: what shall stay "
			"belongs into a template (%s)"),
	       note, mr_path(arena, in->config->root, MR_PATH_OVERRIDES "/slapd/config.ldif"));
	if (goes)
		mr_plan_action(arena, plan, note_hand, in,
			       _("note what was changed by hand in slapd's configuration"));
}

static int restart_slapd(void *argument, struct mr_error *err)
{
	const struct instance *in = argument;

	return mr_service_restart(MR_SERVICE_SLAPD, in->config->root, err);
}

static int start_slapd(void *argument, struct mr_error *err)
{
	const struct instance *in = argument;

	return mr_service_start(MR_SERVICE_SLAPD, in->config->root, err);
}

static void plan_database(struct mr_arena *arena, struct mr_plan *plan, struct instance *in,
			  enum mr_database database, int (*run)(void *, struct mr_error *),
			  const char *summary)
{
	struct database_step *step = MR_NEW(arena, struct database_step);

	*step = (struct database_step){ in, database };
	mr_plan_action(arena, plan, run, step, summary);
}

/* Whoever has copies of it would delete them if an empty one took its place. */
static int refuse_missing(struct mr_arena *arena, const struct mr_topology *topology,
			  const struct instance *in, enum mr_database database,
			  struct mr_error *err)
{
	const char *path = mr_database_path(arena, in->config, database);

	if (strcmp(topology->home, in->config->host) != 0)
		return mr_fail(err, MR_E_CONFIG,
			       _("%s: what this host owns is missing; cl-rebuild --repl takes it "
				 "from the others' copies, nothing was changed"),
			       path);
	return mr_fail(err, MR_E_CONFIG,
		       _("%s: what this host owns is missing; cl-rebuild --repl takes it from the "
			 "others' copies, cl-backup -r from an archive if there is no other host "
			 "(or cl-setup %s, if that was interrupted), nothing was changed"),
		       path, database == MR_DB_UNIX_OWNED ? "unix" : "mail");
}

/* "make the databases mail-owned from the archive, status" */
static void plan_load(struct mr_arena *arena, struct instance *in, struct mr_plan *plan)
{
	MR_BUF text = { 0 };
	int count = 0;

	for (enum mr_database i = 0; i < MR_DATABASE_COUNT; i++) {
		const char *what = in->seeds[i].what;

		if (!in->absent[i])
			continue;
		mr_buf_printf(&text, "%s%s%s%s", count++ ? ", " : "", mr_database_word(i),
			      what ? " " : "", what ? what : "");
	}
	if (count)
		mr_plan_action(arena, plan, load_databases, in,
			       mr_printf(arena,
					 count == 1 ? _("make the database %s")
						    : _("make the databases %s"),
					 mr_buf_text(&text)));
}

static int plan_databases(struct mr_arena *arena, const struct mr_topology *topology,
			  const struct mr_host *host, struct instance *in, struct mr_plan *plan,
			  struct mr_error *err)
{
	for (enum mr_database i = 0; i < MR_DATABASE_COUNT; i++) {
		in->absent[i] =
			mr_database_wanted(topology, host, i) && !mr_database_exists(in->config, i);
		if (in->absent[i] && mr_database_owned(i) && !in->seeds[i].write)
			return refuse_missing(arena, topology, in, i, err);
	}
	plan_load(arena, in, plan);
	return 0;
}

/* A copy can always be filled again; what is owned is never removed by a rendering. */
static void plan_drops(struct mr_arena *arena, const struct mr_topology *topology,
		       const struct mr_host *host, struct instance *in, struct mr_plan *plan)
{
	for (enum mr_database i = 0; i < MR_DATABASE_COUNT; i++)
		if (!mr_database_wanted(topology, host, i) && !mr_database_owned(i) &&
		    mr_database_exists(in->config, i))
			plan_database(
				arena, plan, in, i, drop_database,
				mr_printf(arena, _("remove the copy %s"), mr_database_word(i)));
}

static int remove_loading(void *argument, struct mr_error *err)
{
	const struct instance *in = argument;

	return mr_tree_remove(mr_database_loading(in->arena, in->config), err);
}

static bool config_installed(struct mr_arena *arena, const struct instance *in)
{
	return mr_path_exists(
		       mr_path(arena, in->config->root, MR_PATH_SLAPD_D "/cn=config.ldif")) &&
	       mr_file_same(in->file->path, in->file->content, in->file->len, in->file->attrs);
}

static void plan_folders(struct mr_arena *arena, const struct mr_config *config,
			 struct mr_plan *plan);

int mr_instance_plan(struct mr_arena *arena, const struct mr_config *config,
		     const struct mr_topology *topology, const struct mr_rendering *rendering,
		     const struct mr_seed *seeds, struct mr_plan *plan, struct mr_error *err)
{
	const struct mr_host *host = mr_topology_host(topology, config->host);
	struct instance *in = MR_NEW(arena, struct instance);

	if (!host)
		return mr_fail(err, MR_E_NO_HOST, _("%s is not in the topology"), config->host);
	*in = (struct instance){ arena, config, rendering, .server_id = host->server_id };
	in->file = mr_rendering_slapd(rendering);
	if (!in->file)
		return mr_fail(err, MR_E_CONFIG, _("no slapd configuration was rendered"));
	if (seeds)
		memcpy(in->seeds, seeds, sizeof(in->seeds));
	plan_folders(arena, config, plan);
	if (mr_path_exists(mr_database_loading(arena, config)))
		mr_plan_action(arena, plan, remove_loading, in,
			       _("remove what an interrupted run was loading"));
	if (plan_databases(arena, topology, host, in, plan, err) < 0)
		return -1;
	plan_hand(arena, in, !config_installed(arena, in), plan);
	if (!config_installed(arena, in)) {
		mr_plan_action(arena, plan, install_config, in,
			       _("install slapd's configuration (checked with slaptest)"));
		mr_plan_action(arena, plan, restart_slapd, in, _("restart slapd"));
		/* Last: whoever is interrupted before this does both again. */
		mr_plan_file(arena, plan, in->file->path, in->file->content, in->file->attrs,
			     _("record slapd's configuration"));
	} else if (!mr_service_running(MR_SERVICE_SLAPD, config->root)) {
		mr_plan_action(arena, plan, start_slapd, in, _("start slapd"));
	}
	plan_drops(arena, topology, host, in, plan);
	return 0;
}

static int make_folders(void *argument, struct mr_error *err)
{
	static const char *const folders[] = { MR_PATH_STATE, MR_PATH_DB, MR_PATH_SLAPD };
	const struct mr_config *config = argument;
	MR_ARENA arena = mr_arena_open();

	for (size_t i = 0; i < sizeof(folders) / sizeof(*folders); i++)
		if (mr_folder_make(mr_path(arena, config->root, folders[i]), MR_FILE_PUBLIC_FOLDER,
				   err) < 0)
			return -1;
	return 0;
}

static void plan_folders(struct mr_arena *arena, const struct mr_config *config,
			 struct mr_plan *plan)
{
	if (!mr_path_exists(mr_path(arena, config->root, MR_PATH_DB)) ||
	    !mr_path_exists(mr_path(arena, config->root, MR_PATH_SLAPD)))
		mr_plan_action(arena, plan, make_folders, (void *)config,
			       _("make the state folders"));
}

int mr_instance_open_as(struct mr_arena *arena, const struct mr_config *config, const char *dn,
			const struct mr_secret *password, struct mr_directory **out,
			struct mr_error *err)
{
	const struct mr_directory_target target = {
		.uri = mr_directory_socket_uri(arena, mr_path(arena, config->root, MR_PATH_SOCKET)),
		.bind_dn = dn,
		.password = password,
		.deadline_ms = (int)config->directory_deadline * 1000,
	};

	return mr_directory_open(&target, out, err);
}

int mr_instance_open(struct mr_arena *arena, const struct mr_config *config,
		     struct mr_directory **out, struct mr_error *err)
{
	return mr_instance_open_as(arena, config, NULL, NULL, out, err);
}

int mr_instance_open_peer(struct mr_arena *arena, const struct mr_config *config,
			  const char *tls_folder, const char *host, struct mr_directory **out,
			  struct mr_error *err)
{
	const char *tls = tls_folder ? tls_folder : mr_path(arena, config->root, MR_PATH_TLS);
	const struct mr_directory_target target = {
		.uri = mr_printf(arena, "ldap://%s:%lld", host, config->directory_port),
		.ca_file = mr_printf(arena, "%s/ca.crt", tls),
		.cert_file = mr_printf(arena, "%s/host.crt", tls),
		.key_file = mr_printf(arena, "%s/host.key", tls),
		.deadline_ms = (int)config->directory_deadline * 1000,
	};

	return mr_directory_open(&target, out, err);
}

/* slapd's configuration to read the databases with. A first set-up that was interrupted has none
 * yet: then one is made that knows no more than this host's own databases. */
static int reading_config(struct mr_arena *arena, const struct mr_config *config, const char **out,
			  struct mr_error *err)
{
	const char *spare = mr_path(arena, config->root, MR_PATH_SLAPD "/recover.d");
	struct mr_rendering rendering = { 0 };
	struct mr_topology topology;

	/* slapcat refuses a configuration whose folders do not exist, and one may have been lost.
	 */
	for (enum mr_database i = 0; i < MR_DATABASE_COUNT; i++) {
		const char *path = mr_database_path(arena, config, i);

		if (!mr_path_exists(path) && mr_folder_make(path, MR_FILE_PRIVATE_FOLDER, err) < 0)
			return -1;
	}
	*out = mr_path(arena, config->root, MR_PATH_SLAPD_D);
	if (mr_path_exists(mr_printf(arena, "%s/cn=config.ldif", *out)))
		return 0;
	mr_topology_init(arena, "00000000-0000-0000-0000-000000000000", config->host, &topology);
	*out = spare;
	if (mr_render(arena, config, &topology, false, &rendering, err) < 0)
		return -1;
	return mr_slapd_config_load(mr_rendering_slapd(&rendering)->content, spare, err);
}

/* What of the topology a database file holds, read without slapd. */
static int dump_topology(struct mr_arena *arena, const struct mr_config *config, const char *suffix,
			 struct mr_entries *out, struct mr_error *err)
{
	const char *folder;

	if (reading_config(arena, config, &folder, err) < 0 ||
	    mr_database_list(folder, suffix, MR_TOPOLOGY_FILTER, arena, out, err) < 0)
		return -1;
	return mr_tree_remove(mr_path(arena, config->root, MR_PATH_SLAPD "/recover.d"), err);
}

/* Nobody but the home that this host has accepted says which hosts there are and which domains: any
 * other provider could make itself the home of all by an entry in its own container. */
static void keep_home(struct mr_arena *arena, const struct mr_config *config,
		      struct mr_entries *entries)
{
	struct mr_entries kept = { 0 };

	for (size_t i = 0; i < entries->count; i++) {
		struct mr_entry *entry = entries->items[i];
		const char *owner = mr_dit_owner(arena, entry->dn);

		if (owner && strcmp(owner, config->home) == 0)
			mr_entries_add(arena, &kept, entry);
		else if (mr_entry_is(entry, "mailReplTopology"))
			mr_log(MR_LOG_WARNING,
			       _("%s says that it is the home of the mail domain, but this host "
				 "obeys %s; if that has changed, say so in %s (home) and run "
				 "cl-rebuild"),
			       owner ? owner : entry->dn, config->home, config->path);
	}
	*entries = kept;
}

int mr_instance_topology(struct mr_arena *arena, struct mr_directory *dir,
			 const struct mr_config *config, struct mr_topology *out,
			 struct mr_error *err)
{
	const char *suffixes[] = { mr_dit_owned(arena, MR_MAIL, config->host),
				   mr_dit_all(MR_MAIL) };
	const enum mr_database databases[] = { MR_DB_MAIL_OWNED, MR_DB_MAIL };

	/* The home's own word first: its copy of itself lags by a moment. The copies on all others.
	 */
	for (int i = 0; i < 2; i++) {
		struct mr_search find = { .base = suffixes[i], .filter = MR_TOPOLOGY_FILTER };
		struct mr_entries found = { 0 };

		if (!mr_database_exists(config, databases[i]))
			continue;
		if (dir ? mr_directory_list(dir, arena, &find, &found, err) < 0
			: dump_topology(arena, config, suffixes[i], &found, err) < 0)
			return mr_fail_in(err, _("reading the topology"));
		if (config->home)
			keep_home(arena, config, &found);
		if (mr_topology_parse(arena, &found, out, err) == 0 &&
		    (i == 1 || strcmp(out->home, config->host) == 0))
			return 0;
		if (i == 1 || err->code == MR_E_CONFIG)
			return -1;
	}
	return mr_fail(err, MR_E_NOT_FOUND, _("this host has no topology yet"));
}

struct status_step {
	const struct mr_config *config;
	long long generation;
};

static int record_status(void *argument, struct mr_error *err)
{
	const struct status_step *step = argument;
	MR_ARENA arena = mr_arena_open();
	MR_DIRECTORY dir = NULL;
	struct mr_mod mods[2] = { { .op = MR_MOD_REPLACE,
				    .attr.name = "mailReplRenderedGeneration" },
				  { .op = MR_MOD_REPLACE, .attr.name = "mailReplVersion" } };

	mr_list_add(arena, &mods[0].attr.values, mr_printf(arena, "%lld", step->generation));
	mr_list_add(arena, &mods[1].attr.values, MR_VERSION);
	if (mr_instance_open(arena, step->config, &dir, err) < 0)
		return -1;
	return mr_directory_modify(dir, MR_DIT_STATUS, mods, 2, err);
}

int mr_instance_status_plan(struct mr_arena *arena, struct mr_directory *dir,
			    const struct mr_config *config, long long generation,
			    struct mr_plan *plan, struct mr_error *err)
{
	struct status_step *step = MR_NEW(arena, struct status_step);
	struct mr_entry *status = NULL;
	const char *rendered, *version;

	if (dir && mr_directory_read(dir, arena, MR_DIT_STATUS, NULL, &status, err) < 0)
		return -1;
	rendered = status ? mr_entry_value(status, "mailReplRenderedGeneration") : NULL;
	version = status ? mr_entry_value(status, "mailReplVersion") : NULL;
	if (rendered && strtoll(rendered, NULL, 10) == generation && version &&
	    strcmp(version, MR_VERSION) == 0)
		return 0;
	*step = (struct status_step){ config, generation };
	mr_plan_action(arena, plan, record_status, step,
		       mr_printf(arena, _("record that generation %lld is rendered"), generation));
	return 0;
}
