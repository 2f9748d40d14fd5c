/* Tables for people. */
#ifndef MR_BASE_TABLE_H
#define MR_BASE_TABLE_H

#include "base/strings.h"

/* Appends rows of columns padded by display width, the header in the first row. What is not fit for
 * a terminal becomes '?'; NULL is an empty cell. No line is wider than `most` (0: no limit): the
 * widest cells are cut and end in "...". */
void mr_table_format(const char *const *cells, size_t columns, size_t rows, size_t most,
		     struct mr_buf *out);
/* Appends `text` in lines of at most `most` columns, broken at spaces, each begun with `indent`
 * spaces, those that continue with two more. A word that is longer has a line of its own. */
void mr_table_wrap(const char *text, size_t indent, size_t most, struct mr_buf *out);

#endif
