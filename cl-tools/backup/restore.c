#include "backup/actions.h"

#include <stdio.h>

#include "features/backup_manifest.h"
#include "features/restore.h"

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
		     backup_archive_value(context->arena, &restore->archive));
	mr_value_set_string(context->arena, result, "case", cases[restore->which]);
	if (!context->quiet || !context->yes)
		print_restore(context, restore, plan);
	if (plan->count && !context->dry_run && cl_confirm(context, _("Restore?"), err) < 0)
		return -1;
	/* The archive's, where this host had none. */
	context->config = restore->config;
	return cl_finish(context, plan, result, err);
}

int backup_restore_run(struct cl_context *context, struct mr_error *err)
{
	struct mr_restore restore = { 0 };
	struct mr_plan plan = { 0 };
	int rc = mr_restore_plan(context->arena, &context->config, &restore, &plan, err);

	if (rc == 0)
		rc = apply_restore(context, &restore, &plan, err);
	mr_restore_close(&restore);
	return rc;
}
