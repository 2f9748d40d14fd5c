#include "features/digest_row.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "adapters/tls.h"

const char *const mr_digest_attrs[] = { "*", "entryUUID", "entryCSN", NULL };

/* FNV-1a, without regard to case as DNs are compared. */
static unsigned bucket_of(const char *below)
{
	uint32_t hash = 2166136261u;

	for (; *below; below++) {
		unsigned char c = (unsigned char)*below;

		hash = (hash ^ (c >= 'A' && c <= 'Z' ? c + 32u : c)) * 16777619u;
	}
	return hash % MR_DIGEST_BUCKETS;
}

/* With its length, so that no two lists of texts give the same bytes. */
static void add_text(struct mr_sha256 *sum, const char *text)
{
	size_t len = strlen(text);
	uint8_t head[8];

	for (size_t i = 0; i < sizeof(head); i++)
		head[i] = (uint8_t)(len >> (8 * i));
	mr_sha256_add(sum, head, sizeof(head));
	mr_sha256_add(sum, text, len);
}

static void add_attr(struct mr_arena *arena, struct mr_sha256 *sum, const struct mr_attr *attr)
{
	struct mr_list values = { MR_NEW_ARRAY(arena, const char *, attr->values.count),
				  attr->values.count, attr->values.count };

	if (values.count)
		memcpy(values.items, attr->values.items, values.count * sizeof(*values.items));
	mr_list_sort(&values);
	add_text(sum, mr_lower(arena, attr->name));
	add_text(sum, mr_printf(arena, "%zu", values.count));
	for (size_t i = 0; i < values.count; i++)
		add_text(sum, values.items[i]);
}

static int by_name(const void *a, const void *b)
{
	const struct mr_attr *const *x = a, *const *y = b;

	return strcasecmp((*x)->name, (*y)->name);
}

static void sum_entry(struct mr_arena *arena, const char *below, const struct mr_entry *entry,
		      uint8_t out[32])
{
	const struct mr_attr **attrs = MR_NEW_ARRAY(arena, const struct mr_attr *, entry->count);
	struct mr_sha256 *sum = mr_sha256_open();
	char hex[65];

	for (size_t i = 0; i < entry->count; i++)
		attrs[i] = &entry->attrs[i];
	if (entry->count)
		qsort(attrs, entry->count, sizeof(*attrs), by_name);
	add_text(sum, below);
	for (size_t i = 0; i < entry->count; i++)
		add_attr(arena, sum, attrs[i]);
	mr_sha256_close(sum, hex);
	for (size_t i = 0; i < 32; i++) {
		const char digits[3] = { hex[2 * i], hex[2 * i + 1], '\0' };

		out[i] = (uint8_t)strtoul(digits, NULL, 16);
	}
}

int mr_digest_row(struct mr_arena *arena, const char *container, const struct mr_entry *entry,
		  struct mr_digest_row *out, struct mr_error *err)
{
	size_t len = strlen(entry->dn), tail = strlen(container);
	const char *csn = mr_entry_value(entry, "entryCSN");

	if (len < tail || strcasecmp(entry->dn + len - tail, container) != 0 ||
	    (len > tail && entry->dn[len - tail - 1] != ','))
		return mr_fail(err, MR_E_PROTOCOL, _("%s: not below %s"), entry->dn, container);
	out->below = len == tail ? "" : mr_strndup(arena, entry->dn, len - tail - 1);
	out->bucket = bucket_of(out->below);
	out->csn = csn ? csn : "";
	/* A DN may come back in other letters than it was written in: ou=mail for ou=Mail. */
	sum_entry(arena, mr_lower(arena, out->below), entry, out->sum);
	return 0;
}
