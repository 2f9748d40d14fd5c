#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "common/cl.h"
#include "common/options.h"
#include "features/claim_confirm.h"
#include "features/user_change.h"
#include "usermod/move.h"

enum {
	KEY_ADD = 256,
	KEY_REMOVE,
	KEY_FORWARD,
	KEY_KEEP,
	KEY_NO_COPY,
	KEY_WHILE,
	KEY_QUOTA,
	KEY_OWNER,
	KEY_HOST,
	KEY_ABORT,
	KEY_REMOVE_OLD,
};

struct usermod {
	struct usermod_move move;
	bool moves, aborts; /* --host, --abort: instead of any change */
	struct mr_user_change change;
	const char *while_locked; /* as typed, or NULL */
	bool asked;               /* for any change */
};

static const struct cl_option options[] = {
	{ 'e' | CL_MANY, "email", N_("ADDRESS"),
	  N_("an address of the mailbox, which then has these and no others; may be repeated") },
	{ KEY_ADD | CL_MANY, "add-alias", N_("ADDRESS"), N_("a further address; may be repeated") },
	{ KEY_REMOVE | CL_MANY, "remove-alias", N_("ADDRESS"),
	  N_("not an address any more; may be repeated") },
	{ 'c', "full-name", N_("NAME"), N_("the person's full name") },
	{ 'l', "login", N_("NEWNAME"), N_("another user name; mail and addresses stay") },
	{ KEY_FORWARD | CL_MANY, "forward", N_("ADDRESS"),
	  N_("send mail on to ADDRESS; may be repeated; none ends it") },
	{ KEY_KEEP, "keep-copy", NULL, N_("what is sent on stays here too (the default)") },
	{ KEY_NO_COPY, "no-copy", NULL, N_("what is sent on does not stay here") },
	{ 'L', "lock", NULL, N_("nobody logs in") },
	{ 'U', "unlock", NULL, N_("log in again") },
	{ KEY_WHILE, "while-locked", N_("WHAT"),
	  N_("what comes meanwhile: accept (the default), defer or refuse") },
	{ KEY_QUOTA, "quota", N_("SIZE"), N_("most that the mailbox may hold: 500M, 10G, none") },
	{ KEY_OWNER, "owner", N_("HOST"),
	  N_("whose user of that name, if several hosts have one") },
	{ KEY_HOST, "host", N_("HOST"),
	  N_("move the mailbox to HOST; goes without other changes") },
	{ KEY_ABORT, "abort", NULL, N_("give up a move that is under way") },
	{ KEY_REMOVE_OLD, "remove-old", NULL,
	  N_("with --host: remove the old mail as soon as it has moved") },
	{ 0 },
};

/* Twice the same is no contradiction. */
static int wish(enum mr_wish *out, enum mr_wish wanted, const char *words, struct mr_error *err)
{
	if (*out != MR_KEEP && *out != wanted)
		return mr_fail(err, MR_E_USAGE, _("%s exclude each other"), words);
	*out = wanted;
	return 0;
}

static int while_locked(struct usermod *usermod, const char *word, struct mr_error *err)
{
	static const struct {
		const char *word;
		enum mr_access access;
	} words[] = { { "accept", MR_ACCESS_OPEN },
		      { "defer", MR_ACCESS_DEFERRED },
		      { "refuse", MR_ACCESS_REFUSED } };

	usermod->while_locked = word;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(word, words[i].word) == 0) {
			usermod->change.while_locked = words[i].access;
			return 0;
		}
	return mr_fail(err, MR_E_USAGE, _("--while-locked %s: must be accept, defer or refuse"),
		       word);
}

static int option(struct cl_context *context, int key, const char *value, struct mr_error *err)
{
	struct usermod *usermod = context->data;
	struct mr_user_change *change = &usermod->change;

	usermod->asked |= key != KEY_OWNER && key < KEY_HOST;
	switch (key) {
	case 'e':
		mr_list_add(context->arena, &change->addresses, value);
		return 0;
	case KEY_ADD:
		mr_list_add(context->arena, &change->add, value);
		return 0;
	case KEY_REMOVE:
		mr_list_add(context->arena, &change->remove, value);
		return 0;
	case KEY_FORWARD:
		mr_list_add(context->arena, &change->forward, value);
		return 0;
	case 'c':
		change->full_name = value;
		return 0;
	case 'l':
		change->new_name = value;
		return 0;
	case KEY_KEEP:
		return wish(&change->copy, MR_ON, "--keep-copy, --no-copy", err);
	case KEY_NO_COPY:
		return wish(&change->copy, MR_OFF, "--keep-copy, --no-copy", err);
	case 'L':
		return wish(&change->lock, MR_ON, "-L, -U", err);
	case 'U':
		return wish(&change->lock, MR_OFF, "-L, -U", err);
	case KEY_WHILE:
		return while_locked(usermod, value, err);
	case KEY_QUOTA:
		change->quota = value;
		return 0;
	case KEY_HOST:
		usermod->moves = context->reads = true;
		usermod->move.host = value;
		return 0;
	case KEY_ABORT:
		usermod->aborts = context->reads = true;
		return 0;
	case KEY_REMOVE_OLD:
		usermod->move.remove_old = true;
		return 0;
	default:
		change->owner = value;
		return 0;
	}
}

