#include "backup/actions.h"

#include <stdio.h>
#include <string.h>

#include "adapters/json.h"
#include "features/backup_key.h"
#include "features/backup_manifest.h"
#include "features/backup_verdict.h"

#define COLUMNS 7

static const char *state_of(const struct mr_backup_verdict *verdict)
{
	if (verdict->fault)
		return _("NOT VALID");
	return verdict->manifest.trust == MR_TRUST_NONE ? _("ok, no HMAC") : _("ok");
}

static void print_row(struct mr_arena *arena, const struct mr_backup_verdict *verdict,
		      const char **cells)
{
	const struct mr_manifest *manifest = &verdict->manifest;

	backup_archive_cells(arena, manifest, cells);
	cells[3] = manifest->host ? mr_printf(arena, "%lld", manifest->generation) : "-";
	cells[4] =
		verdict->entries < 0 ? "-" : mr_printf(arena, "%lld", (long long)verdict->entries);
	cells[5] = state_of(verdict);
	cells[6] = backup_file_name(verdict->path);
}

static void print_table(struct mr_arena *arena, const struct mr_backup_verdict *verdicts,
			size_t count)
{
	const char **cells = MR_NEW_ARRAY(arena, const char *, COLUMNS *(count + 1));

	cells[0] = _("TIME");
	cells[1] = _("HOST");
	cells[2] = _("FOR");
	cells[3] = _("GENERATION");
	cells[4] = _("ENTRIES");
	cells[5] = _("STATE");
	cells[6] = _("ARCHIVE");
	for (size_t i = 0; i < count; i++)
		print_row(arena, &verdicts[i], cells + COLUMNS * (i + 1));
	cl_table(cells, COLUMNS, count + 1);
	for (size_t i = 0; i < count; i++)
		if (verdicts[i].fault)
			printf("\n%s\n", verdicts[i].fault);
}

static struct mr_value *value_of(struct mr_arena *arena, const struct mr_backup_verdict *verdict)
{
	static const char *const trusts[] = { "none", "its-own-key", "key" };
	const struct mr_backup archive = { verdict->path, verdict->size, verdict->manifest };
	struct mr_value *item = verdict->manifest.host ? backup_archive_value(arena, &archive)
						       : mr_value_object(arena);

	mr_value_set_string(arena, item, "path", verdict->path);
	mr_value_set_int(arena, item, "size", verdict->size);
	if (verdict->manifest.host)
		mr_value_set_int(arena, item, "format", verdict->manifest.format);
	if (verdict->entries >= 0)
		mr_value_set_int(arena, item, "entries", verdict->entries);
	if (!verdict->fault) {
		mr_value_set_string(arena, item, "hmac", trusts[verdict->manifest.trust]);
		mr_value_set_string(arena, item, "fingerprint", verdict->manifest.fingerprint);
	}
	mr_value_set_bool(arena, item, "valid", !verdict->fault);
	mr_value_set_string(arena, item, "fault", verdict->fault);
	return item;
}

static void print_json(struct mr_arena *arena, const struct mr_backup_verdict *verdicts,
		       size_t count)
{
	struct mr_value *top = mr_value_object(arena);
	struct mr_value *archives = mr_value_set(arena, top, "archives", mr_value_list(arena));

	for (size_t i = 0; i < count; i++)
		mr_value_append(arena, archives, value_of(arena, &verdicts[i]));
	fputs(mr_json_format(arena, top), stdout);
}

int backup_verify_check(struct cl_context *context, struct mr_error *err)
{
	if (((const struct backup *)context->data)->all && context->argc)
		return mr_fail(err, MR_E_USAGE, _("either --all or names of archives"));
	return 0;
}

static int choose(struct cl_context *context, struct mr_list *out, struct mr_error *err)
{
	const struct backup *wanted = context->data;

	for (int i = 0; i < context->argc; i++)
		mr_list_add(context->arena, out,
			    mr_backup_find(context->arena, &context->config, context->argv[i]));
	return out->count
		       ? 0
		       : mr_backup_paths(context->arena, &context->config, wanted->all, out, err);
}

/* The first fault decides: one that could not be read is told from one that is damaged. */
static int status_of(const struct mr_backup_verdict *verdicts, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (verdicts[i].fault)
			return mr_error_status(verdicts[i].code);
	return 0;
}

int backup_verify_run(struct cl_context *context, struct mr_error *err)
{
	struct mr_backup_verdict *verdicts;
	struct mr_list paths = { 0 };
	MR_SECRET key = { 0 };

	if (mr_backup_key_read(&context->config, &key, err) < 0 || choose(context, &paths, err) < 0)
		return -1;
	verdicts = MR_NEW_ARRAY(context->arena, struct mr_backup_verdict, paths.count);
	for (size_t i = 0; i < paths.count; i++)
		mr_backup_verdict(context->arena, &key, paths.items[i], &verdicts[i]);
	if (context->json)
		print_json(context->arena, verdicts, paths.count);
	else
		print_table(context->arena, verdicts, paths.count);
	context->status = status_of(verdicts, paths.count);
	return 0;
}
