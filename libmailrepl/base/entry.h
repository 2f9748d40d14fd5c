/* Directory entries and changes of entries as plain data (RFC 4512, RFC 4511 section 4.6). */
#ifndef MR_BASE_ENTRY_H
#define MR_BASE_ENTRY_H

#include <stdbool.h>

#include "base/strings.h"

/* One attribute. A password hash is not among `values`: `secret` then points to it (borrowed, must
 * outlive the entry) and is the attribute's only value; it is never printed. */
struct mr_attr {
	const char *name;
	struct mr_list values;
	const struct mr_secret *secret;
};

struct mr_entry {
	const char *dn;
	struct mr_attr *attrs;
	size_t count, size;
};

struct mr_entries {
	struct mr_entry **items;
	size_t count, size;
};

enum mr_mod_op { MR_MOD_ADD, MR_MOD_DELETE, MR_MOD_REPLACE, MR_MOD_INCREMENT };

/* MR_MOD_DELETE and MR_MOD_REPLACE without values: the whole attribute goes. */
struct mr_mod {
	enum mr_mod_op op;
	struct mr_attr attr;
};

struct mr_entry *mr_entry_new(struct mr_arena *arena, const char *dn);
void mr_entry_add(struct mr_arena *arena, struct mr_entry *entry, const char *name,
		  const char *value);
void mr_entry_add_list(struct mr_arena *arena, struct mr_entry *entry, const char *name,
		       const struct mr_list *values); /* an empty list adds nothing */
void mr_entry_add_secret(struct mr_arena *arena, struct mr_entry *entry, const char *name,
			 const struct mr_secret *secret);
void mr_entries_add(struct mr_arena *arena, struct mr_entries *entries, struct mr_entry *entry);

/* Attribute names compare without regard to case. NULL if absent. */
const struct mr_attr *mr_entry_attr(const struct mr_entry *entry, const char *name);
const char *mr_entry_value(const struct mr_entry *entry, const char *name); /* the first, or NULL */
/* Values compare byte for byte. */
bool mr_entry_has(const struct mr_entry *entry, const char *name, const char *value);
/* Without regard to case, as addresses and names compare. */
bool mr_entry_has_nocase(const struct mr_entry *entry, const char *name, const char *value);
/* Has `value` among objectClass, without regard to case. */
bool mr_entry_is(const struct mr_entry *entry, const char *object_class);

#endif