static int check(struct cl_context *context, struct mr_error *err)
{
	struct usermod *usermod = context->data;
	struct mr_user_change *change = &usermod->change;

	if (context->argc != 1)
		return mr_fail(err, MR_E_USAGE,
			       _("exactly one user is needed, as in: cl-usermod "
				 "--add-alias sales@maildomain.org user1"));
	change->user = context->argv[0];
	usermod->move.user = context->argv[0];
	if ((usermod->moves || usermod->aborts) &&
	    (usermod->asked || change->owner || usermod->moves == usermod->aborts))
		return mr_fail(
			err, MR_E_USAGE,
			_("--host and --abort go without each other and without any change"));
	if (usermod->move.remove_old && !usermod->moves)
		return mr_fail(err, MR_E_USAGE, _("--remove-old goes with --host"));
	if (usermod->moves || usermod->aborts)
		return 0;
	if (!usermod->asked)
		return mr_fail(err, MR_E_USAGE,
			       _("nothing to change is named (cl-usermod --help lists it)"));
	if (change->addresses.count && (change->add.count || change->remove.count))
		return mr_fail(
			err, MR_E_USAGE,
			_("-e names all addresses: --add-alias and --remove-alias go without "
			  "it"));
	if (cl_options_apart(&change->add, &change->remove, "--add-alias, --remove-alias", err) < 0)
		return -1;
	if (usermod->while_locked && change->lock != MR_ON)
		return mr_fail(err, MR_E_USAGE, _("--while-locked goes with -L"));
	for (size_t i = 0; change->forward.count > 1 && i < change->forward.count; i++)
		if (strcmp(change->forward.items[i], "none") == 0)
			return mr_fail(err, MR_E_USAGE, _("--forward none goes alone"));
	return 0;
}

static struct mr_value *result_of(struct mr_arena *arena, const struct mr_user_changed *changed)
{
	struct mr_value *user = mr_value_object(arena), *result = mr_value_object(arena);

	mr_value_set_string(arena, user, "name", changed->user);
	mr_value_set_string(arena, user, "owner", changed->owner);
	mr_value_set_string(arena, user, "mailbox", changed->mailbox);
	mr_value_set(arena, user, "addresses", mr_value_strings(arena, &changed->addresses));
	mr_value_set(arena, user, "forward", mr_value_strings(arena, &changed->forward));
	mr_value_set_bool(arena, user, "copy", changed->copy);
	mr_value_set_bool(arena, user, "locked", changed->locked);
	mr_value_set_int(arena, user, "quota", changed->quota);
	mr_value_set(arena, result, "user", user);
	return result;
}

static struct mr_claim *claim(struct cl_context *context, const struct mr_user_changed *changed)
{
	const struct mr_given given = {
		.owner = changed->owner,
		.user = changed->user,
		.addresses = changed->added,
		.name = changed->former != NULL,
	};

	return context->dry_run ? NULL
				: mr_claim_open(context->arena, &context->config,
						&context->topology, &given);
}

/* What another host has given out at the same moment is taken back. */
static int confirm(struct cl_context *context, struct mr_claim *claimed,
		   const struct mr_user_changed *changed, struct mr_error *err)
{
	const struct mr_user_change back = mr_user_change_back(changed);
	struct mr_user_changed restored;
	struct mr_plan plan = { 0 };
	struct mr_error why;

	if (mr_claim_confirm(claimed, &why) == 0)
		return 0;
	if (mr_user_change_plan(context->arena, &context->config, context->dir, &context->topology,
				&back, &plan, &restored, err) < 0)
		return -1;
	return cl_take_back(context, &plan, &why, err);
}

static int apply(struct cl_context *context, const struct mr_plan *plan,
		 const struct mr_user_changed *changed, struct mr_error *err)
{
	MR_CLAIM claimed = claim(context, changed);

	if (cl_finish(context, plan, result_of(context->arena, changed), err) < 0)
		return -1;
	return confirm(context, claimed, changed, err);
}

static int run(struct cl_context *context, struct mr_error *err)
{
	const struct usermod *usermod = context->data;
	struct mr_user_changed changed;
	struct mr_plan plan = { 0 };

	if (usermod->moves || usermod->aborts)
		return usermod_move_run(context, &usermod->move, err);
	if (mr_user_change_plan(context->arena, &context->config, context->dir, &context->topology,
				&usermod->change, &plan, &changed, err) < 0)
		return -1;
	for (size_t i = 0; i < changed.notes.count; i++)
		mr_log(MR_LOG_WARNING, "%s", changed.notes.items[i]);
	return apply(context, &plan, &changed, err);
}

int main(int argc, char **argv)
{
	struct usermod usermod = { 0 };
	const struct cl_command command = {
		.name = "cl-usermod",
		.usage = "USER",
		.summary = N_("Changes a user: addresses, names, forwarding, lock, quota."),
		.options = options,
		.needs = CL_DIRECTORY | CL_LOCK | CL_ROOT,
		.data = &usermod,
		.option = option,
		.check = check,
		.run = run,
	};

	return cl_main(argc, argv, &command);
}
