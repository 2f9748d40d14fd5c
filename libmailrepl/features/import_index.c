#include "features/import_index.h"

#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <strings.h>

struct slot {
	const char *text; /* NULL: free */
	enum mr_import_key key;
	size_t user;
};

struct mr_import_index {
	struct slot *slots;
	size_t count, size; /* size is a power of two */
};

static struct slot *slots_open(size_t size)
{
	struct slot *slots = calloc(size, sizeof(*slots));

	if (!slots)
		abort();
	return slots;
}

struct mr_import_index *mr_import_index_open(void)
{
	struct mr_import_index *index = calloc(1, sizeof(*index));

	if (!index)
		abort();
	index->size = 1024;
	index->slots = slots_open(index->size);
	return index;
}

void mr_import_index_close(struct mr_import_index *index)
{
	if (!index)
		return;
	free(index->slots);
	free(index);
}

/* FNV-1a */
static uint64_t hash_of(enum mr_import_key key, const char *text)
{
	uint64_t hash = 0xcbf29ce484222325u ^ (uint64_t)key;

	for (; *text; text++)
		hash = (hash ^ (uint64_t)tolower((unsigned char)*text)) * 0x100000001b3u;
	return hash ^ hash >> 32;
}

/* Where the key is, or where it would be put. */
static struct slot *slot_of(const struct mr_import_index *index, enum mr_import_key key,
			    const char *text)
{
	size_t at = (size_t)hash_of(key, text) & (index->size - 1);

	while (index->slots[at].text &&
	       (index->slots[at].key != key || strcasecmp(index->slots[at].text, text) != 0))
		at = (at + 1) & (index->size - 1);
	return &index->slots[at];
}

static void grow(struct mr_import_index *index)
{
	struct slot *old = index->slots;
	size_t size = index->size;

	index->size *= 2;
	index->slots = slots_open(index->size);
	for (size_t i = 0; i < size; i++)
		if (old[i].text)
			*slot_of(index, old[i].key, old[i].text) = old[i];
	free(old);
}

bool mr_import_index_add(struct mr_import_index *index, enum mr_import_key key, const char *text,
			 size_t *user)
{
	struct slot *slot;

	if (index->count * 2 >= index->size)
		grow(index);
	slot = slot_of(index, key, text);
	if (slot->text) {
		*user = slot->user;
		return false;
	}
	*slot = (struct slot){ text, key, *user };
	index->count++;
	return true;
}

bool mr_import_index_find(const struct mr_import_index *index, enum mr_import_key key,
			  const char *text, size_t *user)
{
	const struct slot *slot = slot_of(index, key, text);

	*user = slot->user;
	return slot->text;
}
