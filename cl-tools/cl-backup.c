#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "adapters/service.h"
#include "base/log.h"
#include "common/cl.h"
#include "features/backup.h"
#include "features/backup_manifest.h"
#include "features/instance.h"
#include "features/restore.h"

static const struct cl_option options[] = {
	{ 'r', "restore", NULL, N_("restore this host from its newest archive") },
	{ 0 },
};

struct backup {
	bool restore;
	struct cl_context *context;
	struct mr_topology topology;
	struct mr_backups made;
	struct mr_value *archives; /* for --json */
};

static int option(struct cl_context *context, int key, const char *value, struct mr_error *err)
{
	struct backup *backup = context->data;

	(void)key;
	(void)value;
	(void)err;
	backup->restore = true;
	return 0;
}

static struct mr_value *archive_value(struct mr_arena *arena, const struct mr_backup *made)
{
	struct mr_value *item = mr_value_object(arena);

	mr_value_set_string(arena, item, "path", made->path);
	mr_value_set_int(arena, item, "size", made->size);
	mr_value_set_string(arena, item, "host", made->manifest.host);
	mr_value_set_string(arena, item, "for", made->manifest.for_host);
	mr_value_set_string(arena, item, "created",
			    mr_manifest_time(arena, made->manifest.created));
	mr_value_set_int(arena, item, "generation", made->manifest.generation);
	return item;
}

static int create(void *argument, struct mr_error *err)
{
	struct backup *backup = argument;
	struct mr_arena *arena = backup->context->arena;

	if (mr_backup_create(arena, &backup->context->config, &backup->topology, &backup->made,
			     err) < 0)
		return -1;
	for (size_t i = 0; i < backup->made.count; i++)
		mr_value_append(arena, backup->archives,
				archive_value(arena, &backup->made.items[i]));
	return 0;
}

static void print_archives(const struct backup *backup)
{
	struct mr_arena *arena = backup->context->arena;
	size_t count = backup->made.count;
	const char **cells = MR_NEW_ARRAY(arena, const char *, 3 * (count + 1));

	cells[0] = _("FOR");
	cells[1] = _("BYTES");
	cells[2] = _("ARCHIVE");
	for (size_t i = 0; i < count; i++) {
		const struct mr_backup *made = &backup->made.items[i];

		cells[3 * i + 3] =
			made->manifest.for_host ? made->manifest.for_host : _("this host");
		cells[3 * i + 4] = mr_printf(arena, "%lld", (long long)made->size);
		cells[3 * i + 5] = made->path;
	}
	cl_table(cells, 3, count + 1);
	if (count < 2)
		return;
	puts(_("\nTo a host that joins, or that shall be able to come back, copy its own:"));
	for (size_t i = 1; i < count; i++)
		printf("  scp %s root@%s:%s/\n", backup->made.items[i].path,
		       backup->made.items[i].manifest.for_host,
		       backup->context->config.backup_folder);
}

/* slapd that does not run is no reason to have no backup. */
static int read_topology(struct backup *backup, struct mr_error *err)
{
	struct cl_context *context = backup->context;

	if (mr_service_running(MR_SERVICE_SLAPD, context->config.root) &&
	    mr_instance_open(context->arena, &context->config, &context->dir, err) < 0)
		mr_log(MR_LOG_WARNING, _("%s: reading the database files instead"), err->message);
	return mr_instance_topology(context->arena, context->dir, &context->config,
				    &backup->topology, err);
}

static int run_create(struct backup *backup, struct mr_error *err)
{
	struct cl_context *context = backup->context;
	struct mr_value *result = mr_value_object(context->arena);
	struct mr_plan plan = { 0 };

	if (cl_require_config(context, err) < 0 || read_topology(backup, err) < 0)
		return -1;
	backup->archives =
		mr_value_set(context->arena, result, "archives", mr_value_list(context->arena));
	mr_plan_action(context->arena, &plan, create, backup,
		       mr_printf(context->arena, _("write the archives of %s into %s%s"),
				 context->config.host, context->config.root,
				 context->config.backup_folder));
	if (cl_finish(context, &plan, result, err) < 0)
		return -1;
	if (!context->dry_run && !context->json)
		print_archives(backup);
	return 0;
}

static void print_restore(const struct cl_context *context, const struct mr_restore *restore,
			  const struct mr_plan *plan)
{
	const struct mr_manifest *manifest = &restore->archive.manifest;
	FILE *to = context->json ? stderr : stdout;
	MR_BUF text = { 0 };

	fprintf(to, _("Archive %s\n  made by %s, %s, generation %lld\n%s\n"), restore->archive.path,
		manifest->host, mr_manifest_time(context->arena, manifest->created),
		manifest->generation, mr_restore_case_text(restore->which));
	/* With --dry-run and -v the plan is printed anyway. */
	if (!context->dry_run && !context->verbose && plan->count) {
		mr_plan_format(plan, false, &text);
		fputs(mr_buf_text(&text), to);
	}
	fflush(to);
}

static int apply_restore(struct cl_context *context, const struct mr_restore *restore,
			 const struct mr_plan *plan, struct mr_error *err)
{
	static const char *const cases[] = { "changes", "rejoin", "bare" };
	struct mr_value *result = mr_value_object(context->arena);

	mr_value_set(context->arena, result, "archive",
		     archive_value(context->arena, &restore->archive));
	mr_value_set_string(context->arena, result, "case", cases[restore->which]);
	if (!context->quiet || !context->yes)
		print_restore(context, restore, plan);
	if (plan->count && !context->dry_run && cl_confirm(context, _("Restore?"), err) < 0)
		return -1;
	/* The archive's, where this host had none. */
	context->config = restore->config;
	return cl_finish(context, plan, result, err);
}

static int run_restore(struct cl_context *context, struct mr_error *err)
{
	struct mr_restore restore = { 0 };
	struct mr_plan plan = { 0 };
	int rc = mr_restore_plan(context->arena, &context->config, &restore, &plan, err);

	if (rc == 0)
		rc = apply_restore(context, &restore, &plan, err);
	mr_restore_close(&restore);
	return rc;
}

static int run(struct cl_context *context, struct mr_error *err)
{
	struct backup *backup = context->data;

	if (context->argc > 0)
		return mr_fail(err, MR_E_USAGE, _("too many arguments: %s"), context->argv[0]);
	backup->context = context;
	return backup->restore ? run_restore(context, err) : run_create(backup, err);
}

int main(int argc, char **argv)
{
	struct backup backup = { 0 };
	const struct cl_command command = {
		.name = "cl-backup",
		.usage = "[-r]",
		.summary = N_("Writes this host's archive, on the home one for each other host "
			      "too, or restores this host."),
		.options = options,
		.needs = CL_LOCK | CL_ROOT | CL_ASKS,
		.data = &backup,
		.option = option,
		.run = run,
	};

	return cl_main(argc, argv, &command);
}
