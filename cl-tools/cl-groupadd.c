#include <string.h>

#include "common/cl.h"
#include "features/claim_confirm.h"
#include "group/result.h"

enum { KEY_CLOSED = 256, KEY_HOST };

static const struct cl_option options[] = {
	{ 'e' | CL_MANY, "email", N_("ADDRESS"), N_("an address of the group; may be repeated") },
	{ 'm' | CL_MANY, "member", N_("MEMBER"),
	  N_("an address, or the name of a user or group; may be repeated, or a list with "
	     "commas") },
	{ KEY_CLOSED, "closed", NULL, N_("takes mail from inside only") },
	{ KEY_HOST, "host", N_("HOST"), N_("the mail server that shall own the group") },
	{ 0 },
};

static int option(struct cl_context *context, int key, const char *value, struct mr_error *err)
{
	struct mr_group_request *request = context->data;

	switch (key) {
	case 'e':
		mr_list_add(context->arena, &request->addresses, value);
		break;
	case 'm':
		return group_words(context, value, &request->members, err);
	case KEY_CLOSED:
		request->closed = true;
		break;
	default:
		request->host = value;
	}
	return 0;
}

static int check(struct cl_context *context, struct mr_error *err)
{
	struct mr_group_request *request = context->data;

	if (context->argc != 2)
		return mr_fail(err, MR_E_USAGE,
			       _("a group and one service (mail or unix) are needed, as in: "
				 "cl-groupadd -e sales@maildomain.org -m user1,user2 sales mail"));
	request->name = context->argv[0];
	return mr_service_parse(context->argv[1], &request->service, err);
}

static struct mr_claim *claim(struct cl_context *context, const struct mr_group_outcome *outcome)
{
	const struct mr_given given = {
		.owner = outcome->owner,
		.group = outcome->name,
		.service = outcome->service,
		.addresses = outcome->addresses,
		.name = true,
	};

	return !outcome->dn || context->dry_run ? NULL
						: mr_claim_open(context->arena, &context->config,
								&context->topology, &given);
}

/* What another host has given out at the same moment is taken back. */
static int confirm(struct cl_context *context, struct mr_claim *claimed,
		   const struct mr_group_outcome *outcome, struct mr_error *err)
{
	bool own = strcmp(outcome->owner, context->config.host) == 0;
	struct mr_plan plan = { 0 };
	struct mr_error why;

	if (mr_claim_confirm(claimed, &why) == 0)
		return 0;
	mr_plan_delete_entry(context->arena, &plan, own ? NULL : outcome->owner, outcome->dn,
			     mr_printf(context->arena, _("take back group %s at %s"), outcome->name,
				       outcome->owner));
	return cl_take_back(context, &plan, &why, err);
}

static int add(struct cl_context *context, const struct mr_plan *plan,
	       const struct mr_group_outcome *outcome, struct mr_error *err)
{
	MR_CLAIM claimed = claim(context, outcome);

	if (cl_finish(context, plan, group_value(context->arena, outcome), err) < 0)
		return -1;
	return confirm(context, claimed, outcome, err);
}

static int run(struct cl_context *context, struct mr_error *err)
{
	const struct mr_group_view view = group_view(context);
	struct mr_group_outcome outcome;
	struct mr_plan plan = { 0 };

	if (mr_group_add_plan(&view, context->data, &plan, &outcome, err) < 0 ||
	    add(context, &plan, &outcome, err) < 0)
		return -1;
	if (outcome.dn && !context->dry_run)
		cl_await_copy(
			context,
			mr_dit_group(context->arena, outcome.name,
				     mr_dit_copy(context->arena, outcome.service, outcome.owner)),
			outcome.name);
	return 0;
}

int main(int argc, char **argv)
{
	struct mr_group_request request = { 0 };
	const struct cl_command command = {
		.name = "cl-groupadd",
		.usage = "NAME mail|unix",
		.summary = N_("Adds a group: one that mail is sent to (service mail), or one of "
			      "accounts (service unix)."),
		.options = options,
		.needs = CL_DIRECTORY | CL_LOCK | CL_ROOT,
		.data = &request,
		.option = option,
		.check = check,
		.run = run,
	};

	return cl_main(argc, argv, &command);
}
