#include "backup/actions.h"

#include <stdio.h>

#include "adapters/service.h"
#include "base/log.h"
#include "features/instance.h"

struct making {
	struct cl_context *context;
	struct mr_topology topology;
	struct mr_backups made;
	struct mr_value *archives; /* for --json */
};

static int create(void *argument, struct mr_error *err)
{
	struct making *making = argument;
	struct mr_arena *arena = making->context->arena;

	if (mr_backup_create(arena, &making->context->config, &making->topology, &making->made,
			     err) < 0)
		return -1;
	for (size_t i = 0; i < making->made.count; i++)
		mr_value_append(arena, making->archives,
				backup_archive_value(arena, &making->made.items[i]));
	return 0;
}

static void print_archives(const struct making *making)
{
	struct mr_arena *arena = making->context->arena;
	size_t count = making->made.count;
	const char **cells = MR_NEW_ARRAY(arena, const char *, 3 * (count + 1));

	cells[0] = _("FOR");
	cells[1] = _("BYTES");
	cells[2] = _("ARCHIVE");
	for (size_t i = 0; i < count; i++) {
		const struct mr_backup *made = &making->made.items[i];

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
		printf("  scp %s root@%s:%s/\n", making->made.items[i].path,
		       making->made.items[i].manifest.for_host,
		       making->context->config.backup_folder);
}

/* slapd that does not run is no reason to have no backup. */
static int read_topology(struct making *making, struct mr_error *err)
{
	struct cl_context *context = making->context;

	if (mr_service_running(MR_SERVICE_SLAPD, context->config.root) &&
	    mr_instance_open(context->arena, &context->config, &context->dir, err) < 0)
		mr_log(MR_LOG_WARNING, _("%s: reading the database files instead"), err->message);
	return mr_instance_topology(context->arena, context->dir, &context->config,
				    &making->topology, err);
}

int backup_create_run(struct cl_context *context, struct mr_error *err)
{
	struct making making = { .context = context };
	struct mr_value *result = mr_value_object(context->arena);
	struct mr_plan plan = { 0 };

	if (cl_require_config(context, err) < 0 || read_topology(&making, err) < 0)
		return -1;
	making.archives =
		mr_value_set(context->arena, result, "archives", mr_value_list(context->arena));
	mr_plan_action(context->arena, &plan, create, &making,
		       mr_printf(context->arena, _("write the archives of %s into %s%s"),
				 context->config.host, context->config.root,
				 context->config.backup_folder));
	if (cl_finish(context, &plan, result, err) < 0)
		return -1;
	if (!context->dry_run && !context->json)
		print_archives(&making);
	return 0;
}
