#include "rebuild/templates.h"

#include <stdio.h>

#include "adapters/json.h"
#include "features/gate.h"
#include "features/render.h"
#include "features/render_mistakes.h"

int rebuild_check_templates(struct cl_context *context, struct mr_error *err)
{
	struct mr_value *result = mr_value_object(context->arena);
	struct mr_list mistakes = { 0 };

	if (mr_render_mistakes(context->arena, &context->config, &mistakes, err) < 0)
		return -1;
	if (context->json) {
		mr_value_set(context->arena, result, "mistakes",
			     mr_value_strings(context->arena, &mistakes));
		fputs(mr_json_format(context->arena, result), stdout);
		context->status = mistakes.count ? mr_error_status(MR_E_CONFIG) : 0;
		return 0;
	}
	for (size_t i = 0; i < mistakes.count; i++)
		puts(mistakes.items[i]);
	if (mistakes.count)
		return mr_fail(err, MR_E_CONFIG,
			       mistakes.count == 1
				       ? _("%zu mistake in the templates; nothing was changed")
				       : _("%zu mistakes in the templates; nothing was changed"),
			       mistakes.count);
	if (!context->quiet)
		puts(_("no mistake in the templates"));
	return 0;
}

int rebuild_facts(struct cl_context *context, struct mr_error *err)
{
	struct mr_render_machine machine;
	struct mr_gate gate;

	if (mr_gate_read(context->arena, &context->config, &gate, err) < 0 ||
	    mr_render_machine_find(context->arena, &context->config, &context->topology, &machine,
				   err) < 0)
		return -1;
	fputs(mr_json_format(context->arena,
			     mr_render_context(context->arena, &context->config, &context->topology,
					       &machine, gate.closed)),
	      stdout);
	return 0;
}
