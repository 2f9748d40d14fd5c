#include "base/strings.h"

#include <stdlib.h>
#include <string.h>

static void list_append(struct mr_arena *arena, struct mr_list *list, const char *item)
{
	if (list->count == list->size) {
		size_t size = list->size ? list->size * 2 : 4;
		const char **items = MR_NEW_ARRAY(arena, const char *, size);

		if (list->count)
			memcpy(items, list->items, list->count * sizeof(*items));
		list->items = items;
		list->size = size;
	}
	list->items[list->count++] = item;
}

void mr_list_add(struct mr_arena *arena, struct mr_list *list, const char *item)
{
	list_append(arena, list, mr_strdup(arena, item));
}

bool mr_list_has(const struct mr_list *list, const char *item)
{
	for (size_t i = 0; i < list->count; i++)
		if (strcmp(list->items[i], item) == 0)
			return true;
	return false;
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

void mr_list_sort(struct mr_list *list)
{
	if (list->count > 1)
		qsort(list->items, list->count, sizeof(*list->items), compare);
}

/* A sorted copy in which each item stands once. */
static struct mr_list sorted_set(struct mr_arena *arena, const struct mr_list *list)
{
	struct mr_list copy = { MR_NEW_ARRAY(arena, const char *, list->count), list->count,
				list->count };
	size_t kept = 0;

	if (list->count)
		memcpy(copy.items, list->items, list->count * sizeof(*copy.items));
	mr_list_sort(&copy);
	for (size_t i = 0; i < copy.count; i++)
		if (i == 0 || strcmp(copy.items[i], copy.items[kept - 1]) != 0)
			copy.items[kept++] = copy.items[i];
	copy.count = kept;
	return copy;
}

bool mr_list_equal(const struct mr_list *a, const struct mr_list *b)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_list left = sorted_set(arena, a), right = sorted_set(arena, b);

	if (left.count != right.count)
		return false;
	for (size_t i = 0; i < left.count; i++)
		if (strcmp(left.items[i], right.items[i]) != 0)
			return false;
	return true;
}

struct mr_list mr_list_split(struct mr_arena *arena, const char *text, char separator)
{
	struct mr_list list = { 0 };

	for (;;) {
		const char *end = strchrnul(text, separator);

		list_append(arena, &list, mr_strndup(arena, text, (size_t)(end - text)));
		if (!*end)
			return list;
		text = end + 1;
	}
}

const char *mr_list_join(struct mr_arena *arena, const struct mr_list *list, const char *separator)
{
	MR_BUF text = { 0 };

	for (size_t i = 0; i < list->count; i++) {
		if (i)
			mr_buf_puts(&text, separator);
		mr_buf_puts(&text, list->items[i]);
	}
	return mr_strdup(arena, mr_buf_text(&text));
}
