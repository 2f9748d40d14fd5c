/* What a directory holds, remembered by digest: small enough for a whole owned database. */
#ifndef MR_FEATURES_RESTORE_INDEX_H
#define MR_FEATURES_RESTORE_INDEX_H

#include "features/restore_only.h"

struct mr_restore_item {
	char *dn;
	char content[65], password[65]; /* SHA-256; of what is not operational and no password; of
					   the passwords */
	bool moving;                    /* a mailbox on its way to another host */
	bool chosen;                    /* of mr_restore_only_has, for what it is now */
	bool seen;
};

struct mr_restore_index {
	struct mr_arena *arena;
	const struct mr_restore_only *only;
	enum mr_service service;
	struct mr_restore_item *items; /* sorted by DN */
	size_t count, size;
};

/* Everything below `base`, the container of `service` (the base itself is left out). */
int mr_restore_index_read(struct mr_arena *arena, struct mr_directory *dir, enum mr_service service,
			  const char *base, const struct mr_restore_only *only,
			  struct mr_restore_index *out, struct mr_error *err) MR_MUST_CHECK;
/* NULL if there is none. */
struct mr_restore_item *mr_restore_index_find(const struct mr_restore_index *index, const char *dn);
void mr_restore_digest(const struct mr_entry *entry, struct mr_restore_item *out);
/* Attributes that slapd keeps by itself, and how far a mailbox is on its way to another host, which
 * only the move itself may say: neither compared nor restored. */
bool mr_restore_operational(const char *name);

#endif
