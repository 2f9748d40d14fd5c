/* Private to the directory adapter: what a backend supplies, and helpers for both. */
#ifndef MR_ADAPTERS_DIRECTORY_BACKEND_H
#define MR_ADAPTERS_DIRECTORY_BACKEND_H

#include "adapters/directory.h"

struct mr_directory_backend {
	void (*close)(struct mr_directory *dir);
	/* Entries are made in `arena`; with NULL in one of its own that is emptied after each
	 * entry. */
	int (*visit)(struct mr_directory *dir, struct mr_arena *arena,
		     const struct mr_search *search, mr_entry_visitor visit, void *context,
		     struct mr_error *err);
	int (*add)(struct mr_directory *dir, const struct mr_entry *entry, struct mr_error *err);
	int (*modify)(struct mr_directory *dir, const char *dn, const struct mr_mod *mods,
		      size_t count, struct mr_error *err);
	int (*remove)(struct mr_directory *dir, const char *dn, struct mr_error *err);
	int (*rename)(struct mr_directory *dir, const char *dn, const char *value,
		      struct mr_error *err);
	int (*increment)(struct mr_directory *dir, const char *dn, const char *attribute,
			 long long *value, struct mr_error *err);
	/* NULL: this backend knows no certificates. */
	bool (*certificate)(struct mr_directory *dir, struct mr_buf *der);
};

/* The first member of each backend's own struct. */
struct mr_directory {
	const struct mr_directory_backend *backend;
};

/* Before the first call into libldap, from whichever function makes it: no ldap.conf, ldaprc or
 * LDAP* variable is read. Thread-safe, repeatable. */
void mr_ldap_library_init(void);

/* Lower case, no needless spaces, parts of an RDN sorted, everything unusual as \xx: two DNs are
 * equal if these are, and a comma always separates RDNs. NULL if the DN is malformed. */
char *mr_dn_normalize(struct mr_arena *arena, const char *dn);

/* Whether `entry` matches. MR_E_INVALID for a filter that is malformed or uses what only a server
 * knows (substrings, <=, ~=, extensible); with a NULL entry the filter is only checked. */
int mr_memory_filter(const char *filter, const struct mr_entry *entry, bool *match,
		     struct mr_error *err) MR_MUST_CHECK;
/* Equal as the schema compares this attribute's values. */
bool mr_memory_equal(const char *attribute, const char *a, const char *b);

#endif
