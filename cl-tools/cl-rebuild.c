#include <unistd.h>

#include "adapters/service.h"
#include "base/log.h"
#include "common/cl.h"
#include "features/backup_seal.h"
#include "features/heard.h"
#include "features/instance.h"
#include "features/join.h"
#include "features/rebuild.h"
#include "features/render.h"
#include "rebuild/changes.h"
#include "rebuild/settings.h"
#include "rebuild/templates.h"

#define LONGEST_PASSPHRASE 512

enum {
	KEY_REPL = 256,
	KEY_HOST,
	KEY_FINGERPRINT,
	KEY_OLD_FORMAT,
	KEY_PASSPHRASE,
	KEY_ALONE,
	KEY_CHECK,
	KEY_FACTS,
	KEY_SETTINGS,
	KEY_CHANGES,
	KEY_REPLACE,
	KEY_UNDO
};

/* What the option that chooses it is; 0: rendering. */
struct rebuild {
	int action;
	bool several, passphrase, old_format;
	const char *host, *fingerprint;
};

static const struct cl_option options[] = {
	{ KEY_REPL, "repl", NULL, N_("join the mail domain from an archive of cl-backup") },
	{ KEY_HOST, "host", N_("NAME"),
	  N_("with --repl: this host's name, if not that of hostname -f") },
	{ KEY_PASSPHRASE, "passphrase-stdin", NULL,
	  N_("with --repl: read the passphrase of the archive from standard input, one line") },
	{ KEY_FINGERPRINT, "fingerprint", N_("TEXT"),
	  N_("with --repl: demand that the archive has this fingerprint") },
	{ KEY_OLD_FORMAT, "old-format", NULL,
	  N_("with --repl: take an archive that carries no HMAC, of mailrepl before backup keys") },
	{ KEY_ALONE, "alone", NULL,
	  N_("this host's disk is not an old one, although no other host answers to say so") },
	{ KEY_CHANGES, "changes", NULL,
	  N_("show what was changed by hand in files that mailrepl renders") },
	{ KEY_REPLACE, "replace-changes", NULL,
	  N_("render, and give up what was changed by hand") },
	{ KEY_UNDO, "undo", NULL,
	  N_("put back what Postfix and Dovecot had before their last change") },
	{ KEY_CHECK, "check-templates", NULL,
	  N_("name every mistake in the templates and change nothing") },
	{ KEY_FACTS, "facts", NULL, N_("print what templates are filled with here, as JSON") },
	{ KEY_SETTINGS, "settings", NULL,
	  N_("print the settings of mailrepl.conf, those at their default too; or those named") },
	{ 0 },
};

static int option(struct cl_context *context, int key, const char *value, struct mr_error *err)
{
	struct rebuild *rebuild = context->data;

	(void)err;
	if (key == KEY_PASSPHRASE) {
		rebuild->passphrase = true;
		return 0;
	}
	if (key == KEY_OLD_FORMAT) {
		mr_backup_take_old_format();
		rebuild->old_format = true;
		return 0;
	}
	if (key == KEY_HOST) {
		rebuild->host = value;
		return 0;
	}
	if (key == KEY_FINGERPRINT) {
		rebuild->fingerprint = value;
		return 0;
	}
	context->reads |= key == KEY_CHECK || key == KEY_FACTS || key == KEY_CHANGES ||
			  key == KEY_SETTINGS;
	rebuild->several |= rebuild->action && rebuild->action != key;
	rebuild->action = key;
	return 0;
}

static int finish_join(struct cl_context *context, const struct mr_join *join,
		       const struct mr_plan *plan, struct mr_error *err)
{
	struct mr_value *result = mr_value_object(context->arena);

	if (join->archive.path &&
	    cl_fingerprint_check(context, &join->archive.manifest, join->archive.path,
				 ((const struct rebuild *)context->data)->fingerprint, err) < 0)
		return -1;
	mr_value_set_string(context->arena, result, "host", context->config.host);
	mr_value_set_string(context->arena, result, "archive", join->archive.path);
	if (join->archive.path)
		mr_log(MR_LOG_INFO, _("archive %s, made by %s"), join->archive.path,
		       join->archive.manifest.host);
	return cl_finish(context, plan, result, err);
}

static int read_passphrase(struct cl_context *context, struct mr_error *err)
{
	const struct rebuild *rebuild = context->data;
	MR_SECRET passphrase = { 0 };

	if (!rebuild->passphrase)
		return 0;
	if (mr_secret_read_line(&passphrase, STDIN_FILENO, LONGEST_PASSPHRASE, err) < 0)
		return mr_fail_in(err, _("passphrase on standard input"));
	mr_seal_init(&context->config, &passphrase, false);
	return 0;
}

static int run_join(struct cl_context *context, const char *host, struct mr_error *err)
{
	struct mr_join join = { 0 };
	struct mr_plan plan = { 0 };
	int result;

	if (read_passphrase(context, err) < 0)
		return -1;
	result = mr_join_plan(context->arena, &context->config, host, &join, &plan, err);

	if (result == 0)
		result = finish_join(context, &join, &plan, err);
	mr_join_close(&join);
	mr_seal_close();
	return result;
}

