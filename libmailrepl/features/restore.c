#include "features/restore.h"

#include <string.h>
#include <unistd.h>

#include "adapters/reach.h"
#include "adapters/service.h"
#include "base/clock.h"
#include "base/hostname.h"
#include "base/log.h"
#include "base/paths.h"
#include "features/apply.h"
#include "features/join.h"
#include "features/rebuild.h"
#include "features/restore_changes.h"
#include "features/restore_files.h"
#include "features/restore_topology.h"
#include "features/restore_uid.h"
#include "features/topology_plan.h"

#define ALIVE_MS 15000 /* how long nobody must answer */
#define REACH_MS 2000
#define PAUSE_MS 500
#define PATH_MARKER                                                                                \
	MR_PATH_STATE "/restoring" /* "<case> <archive>": what was begun and not completed */

static const char *const words[] = {
	[MR_RESTORE_CHANGES] = "changes",
	[MR_RESTORE_REJOIN] = "rejoin",
	[MR_RESTORE_BARE] = "bare",
};

const char *mr_restore_case_text(enum mr_restore_case which)
{
	static const char *const texts[] = {
		[MR_RESTORE_CHANGES] = N_("This host's directory is there: the differences to the "
					  "archive are applied as changes."),
		[MR_RESTORE_REJOIN] = N_(
			"This host's directory is gone, other hosts are alive: what this host owns "
			"is taken from their "
			"copies, which are newer than the archive; the archive gives the files."),
		[MR_RESTORE_BARE] = N_("This host's directory is gone and no other host answers: "
				       "it is loaded from the archive, which "
				       "becomes the truth for all hosts."),
	};

	return _(texts[which]);
}

static bool made_by(const void *context, const struct mr_manifest *manifest)
{
	return !manifest->for_host && strcmp(manifest->host, context) == 0;
}

/* What an interrupted run had begun, if its archive is still good. */
static bool resume(struct mr_arena *arena, struct mr_restore *restore, struct mr_error *err)
{
	const char *path = mr_path(arena, restore->config.root, PATH_MARKER);
	char *text, *archive;

	if (mr_file_read(arena, path, 8192, &text, NULL, err) < 0)
		return false;
	archive = strchr(text, ' ');
	if (!archive)
		return false;
	*archive++ = '\0';
	archive[strcspn(archive, "\n")] = '\0';
	for (enum mr_restore_case i = MR_RESTORE_REJOIN; i <= MR_RESTORE_BARE; i++)
		if (strcmp(text, words[i]) == 0 &&
		    mr_backup_unpack(arena, archive, restore->folder, &restore->archive.manifest,
				     err) == 0) {
			restore->archive.path = archive;
			restore->which = i;
			mr_log(MR_LOG_INFO,
			       _("completing the restore from %s that was interrupted"), archive);
			return true;
		}
	return false;
}

static int take_archive(struct mr_arena *arena, struct mr_restore *restore, const char *host,
			bool *resumed, struct mr_error *err)
{
	if (mr_backup_place(arena, &restore->config, "restore", &restore->folder, err) < 0)
		return -1;
	*resumed = resume(arena, restore, err);
	if (!*resumed && mr_backup_newest(arena, &restore->config, made_by, host, restore->folder,
					  &restore->archive, err) < 0)
		return mr_fail_in(err, _("archives made by %s"), host);
	return mr_backup_topology(arena, restore->folder, &restore->topology, err);
}

/* A machine that was set up anew knows nothing: its settings are in the archive. */
static int take_config(struct mr_arena *arena, const struct mr_config *config,
		       struct mr_restore *restore, struct mr_error *err)
{
	const char *path = config->path;

	if (config->exists && config->host)
		return 0;
	if (mr_config_load(arena, config->root,
			   mr_printf(arena, "%s/mailrepl.conf", restore->folder), &restore->config,
			   err) < 0)
		return -1;
	restore->config.path = path;
	if (restore->config.host &&
	    strcmp(restore->config.host, restore->archive.manifest.host) == 0)
		return 0;
	return mr_fail(err, MR_E_ARCHIVE, _("%s: its mailrepl.conf is not that of %s"),
		       restore->archive.path, restore->archive.manifest.host);
}

/* 1: it answers. 0: nobody does there. -1: somebody is there who does not let us in. */
static int ask_alive(struct mr_arena *arena, const struct mr_restore *restore, const char *host,
		     struct mr_error *err)
{
	const char *tls = mr_printf(arena, "%s/tls", restore->folder);
	MR_DIRECTORY dir = NULL;

