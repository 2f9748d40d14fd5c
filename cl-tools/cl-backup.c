#include "backup/actions.h"

#include <limits.h>
#include <string.h>

#include "features/backup_seal.h"

static const struct cl_option options[] = {
	{ 'r', "restore", NULL, N_("restore this host from its newest archive, or from ARCHIVE") },
	{ BACKUP_AUTHORITATIVE, "authoritative", NULL,
	  N_("with -r: what this host owns returns to the archive's state") },
	{ BACKUP_ONLY | CL_MANY, "only", "WHAT",
	  N_("with -r: only user:NAME, group:NAME, domain:NAME or an address") },
	{ BACKUP_UNDO, "undo", NULL, N_("with -r: return to the state before the last restore") },
	{ BACKUP_OLD_FORMAT, "old-format", NULL,
	  N_("with -r: take an archive that carries no HMAC, of mailrepl before backup keys") },
	{ BACKUP_LIST, "list", NULL,
	  N_("list the archives and whether they are valid; with -v all of each is read") },
	{ BACKUP_VERIFY, "verify", NULL,
	  N_("read the newest archives, or each ARCHIVE, from beginning to end and check all") },
	{ BACKUP_ALL, "all", NULL, N_("with --verify: all archives") },
	{ BACKUP_FINGERPRINT, "fingerprint", N_("[TEXT]"),
	  N_("show the fingerprint of the domain's backup key; with -r: demand that one") },
	{ BACKUP_FOR, "for", N_("HOST"), N_("make just the archive for this host") },
	{ BACKUP_KEEP, "keep", N_("RULE"),
	  N_("which archives stay, as in daily=7,weekly=4,monthly=12; the others are deleted when "
	     "there are new ones") },
	{ BACKUP_PRUNE, "prune", NULL, N_("make no archive, only delete by --keep") },
	{ BACKUP_ENCRYPT_TO | CL_MANY, "encrypt-to", N_("KEY"),
	  N_("seal the archives to this public key of age; repeat it for several") },
	{ BACKUP_PASSPHRASE, "passphrase", NULL,
	  N_("seal the archives with a passphrase, which is asked for") },
	{ BACKUP_PASSPHRASE_STDIN, "passphrase-stdin", NULL,
	  N_("read the passphrase from standard input, one line: to seal, or to open") },
	{ BACKUP_MAKE_KEY, "make-key", NULL,
	  N_("make this host's key for sealed archives, and print the public one") },
	{ 0 },
};

static const struct backup_action actions[] = {
	{ 'r', "-r", false, 1, backup_restore_check, backup_restore_run },
	{ BACKUP_LIST, "--list", true, 0, NULL, backup_list_run },
	{ BACKUP_VERIFY, "--verify", true, INT_MAX, backup_verify_check, backup_verify_run },
	{ BACKUP_FINGERPRINT, "--fingerprint", true, 0, NULL, backup_fingerprint_run },
	{ BACKUP_PRUNE, "--prune", false, 0, backup_prune_check, backup_prune_run },
	{ BACKUP_MAKE_KEY, "--make-key", false, 0, NULL, backup_key_run },
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

	if (backup_restore_option(context, key, value) || backup_seal_option(context, key, value))
		return 0;
	if (key == BACKUP_ALL) {
		wanted->all = true;
		return 0;
	}
	if (key == BACKUP_FINGERPRINT && (value || wanted->action->key == 'r')) {
		wanted->fingerprint = value;
		wanted->restoring = "--fingerprint";
		return 0;
	}
	if (key == BACKUP_KEEP || key == BACKUP_FOR) {
		*(key == BACKUP_KEEP ? &wanted->keep : &wanted->for_host) = value;
		return 0;
	}
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
	if (wanted->all && action->key != BACKUP_VERIFY)
		return mr_fail(err, MR_E_USAGE, _("--all goes with --verify"));
	if (wanted->restoring && !wanted->fingerprint &&
	    strcmp(wanted->restoring, "--fingerprint") == 0)
		return mr_fail(err, MR_E_USAGE, _("--fingerprint with -r needs a value"));
	if (wanted->creating && action->key)
		return mr_fail(err, MR_E_USAGE, _("%s goes with making archives, not with %s"),
			       wanted->creating, action->name);
	if (wanted->for_host && action->key)
		return mr_fail(err, MR_E_USAGE, _("--for goes with making archives, not with %s"),
			       action->name);
	if (wanted->keep && action->key && action->key != BACKUP_PRUNE)
		return mr_fail(err, MR_E_USAGE, _("--keep goes with making archives, or --prune"));
	if (context->argc > action->most)
		return mr_fail(err, MR_E_USAGE, _("too many arguments: %s"),
			       context->argv[action->most]);
	if (backup_seal_check(context, err) < 0)
		return -1;
	return action->check ? action->check(context, err) : 0;
}

static int run(struct cl_context *context, struct mr_error *err)
{
	struct backup *wanted = context->data;
	int rc;

	if (backup_seal_read(context, err) < 0)
		return -1;
	rc = wanted->action->run(context, err);
	mr_seal_close();
	mr_secret_close(&wanted->secret);
	return rc;
}

int main(int argc, char **argv)
{
	struct backup backup = { .action = &actions[sizeof(actions) / sizeof(actions[0]) - 1] };
	const struct cl_command command = {
		.name = "cl-backup",
		.usage = "[--list | --verify [--all | ARCHIVE...] | --fingerprint | --prune | "
			 "--make-key | -r [--authoritative] [--only WHAT]... "
			 "[--undo] [ARCHIVE]]",
		.summary = N_("Writes this host's archive, on the home one for each other host "
			      "too, lists them, deletes old ones, or restores this host."),
		.options = options,
		.needs = CL_LOCK | CL_ROOT | CL_ASKS,
		.data = &backup,
		.option = option,
		.check = check,
		.run = run,
	};

	return cl_main(argc, argv, &command);
}
