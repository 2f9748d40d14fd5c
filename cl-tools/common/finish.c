#include "common/cl.h"

#include <stdio.h>

#include "adapters/json.h"
#include "features/apply.h"

static void print_json(struct cl_context *context, const struct mr_plan *plan,
		       const struct mr_value *result)
{
	struct mr_arena *arena = context->arena;
	struct mr_value *top = mr_value_object(arena);

	mr_value_set_bool(arena, top, "dry_run", context->dry_run);
	mr_value_set_int(arena, top, "changed", context->dry_run ? 0 : (long long)plan->count);
	mr_value_set(arena, top, "steps", mr_plan_value(arena, plan));
	for (size_t i = 0; result && i < result->count; i++)
		mr_value_set(arena, top, result->keys[i], result->items[i]);
	fputs(mr_json_format(arena, top), stdout);
}

static void print_text(const struct cl_context *context, const struct mr_plan *plan)
{
	MR_BUF text = { 0 };

	mr_plan_format(plan, context->verbose > 0, &text);
	fputs(mr_buf_text(&text), stdout);
	fflush(stdout); /* the steps of a long plan are logged on stderr after it */
}

int cl_finish(struct cl_context *context, const struct mr_plan *plan, struct mr_value *result,
	      struct mr_error *err)
{
	bool shown =
		context->dry_run || context->verbose > 0 || (plan->count == 0 && !context->quiet);

	if (shown && !context->json)
		print_text(context, plan);
	if (!context->dry_run && mr_plan_apply(plan, &context->config, context->dir, err) < 0)
		return -1;
	if (context->json)
		print_json(context, plan, result);
	return 0;
}

int cl_take_back(struct cl_context *context, const struct mr_plan *back, const struct mr_error *why,
		 struct mr_error *err)
{
	if (mr_plan_apply(back, &context->config, context->dir, err) == 0)
		*err = *why;
	return -1;
}
