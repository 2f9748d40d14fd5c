#include "backup/actions.h"

#include <stdio.h>
#include <string.h>

#include "adapters/json.h"
#include "base/log.h"
#include "features/backup_list.h"
#include "features/backup_manifest.h"

#define COLUMNS 8

static const char *state_of(struct mr_arena *arena, const struct mr_archive_item *item)
{
	if (item->state == MR_ARCHIVE_BAD)
		return _("NOT VALID");
	if (item->state == MR_ARCHIVE_SEALED)
		return _("sealed");
	return mr_printf(arena, "%s%s%s", _("valid"), item->sealed ? _(", sealed") : "",
			 item->archive.manifest.hmac ? "" : _(", no HMAC"));
}

/* Of all its LDIFs; -1: not known. */
static long long entries_of(const struct mr_archive_item *item)
{
	const struct mr_manifest *manifest = &item->archive.manifest;
	long long sum = -1;

	for (size_t i = 0; i < manifest->count; i++)
		if (manifest->members[i].entries >= 0)
			sum = (sum < 0 ? 0 : sum) + manifest->members[i].entries;
	return sum;
}

static const char *number(struct mr_arena *arena, bool known, long long value)
{
	return known ? mr_printf(arena, "%lld", value) : "-";
}

static void print_row(struct mr_arena *arena, const struct mr_archive_item *item,
		      const char **cells)
{
	const struct mr_manifest *manifest = &item->archive.manifest;
	bool read = item->state == MR_ARCHIVE_GOOD;

	backup_archive_cells(arena, manifest, cells);
	cells[3] = number(arena, read, manifest->generation);
	cells[4] = number(arena, true, item->archive.size);
	cells[5] = number(arena, entries_of(item) >= 0, entries_of(item));
	cells[6] = state_of(arena, item);
	cells[7] = backup_file_name(item->archive.path);
}

static void print_table(struct mr_arena *arena, const struct mr_archive_list *list)
{
	const char **cells = MR_NEW_ARRAY(arena, const char *, COLUMNS *(list->count + 1));

	cells[0] = _("TIME");
	cells[1] = _("HOST");
	cells[2] = _("FOR");
	cells[3] = _("GENERATION");
	cells[4] = _("BYTES");
	cells[5] = _("ENTRIES");
	cells[6] = _("STATE");
	cells[7] = _("ARCHIVE");
	for (size_t i = 0; i < list->count; i++)
		print_row(arena, &list->items[i], cells + COLUMNS * (i + 1));
	cl_table(cells, COLUMNS, list->count + 1);
}

static void print_json(struct mr_arena *arena, const struct mr_archive_list *list)
{
	static const char *const states[] = { "valid", "sealed", "bad" };
	struct mr_value *top = mr_value_object(arena);
	struct mr_value *archives = mr_value_set(arena, top, "archives", mr_value_list(arena));

	for (size_t i = 0; i < list->count; i++) {
		const struct mr_archive_item *item = &list->items[i];
		struct mr_value *one = mr_value_append(
			arena, archives,
			item->archive.manifest.host ? backup_archive_value(arena, &item->archive)
						    : mr_value_object(arena));

		mr_value_set_string(arena, one, "path", item->archive.path);
		mr_value_set_int(arena, one, "size", item->archive.size);
		if (entries_of(item) >= 0)
			mr_value_set_int(arena, one, "entries", entries_of(item));
		mr_value_set_string(arena, one, "state", states[item->state]);
		mr_value_set_bool(arena, one, "sealed", item->sealed);
		mr_value_set_bool(arena, one, "hmac", item->archive.manifest.hmac != NULL);
		mr_value_set_string(arena, one, "fault", item->fault);
	}
	fputs(mr_json_format(arena, top), stdout);
}

/* For monitoring: none at all is as bad as one that is damaged. */
static void judge(struct cl_context *context, const struct mr_archive_list *list)
{
	if (!list->count) {
		mr_log(MR_LOG_WARNING, _("%s%s: there is no archive"), context->config.root,
		       context->config.backup_folder);
		context->status = mr_error_status(MR_E_NOT_FOUND);
	}
	for (size_t i = 0; i < list->count; i++) {
		if (list->items[i].state != MR_ARCHIVE_BAD)
			continue;
		mr_log(MR_LOG_WARNING, "%s", list->items[i].fault);
		context->status = mr_error_status(MR_E_ARCHIVE);
	}
}

int backup_list_run(struct cl_context *context, struct mr_error *err)
{
	struct mr_archive_list list;

	if (mr_backup_list(context->arena, &context->config, context->verbose > 0, &list, err) < 0)
		return -1;
	if (context->json)
		print_json(context->arena, &list);
	else if (list.count)
		print_table(context->arena, &list);
	judge(context, &list);
	return 0;
}
