#include "features/digest.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "features/digest_row.h"

#define PASS_ROWS   16384 /* about so many entries are held at a time */
#define MOST_PASSES 4

struct rows {
	struct mr_digest_row *items;
	size_t count, size;
};

/* One side of the comparison, and what of it is held during a pass. */
struct side {
	struct mr_directory *dir;
	const char *container;
	const bool *wanted; /* buckets */
	struct mr_arena *arena, *scratch;
	struct rows rows;
};

struct comparison {
	struct mr_arena *arena;
	struct side owner, copy;
	size_t most;
	struct mr_differences *out;
};

static int keep_row(void *context, const struct mr_entry *entry, struct mr_error *err)
{
	struct side *side = context;
	struct rows *rows = &side->rows;
	struct mr_digest_row row;

	mr_arena_reset(side->scratch);
	if (mr_digest_row(side->scratch, side->container, entry, &row, err) < 0)
		return -1;
	if (!side->wanted[row.bucket])
		return 0;
	if (rows->count == rows->size) {
		size_t size = rows->size ? rows->size * 2 : 256;
		struct mr_digest_row *items = MR_NEW_ARRAY(side->arena, struct mr_digest_row, size);

		if (rows->count)
			memcpy(items, rows->items, rows->count * sizeof(*items));
		rows->items = items;
		rows->size = size;
	}
	row.below = mr_strdup(side->arena, row.below);
	row.csn = mr_strdup(side->arena, row.csn);
	rows->items[rows->count++] = row;
	return 0;
}

static int by_dn(const void *a, const void *b)
{
	const struct mr_digest_row *x = a, *y = b;

	return strcasecmp(x->below, y->below);
}

static int read_side(struct side *side, struct mr_error *err)
{
	const struct mr_search find = { .base = side->container, .attrs = mr_digest_attrs };

	side->rows = (struct rows){ 0 };
	if (mr_directory_visit(side->dir, &find, keep_row, side, err) < 0 &&
	    err->code != MR_E_NOT_FOUND)
		return -1;
	if (side->rows.count)
		qsort(side->rows.items, side->rows.count, sizeof(*side->rows.items), by_dn);
	return 0;
}

static const char *full_dn(struct mr_arena *arena, const char *below, const char *container)
{
	return *below ? mr_printf(arena, "%s,%s", below, container) : mr_strdup(arena, container);
}

static void report(struct comparison *c, enum mr_difference_kind kind,
		   const struct mr_digest_row *row, const char *what)
{
	struct mr_differences *out = c->out;

	if (out->count == c->most) {
		out->more = true;
		return;
	}
	out->items[out->count++] =
		(struct mr_difference){ kind, full_dn(c->arena, row->below, c->owner.container),
					what, mr_strdup(c->arena, row->csn) };
}

static void name_attrs(struct mr_arena *arena, const struct mr_entry *a, const struct mr_entry *b,
		       struct mr_list *names)
{
	for (size_t i = 0; i < a->count; i++) {
		const struct mr_attr *other = mr_entry_attr(b, a->attrs[i].name);
		const char *name = a->attrs[i].name;

		if ((!other || !mr_list_equal(&a->attrs[i].values, &other->values)) &&
		    !mr_list_has(names, name))
			mr_list_add(arena, names, name);
	}
}

/* Names only: a value may be a password's hash. */
static int report_changed(struct comparison *c, const struct mr_digest_row *owner,
			  const struct mr_digest_row *copy, struct mr_error *err)
{
	MR_ARENA scratch = mr_arena_open();
	const char *owned = full_dn(scratch, owner->below, c->owner.container);
	const char *held = full_dn(scratch, copy->below, c->copy.container);
	struct mr_entry *a, *b;
	struct mr_list names = { 0 };

	if (c->out->count == c->most) {
		c->out->more = true;
		return 0;
	}
	if (mr_directory_read(c->owner.dir, scratch, owned, mr_digest_attrs, &a, err) < 0 ||
	    mr_directory_read(c->copy.dir, scratch, held, mr_digest_attrs, &b, err) < 0)
		return -1;
	if (!a || !b)
		return 0;
	name_attrs(scratch, a, b, &names);
	name_attrs(scratch, b, a, &names);
	mr_list_sort(&names);
	if (names.count)
		report(c, MR_DIFFERENCE_CHANGED, owner,
		       mr_strdup(c->arena, mr_list_join(scratch, &names, ", ")));
	return 0;
}

/* Both sides are sorted. */
static int merge(struct comparison *c, struct mr_error *err)
{
	const struct rows *a = &c->owner.rows, *b = &c->copy.rows;
	size_t i = 0, k = 0;

	while (i < a->count || k < b->count) {
		int order = i == a->count   ? 1
			    : k == b->count ? -1
					    : strcasecmp(a->items[i].below, b->items[k].below);

		if (order < 0) {
			report(c, MR_DIFFERENCE_MISSING, &a->items[i++], NULL);
		} else if (order > 0) {
			report(c, MR_DIFFERENCE_SURPLUS, &b->items[k++], NULL);
		} else {
			if (memcmp(a->items[i].sum, b->items[k].sum, sizeof(a->items[i].sum)) != 0 &&
			    report_changed(c, &a->items[i], &b->items[k], err) < 0)
				return -1;
			i++, k++;
		}
	}
	return 0;
}

static int pass(struct comparison *c, const bool *wanted, struct mr_error *err)
{
	MR_ARENA arena = mr_arena_open();
	MR_ARENA scratch = mr_arena_open();

	c->owner.wanted = c->copy.wanted = wanted;
	c->owner.arena = c->copy.arena = arena;
	c->owner.scratch = c->copy.scratch = scratch;
	if (read_side(&c->owner, err) < 0 || read_side(&c->copy, err) < 0)
		return -1;
	return merge(c, err);
}

int mr_digest_differences(struct mr_arena *arena, struct mr_directory *owner, const char *owned,
			  const struct mr_digest *owner_digest, struct mr_directory *holder,
			  const char *copy, const struct mr_digest *copy_digest, size_t most,
			  struct mr_differences *out, struct mr_error *err)
{
	unsigned long long entries = owner_digest->entries > copy_digest->entries
					     ? owner_digest->entries
					     : copy_digest->entries;
	size_t each = (size_t)(entries / MR_DIGEST_BUCKETS) + 1, next = 0;
	size_t batch = each < PASS_ROWS ? PASS_ROWS / each : 1;
	struct comparison c = { .arena = arena, .most = most, .out = out };

	c.owner = (struct side){ .dir = owner, .container = owned };
	c.copy = (struct side){ .dir = holder, .container = copy };
	*out = (struct mr_differences){ .items = MR_NEW_ARRAY(arena, struct mr_difference, most) };
	for (int passes = 0; next < MR_DIGEST_BUCKETS && !out->more; passes++) {
		bool wanted[MR_DIGEST_BUCKETS] = { false };
		size_t count = 0;

		for (; next < MR_DIGEST_BUCKETS && count < batch; next++) {
			wanted[next] = memcmp(owner_digest->buckets[next], copy_digest->buckets[next],
					      sizeof(owner_digest->buckets[next])) != 0;
			count += wanted[next];
		}
		if (count && passes == MOST_PASSES)
			out->more = true;
		else if (count && pass(&c, wanted, err) < 0)
			return -1;
	}
	return 0;
}
