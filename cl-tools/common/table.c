#include "common/cl.h"

#include <stdio.h>

#include "base/table.h"

void cl_table(const char *const *cells, size_t columns, size_t rows)
{
	MR_BUF text = { 0 };

	mr_table_format(cells, columns, rows, 0, &text);
	fputs(mr_buf_text(&text), stdout);
}
