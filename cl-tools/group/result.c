#include "group/result.h"

struct mr_group_view group_view(const struct cl_context *context)
{
	return (struct mr_group_view){ context->arena, &context->config, context->dir,
				       &context->topology };
}

int group_words(struct cl_context *context, const char *text, struct mr_list *out,
		struct mr_error *err)
{
	struct mr_list words = mr_list_split(context->arena, text, ',');

	for (size_t i = 0; i < words.count; i++) {
		if (!*words.items[i])
			return mr_fail(err, MR_E_USAGE,
				       _("\"%s\": an item is empty (a comma too many?)"), text);
		mr_list_add(context->arena, out, words.items[i]);
	}
	return 0;
}

int group_services(const struct cl_context *context, int first, unsigned *services,
		   struct mr_error *err)
{
	*services = 0;
	for (int i = first; i < context->argc; i++) {
		enum mr_service service;

		if (mr_service_parse(context->argv[i], &service, err) < 0)
			return -1;
		*services |= service;
	}
	return 0;
}

struct mr_value *group_value(struct mr_arena *arena, const struct mr_group_outcome *outcome)
{
	struct mr_value *group = mr_value_object(arena), *result = mr_value_object(arena);

	mr_value_set_string(arena, group, "name", outcome->name);
	mr_value_set_string(arena, group, "service", mr_service_name(outcome->service));
	mr_value_set_string(arena, group, "owner", outcome->owner);
	mr_value_set(arena, group, "members", mr_value_strings(arena, &outcome->members));
	if (outcome->service == MR_MAIL) {
		mr_value_set(arena, group, "addresses",
			     mr_value_strings(arena, &outcome->addresses));
		mr_value_set_bool(arena, group, "closed", outcome->closed);
	}
	mr_value_set(arena, result, "group", group);
	return result;
}
