/* JSON text (RFC 8259) to values and back. */
#ifndef MR_ADAPTERS_JSON_H
#define MR_ADAPTERS_JSON_H

#include "base/value.h"

/* `len` bytes, no duplicate keys, no NUL in a text: otherwise MR_E_INVALID "<name>:<line>:<column>:
 * …". A depth of more than 64 and an object with more than 1,000 members are MR_E_INVALID "<name>:
 * …". */
int mr_json_parse(struct mr_arena *arena, const char *name, const char *text, size_t len,
		  struct mr_value **out, struct mr_error *err) MR_MUST_CHECK;
/* Indented by 2, members in order, a newline at the end. Bytes that are not UTF-8 become "?". */
char *mr_json_format(struct mr_arena *arena, const struct mr_value *value);
/* The same in one line. */
char *mr_json_format_line(struct mr_arena *arena, const struct mr_value *value);

#endif
