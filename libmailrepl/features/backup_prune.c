#include "features/backup_list.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "features/backup_key.h"
#include "features/restore_record.h"

/* Archives of one series, as indices into the list; a new one that does not exist yet is the list's count. */
struct series {
	const char *name;
	struct mr_keep_item *items;
	size_t *at;
	size_t count;
};

struct pruning {
	struct mr_arena *arena;
	const struct mr_prune *prune;
	struct mr_archive_list list;
	struct mr_plan *plan;
	struct mr_list *gone;
	struct mr_secret key;  /* the domain's, for archives */
	struct mr_list needed; /* paths that a restore or its undo needs */
};

static bool is_ours(const struct pruning *pr, const struct mr_archive_item *item)
{
	const char *domain = item->archive.manifest.domain_id;

	if (!item->series || item->state == MR_ARCHIVE_BAD)
		return false;
	return item->state == MR_ARCHIVE_SEALED || strcmp(domain, pr->prune->domain_id) == 0;
}

static void add(struct series *series, size_t at, int64_t time, bool good)
{
	series->items[series->count] = (struct mr_keep_item){ .time = time, .good = good };
	series->at[series->count++] = at;
}

/* The list is in the order of names, which begin with the time. */
static struct series collect(struct pruning *pr, const char *name)
{
	size_t most = pr->list.count + 1;
	struct series series = { name, MR_NEW_ARRAY(pr->arena, struct mr_keep_item, most),
				 MR_NEW_ARRAY(pr->arena, size_t, most), 0 };

	for (size_t i = 0; i < pr->list.count; i++) {
		const struct mr_archive_item *item = &pr->list.items[i];

		if (is_ours(pr, item) && strcmp(item->series, name) == 0)
			add(&series, i, item->archive.manifest.created, true);
	}
	return series;
}

/* Where the one that is about to be made belongs among those from the future. */
static void add_fresh(const struct pruning *pr, struct series *series)
{
	size_t i;

	add(series, pr->list.count, pr->prune->now, true);
	for (i = series->count - 1; i > 0 && series->items[i - 1].time > pr->prune->now; i--) {
		series->items[i] = series->items[i - 1];
		series->at[i] = series->at[i - 1];
	}
	series->items[i] = (struct mr_keep_item){ .time = pr->prune->now, .good = true };
	series->at[i] = pr->list.count;
}

static bool any_goes(const struct series *series)
{
	for (size_t i = 0; i < series->count; i++)
		if (!series->items[i].why)
			return true;
	return false;
}

/* The newest one that counts. */
static size_t newest_of(const struct series *series)
{
	for (size_t i = series->count; i-- > 0;)
		if (series->items[i].why && strcmp(series->items[i].why, "newest") == 0)
			return i;
	return series->count;
}

static bool is_sound(struct pruning *pr, const struct mr_archive_item *item)
{
	const struct mr_backup_reading reading = { .path = item->archive.path, .key = &pr->key };
	struct mr_manifest manifest;
	struct mr_error err;

	if (item->state == MR_ARCHIVE_SEALED ||
	    mr_backup_read(pr->arena, &reading, &manifest, &err) == 0)
		return true;
	mr_log(MR_LOG_WARNING, _("this archive is no reason to delete others: %s"), err.message);
	return false;
}

/* Chosen again for as long as the newest one turns out to be damaged. */
static void choose(struct pruning *pr, struct series *series)
{
	for (;;) {
		size_t newest;

		mr_keep_choose(pr->prune->keep, pr->prune->now, series->items, series->count);
		if (pr->prune->fresh || !any_goes(series))
			return;
		newest = newest_of(series);
		if (newest == series->count || is_sound(pr, &pr->list.items[series->at[newest]]))
			return;
		series->items[newest].good = false;
	}
}

static int remove_archive(void *argument, struct mr_error *err)
{
	const char *path = argument;
	MR_ARENA arena = mr_arena_open();
	char *folder = mr_strdup(arena, path);

	if (unlink(path) < 0 && errno != ENOENT)
		return mr_fail_errno(err, "%s", path);
	*strrchr(folder, '/') = '\0';
	return mr_folder_sync(folder, err);
}

/* The last archive from before a restore, and what is being restored right now. */
static int find_needed(struct pruning *pr, const struct mr_config *config, struct mr_error *err)
{
	struct mr_restore_record record;
	struct mr_list before;

	if (mr_restore_record_read(pr->arena, config, &record, err) < 0 ||
	    mr_restore_before_list(pr->arena, config, &before, err) < 0)
		return -1;
	if (record.word && record.archive)
		mr_list_add(pr->arena, &pr->needed, record.archive);
	if (before.count)
		mr_list_add(pr->arena, &pr->needed, before.items[before.count - 1]);
	return 0;
}

static void plan_series(struct pruning *pr, struct series *series)
{
	choose(pr, series);
	for (size_t i = 0; i < series->count; i++) {
		char *path;

		if (series->items[i].why || series->at[i] == pr->list.count)
			continue;
		path = mr_strdup(pr->arena, pr->list.items[series->at[i]].archive.path);
		if (mr_list_has(&pr->needed, path))
			continue;
		mr_list_add(pr->arena, pr->gone, path);
		mr_plan_action(pr->arena, pr->plan, remove_archive, path,
			       mr_printf(pr->arena, _("delete %s"), path));
	}
}

static void warn_of_bad(const struct pruning *pr)
{
	for (size_t i = 0; i < pr->list.count; i++)
		if (pr->list.items[i].state == MR_ARCHIVE_BAD)
			mr_log(MR_LOG_WARNING, _("this archive stands for nothing, and stays: %s"),
			       pr->list.items[i].fault);
}

static void plan_all(struct pruning *pr)
{
	struct mr_list names = { 0 };

	for (size_t i = 0; !pr->prune->fresh && i < pr->list.count; i++)
		if (is_ours(pr, &pr->list.items[i]) &&
		    !mr_list_has(&names, pr->list.items[i].series))
			mr_list_add(pr->arena, &names, pr->list.items[i].series);
	if (pr->prune->fresh)
		names = *pr->prune->fresh;
	for (size_t i = 0; i < names.count; i++) {
		struct series series = collect(pr, names.items[i]);

		if (pr->prune->fresh)
			add_fresh(pr, &series);
		plan_series(pr, &series);
	}
}

int mr_prune_plan(struct mr_arena *arena, const struct mr_config *config,
		  const struct mr_prune *prune, struct mr_plan *plan, struct mr_list *gone,
		  struct mr_error *err)
{
	struct pruning pr = { .arena = arena, .prune = prune, .plan = plan, .gone = gone };

	/* Before the very first archive there is no folder. */
	if (mr_backup_list(arena, config, false, &pr.list, err) < 0)
		return prune->fresh && err->code == MR_E_NOT_FOUND ? 0 : -1;
	if (find_needed(&pr, config, err) < 0 || mr_backup_key_read(config, &pr.key, err) < 0)
		return -1;
	warn_of_bad(&pr);
	plan_all(&pr);
	mr_secret_close(&pr.key);
	return 0;
}
