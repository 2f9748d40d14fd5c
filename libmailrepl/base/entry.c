#include "base/entry.h"

#include <string.h>
#include <strings.h>

struct mr_entry *mr_entry_new(struct mr_arena *arena, const char *dn)
{
	struct mr_entry *entry = MR_NEW(arena, struct mr_entry);

	entry->dn = mr_strdup(arena, dn);
	return entry;
}

static struct mr_attr *find(const struct mr_entry *entry, const char *name)
{
	for (size_t i = 0; i < entry->count; i++)
		if (strcasecmp(entry->attrs[i].name, name) == 0)
			return &entry->attrs[i];
	return NULL;
}

static struct mr_attr *find_or_add(struct mr_arena *arena, struct mr_entry *entry, const char *name)
{
	struct mr_attr *attr = find(entry, name);

	if (attr)
		return attr;
	if (entry->count == entry->size) {
		size_t size = entry->size ? entry->size * 2 : 8;
		struct mr_attr *attrs = MR_NEW_ARRAY(arena, struct mr_attr, size);

		if (entry->count)
			memcpy(attrs, entry->attrs, entry->count * sizeof(*attrs));
		entry->attrs = attrs;
		entry->size = size;
	}
	attr = &entry->attrs[entry->count++];
	attr->name = mr_strdup(arena, name);
	return attr;
}

void mr_entry_add(struct mr_arena *arena, struct mr_entry *entry, const char *name,
		  const char *value)
{
	mr_list_add(arena, &find_or_add(arena, entry, name)->values, value);
}

void mr_entry_add_list(struct mr_arena *arena, struct mr_entry *entry, const char *name,
		       const struct mr_list *values)
{
	for (size_t i = 0; i < values->count; i++)
		mr_entry_add(arena, entry, name, values->items[i]);
}

void mr_entry_add_secret(struct mr_arena *arena, struct mr_entry *entry, const char *name,
			 const struct mr_secret *secret)
{
	struct mr_attr *attr = find_or_add(arena, entry, name);

	attr->values = (struct mr_list){ 0 };
	attr->secret = secret;
}

void mr_entries_add(struct mr_arena *arena, struct mr_entries *entries, struct mr_entry *entry)
{
	if (entries->count == entries->size) {
		size_t size = entries->size ? entries->size * 2 : 16;
		struct mr_entry **items = MR_NEW_ARRAY(arena, struct mr_entry *, size);

		if (entries->count)
			memcpy(items, entries->items, entries->count * sizeof(struct mr_entry *));
		entries->items = items;
		entries->size = size;
	}
	entries->items[entries->count++] = entry;
}

const struct mr_attr *mr_entry_attr(const struct mr_entry *entry, const char *name)
{
	return find(entry, name);
}

const char *mr_entry_value(const struct mr_entry *entry, const char *name)
{
	const struct mr_attr *attr = find(entry, name);

	return attr && attr->values.count ? attr->values.items[0] : NULL;
}

bool mr_entry_has(const struct mr_entry *entry, const char *name, const char *value)
{
	const struct mr_attr *attr = find(entry, name);

	return attr && mr_list_has(&attr->values, value);
}

static bool has_nocase(const struct mr_attr *attr, const char *value)
{
	for (size_t i = 0; attr && i < attr->values.count; i++)
		if (strcasecmp(attr->values.items[i], value) == 0)
			return true;
	return false;
}

bool mr_entry_has_nocase(const struct mr_entry *entry, const char *name, const char *value)
{
	return has_nocase(find(entry, name), value);
}

bool mr_entry_is(const struct mr_entry *entry, const char *object_class)
{
	return mr_entry_has_nocase(entry, "objectClass", object_class);
}
