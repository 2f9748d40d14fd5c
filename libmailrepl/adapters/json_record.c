#include "adapters/json_record.h"

#include <jansson.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_VALUES 1024

static void wipe_and_free(void *data)
{
	if (data)
		explicit_bzero(data, malloc_usable_size(data));
	free(data);
}

static int fail_kind(const char *name, struct mr_error *err)
{
	return mr_fail(
		err, MR_E_INVALID,
		_("%s: must be a text, a list of texts, a whole number, true, false or null"),
		name);
}

static int visit_list(const char *name, json_t *list, mr_json_member_visitor visit, void *context,
		      struct mr_error *err)
{
	size_t count = json_array_size(list);
	const char *values[MOST_VALUES];

	if (count > MOST_VALUES)
		return mr_fail(err, MR_E_INVALID, _("%s: more than %d values"), name, MOST_VALUES);
	for (size_t i = 0; i < count; i++) {
		values[i] = json_string_value(json_array_get(list, i));
		if (!values[i])
			return fail_kind(name, err);
	}
	return visit(context, name, values, count, err);
}

static int visit_member(const char *name, json_t *member, mr_json_member_visitor visit,
			void *context, struct mr_error *err)
{
	char number[32];
	const char *value = number;

	switch (json_typeof(member)) {
	case JSON_ARRAY:
		return visit_list(name, member, visit, context, err);
	case JSON_NULL:
		return visit(context, name, NULL, 0, err);
	case JSON_STRING:
		value = json_string_value(member);
		break;
	case JSON_INTEGER:
		snprintf(number, sizeof(number), "%lld", (long long)json_integer_value(member));
		break;
	case JSON_TRUE:
	case JSON_FALSE:
		value = json_is_true(member) ? "yes" : "no";
		break;
	default:
		return fail_kind(name, err);
	}
	return visit(context, name, &value, 1, err);
}

int mr_json_record(const char *text, size_t len, mr_json_member_visitor visit, void *context,
		   struct mr_error *err)
{
	json_error_t fault;
	const char *name;
	json_t *top, *member;
	int rc = 0;

	json_set_alloc_funcs(malloc, wipe_and_free);
	top = json_loadb(text, len, JSON_REJECT_DUPLICATES, &fault);
	if (!top)
		return mr_fail(err, MR_E_INVALID, "%s", fault.text);
	if (!json_is_object(top))
		rc = mr_fail(err, MR_E_INVALID, _("not a JSON object"));
	else
		json_object_foreach(top, name, member)
		{
			rc = visit_member(name, member, visit, context, err);
			if (rc < 0)
				break;
		}
	json_decref(top);
	return rc;
}
