/* A digest of one owner's container, the same wherever and in whatever order it is read: what proves that a copy is equal
 * (equal contextCSNs prove nothing). Streaming: memory does not grow with the directory.
 *
 * Each entry gives the SHA-256 of its DN below the container (without regard to case), entryUUID, entryCSN and sorted attributes; entries are added modulo 2^256 into
 * MR_DIGEST_BUCKETS buckets chosen by the DN, so that two digests that differ tell in which few buckets to look for the entries. */
#ifndef MR_FEATURES_DIGEST_H
#define MR_FEATURES_DIGEST_H

#include <stdint.h>

#include "adapters/directory.h"

#define MR_DIGEST_BUCKETS 1024

struct mr_digest {
	uint8_t buckets[MR_DIGEST_BUCKETS][32];
	unsigned long long entries;
	char hex[65]; /* of the whole */
};

/* Reads everything below `container` (owned or copy; entryCSN, entryUUID, user attributes). A container that does not exist: entries 0. */
int mr_digest_read(struct mr_directory *dir, const char *container, struct mr_digest *out,
		   struct mr_error *err) MR_MUST_CHECK;
bool mr_digest_equal(const struct mr_digest *a, const struct mr_digest *b);

enum mr_difference_kind { MR_DIFFERENCE_MISSING, MR_DIFFERENCE_SURPLUS, MR_DIFFERENCE_CHANGED };
struct mr_difference {
	enum mr_difference_kind kind; /* seen from the copy */
	const char *dn;               /* under its owned name */
	const char *what;             /* changed: the attributes that differ, "entryCSN, mailLocalAddress"; else NULL */
	const char *csn;              /* the owner's entryCSN, of a surplus entry the copy's; "" if it has none */
};
struct mr_differences {
	struct mr_difference *items;
	size_t count;
	bool more; /* there are more than these */
};
/* "missing", "surplus", "changed" */
const char *mr_difference_word(enum mr_difference_kind kind);

/* The exact entries that differ, at most `most` of them, from the buckets that differ; in the order of their DNs within a few buckets.
 * Entries that are equal when they are looked at again are left out: none at all may be found while the container is being written. Memory is
 * that of some thousand DNs, whatever the size: where every bucket differs, not all are looked at (`more`). */
int mr_digest_differences(struct mr_arena *arena, struct mr_directory *owner, const char *owned,
			  const struct mr_digest *owner_digest, struct mr_directory *holder,
			  const char *copy, const struct mr_digest *copy_digest, size_t most,
			  struct mr_differences *out, struct mr_error *err) MR_MUST_CHECK;

#endif
