#include "base/value.h"

#include <string.h>

static struct mr_value *value_new(struct mr_arena *arena, enum mr_value_kind kind)
{
	struct mr_value *value = MR_NEW(arena, struct mr_value);

	value->kind = kind;
	return value;
}

struct mr_value *mr_value_object(struct mr_arena *arena)
{
	return value_new(arena, MR_VALUE_OBJECT);
}

struct mr_value *mr_value_list(struct mr_arena *arena)
{
	return value_new(arena, MR_VALUE_LIST);
}

struct mr_value *mr_value_string(struct mr_arena *arena, const char *text)
{
	struct mr_value *value = value_new(arena, text ? MR_VALUE_STRING : MR_VALUE_NULL);

	value->string = mr_strdup(arena, text);
	return value;
}

struct mr_value *mr_value_int(struct mr_arena *arena, long long number)
{
	struct mr_value *value = value_new(arena, MR_VALUE_INT);

	value->integer = number;
	return value;
}

struct mr_value *mr_value_real(struct mr_arena *arena, double number)
{
	struct mr_value *value = value_new(arena, MR_VALUE_REAL);

	value->real = number;
	return value;
}

struct mr_value *mr_value_bool(struct mr_arena *arena, bool yes)
{
	struct mr_value *value = value_new(arena, MR_VALUE_BOOL);

	value->boolean = yes;
	return value;
}

struct mr_value *mr_value_strings(struct mr_arena *arena, const struct mr_list *list)
{
	struct mr_value *value = mr_value_list(arena);

	for (size_t i = 0; i < list->count; i++)
		mr_value_append(arena, value, mr_value_string(arena, list->items[i]));
	return value;
}

static void grow(struct mr_arena *arena, struct mr_value *value)
{
	size_t size = value->size ? value->size * 2 : 8;
	struct mr_value **items = MR_NEW_ARRAY(arena, struct mr_value *, size);

	if (value->count)
		memcpy(items, value->items, value->count * sizeof(struct mr_value *));
	value->items = items;
	if (value->kind == MR_VALUE_OBJECT) {
		const char **keys = MR_NEW_ARRAY(arena, const char *, size);

		if (value->count)
			memcpy(keys, value->keys, value->count * sizeof(const char *));
		value->keys = keys;
	}
	value->size = size;
}

struct mr_value *mr_value_set(struct mr_arena *arena, struct mr_value *object, const char *key,
			      struct mr_value *item)
{
	for (size_t i = 0; i < object->count; i++) {
		if (strcmp(object->keys[i], key) == 0) {
			object->items[i] = item;
			return item;
		}
	}
	if (object->count == object->size)
		grow(arena, object);
	object->keys[object->count] = mr_strdup(arena, key);
	object->items[object->count++] = item;
	return item;
}

void mr_value_set_string(struct mr_arena *arena, struct mr_value *object, const char *key,
			 const char *text)
{
	mr_value_set(arena, object, key, mr_value_string(arena, text));
}

void mr_value_set_int(struct mr_arena *arena, struct mr_value *object, const char *key,
		      long long number)
{
	mr_value_set(arena, object, key, mr_value_int(arena, number));
}

void mr_value_set_bool(struct mr_arena *arena, struct mr_value *object, const char *key, bool yes)
{
	mr_value_set(arena, object, key, mr_value_bool(arena, yes));
}

struct mr_value *mr_value_append(struct mr_arena *arena, struct mr_value *list,
				 struct mr_value *item)
{
	if (list->count == list->size)
		grow(arena, list);
	list->items[list->count++] = item;
	return item;
}

static size_t index_of(const struct mr_value *object, const char *key)
{
	size_t i = 0;

	while (i < object->count && strcmp(object->keys[i], key) != 0)
		i++;
	return i;
}

struct mr_value *mr_value_member(struct mr_value *object, const char *key)
{
	size_t i;

	if (!object || object->kind != MR_VALUE_OBJECT)
		return NULL;
	i = index_of(object, key);
	return i < object->count ? object->items[i] : NULL;
}

const struct mr_value *mr_value_get(const struct mr_value *object, const char *key)
{
	size_t i;

	if (!object || object->kind != MR_VALUE_OBJECT)
		return NULL;
	i = index_of(object, key);
	return i < object->count ? object->items[i] : NULL;
}

const char *mr_value_get_string(const struct mr_value *object, const char *key,
				const char *otherwise)
{
	const struct mr_value *value = mr_value_get(object, key);

	return value && value->kind == MR_VALUE_STRING ? value->string : otherwise;
}

long long mr_value_get_int(const struct mr_value *object, const char *key, long long otherwise)
{
	const struct mr_value *value = mr_value_get(object, key);

	return value && value->kind == MR_VALUE_INT ? value->integer : otherwise;
}
