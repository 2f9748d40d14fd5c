#include "backup/actions.h"

static const struct cl_option options[] = {
	{ 'r', "restore", NULL, N_("restore this host from its newest archive, or from ARCHIVE") },
	{ BACKUP_AUTHORITATIVE, "authoritative", NULL,
	  N_("with -r: what this host owns returns to the archive's state") },
	{ BACKUP_ONLY, "only", "WHAT",
	  N_("with -r: only user:NAME, group:NAME, domain:NAME or an address") },
	{ BACKUP_UNDO, "undo", NULL, N_("with -r: return to the state before the last restore") },
	{ 0 },
};

static const struct backup_action actions[] = {
	{ 'r', "-r", false, 1, backup_restore_check, backup_restore_run },
	{ 0, "cl-backup", false, 0, NULL, backup_create_run },
};

static const struct backup_action *find_action(int key)
{
	for (const struct backup_action *action = actions; action->key; action++)
		if (action->key == key)
			return action;
	return NULL;
}

static int option(struct cl_context *context, int key, const char *value, struct mr_error *err)
{
	struct backup *wanted = context->data;
	const struct backup_action *action = find_action(key);

	if (backup_restore_option(context, key, value))
		return 0;
	if (wanted->action->key && wanted->action != action)
		return mr_fail(err, MR_E_USAGE, _("%s and %s exclude each other"),
			       wanted->action->name, action->name);
	wanted->action = action;
	wanted->value = value;
	context->reads = action->reads;
	return 0;
}

static int check(struct cl_context *context, struct mr_error *err)
{
	const struct backup *wanted = context->data;
	const struct backup_action *action = wanted->action;

	if (wanted->restoring && action->key != 'r')
		return mr_fail(err, MR_E_USAGE, _("%s goes with -r"), wanted->restoring);
	if (context->argc > action->most)
		return mr_fail(err, MR_E_USAGE, _("too many arguments: %s"),
			       context->argv[action->most]);
	return action->check ? action->check(context, err) : 0;
}

static int run(struct cl_context *context, struct mr_error *err)
{
	const struct backup *wanted = context->data;

	return wanted->action->run(context, err);
}

int main(int argc, char **argv)
{
	struct backup backup = { .action = &actions[sizeof(actions) / sizeof(actions[0]) - 1] };
	const struct cl_command command = {
		.name = "cl-backup",
		.usage = "[-r [--authoritative] [--only WHAT]... [--undo] [ARCHIVE]]",
		.summary = N_("Writes this host's archive, on the home one for each other host "
			      "too, or restores this host."),
		.options = options,
		.needs = CL_LOCK | CL_ROOT | CL_ASKS,
		.data = &backup,
		.option = option,
		.check = check,
		.run = run,
	};

	return cl_main(argc, argv, &command);
}
