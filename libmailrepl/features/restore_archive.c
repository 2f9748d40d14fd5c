#include "features/restore_archive.h"

#include <string.h>
#include <sys/stat.h>

#include "base/log.h"
#include "features/backup_manifest.h"
#include "features/restore_record.h"

static bool is_own(const struct mr_restore *restore, const struct mr_manifest *manifest)
{
	return !manifest->for_host && strcmp(manifest->host, restore->config.host) == 0;
}

/* 0: unpacked. A folder that an earlier attempt has left is removed first. */
static int unpack(struct mr_arena *arena, struct mr_restore *restore, const char *path,
		  struct mr_error *err)
{
	struct stat st;

	if (mr_tree_remove(restore->folder, err) < 0 ||
	    mr_backup_take(arena, &restore->config, path, restore->folder, NULL,
			   &restore->archive.manifest, err) < 0)
		return -1;
	restore->archive.path = path;
	restore->archive.size = stat(path, &st) == 0 ? st.st_size : 0;
	if (is_own(restore, &restore->archive.manifest))
		return 0;
	return mr_fail(err, MR_E_ARCHIVE,
		       _("%s: made by %s for %s; this host is restored from an archive of its own"),
		       path, restore->archive.manifest.host,
		       restore->archive.manifest.for_host ? restore->archive.manifest.for_host
							  : _("itself"));
}

static const char *asked_for(struct mr_arena *arena, const struct mr_restore *restore)
{
	const struct mr_config *config = &restore->config;
	const char *name = restore->request.archive;

	if (!name || strchr(name, '/'))
		return name;
	return mr_printf(arena, "%s%s/%s", config->root, config->backup_folder, name);
}

struct choice {
	struct mr_arena *arena;
	const struct mr_restore *restore;
	struct mr_list before; /* paths */
	bool *told;            /* of the first one that was passed over */
};

/* The newest one after a roll back is that of the state before it. */
static bool wanted(const void *context, const struct mr_manifest *manifest)
{
	const struct choice *choice = context;
	const char *name;

	if (!is_own(choice->restore, manifest))
		return false;
	name = mr_printf(choice->arena, "/%s", mr_manifest_file_name(choice->arena, manifest));
	for (size_t i = 0; i < choice->before.count; i++) {
		const char *before = strrchr(choice->before.items[i], '/');

		/* Sealed or not. */
		if (before && mr_starts_with(before, name)) {
			mr_log(*choice->told ? MR_LOG_DEBUG : MR_LOG_INFO,
			       _("%s was made before a restore: it is not taken unless named, or "
				 "by "
				 "--undo"),
			       choice->before.items[i]);
			*choice->told = true;
			return false;
		}
	}
	return true;
}

static int take_newest(struct mr_arena *arena, struct mr_restore *restore, struct mr_error *err)
{
	bool told = false;
	struct choice choice = { arena, restore, { 0 }, &told };

	if (mr_restore_before_list(arena, &restore->config, &choice.before, err) < 0)
		return -1;
	if (mr_backup_newest(arena, &restore->config, wanted, &choice, restore->folder,
			     &restore->archive, err) < 0)
		return mr_fail_in(err, _("archives made by %s"), restore->config.host);
	return 0;
}

/* A run that has loaded some databases and not others: no other archive may give the rest. */
static int complete(struct mr_arena *arena, struct mr_restore *restore,
		    const struct mr_restore_record *record, const char *path, struct mr_error *err)
{
	const struct mr_restore_request *request = &restore->request;

	if ((path && strcmp(path, record->archive) != 0) || request->only.count || request->undo)
		return mr_fail(err, MR_E_CONFIG,
			       _("the restore from %s was interrupted: complete it first, with "
				 "cl-backup -r"),
			       record->archive);
	if (unpack(arena, restore, record->archive, err) < 0)
		return mr_fail_in(err, _("the restore that was interrupted"));
	restore->resumed = true;
	restore->which = strcmp(record->word, "rejoin") == 0 ? MR_RESTORE_REJOIN : MR_RESTORE_BARE;
	mr_log(MR_LOG_INFO, _("completing the restore from %s that was interrupted"),
	       record->archive);
	return 0;
}

/* *path = the archive; NULL: the newest. `record`: of a restore as changes, or of none. */
static int choose(struct mr_arena *arena, struct mr_restore *restore,
		  const struct mr_restore_record *record, const char **path, struct mr_error *err)
{
	const struct mr_restore_request *request = &restore->request;
	bool begun = record->word && strcmp(record->word, mr_restore_word(request)) == 0;

	*path = asked_for(arena, restore);
	if (*path)
		return 0;
	if (begun && (request->undo || request->authoritative || request->only.count)) {
		*path = record->archive;
		mr_log(MR_LOG_INFO, _("the restore from %s was interrupted: it goes on with that"),
		       record->archive);
		return 0;
	}
	if (record->word && !request->undo)
		mr_log(MR_LOG_WARNING,
		       _("the restore from %s was interrupted: the same command again completes "
			 "it, "
			 "--undo takes it back"),
		       record->archive);
	return request->undo ? mr_restore_undo_find(arena, &restore->config, path, err) : 0;
}

int mr_restore_archive_take(struct mr_arena *arena, struct mr_restore *restore,
			    struct mr_error *err)
{
	struct mr_restore_record record;
	const char *path;
	int rc;

	if (mr_backup_place(arena, &restore->config, "restore", &restore->folder, err) < 0 ||
	    mr_restore_record_read(arena, &restore->config, &record, err) < 0)
		return -1;
	if (record.word && (strcmp(record.word, "rejoin") == 0 || strcmp(record.word, "bare") == 0))
		rc = complete(arena, restore, &record, asked_for(arena, restore), err);
	else if (choose(arena, restore, &record, &path, err) < 0)
		rc = -1;
	else
		rc = path ? unpack(arena, restore, path, err) : take_newest(arena, restore, err);
	return rc < 0 ? -1 : mr_backup_topology(arena, restore->folder, &restore->topology, err);
}
