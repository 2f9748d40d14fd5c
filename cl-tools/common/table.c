#include "common/cl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#define GAP 2

/* Columns on a terminal; bytes where the locale cannot tell. */
static size_t display_width(struct mr_arena *arena, const char *text)
{
	size_t len = mbstowcs(NULL, text, 0);
	wchar_t *wide;
	int width;

	if (len == (size_t)-1)
		return strlen(text);
	wide = MR_NEW_ARRAY(arena, wchar_t, len + 1);
	mbstowcs(wide, text, len + 1);
	width = wcswidth(wide, len);
	return width < 0 ? strlen(text) : (size_t)width;
}

void cl_table(const char *const *cells, size_t columns, size_t rows)
{
	MR_ARENA arena = mr_arena_open();
	size_t *widths = MR_NEW_ARRAY(arena, size_t, columns);
	char **texts = MR_NEW_ARRAY(arena, char *, columns *rows);

	for (size_t i = 0; i < columns * rows; i++) {
		size_t width;

		texts[i] = mr_strdup(arena, cells[i] ? cells[i] : "");
		mr_printable(texts[i]);
		width = display_width(arena, texts[i]);
		if (width > widths[i % columns])
			widths[i % columns] = width;
	}
	for (size_t i = 0; i < columns * rows; i++) {
		bool last = i % columns == columns - 1;
		size_t pad = last ? 0 : widths[i % columns] - display_width(arena, texts[i]) + GAP;

		printf("%s%*s%s", texts[i], (int)pad, "", last ? "\n" : "");
	}
}