	if (mr_instance_open_peer(arena, &restore->config, tls, host, &dir, err) == 0)
		return 1;
	mr_log(MR_LOG_DEBUG, "%s: %s", host, err->message);
	if (err->code != MR_E_DENIED &&
	    !mr_reachable(host, (int)restore->config.directory_port, REACH_MS))
		return 0;
	return mr_fail_in(err, _("%s is alive, but does not accept this host (was it removed?)"),
			  host);
}

/* 1: some other provider answers; 0: nobody does, and not for a moment only: a slapd that is just
 * being restarted must not be taken for a dead domain. One that answers but refuses us is alive,
 * too: whatever the archive would make the truth here, it would contradict. */
static int find_alive(const struct mr_restore *restore, struct mr_error *err)
{
	const struct mr_topology *topology = &restore->topology;
	const long long until = mr_now_ms() + ALIVE_MS;
	int result;

	for (;;) {
		MR_ARENA scratch = mr_arena_open();

		result = 0;
		for (size_t i = 0; i < topology->count && result <= 0; i++) {
			const struct mr_host *host = &topology->hosts[i];
			int answer;

			if (strcmp(host->name, restore->config.host) == 0 ||
			    !mr_host_is_provider(topology, host))
				continue;
			answer = ask_alive(scratch, restore, host->name, err);
			result = answer != 0 ? answer : result;
		}
		if (result > 0 || mr_left_ms(until) == 0)
			return result;
		(void)usleep(PAUSE_MS * 1000);
	}
}

static int tell_case(struct mr_restore *restore, struct mr_error *err)
{
	const struct mr_host *self = mr_topology_host(&restore->topology, restore->config.host);
	bool owns = mr_host_is_provider(&restore->topology, self);
	int alive;

	if (mr_database_exists(&restore->config, owns ? MR_DB_MAIL_OWNED : MR_DB_MAIL)) {
		restore->which = MR_RESTORE_CHANGES;
		return 0;
	}
	alive = find_alive(restore, err);
	restore->which = alive > 0 ? MR_RESTORE_REJOIN : MR_RESTORE_BARE;
	return alive < 0 ? -1 : 0;
}

static int render_again(void *argument, struct mr_error *err)
{
	const struct mr_restore *restore = argument;
	MR_ARENA arena = mr_arena_open();
	MR_DIRECTORY dir = NULL;
	struct mr_topology topology;
	struct mr_plan plan = { 0 };

	if (mr_instance_open(arena, &restore->config, &dir, err) < 0 ||
	    mr_instance_topology(arena, dir, &restore->config, &topology, err) < 0 ||
	    mr_rebuild_plan(arena, &restore->config, dir, &topology, NULL, &plan, err) < 0)
		return -1;
	return mr_plan_apply(&plan, &restore->config, NULL, err);
}

static int plan_topology(struct mr_arena *arena, struct mr_restore *restore, struct mr_plan *plan,
			 struct mr_error *err)
{
	struct mr_topology live;

	if (mr_instance_topology(arena, restore->dir, &restore->config, &live, err) < 0)
		return -1;
	if (strcmp(live.domain_id, restore->topology.domain_id) != 0)
		return mr_fail(err, MR_E_ARCHIVE,
			       _("%s belongs to another mail domain, nothing was changed"),
			       restore->archive.path);
	if (strcmp(live.home, restore->config.host) != 0)
		return 0;
	if (mr_restore_topology(arena, &live, &restore->topology, &restore->wanted, err) < 0)
		return -1;
	mr_topology_plan(arena, &live, &restore->wanted, plan);
	return 0;
}

static int plan_changes(struct mr_arena *arena, struct mr_restore *restore, struct mr_plan *plan,
			struct mr_error *err)
{
	size_t before = plan->count;

	if (mr_instance_open(arena, &restore->config, &restore->dir, err) < 0)
		return mr_fail_in(
			err, _("slapd must run for a restore as changes (cl-rebuild starts it)"));
	if (mr_restore_files(arena, restore, plan, err) < 0 ||
	    plan_topology(arena, restore, plan, err) < 0)
		return -1;
	before = plan->count - before;
	if (mr_restore_changes(arena, restore, plan, err) < 0)
		return -1;
	if (before)
		mr_plan_action(arena, plan, render_again, restore,
			       _("render slapd's, Postfix's and Dovecot's configuration again"));
	return 0;
}

static int join_again(void *argument, struct mr_error *err)
{
	struct mr_restore *restore = argument;
	MR_ARENA arena = mr_arena_open();
	struct mr_config config = restore->config;
	struct mr_join join = { 0 };
	struct mr_plan plan = { 0 };
	int rc;

	/* One that still runs holds database files that have no name any more. */
	if (mr_service_stop(MR_SERVICE_SLAPD, config.root, err) < 0)
		return -1;
	rc = mr_join_plan(arena, &config, config.host, &join, &plan, err);
	if (rc == 0)
		rc = mr_plan_apply(&plan, &config, NULL, err);
	mr_join_close(&join);
	return rc;
}

