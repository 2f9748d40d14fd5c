/* Comma-separated values (RFC 4180): the only way to libcsv.
 *
 * What is read may hold passwords, so fields live in a secret's pages, and what the library had of
 * them is wiped. Blanks around a field that is not quoted do not count, nor do empty lines; lines
 * end in CR LF or LF. */
#ifndef MR_ADAPTERS_CSV_H
#define MR_ADAPTERS_CSV_H

#include "base/strings.h"

/* One row, which begins in `line` (from 1). `fields` NULL: it is malformed, `why` (translated) says
 * how, and the next row is looked for in the line after. The fields are UTF-8 as far as the text
 * is, without NUL. */
typedef void (*mr_csv_visitor)(void *context, unsigned long line, const char *const *fields,
			       size_t count, const char *why);

/* Calls `visit` for each row of `text` (`len` bytes; a byte order mark at its beginning is
 * skipped). The fields lie in `store`, which is replaced, and stay there until it is closed. */
void mr_csv_parse(const char *text, size_t len, struct mr_secret *store, mr_csv_visitor visit,
		  void *context);
/* Appends one row and its CR LF. A field is quoted if it must be, or if it is empty and alone; NULL
 * is an empty one. */
void mr_csv_format(struct mr_buf *out, const char *const *fields, size_t count);

#endif
