#include "features/restore_index.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "adapters/tls.h"

bool mr_restore_operational(const char *name)
{
	static const char *const names[] = { "structuralObjectClass",
					     "entryUUID",
					     "entryCSN",
					     "contextCSN",
					     "creatorsName",
					     "createTimestamp",
					     "modifiersName",
					     "modifyTimestamp",
					     "entryDN",
					     "subschemaSubentry",
					     "hasSubordinates",
					     "mailReplMove" };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (strcasecmp(name, names[i]) == 0)
			return true;
	return false;
}

static int by_name(const void *a, const void *b)
{
	const struct mr_attr *const *left = a, *const *right = b;

	return strcasecmp((*left)->name, (*right)->name);
}

/* Lengths go in as well, so that no two different entries read the same. */
static void add_text(struct mr_sha256 *sum, const char *text)
{
	size_t len = strlen(text);

	mr_sha256_add(sum, &len, sizeof(len));
	mr_sha256_add(sum, text, len);
}

static void add_attr(struct mr_arena *arena, struct mr_sha256 *sum, const struct mr_attr *attr)
{
	struct mr_list values = { 0 };

	for (size_t i = 0; i < attr->values.count; i++)
		mr_list_add(arena, &values, attr->values.items[i]);
	mr_list_sort(&values);
	add_text(sum, mr_lower(arena, attr->name));
	mr_sha256_add(sum, &values.count, sizeof(values.count));
	for (size_t i = 0; i < values.count; i++) {
		add_text(sum, values.items[i]);
		explicit_bzero((char *)values.items[i], strlen(values.items[i]));
	}
}

void mr_restore_digest(const struct mr_entry *entry, struct mr_restore_item *out)
{
	MR_ARENA arena = mr_arena_open();
	const struct mr_attr **attrs =
		MR_NEW_ARRAY(arena, const struct mr_attr *, entry->count + 1);
	struct mr_sha256 *content = mr_sha256_open(), *password = mr_sha256_open();
	size_t count = 0;

	for (size_t i = 0; i < entry->count; i++)
		if (!mr_restore_operational(entry->attrs[i].name))
			attrs[count++] = &entry->attrs[i];
	qsort(attrs, count, sizeof(*attrs), by_name);
	for (size_t i = 0; i < count; i++)
		add_attr(arena,
			 strcasecmp(attrs[i]->name, "userPassword") == 0 ? password : content,
			 attrs[i]);
	mr_sha256_close(content, out->content);
	mr_sha256_close(password, out->password);
}

static int by_dn(const void *a, const void *b)
{
	const struct mr_restore_item *left = a, *right = b;

	return strcasecmp(left->dn, right->dn);
}

static int remember(void *context, const struct mr_entry *entry, struct mr_error *err)
{
	struct mr_restore_index *index = context;

	(void)err;
	if (index->count == index->size) {
		index->size = index->size ? 2 * index->size : 1024;
		index->items = realloc(index->items, index->size * sizeof(*index->items));
		if (!index->items)
			abort();
	}
	index->items[index->count] = (struct mr_restore_item){
		.dn = mr_strdup(index->arena, entry->dn),
		.moving = mr_entry_value(entry, "mailReplMove"),
		.chosen = mr_restore_only_has(index->only, index->service, entry) ==
			  MR_RESTORE_CHOSEN,
	};
	mr_restore_digest(entry, &index->items[index->count++]);
	return 0;
}

int mr_restore_index_read(struct mr_arena *arena, struct mr_directory *dir, enum mr_service service,
			  const char *base, const struct mr_restore_only *only,
			  struct mr_restore_index *out, struct mr_error *err)
{
	const struct mr_search find = { .base = base };
	struct mr_restore_item *kept;
	size_t count = 0;
	int rc;

	*out = (struct mr_restore_index){ .arena = arena, .only = only, .service = service };
	rc = mr_directory_visit(dir, &find, remember, out, err);
	kept = MR_NEW_ARRAY(arena, struct mr_restore_item, out->count + 1);
	for (size_t i = 0; i < out->count; i++)
		if (!mr_dn_equal(out->items[i].dn, base))
			kept[count++] = out->items[i];
	free(out->items);
	out->items = kept;
	out->count = count;
	qsort(out->items, out->count, sizeof(*out->items), by_dn);
	return rc;
}

struct mr_restore_item *mr_restore_index_find(const struct mr_restore_index *index, const char *dn)
{
	const struct mr_restore_item wanted = { .dn = (char *)dn };

	return bsearch(&wanted, index->items, index->count, sizeof(*index->items), by_dn);
}
