/* A tree of values: what templates are filled with and what --json prints. Everything is in an
 * arena. */
#ifndef MR_BASE_VALUE_H
#define MR_BASE_VALUE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/strings.h"

enum mr_value_kind {
	MR_VALUE_NULL,
	MR_VALUE_BOOL,
	MR_VALUE_INT,
	MR_VALUE_REAL, /* a number that is not whole; nothing of ours has one */
	MR_VALUE_STRING,
	MR_VALUE_LIST,
	MR_VALUE_OBJECT
};

struct mr_value {
	enum mr_value_kind kind;
	bool boolean;
	long long integer;
	double real;
	const char *string;
	size_t count, size;      /* list, object */
	const char **keys;       /* object: count keys in order of insertion */
	struct mr_value **items; /* list, object */
};

struct mr_value *mr_value_object(struct mr_arena *arena);
struct mr_value *mr_value_list(struct mr_arena *arena);
struct mr_value *mr_value_string(struct mr_arena *arena, const char *text); /* NULL gives null */
struct mr_value *mr_value_int(struct mr_arena *arena, long long number);
struct mr_value *mr_value_real(struct mr_arena *arena, double number);
struct mr_value *mr_value_bool(struct mr_arena *arena, bool yes);
struct mr_value *mr_value_strings(struct mr_arena *arena, const struct mr_list *list);

/* Sets or replaces a member; returns `item` so that trees can be built in passing. */
struct mr_value *mr_value_set(struct mr_arena *arena, struct mr_value *object, const char *key,
			      struct mr_value *item);
void mr_value_set_string(struct mr_arena *arena, struct mr_value *object, const char *key,
			 const char *text);
void mr_value_set_int(struct mr_arena *arena, struct mr_value *object, const char *key,
		      long long number);
void mr_value_set_bool(struct mr_arena *arena, struct mr_value *object, const char *key, bool yes);
struct mr_value *mr_value_append(struct mr_arena *arena, struct mr_value *list,
				 struct mr_value *item);

/* NULL if `object` is no object or has no such member. */
const struct mr_value *mr_value_get(const struct mr_value *object, const char *key);
struct mr_value *mr_value_member(struct mr_value *object, const char *key); /* the same, to be changed */
/* The member's string; `otherwise` if absent or no string. */
const char *mr_value_get_string(const struct mr_value *object, const char *key,
				const char *otherwise);
long long mr_value_get_int(const struct mr_value *object, const char *key, long long otherwise);

#endif
