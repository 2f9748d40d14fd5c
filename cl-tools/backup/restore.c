#include "backup/actions.h"

#include <stdio.h>

#include "base/log.h"
#include "features/backup_manifest.h"
#include "features/restore.h"

#define NAMES_MOST 20 /* of each kind that are shown without -v */

static void add_list(struct mr_arena *arena, struct mr_value *object, const char *key,
		     const struct mr_list *list)
{
	mr_value_set(arena, object, key, mr_value_strings(arena, list));
}

static struct mr_value *result_of(struct mr_arena *arena, const struct mr_restore *restore)
{
	struct mr_value *result = mr_value_object(arena);
	struct mr_value *since = mr_value_set(arena, result, "since", mr_value_object(arena));

	mr_value_set(arena, result, "archive", backup_archive_value(arena, &restore->archive));
	mr_value_set_string(arena, result, "case", mr_restore_case_word(restore->which));
	add_list(arena, since, "added", &restore->came);
	add_list(arena, since, "changed", &restore->changed);
	add_list(arena, since, "deleted", &restore->went);
	add_list(arena, result, "kept", &restore->kept);
	add_list(arena, result, "silent", &restore->silent);
	return result;
}

static bool differs(const struct mr_restore *restore)
{
	return restore->came.count || restore->changed.count || restore->went.count;
}

/* Alive, and not asked to roll back. */
static void say_what_differs(struct cl_context *context, const struct mr_restore *restore)
{
	mr_log(MR_LOG_WARNING,
	       _("nothing was rolled back: since %s %zu came, %zu changed, %zu went. To return to "
		 "that state: cl-backup -r --authoritative; for a part of it: cl-backup -r --only "
		 "user:NAME"),
	       restore->archive.path, restore->came.count, restore->changed.count,
	       restore->went.count);
	context->status = mr_error_status(MR_E_DENIED);
}

/* What the archive would take from others, only a person can say. */
static int ask_bare(struct cl_context *context, const struct mr_restore *restore,
		    struct mr_error *err)
{
	const char *silent = mr_list_join(context->arena, &restore->silent, ", ");

	if (restore->resumed || context->dry_run || restore->request.authoritative ||
	    !restore->silent.count)
		return 0;
	if (context->yes)
		return mr_fail(
			err, MR_E_UNAVAILABLE,
			_("%s: no answer. Switched off or cut off, they may have what is newer "
			  "than the archive: run this again when one of them answers. Gone for "
			  "good, or wrong: cl-backup -r --authoritative"),
			silent);
	return cl_confirm(
		context,
		mr_printf(context->arena,
			  _("%s: no answer. If they are only switched off or cut off, what "
			    "they know and the archive does not is lost. Load the "
			    "archive all the same?"),
			  silent),
		err);
}

static void print_names(const struct cl_context *context, FILE *to, const char *what,
			const struct mr_list *names)
{
	size_t most = context->verbose ? names->count : NAMES_MOST;

	if (!names->count)
		return;
	fprintf(to, "  %s: %zu\n", what, names->count);
	for (size_t i = 0; i < names->count && i < most; i++)
		fprintf(to, "    %s\n", names->items[i]);
	if (most < names->count)
		fprintf(to, _("    and %zu more (-v shows all)\n"), names->count - most);
}

static void print_differences(const struct cl_context *context, const struct mr_restore *restore,
			      FILE *to)
{
	bool stays = restore->which == MR_RESTORE_ALIVE;

	print_names(context, to,
		    stays ? _("came since, and stays") : _("came since, will be removed"),
		    &restore->came);
	print_names(context, to,
		    stays ? _("changed since, and stays so")
			  : _("changed since, will be changed back"),
		    &restore->changed);
	print_names(context, to,
		    stays ? _("went since, and is not brought back")
			  : _("went since, will be brought back"),
		    &restore->went);
	print_names(context, to, _("stays as it is"), &restore->kept);
}

static void print_restore(const struct cl_context *context, const struct mr_restore *restore)
{
	const struct mr_manifest *manifest = &restore->archive.manifest;
	FILE *to = context->json ? stderr : stdout;

	fprintf(to, _("Archive %s\n  made by %s, %s, generation %lld\n%s\n"), restore->archive.path,
		manifest->host, mr_manifest_time(context->arena, manifest->created),
		manifest->generation, mr_restore_case_text(restore->which));
	print_names(context, to, _("hosts that answer and have a copy"), &restore->copies);
	print_names(context, to, _("hosts that answer and have none"), &restore->without);
	print_names(context, to, _("hosts that do not answer"), &restore->silent);
	print_differences(context, restore, to);
	/* With --dry-run and -v the whole plan is printed anyway. */
	for (size_t i = 0; i < restore->besides.count && !context->dry_run && !context->verbose;
	     i++)
		fprintf(to, "  - %s\n", restore->besides.items[i]);
	fflush(to);
}

