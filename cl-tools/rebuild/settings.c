#include "rebuild/settings.h"

#include <stdio.h>
#include <string.h>

#include "adapters/json.h"

static const struct mr_value *find(const struct cl_context *context, const struct mr_value *tree,
				   const char *name)
{
	const char *dot = strchr(name, '.');

	if (!dot)
		return mr_value_get(tree, name);
	return mr_value_get(mr_value_get(tree, mr_strndup(context->arena, name,
							  (size_t)(dot - name))),
			    dot + 1);
}

/* By its whole name, or by that of its group. */
static bool is_wanted(const struct cl_context *context, const char *name, bool *seen)
{
	bool wanted = context->argc == 0;

	for (int i = 0; i < context->argc; i++) {
		const char *typed = context->argv[i];
		size_t len = strlen(typed);

		if (strcmp(typed, name) == 0 ||
		    (strncmp(typed, name, len) == 0 && name[len] == '.'))
			wanted = seen[i] = true;
	}
	return wanted;
}

int rebuild_settings(struct cl_context *context, struct mr_error *err)
{
	struct mr_arena *arena = context->arena;
	const struct mr_value *rows = mr_config_describe(arena),
			      *tree = mr_config_settings(arena, &context->config);
	struct mr_value *found = mr_value_object(arena);
	bool *seen = MR_NEW_ARRAY(arena, bool, (size_t)context->argc + 1);

	for (size_t i = 0; i < rows->count; i++) {
		const char *name = mr_value_get_string(rows->items[i], "name", "");

		if (is_wanted(context, name, seen))
			mr_value_set(arena, found, name,
				     (struct mr_value *)find(context, tree, name));
	}
	for (int i = 0; i < context->argc; i++)
		if (!seen[i])
			return mr_fail(err, MR_E_USAGE,
				       _("%s: there is no such setting (mailrepl.conf(5) lists them)"),
				       context->argv[i]);
	if (context->json)
		fputs(mr_json_format(arena, found), stdout);
	for (size_t i = 0; i < found->count && !context->json; i++)
		printf("%s = %s\n", found->keys[i],
		       mr_config_value_text(arena, found->items[i]));
	return 0;
}
