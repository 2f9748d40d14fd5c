#include "backup/actions.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "features/backup_folder.h"
#include "features/backup_list.h"

struct making {
	struct cl_context *context;
	struct mr_topology topology;
	struct mr_backup_order order;
	struct mr_backups made;
	struct mr_list gone;
	struct mr_value *archives; /* for --json */
};

static int create(void *argument, struct mr_error *err)
{
	struct making *making = argument;
	struct mr_arena *arena = making->context->arena;

	if (mr_backup_create_ordered(arena, &making->context->config, &making->topology,
				     &making->order, &making->made, err) < 0)
		return -1;
	for (size_t i = 0; i < making->made.count; i++)
		mr_value_append(arena, making->archives,
				backup_archive_value(arena, &making->made.items[i]));
	return mr_backup_folder_record(&making->context->config, err);
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
	if (!making->made.items[count - 1].manifest.for_host)
		return;
	puts(_("\nTo a host that joins, or that shall be able to come back, copy its own:"));
	for (size_t i = 0; i < count; i++)
		if (making->made.items[i].manifest.for_host)
			printf("  scp %s root@%s:%s/\n", making->made.items[i].path,
			       making->made.items[i].manifest.for_host,
			       making->context->config.backup_folder);
}

/* What goes when there are new archives, of the same series alone. */
static int plan_prune(struct making *making, struct mr_plan *plan, struct mr_error *err)
{
	struct cl_context *context = making->context;
	struct mr_list targets = { 0 }, fresh = { 0 };
	struct mr_keep keep;
	struct mr_prune prune = { &keep, making->topology.domain_id, (int64_t)time(NULL), &fresh };
	const char *host = context->config.host;
	bool keeps;

	if (backup_keep_parse(context, &keep, &keeps, err) < 0 ||
	    mr_backup_targets(context->arena, &context->config, &making->topology, &making->order,
			      &targets, err) < 0)
		return -1;
	for (size_t i = 0; i < targets.count; i++)
		mr_list_add(context->arena, &fresh,
			    mr_backup_series(
				    context->arena, host,
				    strcmp(targets.items[i], host) == 0 ? NULL : targets.items[i]));
	return keeps ? mr_prune_plan(context->arena, &context->config, &prune, plan, &making->gone,
				     err)
		     : 0;
}

static const char *summary(const struct making *making)
{
	struct cl_context *context = making->context;
	const char *folder = mr_printf(context->arena, "%s%s", context->config.root,
				       context->config.backup_folder);
	const char *sealed = making->order.seal ? _(", sealed") : "";

	if (making->order.for_host)
		return mr_printf(context->arena, _("write the archive for %s into %s%s"),
				 making->order.for_host, folder, sealed);
	return mr_printf(context->arena, _("write the archives of %s into %s%s"),
			 context->config.host, folder, sealed);
}

int backup_create_run(struct cl_context *context, struct mr_error *err)
{
	const struct backup *wanted = context->data;
	struct making making = { .context = context };
	struct mr_value *result = mr_value_object(context->arena);
	struct mr_plan plan = { 0 };

	if (cl_require_config(context, err) < 0 ||
	    mr_backup_folder_check(&context->config, err) < 0 ||
	    backup_topology_read(context, &making.topology, err) < 0)
		return -1;
	making.order = (struct mr_backup_order){ wanted->for_host, backup_seal_of(context) };
	making.archives =
		mr_value_set(context->arena, result, "archives", mr_value_list(context->arena));
	mr_plan_action(context->arena, &plan, create, &making, summary(&making));
	if (plan_prune(&making, &plan, err) < 0)
		return -1;
	mr_value_set(context->arena, result, "deleted",
		     mr_value_strings(context->arena, &making.gone));
	backup_print_gone(context, &making.gone);
	if (cl_finish(context, &plan, result, err) < 0)
		return -1;
	if (!context->dry_run && !context->json && !context->quiet)
		print_archives(&making);
	return 0;
}
