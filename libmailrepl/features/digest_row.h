/* What a digest is made of: one entry's share. */
#ifndef MR_FEATURES_DIGEST_ROW_H
#define MR_FEATURES_DIGEST_ROW_H

#include "features/digest.h"

struct mr_digest_row {
	const char *below; /* its DN without the container's; "" for the container itself */
	unsigned bucket;
	uint8_t sum[32];
	const char *csn; /* entryCSN, or "" */
};

/* What a digest covers, to be asked for in a search. */
extern const char *const mr_digest_attrs[];

/* `out` points into the entry and the arena. MR_E_PROTOCOL if the entry does not lie below the container. */
int mr_digest_row(struct mr_arena *arena, const char *container, const struct mr_entry *entry,
		  struct mr_digest_row *out, struct mr_error *err) MR_MUST_CHECK;

#endif
