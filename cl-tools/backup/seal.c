#include "backup/actions.h"

#include <stdio.h>
#include <unistd.h>

#include "adapters/password.h"
#include "base/paths.h"
#include "features/backup_seal.h"

#define LONGEST_PASSPHRASE 512

bool backup_seal_option(struct cl_context *context, int key, const char *value)
{
	struct backup *wanted = context->data;

	if (key == BACKUP_ENCRYPT_TO) {
		mr_list_add(context->arena, &wanted->encrypt_to, value);
		wanted->creating = "--encrypt-to";
	} else if (key == BACKUP_PASSPHRASE) {
		wanted->passphrase = true;
		wanted->creating = "--passphrase";
	} else if (key == BACKUP_PASSPHRASE_STDIN) {
		wanted->passphrase_stdin = true;
	} else {
		return false;
	}
	return true;
}

int backup_seal_check(struct cl_context *context, struct mr_error *err)
{
	const struct backup *wanted = context->data;

	if ((wanted->passphrase || wanted->passphrase_stdin) && wanted->encrypt_to.count)
		return mr_fail(
			err, MR_E_USAGE,
			_("either a passphrase or --encrypt-to: not both for the same archive"));
	for (size_t i = 0; i < wanted->encrypt_to.count; i++)
		if (mr_age_recipient_check(wanted->encrypt_to.items[i], err) < 0)
			return mr_fail_in(err, "--encrypt-to");
	return 0;
}

int backup_seal_read(struct cl_context *context, struct mr_error *err)
{
	struct backup *wanted = context->data;

	if (wanted->passphrase_stdin) {
		if (mr_secret_read_line(&wanted->secret, STDIN_FILENO, LONGEST_PASSPHRASE, err) < 0)
			return mr_fail_in(err, _("passphrase on standard input"));
		if (wanted->secret.len == 0)
			return mr_fail(err, MR_E_INVALID, _("the passphrase is empty"));
	} else if (wanted->passphrase && !context->dry_run &&
		   mr_passphrase_ask(_("the archives"), true, &wanted->secret, err) < 0) {
		return -1;
	}
	mr_seal_init(&context->config, wanted->secret.data ? &wanted->secret : NULL, true);
	return 0;
}

/* The settings' keys, divided by blanks. */
static struct mr_list configured(struct cl_context *context)
{
	struct mr_list words =
		mr_list_split(context->arena, context->config.backup_recipients, ' ');
	struct mr_list keys = { 0 };

	for (size_t i = 0; i < words.count; i++)
		if (*words.items[i])
			mr_list_add(context->arena, &keys, words.items[i]);
	return keys;
}

const struct mr_age_seal *backup_seal_of(struct cl_context *context)
{
	struct backup *wanted = context->data;

	if (wanted->passphrase || wanted->passphrase_stdin) {
		wanted->seal.passphrase = &wanted->secret;
		return &wanted->seal;
	}
	if (!wanted->encrypt_to.count)
		wanted->encrypt_to = configured(context);
	wanted->seal.recipients = &wanted->encrypt_to;
	return wanted->encrypt_to.count ? &wanted->seal : NULL;
}

struct making_key {
	struct cl_context *context;
	struct mr_value *result;
	const char *recipient;
};

static int make_key(void *argument, struct mr_error *err)
{
	struct making_key *making = argument;
	struct cl_context *context = making->context;

	if (mr_seal_make_key(context->arena, &context->config, &making->recipient, err) < 0)
		return -1;
	mr_value_set_string(context->arena, making->result, "recipient", making->recipient);
	return 0;
}

/* What is there already is shown, so that a second run is none that fails. */
int backup_key_run(struct cl_context *context, struct mr_error *err)
{
	struct making_key making = { context, mr_value_object(context->arena), NULL };
	struct mr_list own = { 0 };
	struct mr_plan plan = { 0 };

	if (mr_seal_own(context->arena, &context->config, &own, err) == 0) {
		making.recipient = own.items[0];
		mr_value_set_string(context->arena, making.result, "recipient", own.items[0]);
	} else if (err->code != MR_E_NOT_FOUND) {
		return -1;
	} else {
		mr_plan_action(context->arena, &plan, make_key, &making,
			       mr_printf(context->arena, _("make a key for sealed archives, %s%s"),
					 context->config.root, MR_PATH_BACKUP_AGE));
	}
	if ((plan.count || context->json) && cl_finish(context, &plan, making.result, err) < 0)
		return -1;
	if (!context->json && making.recipient)
		puts(making.recipient);
	return 0;
}
