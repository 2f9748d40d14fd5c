#include "common/cl.h"
#include "common/options.h"
#include "group/result.h"

enum { KEY_ADD_ALIAS = 256, KEY_REMOVE_ALIAS, KEY_CLOSED, KEY_OPEN, KEY_OWNER };

struct groupmod {
	struct mr_group_change change;
	bool asked; /* for any change */
};

static const struct cl_option options[] = {
	{ 'e' | CL_MANY, "email", N_("ADDRESS"),
	  N_("an address of the group, which then has these and no others; may be repeated") },
	{ KEY_ADD_ALIAS | CL_MANY, "add-alias", N_("ADDRESS"), N_("a further address; may be repeated") },
	{ KEY_REMOVE_ALIAS | CL_MANY, "remove-alias", N_("ADDRESS"),
	  N_("not an address any more; may be repeated") },
	{ 'm' | CL_MANY, "members", N_("MEMBERS"), N_("these and no others, divided by commas") },
	{ 'a' | CL_MANY, "add-member", N_("MEMBER"), N_("a further member; may be repeated") },
	{ 'd' | CL_MANY, "remove-member", N_("MEMBER"), N_("not a member any more; may be repeated") },
	{ KEY_CLOSED, "closed", NULL, N_("takes mail from inside only") },
	{ KEY_OPEN, "open", NULL, N_("takes mail from everybody") },
	{ 'l', "rename", N_("NEWNAME"), N_("another name; mail and addresses stay") },
	{ KEY_OWNER, "owner", N_("HOST"),
	  N_("whose group of that name, if several hosts have one") },
	{ 0 },
};

static int set_access(struct mr_group_change *change, bool closed, struct mr_error *err)
{
	if (change->access == (closed ? MR_GROUP_OPEN : MR_GROUP_CLOSED))
		return mr_fail(err, MR_E_USAGE, _("--closed and --open exclude each other"));
	change->access = closed ? MR_GROUP_CLOSED : MR_GROUP_OPEN;
	return 0;
}

static int option(struct cl_context *context, int key, const char *value, struct mr_error *err)
{
	struct groupmod *groupmod = context->data;
	struct mr_group_change *change = &groupmod->change;

	groupmod->asked |= key != KEY_OWNER;
	switch (key) {
	case 'e':
		mr_list_add(context->arena, &change->addresses, value);
		return 0;
	case KEY_ADD_ALIAS:
		mr_list_add(context->arena, &change->add_addresses, value);
		return 0;
	case KEY_REMOVE_ALIAS:
		mr_list_add(context->arena, &change->remove_addresses, value);
		return 0;
	case 'm':
		return group_words(context, value, &change->members, err);
	case 'a':
		return group_words(context, value, &change->add_members, err);
	case 'd':
		return group_words(context, value, &change->remove_members, err);
	case KEY_CLOSED:
	case KEY_OPEN:
		return set_access(change, key == KEY_CLOSED, err);
	case 'l':
		change->rename = value;
		return 0;
	default:
		change->host = value;
		return 0;
	}
}

static int check(struct cl_context *context, struct mr_error *err)
{
	struct groupmod *groupmod = context->data;

	if (context->argc < 1 || context->argc > 2)
		return mr_fail(err, MR_E_USAGE,
			       _("a group is needed, as in: cl-groupmod -a user3 sales"));
	groupmod->change.name = context->argv[0];
	if (!groupmod->asked)
		return mr_fail(err, MR_E_USAGE, _("what shall be changed? (cl-groupmod --help)"));
	if (cl_options_apart(&groupmod->change.add_addresses, &groupmod->change.remove_addresses,
			     "--add-alias, --remove-alias", err) < 0 ||
	    cl_options_apart(&groupmod->change.add_members, &groupmod->change.remove_members,
			     "-a, -d", err) < 0)
		return -1;
	return group_services(context, 1, &groupmod->change.services, err);
}

static int run(struct cl_context *context, struct mr_error *err)
{
	const struct mr_group_view view = group_view(context);
	const struct groupmod *groupmod = context->data;
	struct mr_group_outcome outcome;
	struct mr_plan plan = { 0 };

	if (mr_group_change_plan(&view, &groupmod->change, &plan, &outcome, err) < 0)
		return -1;
	return cl_finish(context, &plan, group_value(context->arena, &outcome), err);
}

int main(int argc, char **argv)
{
	struct groupmod groupmod = { 0 };
	const struct cl_command command = {
		.name = "cl-groupmod",
		.usage = "NAME [mail|unix]",
		.summary = N_("Changes a group: its members, its addresses, its name."),
		.options = options,
		.needs = CL_DIRECTORY | CL_LOCK | CL_ROOT,
		.data = &groupmod,
		.option = option,
		.check = check,
		.run = run,
	};

	return cl_main(argc, argv, &command);
}
