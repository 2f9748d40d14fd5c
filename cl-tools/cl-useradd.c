#include <unistd.h>

#include "adapters/password.h"
#include "base/log.h"
#include "common/cl.h"
#include "features/account.h"
#include "features/claim_confirm.h"
#include "features/password_rules.h"
#include "features/user_remove.h"
#include "useradd/import.h"

#define LONGEST_PASSWORD 512

enum { KEY_HOST = 256, KEY_IMPORT, KEY_PARTIAL };

struct useradd {
	struct mr_user_request request;
	bool ask, from_stdin, partial;
	const char *import; /* a file, or NULL */
};

static const struct cl_option options[] = {
	{ 'e' | CL_MANY, "email", N_("ADDRESS"), N_("an address of the mailbox; may be repeated") },
	{ 'c', "full-name", N_("NAME"), N_("the person's full name") },
	{ 'p', "password", NULL, N_("ask for a password, twice") },
	{ 'P', "password-stdin", NULL, N_("read the password from standard input, one line") },
	{ KEY_HOST, "host", N_("HOST"), N_("the mail server that shall own the user") },
	{ KEY_IMPORT, "import", N_("FILE"),
	  N_("add the users of a file, CSV or JSON lines; - is standard input") },
	{ KEY_PARTIAL, "partial", NULL,
	  N_("with --import: leave out the bad lines and add the others") },
	{ 0 },
};

static int option(struct cl_context *context, int key, const char *value, struct mr_error *err)
{
	struct useradd *useradd = context->data;

	switch (key) {
	case 'e':
		mr_list_add(context->arena, &useradd->request.addresses, value);
		break;
	case 'c':
		useradd->request.full_name = value;
		break;
	case 'p':
		useradd->ask = true;
		break;
	case 'P':
		useradd->from_stdin = true;
		break;
	case KEY_IMPORT:
		useradd->import = value;
		break;
	case KEY_PARTIAL:
		useradd->partial = true;
		break;
	default:
		useradd->request.host = value;
	}
	if (useradd->ask && useradd->from_stdin)
		return mr_fail(err, MR_E_USAGE, _("-p and -P exclude each other"));
	return 0;
}

static int check_import(struct cl_context *context, const struct useradd *useradd,
			struct mr_error *err)
{
	const struct mr_user_request *request = &useradd->request;

	if (context->argc || request->addresses.count || request->full_name || useradd->ask ||
	    useradd->from_stdin)
		return mr_fail(err, MR_E_USAGE,
			       _("with --import the file says who is added: no user, service, "
				 "address, name or password may be given"));
	return useradd_import_check(context, err);
}

static int check(struct cl_context *context, struct mr_error *err)
{
	const struct useradd *useradd = context->data;
	struct mr_user_request *request = &((struct useradd *)context->data)->request;

	if (useradd->import)
		return check_import(context, useradd, err);
	if (useradd->partial)
		return mr_fail(err, MR_E_USAGE, _("--partial needs --import"));
	if (context->argc < 2)
		return mr_fail(err, MR_E_USAGE,
			       _("a user and at least one service (mail, unix) are needed, as in: "
				 "cl-useradd -e user1@maildomain.org user1 mail"));
	request->user = context->argv[0];
	for (int i = 1; i < context->argc; i++) {
		enum mr_service service;

		if (mr_service_parse(context->argv[i], &service, err) < 0)
			return -1;
		request->services |= service;
	}
	return 0;
}

/* After all else was checked: hashing is slow by design, and nobody likes to type a password in
 * vain. */
static int read_password(const struct cl_context *context, struct mr_secret *hash,
			 struct mr_error *err)
{
	const struct useradd *useradd = context->data;
	MR_SECRET password = { 0 };

	if (useradd->ask) {
		if (mr_password_ask(useradd->request.user, &password, err) < 0)
			return -1;
	} else if (mr_secret_read_line(&password, STDIN_FILENO, LONGEST_PASSWORD, err) < 0) {
		return mr_fail_in(err, _("password on standard input"));
	}
	if (mr_password_check(&context->config, useradd->request.user, &password, err) < 0)
		return -1;
	return mr_password_hash(&password, hash, err);
}

