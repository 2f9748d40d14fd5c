#include "features/modes.h"
#include "replication/actions.h"

int replication_mode_check(struct cl_context *context, struct mr_error *err)
{
	struct replication *wanted = context->data;

	return mr_modes_parse(context->arena, wanted->value, &wanted->modes, err);
}

int replication_mode_run(struct cl_context *context, struct mr_error *err)
{
	const struct replication *wanted = context->data;
	struct mr_value *result = mr_value_object(context->arena),
			*modes = mr_value_object(context->arena);
	const struct mr_list none = { 0 };
	struct mr_list stale = { 0 };
	struct mr_plan plan = { 0 };

	if (mr_modes_plan(context->arena, &context->config, context->dir, &context->topology,
			  &wanted->modes, &stale, &plan, err) < 0)
		return -1;
	for (size_t i = 0; i < wanted->modes.count; i++)
		mr_value_set_string(context->arena, modes, wanted->modes.items[i].host,
				    mr_mode_word(wanted->modes.items[i].mode));
	mr_value_set(context->arena, result, "modes", modes);
	mr_value_set(context->arena, result, "stale", mr_value_strings(context->arena, &stale));
	if (cl_finish(context, &plan, result, err) < 0)
		return -1;
	replication_print_next(context, &stale, &none);
	return 0;
}
