#include <errno.h>
#include <pwd.h>
#include <string.h>
#include <unistd.h>

#include "adapters/password.h"
#include "common/cl.h"
#include "features/instance.h"
#include "features/password_rules.h"
#include "features/user.h"
#include "model/names.h"

#define LONGEST_PASSWORD 512

enum { KEY_OWNER = 256 };

struct passwd_command {
	const char *user, *owner; /* as typed, or NULL */
	bool from_stdin;
};

static const struct cl_option options[] = {
	{ 'P', "password-stdin", NULL,
	  N_("read the new password from standard input, one line; not as root: before it the "
	     "present one") },
	{ KEY_OWNER, "owner", N_("HOST"),
	  N_("whose user of that name, if several hosts have one") },
	{ 0 },
};

static int option(struct cl_context *context, int key, const char *value, struct mr_error *err)
{
	struct passwd_command *wanted = context->data;

	(void)err;
	if (key == 'P')
		wanted->from_stdin = true;
	else
		wanted->owner = value;
	return 0;
}

static int check(struct cl_context *context, struct mr_error *err)
{
	struct passwd_command *wanted = context->data;

	if (context->argc > 1)
		return mr_fail(err, MR_E_USAGE, _("one user at a time"));
	wanted->user = context->argc ? context->argv[0] : NULL;
	if (!wanted->user && !context->self)
		return mr_fail(err, MR_E_USAGE,
			       _("root says whose password it is, as in: cl-passwd user1"));
	return 0;
}

static int read_line(struct mr_secret *out, struct mr_error *err)
{
	return mr_secret_read_line(out, STDIN_FILENO, LONGEST_PASSWORD, err) < 0
		       ? mr_fail_in(err, _("password on standard input"))
		       : 0;
}

/* The new one, checked and hashed. */
static int read_new(const struct cl_context *context, const char *user, struct mr_secret *hash,
		    struct mr_error *err)
{
	const struct passwd_command *wanted = context->data;
	MR_SECRET password = { 0 };

	if (wanted->from_stdin ? read_line(&password, err) < 0
			       : mr_password_ask(user, &password, err) < 0)
		return -1;
	if (mr_password_check(&context->config, user, &password, err) < 0)
		return -1;
	return mr_password_hash(&password, hash, err);
}

static void plan_password(struct mr_arena *arena, const char *host, const char *dn,
			  const char *user, const char *owner, const struct mr_secret *hash,
			  struct mr_plan *plan)
{
	struct mr_step *step = mr_plan_modify_entry(
		arena, plan, host, dn, 1,
		mr_printf(arena, _("set the password of %s at %s"), user, owner));

	mr_plan_mod(arena, step, MR_MOD_REPLACE, "userPassword", NULL)->attr.secret = hash;
}

static struct mr_value *result_of(struct mr_arena *arena, const char *user, const char *owner)
{
	struct mr_value *value = mr_value_object(arena), *result = mr_value_object(arena);

	mr_value_set_string(arena, value, "name", user);
	mr_value_set_string(arena, value, "owner", owner);
	mr_value_set(arena, result, "user", value);
	return result;
}

static int run_as_root(struct cl_context *context, struct mr_error *err)
{
	const struct passwd_command *wanted = context->data;
	MR_SECRET hash = { 0 };
	struct mr_plan plan = { 0 };
	struct mr_user user;

	if (mr_user_locate(context->arena, &context->config, context->dir, &context->topology,
			   wanted->user, wanted->owner, &user, err) < 0)
		return -1;
	if (!user.account_entry)
		return mr_fail(err, MR_E_NO_USER, _("%s has no account: nobody logs in"),
			       user.name);
	if (!context->dry_run && read_new(context, user.name, &hash, err) < 0)
		return -1;
	plan_password(context->arena, user.owner.step_host, user.account_entry->dn, user.name,
		      user.owner.host->name, &hash, &plan);
	return cl_finish(context, &plan,
			 result_of(context->arena, user.name, user.owner.host->name), err);
}

/* Who runs this. */
static int find_self(const struct cl_context *context, const char **out, struct mr_error *err)
{
	const struct passwd_command *wanted = context->data;
	const struct passwd *self;

	errno = 0;
	self = getpwuid(getuid());
	if (!self)
		return errno ? mr_fail_errno(err, _("looking up who you are"))
			     : mr_fail(err, MR_E_DENIED, _("nobody knows the user number %lu"),
				       (unsigned long)getuid());
	if (wanted->owner || (wanted->user && strcmp(wanted->user, self->pw_name) != 0))
		return mr_fail(err, MR_E_DENIED,
			       _("only root may set the password of another user"));
	return mr_user_parse(context->arena, self->pw_name, out, err);
}

static int read_old(const struct passwd_command *wanted, const char *user, struct mr_secret *out,
		    struct mr_error *err)
{
	return wanted->from_stdin ? read_line(out, err) : mr_password_ask_once(user, out, err);
}

/* With no right but the one that the present password gives: the directory compares it, here and
 * nowhere else. */
static int open_as_self(struct cl_context *context, const char *user, const char *dn,
			struct mr_error *err)
{
	MR_SECRET old = { 0 };

	if (read_old(context->data, user, &old, err) < 0)
		return -1;
	if (mr_instance_open_as(context->arena, &context->config, dn, &old, &context->dir, err) ==
	    0)
		return 0;
	if (err->code != MR_E_DENIED)
		return -1;
	return mr_fail(err, MR_E_DENIED,
		       _("that is not the password of %s, or %s is locked, or no user of this "
			 "host (%s): a password is changed on the mail server that has the "
			 "mailbox"),
		       user, user, context->config.host);
}

static int run_as_self(struct cl_context *context, struct mr_error *err)
{
	const char *user, *dn, *host = context->config.host;
	MR_SECRET hash = { 0 };
	struct mr_plan plan = { 0 };

	if (find_self(context, &user, err) < 0)
		return -1;
	dn = mr_dit_user(context->arena, user, mr_dit_owned(context->arena, MR_UNIX, host));
	if (!context->dry_run && (open_as_self(context, user, dn, err) < 0 ||
				  read_new(context, user, &hash, err) < 0))
		return -1;
	plan_password(context->arena, NULL, dn, user, host, &hash, &plan);
	return cl_finish(context, &plan, result_of(context->arena, user, host), err);
}

static int run(struct cl_context *context, struct mr_error *err)
{
	return context->self ? run_as_self(context, err) : run_as_root(context, err);
}

int main(int argc, char **argv)
{
	struct passwd_command wanted = { 0 };
	const struct cl_command command = {
		.name = "cl-passwd",
		.usage = "[USER]",
		.summary =
			N_("Sets the password of a user; whoever is not root changes their own."),
		.options = options,
		.needs = CL_DIRECTORY | CL_LOCK | CL_ROOT | CL_SELF,
		.data = &wanted,
		.option = option,
		.check = check,
		.run = run,
	};

	return cl_main(argc, argv, &command);
}