static struct mr_value *result_of(struct mr_arena *arena, const struct mr_user_outcome *outcome,
				  bool password)
{
	struct mr_value *user = mr_value_object(arena), *result = mr_value_object(arena);

	mr_value_set_string(arena, user, "name", outcome->user);
	mr_value_set_string(arena, user, "owner", outcome->owner);
	mr_value_set_string(arena, user, "mailbox", outcome->mailbox);
	mr_value_set(arena, user, "addresses", mr_value_strings(arena, &outcome->addresses));
	mr_value_set_bool(arena, user, "password_set", outcome->account_added && password);
	mr_value_set(arena, result, "user", user);
	return result;
}

static void tell(const struct mr_user_outcome *outcome, bool password)
{
	if (outcome->account_added && !password)
		mr_log(MR_LOG_WARNING,
		       outcome->mailbox ? _("%s has no password: the mailbox receives mail, nobody "
					    "can log in")
					: _("%s has no password: nobody can log in"),
		       outcome->user);
	if (!outcome->account_added && password)
		mr_log(MR_LOG_WARNING, _("%s existed already: the password was not changed"),
		       outcome->user);
}

static struct mr_claim *claim(struct cl_context *context, const struct mr_user_outcome *outcome)
{
	const struct mr_given given = {
		.owner = outcome->owner,
		.user = outcome->user,
		.addresses = outcome->route_added ? outcome->addresses : (struct mr_list){ 0 },
		.name = outcome->account_added,
	};

	return context->dry_run ? NULL
				: mr_claim_open(context->arena, &context->config,
						&context->topology, &given);
}

/* What another host has given out at the same moment is taken back. */
static int confirm(struct cl_context *context, struct mr_claim *claimed,
		   const struct mr_user_outcome *outcome, struct mr_error *err)
{
	const struct mr_user_removal back = {
		.user = outcome->user,
		.owner = outcome->owner,
		.services = outcome->account_added ? 0 : MR_MAIL,
		.taken_back = true,
	};
	struct mr_user_removed removed;
	struct mr_plan plan = { 0 };
	struct mr_error why;

	if (mr_claim_confirm(claimed, &why) == 0)
		return 0;
	if (mr_user_remove_plan(context->arena, &context->config, context->dir, &context->topology,
				&back, &plan, &removed, err) < 0)
		return -1;
	return cl_take_back(context, &plan, &why, err);
}

/* Only now is all known that can keep the user waiting, the password. */
static int add(struct cl_context *context, const struct mr_plan *plan,
	       const struct mr_user_outcome *outcome, bool password, struct mr_error *err)
{
	MR_CLAIM claimed = claim(context, outcome);

	if (cl_finish(context, plan, result_of(context->arena, outcome, password), err) < 0)
		return -1;
	return confirm(context, claimed, outcome, err);
}

static int run(struct cl_context *context, struct mr_error *err)
{
	struct useradd *useradd = context->data;
	bool password = useradd->ask || useradd->from_stdin;
	struct mr_user_outcome outcome;
	struct mr_plan plan = { 0 };
	MR_SECRET hash = { 0 };

	if (useradd->import)
		return useradd_import(context, useradd->import, useradd->request.host,
				      useradd->partial, err);
	useradd->request.hash = password ? &hash : NULL;
	if (mr_account_add_plan(context->arena, &context->config, context->dir, &context->topology,
				&useradd->request, &plan, &outcome, err) < 0)
		return -1;
	if (outcome.account_added && password && !context->dry_run &&
	    read_password(context, &hash, err) < 0)
		return -1;
	if (add(context, &plan, &outcome, password, err) < 0)
		return -1;
	if (outcome.route_added && !context->dry_run)
		cl_await_copy(context,
			      mr_dit_user(context->arena, outcome.user,
					  mr_dit_copy(context->arena, MR_MAIL, outcome.owner)),
			      outcome.user);
	tell(&outcome, password);
	return 0;
}

int main(int argc, char **argv)
{
	struct useradd useradd = { 0 };
	const struct cl_command command = {
		.name = "cl-useradd",
		.usage = "USER SERVICE... | --import FILE",
		.summary = N_("Adds a user: a mailbox (service mail), an account (service unix), "
			      "or both."),
		.options = options,
		.needs = CL_DIRECTORY | CL_LOCK | CL_ROOT,
		.data = &useradd,
		.option = option,
		.check = check,
		.run = run,
	};

	return cl_main(argc, argv, &command);
}
