/* What a directory holds, remembered by digest: small enough for a whole owned database. */
#ifndef MR_FEATURES_RESTORE_INDEX_H
#define MR_FEATURES_RESTORE_INDEX_H

#include "adapters/directory.h"

struct mr_restore_item {
	char *dn;
	char content[65], password[65]; /* SHA-256; of what is not operational and no password; of
					   the passwords */
	bool seen;
};

struct mr_restore_index {
	struct mr_arena *arena;
	struct mr_restore_item *items; /* sorted by DN */
	size_t count, size;
};

/* Everything below `base` (the base itself is left out). */
int mr_restore_index_read(struct mr_arena *arena, struct mr_directory *dir, const char *base,
			  struct mr_restore_index *out, struct mr_error *err) MR_MUST_CHECK;
/* NULL if there is none. */
struct mr_restore_item *mr_restore_index_find(const struct mr_restore_index *index, const char *dn);
void mr_restore_digest(const struct mr_entry *entry, struct mr_restore_item *out);
/* Attributes that slapd keeps by itself. */
bool mr_restore_operational(const char *name);

#endif