static int confirm(struct cl_context *context, const struct mr_restore *restore,
		   const struct mr_plan *plan, struct mr_error *err)
{
	if (context->dry_run || !plan->count)
		return 0;
	if (restore->which == MR_RESTORE_BARE && ask_bare(context, restore, err) < 0)
		return -1;
	return cl_confirm(context,
			  restore->which == MR_RESTORE_ALIVE ? _("Bring these files back?")
							     : _("Restore?"),
			  err);
}

static int apply_restore(struct cl_context *context, const struct mr_restore *restore,
			 const struct mr_plan *plan, struct mr_error *err)
{
	const struct backup *backup = context->data;
	struct mr_value *result = result_of(context->arena, restore);
	int rc;

	if (cl_fingerprint_check(context, &restore->archive.manifest, restore->archive.path,
				 backup->fingerprint, err) < 0)
		return -1;

	if (!context->quiet || !context->yes)
		print_restore(context, restore);
	if (confirm(context, restore, plan, err) < 0)
		return -1;
	/* The archive's, where this host had none. */
	context->config = restore->config;
	context->dir = restore->dir;
	rc = cl_finish(context, plan, result, err);
	context->dir = NULL; /* it is the restore's */
	return rc;
}

/* What the person who asked for it should know now. */
static void say_what_is_left(struct cl_context *context, const struct mr_restore *restore,
			     const struct mr_plan *plan)
{
	bool changed = plan->count && !context->dry_run;

	if (restore->which == MR_RESTORE_ALIVE && differs(restore))
		say_what_differs(context, restore);
	if (restore->which == MR_RESTORE_REJOIN && restore->request.authoritative) {
		mr_log(MR_LOG_WARNING,
		       _("nothing is rolled back yet: what this host owns is that of its peers' "
			 "copies. Run the same command again to see what differs from the "
			 "archive"));
		context->status = mr_error_status(MR_E_DENIED);
	}
	if (changed &&
	    (restore->which == MR_RESTORE_ROLL_BACK || restore->which == MR_RESTORE_ONLY))
		mr_log(MR_LOG_INFO,
		       _("cl-backup -r --undo returns to the state before; the next cl-backup "
			 "archives the state after"));
}

int backup_restore_run(struct cl_context *context, struct mr_error *err)
{
	struct backup *backup = context->data;
	struct mr_restore restore = { .request = backup->restore };
	struct mr_plan plan = { 0 };
	int rc;

	restore.request.seal = backup_seal_of(context);
	restore.request.archive = context->argc ? context->argv[0] : NULL;
	rc = mr_restore_plan(context->arena, &context->config, &restore, &plan, err);
	if (rc == 0)
		rc = apply_restore(context, &restore, &plan, err);
	if (rc == 0)
		say_what_is_left(context, &restore, &plan);
	mr_restore_close(&restore);
	return rc;
}

bool backup_restore_option(struct cl_context *context, int key, const char *value)
{
	struct backup *backup = context->data;
	struct mr_restore_request *request = &backup->restore;

	switch (key) {
	case BACKUP_AUTHORITATIVE:
		request->authoritative = true;
		backup->restoring = "--authoritative";
		return true;
	case BACKUP_ONLY:
		mr_list_add(context->arena, &request->only, value);
		backup->restoring = "--only";
		return true;
	case BACKUP_UNDO:
		request->undo = true;
		backup->restoring = "--undo";
		return true;
	case BACKUP_OLD_FORMAT:
		mr_backup_take_old_format();
		backup->restoring = "--old-format";
		return true;
	default:
		return false;
	}
}

int backup_restore_check(struct cl_context *context, struct mr_error *err)
{
	const struct mr_restore_request *request = &((struct backup *)context->data)->restore;

	if (request->undo && (request->only.count || request->authoritative || context->argc))
		return mr_fail(err, MR_E_USAGE,
			       _("--undo takes neither an archive nor --only nor --authoritative"));
	return 0;
}
