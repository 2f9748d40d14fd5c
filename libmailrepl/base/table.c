#include "base/table.h"

#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#define GAP 2
#define CUT "..."

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

/* Whole characters go until the rest fits. */
static char *cell_text(struct mr_arena *arena, const char *cell, size_t most)
{
	char *text = mr_strdup(arena, cell ? cell : "");
	size_t len;

	mr_printable(text);
	if (!most || display_width(arena, text) <= most)
		return text;
	for (len = strlen(text); len > 0; len--) {
		if (((unsigned char)text[len] & 0xc0) == 0x80)
			continue;
		text[len] = '\0';
		if (display_width(arena, text) + strlen(CUT) <= most)
			break;
	}
	return mr_printf(arena, "%s" CUT, text);
}

void mr_table_format(const char *const *cells, size_t columns, size_t rows, size_t most, struct mr_buf *out)
{
	MR_ARENA arena = mr_arena_open();
	size_t *widths = MR_NEW_ARRAY(arena, size_t, columns);
	char **texts = MR_NEW_ARRAY(arena, char *, columns *rows);

	for (size_t i = 0; i < columns * rows; i++) {
		size_t width;

		texts[i] = cell_text(arena, cells[i], most);
		width = display_width(arena, texts[i]);
		if (width > widths[i % columns])
			widths[i % columns] = width;
	}
	for (size_t i = 0; i < columns * rows; i++) {
		bool last = i % columns == columns - 1;
		size_t pad = last ? 0 : widths[i % columns] - display_width(arena, texts[i]) + GAP;

		mr_buf_printf(out, "%s%*s%s", texts[i], (int)pad, "", last ? "\n" : "");
	}
}
