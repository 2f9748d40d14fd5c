/* Tables for people. */
#ifndef MR_BASE_TABLE_H
#define MR_BASE_TABLE_H

#include "base/strings.h"

/* Appends rows of columns padded by display width, the header in the first row. What is not fit for a terminal becomes '?'; NULL is an
 * empty cell. A cell that is wider than `most` columns (0: no limit) is cut and ends in "...". */
void mr_table_format(const char *const *cells, size_t columns, size_t rows, size_t most, struct mr_buf *out);

#endif