/* slapd may be what is broken: then its database files say what the topology is. */
static int read_topology(struct cl_context *context, struct mr_error *err)
{
	if (mr_service_running(MR_SERVICE_SLAPD, context->config.root) &&
	    mr_instance_open(context->arena, &context->config, &context->dir, err) < 0)
		return -1;
	return mr_instance_topology(context->arena, context->dir, &context->config,
				    &context->topology, err);
}

static int run_render(struct cl_context *context, bool give_up, struct mr_error *err)
{
	struct mr_arena *arena = context->arena;
	struct mr_plan plan = { 0 };

	if (read_topology(context, err) < 0 ||
	    (give_up ? mr_rebuild_replace_plan(arena, &context->config, context->dir,
					       &context->topology, &plan, err)
		     : mr_rebuild_plan(arena, &context->config, context->dir, &context->topology,
				       NULL, &plan, err)) < 0)
		return -1;
	return rebuild_finish(context, &plan, err);
}

static int run_undo(struct cl_context *context, struct mr_error *err)
{
	struct mr_plan plan = { 0 };

	if (mr_render_step_back_plan(context->arena, &context->config, &plan, err) < 0 ||
	    rebuild_finish_undo(context, &plan, err) < 0)
		return -1;
	if (plan.count && !context->dry_run)
		mr_log(MR_LOG_WARNING,
		       _("templates and topology still say otherwise: the next rendering "
			 "(cl-rebuild, "
			 "or mailrepl-watch when the topology changes) follows them again"));
	return 0;
}

static int run_alone(struct cl_context *context, struct mr_error *err)
{
	struct mr_plan plan = { 0 };

	if (mr_instance_open(context->arena, &context->config, &context->dir, err) < 0 ||
	    mr_instance_topology(context->arena, context->dir, &context->config, &context->topology,
				 err) < 0 ||
	    mr_heard_alone_plan(context->arena, &context->config, context->dir, &context->topology,
				&plan, err) < 0)
		return -1;
	return cl_finish(context, &plan, NULL, err);
}

static int check(struct cl_context *context, struct mr_error *err)
{
	const struct rebuild *rebuild = context->data;

	if (context->argc > 0 && rebuild->action != KEY_SETTINGS)
		return mr_fail(err, MR_E_USAGE, _("too many arguments: %s"), context->argv[0]);
	if (rebuild->fingerprint && rebuild->action != KEY_REPL)
		return mr_fail(err, MR_E_USAGE, _("--fingerprint goes with --repl"));
	if (rebuild->host && rebuild->action != KEY_REPL)
		return mr_fail(err, MR_E_USAGE, _("--host goes with --repl"));
	if (rebuild->old_format && rebuild->action != KEY_REPL)
		return mr_fail(err, MR_E_USAGE, _("--old-format goes with --repl"));
	if (rebuild->passphrase && rebuild->action != KEY_REPL)
		return mr_fail(err, MR_E_USAGE, _("--passphrase-stdin goes with --repl"));
	if (rebuild->several)
		return mr_fail(err, MR_E_USAGE,
			       _("one of --repl, --alone, --changes, --replace-changes, --undo, "
				 "--check-templates, --facts and --settings at a time"));
	if (rebuild->action == KEY_REPL || rebuild->action == KEY_CHECK ||
	    rebuild->action == KEY_SETTINGS)
		return 0;
	return cl_require_config(context, err);
}

static int run(struct cl_context *context, struct mr_error *err)
{
	const struct rebuild *rebuild = context->data;

	switch (rebuild->action) {
	case KEY_REPL:
		return run_join(context, rebuild->host, err);
	case KEY_ALONE:
		return run_alone(context, err);
	case KEY_CHECK:
		return rebuild_check_templates(context, err);
	case KEY_FACTS:
		return read_topology(context, err) < 0 ? -1 : rebuild_facts(context, err);
	case KEY_CHANGES:
		return read_topology(context, err) < 0 ? -1 : rebuild_changes(context, err);
	case KEY_SETTINGS:
		return rebuild_settings(context, err);
	case KEY_UNDO:
		return run_undo(context, err);
	default:
		return run_render(context, rebuild->action == KEY_REPLACE, err);
	}
}

int main(int argc, char **argv)
{
	struct rebuild rebuild = { 0 };
	const struct cl_command command = {
		.name = "cl-rebuild",
		.usage = "[--repl | --alone | --changes | --replace-changes | --undo | ...]",
		.summary =
			N_("Renders the configuration from the directory, or joins a mail domain."),
		.options = options,
		.needs = CL_LOCK | CL_ROOT | CL_ASKS,
		.data = &rebuild,
		.option = option,
		.check = check,
		.run = run,
	};

	return cl_main(argc, argv, &command);
}
