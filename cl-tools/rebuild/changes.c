#include "rebuild/changes.h"

#include <stdio.h>

#include "adapters/json.h"
#include "adapters/textdiff.h"
#include "features/gate.h"
#include "features/render.h"
#include "features/render_hand.h"

#define TEXT_MOST ((size_t)16 << 20)

int rebuild_diff(struct cl_context *context, const struct mr_plan *plan, struct mr_error *err)
{
	MR_BUF out = { 0 };

	for (size_t i = 0; i < plan->count; i++) {
		const struct mr_step *step = &plan->steps[i];
		struct mr_error absent;
		char *text = NULL;

		if (step->kind != MR_STEP_FILE || step->secret_content)
			continue;
		if (mr_file_read(context->arena, step->path, TEXT_MOST, &text, NULL, &absent) < 0)
			text = NULL;
		if (mr_text_diff(step->path, text, step->content, &out, err) < 0)
			return -1;
	}
	fputs(mr_buf_text(&out), stdout);
	return 0;
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
