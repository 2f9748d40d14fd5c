/* Growing buffers and lists of strings. */
#ifndef MR_BASE_STRINGS_H
#define MR_BASE_STRINGS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/memory.h"

/* Start as { 0 }. `data` is NUL-terminated once anything was added; before that it is NULL. */
struct mr_buf {
	char *data;
	size_t len, size;
};

void mr_buf_add(struct mr_buf *buf, const void *data, size_t len);
void mr_buf_puts(struct mr_buf *buf, const char *text);
void mr_buf_putc(struct mr_buf *buf, char c);
void mr_buf_put_html(struct mr_buf *buf, const char *text); /* as text or in an attribute */
void mr_buf_printf(struct mr_buf *buf, const char *fmt, ...) MR_PRINTF(2, 3);
void mr_buf_close(struct mr_buf *buf);
const char *mr_buf_text(const struct mr_buf *buf); /* never NULL: "" when empty */
#define MR_BUF __attribute__((cleanup(mr_buf_close))) struct mr_buf

/* A list of strings; start as { 0 }. Items and array live in the arena given to add. */
struct mr_list {
	const char **items;
	size_t count, size;
};

void mr_list_add(struct mr_arena *arena, struct mr_list *list, const char *item); /* copies item */
bool mr_list_has(const struct mr_list *list, const char *item);                   /* strcmp */
bool mr_list_equal(const struct mr_list *a, const struct mr_list *b); /* same set, any order */
void mr_list_sort(struct mr_list *list);                              /* strcmp order, in place */
/* Splits at each `separator`; "a,,b" has an empty item in the middle, "" has one empty item. */
struct mr_list mr_list_split(struct mr_arena *arena, const char *text, char separator);
const char *mr_list_join(struct mr_arena *arena, const struct mr_list *list, const char *separator);

bool mr_starts_with(const char *text, const char *prefix);
bool mr_ends_with(const char *text, const char *suffix);
char *mr_lower(struct mr_arena *arena, const char *text); /* ASCII only */

/* Makes `text` safe to show on a terminal, in place: control characters (C0, DEL, C1) and bytes
 * that are not UTF-8 (RFC 3629) become '?'. */
void mr_printable(char *text);

#endif
