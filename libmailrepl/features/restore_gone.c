#include "features/restore_gone.h"

#include "adapters/service.h"
#include "features/apply.h"
#include "features/join.h"
#include "features/rebuild.h"
#include "features/restore_files.h"
#include "features/restore_record.h"
#include "features/restore_seed.h"
#include "features/restore_uid.h"

static int join_again(void *argument, struct mr_error *err)
{
	struct mr_restore *restore = argument;
	MR_ARENA arena = mr_arena_open();
	struct mr_config config = restore->config;
	struct mr_join join = { .given = restore->archive.path };
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
	const struct mr_manifest *manifest = &restore->archive.manifest;
	const char *what = _("from the archive");
	struct mr_restore_seed sources[2] = {
		{ { restore->folder, manifest, MR_MAIL }, &restore->config, MR_DB_MAIL_OWNED },
		{ { restore->folder, manifest, MR_UNIX }, &restore->config, MR_DB_UNIX_OWNED },
	};
	const struct mr_seed seeds[MR_DATABASE_COUNT] = {
		[MR_DB_MAIL_OWNED] = { mr_restore_write_owned, &sources[0], true, what,
				       mr_restore_write_both },
		[MR_DB_MAIL] = { mr_restore_write_copy, &sources[0], false, what, NULL },
		[MR_DB_UNIX_OWNED] = { mr_restore_write_owned, &sources[1], true, what,
				       mr_restore_write_both },
		[MR_DB_UNIX] = { mr_restore_write_copy, &sources[1], false, what, NULL },
	};
	struct mr_plan plan = { 0 };

	if (mr_rebuild_plan(arena, &restore->config, NULL, &restore->topology, seeds, &plan, err) <
	    0)
		return -1;
	return mr_plan_apply(&plan, &restore->config, NULL, err);
}

int mr_restore_gone_plan(struct mr_arena *arena, struct mr_restore *restore, struct mr_plan *plan,
			 struct mr_error *err)
{
	bool rejoin = restore->which == MR_RESTORE_REJOIN;

	if (mr_restore_record_plan(arena, restore, rejoin ? "rejoin" : "bare", plan, err) < 0 ||
	    mr_restore_files(arena, restore, true, plan, err) < 0)
		return -1;
	if (rejoin) {
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
	mr_restore_record_end_plan(arena, restore, plan);
	return 0;
}
