#include "features/digest.h"

#include <string.h>

#include "adapters/tls.h"
#include "features/digest_row.h"

struct reading {
	struct mr_arena *scratch; /* of one entry */
	const char *container;
	struct mr_digest *digest;
};

/* Modulo 2^256: the order does not count, and an entry that is there twice is not one that is absent. */
static void add(uint8_t bucket[32], const uint8_t sum[32])
{
	unsigned carry = 0;

	for (size_t i = 0; i < 32; i++) {
		carry += (unsigned)bucket[i] + sum[i];
		bucket[i] = (uint8_t)carry;
		carry >>= 8;
	}
}

static int add_entry(void *context, const struct mr_entry *entry, struct mr_error *err)
{
	const struct reading *reading = context;
	struct mr_digest_row row;

	mr_arena_reset(reading->scratch);
	if (mr_digest_row(reading->scratch, reading->container, entry, &row, err) < 0)
		return -1;
	add(reading->digest->buckets[row.bucket], row.sum);
	reading->digest->entries++;
	return 0;
}

static void sum_up(struct mr_digest *digest)
{
	struct mr_sha256 *sum = mr_sha256_open();

	mr_sha256_add(sum, digest->buckets, sizeof(digest->buckets));
	mr_sha256_close(sum, digest->hex);
}

int mr_digest_read(struct mr_directory *dir, const char *container, struct mr_digest *out,
		   struct mr_error *err)
{
	const struct mr_search find = { .base = container, .attrs = mr_digest_attrs };
	MR_ARENA scratch = mr_arena_open();
	struct reading reading = { scratch, container, out };

	*out = (struct mr_digest){ 0 };
	if (mr_directory_visit(dir, &find, add_entry, &reading, err) < 0 &&
	    err->code != MR_E_NOT_FOUND)
		return -1;
	sum_up(out);
	return 0;
}

bool mr_digest_equal(const struct mr_digest *a, const struct mr_digest *b)
{
	return a->entries == b->entries &&
	       memcmp(a->buckets, b->buckets, sizeof(a->buckets)) == 0;
}

const char *mr_difference_word(enum mr_difference_kind kind)
{
	static const char *const words[] = { [MR_DIFFERENCE_MISSING] = "missing",
					     [MR_DIFFERENCE_SURPLUS] = "surplus",
					     [MR_DIFFERENCE_CHANGED] = "changed" };

	return words[kind];
}