/* The copies would contradict the new truth of this host, and of the others nobody is left to ask.
 */
static int drop_copies(void *argument, struct mr_error *err)
{
	static const enum mr_database copies[] = { MR_DB_MAIL, MR_DB_UNIX };
	const struct mr_restore *restore = argument;
	MR_ARENA arena = mr_arena_open();

	if (mr_service_stop(MR_SERVICE_SLAPD, restore->config.root, err) < 0)
		return -1;
	for (int i = 0; i < 2; i++)
		if (mr_tree_remove(mr_database_path(arena, &restore->config, copies[i]), err) < 0)
			return -1;
	return 0;
}

/* Databases that an interrupted run has loaded are there whole and stay. */
static int load_archive(void *argument, struct mr_error *err)
{
	struct mr_restore *restore = argument;
	MR_ARENA arena = mr_arena_open();
	struct mr_backup_source sources[2] = {
		{ restore->folder, &restore->archive.manifest, MR_MAIL },
		{ restore->folder, &restore->archive.manifest, MR_UNIX },
	};
	const struct mr_seed seeds[MR_DATABASE_COUNT] = {
		[MR_DB_MAIL_OWNED] = { mr_backup_write_owned, &sources[0], true,
				       _("from the archive") },
		[MR_DB_MAIL] = { mr_backup_write_others, &sources[0], false,
				 _("from the archive") },
		[MR_DB_UNIX_OWNED] = { mr_backup_write_owned, &sources[1], true,
				       _("from the archive") },
		[MR_DB_UNIX] = { mr_backup_write_others, &sources[1], false,
				 _("from the archive") },
	};
	struct mr_plan plan = { 0 };

	if (mr_rebuild_plan(arena, &restore->config, NULL, &restore->topology, seeds, &plan, err) <
	    0)
		return -1;
	return mr_plan_apply(&plan, &restore->config, NULL, err);
}

static int remove_marker(void *argument, struct mr_error *err)
{
	const struct mr_restore *restore = argument;
	MR_ARENA arena = mr_arena_open();

	return mr_tree_remove(mr_path(arena, restore->config.root, PATH_MARKER), err);
}

static int plan_gone(struct mr_arena *arena, struct mr_restore *restore, struct mr_plan *plan,
		     struct mr_error *err)
{
	const char *marker =
		mr_printf(arena, "%s %s\n", words[restore->which], restore->archive.path);

	mr_plan_file(arena, plan, mr_path(arena, restore->config.root, PATH_MARKER), marker,
		     MR_FILE_PRIVATE, _("record that a restore is under way"));
	if (mr_restore_files(arena, restore, plan, err) < 0)
		return -1;
	if (restore->which == MR_RESTORE_REJOIN) {
		mr_plan_action(
			arena, plan, join_again, restore,
			_("join the domain again: what this host owns from its peers' copies"));
	} else {
		mr_plan_action(arena, plan, drop_copies, restore,
			       _("stop slapd, remove old copies"));
		mr_plan_action(arena, plan, load_archive, restore,
			       _("load the databases from the archive, start slapd, render Postfix "
				 "and Dovecot"));
		mr_restore_uid_plan(arena, restore, plan);
	}
	mr_plan_action(arena, plan, remove_marker, restore,
		       _("record that the restore is complete"));
	return 0;
}

int mr_restore_plan(struct mr_arena *arena, const struct mr_config *config,
		    struct mr_restore *restore, struct mr_plan *plan, struct mr_error *err)
{
	const char *host = config->host;
	bool resumed;

	restore->config = *config;
	if (!host && mr_hostname(arena, &host, err) < 0)
		return -1;
	if (take_archive(arena, restore, host, &resumed, err) < 0 ||
	    take_config(arena, config, restore, err) < 0 ||
	    (!resumed && tell_case(restore, err) < 0))
		return -1;
	return restore->which == MR_RESTORE_CHANGES ? plan_changes(arena, restore, plan, err)
						    : plan_gone(arena, restore, plan, err);
}

void mr_restore_close(struct mr_restore *restore)
{
	struct mr_error err;

	mr_directory_close(restore->dir);
	restore->dir = NULL;
	if (restore->folder && mr_tree_remove(restore->folder, &err) < 0)
		mr_log(MR_LOG_WARNING, "%s", err.message);
}
