#include "backup/actions.h"

#include <stdio.h>
#include <time.h>

#include "adapters/service.h"
#include "base/log.h"
#include "features/backup_list.h"
#include "features/instance.h"

int backup_keep_parse(struct cl_context *context, struct mr_keep *out, bool *keeps,
		      struct mr_error *err)
{
	const struct backup *wanted = context->data;
	const char *text = wanted->keep ? wanted->keep : context->config.backup_keep;

	*keeps = wanted->keep || *text;
	if (!*keeps || mr_keep_parse(text, out, err) == 0)
		return 0;
	if (!wanted->keep)
		err->code = MR_E_CONFIG;
	return mr_fail_in(err, "%s", wanted->keep ? "--keep" : "backup.keep");
}

/* slapd that does not run is no reason to have no backup. */
int backup_topology_read(struct cl_context *context, struct mr_topology *out, struct mr_error *err)
{
	if (mr_service_running(MR_SERVICE_SLAPD, context->config.root) &&
	    mr_instance_open(context->arena, &context->config, &context->dir, err) < 0)
		mr_log(MR_LOG_WARNING, _("%s: reading the database files instead"), err->message);
	return mr_instance_topology(context->arena, context->dir, &context->config, out, err);
}

void backup_print_gone(const struct cl_context *context, const struct mr_list *gone)
{
	if (context->json || context->quiet || context->dry_run || !gone->count)
		return;
	puts(_("These go by what is to be kept:"));
	for (size_t i = 0; i < gone->count; i++)
		printf("  %s\n", gone->items[i]);
	fflush(stdout);
}

int backup_prune_check(struct cl_context *context, struct mr_error *err)
{
	struct mr_keep keep;
	bool keeps;

	if (backup_keep_parse(context, &keep, &keeps, err) < 0)
		return -1;
	return keeps ? 0
		     : mr_fail(err, MR_E_USAGE,
			       _("--prune: what is to be kept? --keep daily=7,weekly=4,monthly=12, "
				 "or "
				 "backup.keep in mailrepl.conf"));
}

int backup_prune_run(struct cl_context *context, struct mr_error *err)
{
	struct mr_prune prune = { .now = (int64_t)time(NULL) };
	struct mr_value *result = mr_value_object(context->arena);
	struct mr_topology topology;
	struct mr_list gone = { 0 };
	struct mr_plan plan = { 0 };
	struct mr_keep keep;
	bool keeps;

	if (cl_require_config(context, err) < 0 ||
	    backup_topology_read(context, &topology, err) < 0 ||
	    backup_keep_parse(context, &keep, &keeps, err) < 0)
		return -1;
	prune.keep = &keep;
	prune.domain_id = topology.domain_id;
	if (mr_prune_plan(context->arena, &context->config, &prune, &plan, &gone, err) < 0)
		return -1;
	mr_value_set(context->arena, result, "deleted", mr_value_strings(context->arena, &gone));
	backup_print_gone(context, &gone);
	return cl_finish(context, &plan, result, err);
}
