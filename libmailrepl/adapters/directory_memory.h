/* Private to the directory adapter: the directory in memory. */
#ifndef MR_ADAPTERS_DIRECTORY_MEMORY_H
#define MR_ADAPTERS_DIRECTORY_MEMORY_H

#include "adapters/directory_backend.h"

struct memory_record {
	const char *key; /* normalised DN */
	struct mr_entry *entry;
};

/* A secret that was stored: outside the arena, which is not wiped. */
struct memory_secret {
	struct mr_secret secret;
	struct memory_secret *next;
};

struct memory_directory {
	struct mr_directory base;
	struct mr_arena *arena;
	struct memory_record *records; /* in order of arrival */
	size_t count, size;
	struct memory_secret *secrets;
};

/* "directory in memory: <verb> <dn>: <why>"; always -1. */
int mr_memory_fail(struct mr_error *err, enum mr_error_code code, const char *verb, const char *dn,
		   const char *why);
/* By normalised DN; NULL if there is none. */
struct memory_record *mr_memory_find(struct memory_directory *memory, const char *key);
const char *mr_memory_parent(const char *key); /* of a normalised DN; NULL at the top */
/* MR_E_INVALID: a malformed DN. MR_E_NOT_FOUND: there is no such entry. */
int mr_memory_look_up(struct memory_directory *memory, const char *verb, const char *dn,
		      struct memory_record **out, struct mr_error *err) MR_MUST_CHECK;
/* Copies the entry in. `suffix`: one without a parent is allowed. */
int mr_memory_store(struct memory_directory *memory, const struct mr_entry *entry, bool suffix,
		    const char *verb, struct mr_error *err) MR_MUST_CHECK;

int mr_memory_add(struct mr_directory *dir, const struct mr_entry *entry, struct mr_error *err);
int mr_memory_modify(struct mr_directory *dir, const char *dn, const struct mr_mod *mods,
		     size_t count, struct mr_error *err);
int mr_memory_delete(struct mr_directory *dir, const char *dn, struct mr_error *err);
int mr_memory_rename(struct mr_directory *dir, const char *dn, const char *value,
		     struct mr_error *err);
int mr_memory_increment(struct mr_directory *dir, const char *dn, const char *attribute,
			long long *value, struct mr_error *err);

#endif
