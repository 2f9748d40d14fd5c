#include "rebuild/changes.h"

#include <stdio.h>

#include "adapters/json.h"
#include "features/gate.h"
#include "features/render.h"
#include "features/render_diff.h"
#include "features/render_hand.h"
#include "features/slapd_hand.h"

static int finish(struct cl_context *context, const struct mr_plan *plan, const char *diff,
		  struct mr_error *err)
{
	struct mr_value *result = mr_value_object(context->arena);

	mr_value_set_string(context->arena, result, "diff", diff);
	if (cl_finish(context, plan, result, err) < 0)
		return -1;
	if (!context->json && !context->quiet)
		fputs(diff, stdout);
	return 0;
}

int rebuild_finish(struct cl_context *context, const struct mr_plan *plan, struct mr_error *err)
{
	MR_BUF diff = { 0 };

	if (!context->dry_run)
		return cl_finish(context, plan, NULL, err);
	if (mr_diff_plan(context->arena, &context->config, plan, &diff, err) < 0)
		return -1;
	return finish(context, plan, mr_buf_text(&diff), err);
}

int rebuild_finish_undo(struct cl_context *context, const struct mr_plan *plan,
			struct mr_error *err)
{
	MR_BUF diff = { 0 };

	if (!context->dry_run)
		return cl_finish(context, plan, NULL, err);
	if (mr_render_step_back_show(context->arena, &context->config, &diff, err) < 0)
		return -1;
	return finish(context, plan, mr_buf_text(&diff), err);
}

int rebuild_changes(struct cl_context *context, struct mr_error *err)
{
	struct mr_rendering rendering = { 0 };
	struct mr_value *result;
	struct mr_gate gate;
	MR_BUF out = { 0 };

	if (mr_gate_read(context->arena, &context->config, &gate, err) < 0 ||
	    mr_render(context->arena, &context->config, &context->topology, gate.closed, &rendering,
		      err) < 0 ||
	    mr_slapd_hand_show(context->arena, &context->config, &out, err) < 0 ||
	    mr_render_hand_show(context->arena, &context->config, gate.closed, &rendering, &out,
				err) < 0)
		return -1;
	if (context->json) {
		result = mr_value_object(context->arena);
		mr_value_set_string(context->arena, result, "diff", mr_buf_text(&out));
		fputs(mr_json_format(context->arena, result), stdout);
	} else if (out.len) {
		fputs(mr_buf_text(&out), stdout);
	} else if (!context->quiet) {
		puts(_("nothing was changed by hand"));
	}
	return 0;
}
