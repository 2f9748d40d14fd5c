#include "common/cl.h"
#include "group/result.h"

struct groupdel {
	const char *name, *host;
	unsigned services;
};

enum { KEY_OWNER = 256 };

static const struct cl_option options[] = {
	{ KEY_OWNER, "owner", N_("HOST"),
	  N_("whose group of that name, if several hosts have one") },
	{ 0 },
};

static int option(struct cl_context *context, int key, const char *value, struct mr_error *err)
{
	(void)key;
	(void)err;
	((struct groupdel *)context->data)->host = value;
	return 0;
}

static int check(struct cl_context *context, struct mr_error *err)
{
	struct groupdel *groupdel = context->data;

	if (context->argc < 1)
		return mr_fail(err, MR_E_USAGE,
			       _("a group is needed, as in: cl-groupdel sales mail"));
	groupdel->name = context->argv[0];
	return group_services(context, 1, &groupdel->services, err);
}

static int run(struct cl_context *context, struct mr_error *err)
{
	const struct mr_group_view view = group_view(context);
	const struct groupdel *groupdel = context->data;
	struct mr_value *result = mr_value_object(context->arena);
	struct mr_plan plan = { 0 };

	if (mr_group_delete_plan(&view, groupdel->name, groupdel->services, groupdel->host, &plan,
				 err) < 0)
		return -1;
	mr_value_set_string(context->arena, result, "deleted", groupdel->name);
	return cl_finish(context, &plan, result, err);
}

int main(int argc, char **argv)
{
	struct groupdel groupdel = { 0 };
	const struct cl_command command = {
		.name = "cl-groupdel",
		.usage = "NAME [mail|unix]",
		.summary = N_("Deletes a group."),
		.options = options,
		.needs = CL_DIRECTORY | CL_LOCK | CL_ROOT,
		.data = &groupdel,
		.option = option,
		.check = check,
		.run = run,
	};

	return cl_main(argc, argv, &command);
}
