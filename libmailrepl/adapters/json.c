#include "adapters/json.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define MOST_DEPTH 64
#define MOST_KEYS 1000 /* looking one up takes the longer, the more there are */

struct reading {
	struct mr_arena *arena;
	const char *name;
	struct mr_error *err;
};

static struct mr_value *read_value(struct reading *in, json_t *json, int depth);

static struct mr_value *read_object(struct reading *in, json_t *json, int depth)
{
	struct mr_value *object = mr_value_object(in->arena);
	const char *key;
	json_t *member;

	if (json_object_size(json) > MOST_KEYS) {
		mr_fail(in->err, MR_E_INVALID, _("%s: an object with more than %d members"),
			in->name, MOST_KEYS);
		return NULL;
	}
	json_object_foreach(json, key, member)
	{
		struct mr_value *item = read_value(in, member, depth + 1);

		if (!item)
			return NULL;
		mr_value_set(in->arena, object, key, item);
	}
	return object;
}

static struct mr_value *read_list(struct reading *in, json_t *json, int depth)
{
	struct mr_value *list = mr_value_list(in->arena);
	size_t i;
	json_t *element;

	json_array_foreach(json, i, element)
	{
		struct mr_value *item = read_value(in, element, depth + 1);

		if (!item)
			return NULL;
		mr_value_append(in->arena, list, item);
	}
	return list;
}

/* NULL: failed. */
static struct mr_value *read_value(struct reading *in, json_t *json, int depth)
{
	if (depth > MOST_DEPTH) {
		mr_fail(in->err, MR_E_INVALID, _("%s: lists and objects are nested deeper than %d"),
			in->name, MOST_DEPTH);
		return NULL;
	}
	switch (json_typeof(json)) {
	case JSON_OBJECT:
		return read_object(in, json, depth);
	case JSON_ARRAY:
		return read_list(in, json, depth);
	case JSON_STRING:
		return mr_value_string(in->arena, json_string_value(json));
	case JSON_INTEGER:
		return mr_value_int(in->arena, json_integer_value(json));
	case JSON_TRUE:
	case JSON_FALSE:
		return mr_value_bool(in->arena, json_is_true(json));
	case JSON_NULL:
		return mr_value_string(in->arena, NULL);
	case JSON_REAL:
		return mr_value_real(in->arena, json_real_value(json));
	}
	return NULL;
}

int mr_json_parse(struct mr_arena *arena, const char *name, const char *text, size_t len,
		  struct mr_value **out, struct mr_error *err)
{
	struct reading in = { arena, name, err };
	json_error_t fault;
	json_t *json = json_loadb(text, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &fault);

	if (!json)
		return mr_fail(err, MR_E_INVALID, "%s:%d:%d: %s", name, fault.line, fault.column,
			       fault.text);
	*out = read_value(&in, json, 1);
	json_decref(json);
	return *out ? 0 : -1;
}

/* What cannot fail but for want of memory. */
static json_t *made(json_t *json)
{
	if (!json)
		abort();
	return json;
}

/* Bytes that are not UTF-8 have no JSON form: they are shown as '?'. */
static json_t *format_string(struct mr_arena *arena, const char *text)
{
	json_t *json = json_string(text);
	char *copy;

	if (json)
		return json;
	copy = mr_strdup(arena, text);
	mr_printable(copy);
	return made(json_string(copy));
}

static json_t *format_value(struct mr_arena *arena, const struct mr_value *value)
{
	json_t *json;

	switch (value->kind) {
	case MR_VALUE_BOOL:
		return made(json_boolean(value->boolean));
	case MR_VALUE_INT:
		return made(json_integer(value->integer));
	case MR_VALUE_REAL:
		return made(json_real(value->real));
	case MR_VALUE_STRING:
		return format_string(arena, value->string);
	case MR_VALUE_LIST:
		json = made(json_array());
		for (size_t i = 0; i < value->count; i++)
			if (json_array_append_new(json, format_value(arena, value->items[i])) < 0)
				abort();
		return json;
	case MR_VALUE_OBJECT:
		json = made(json_object());
		for (size_t i = 0; i < value->count; i++)
			if (json_object_set_new_nocheck(json, value->keys[i],
							format_value(arena, value->items[i])) < 0)
				abort();
		return json;
	case MR_VALUE_NULL:
		break;
	}
	return made(json_null());
}

static char *dump(struct mr_arena *arena, const struct mr_value *value, size_t flags)
{
	json_t *json = format_value(arena, value);
	char *text = json_dumps(json, flags | JSON_ENCODE_ANY);
	char *copy;

	if (!text)
		abort();
	copy = mr_printf(arena, "%s\n", text);
	free(text);
	json_decref(json);
	return copy;
}

char *mr_json_format(struct mr_arena *arena, const struct mr_value *value)
{
	return dump(arena, value, JSON_INDENT(2));
}

char *mr_json_format_line(struct mr_arena *arena, const struct mr_value *value)
{
	return dump(arena, value, JSON_COMPACT);
}
