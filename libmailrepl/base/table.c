#include "base/table.h"

#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#define GAP 2
#define CUT "..."
#define LEAST 8 /* no column gets narrower than this */

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
static char *cut(struct mr_arena *arena, char *text, size_t most)
{
	if (display_width(arena, text) <= most)
		return text;
	for (size_t len = strlen(text); len > 0; len--) {
		if (((unsigned char)text[len] & 0xc0) == 0x80)
			continue;
		text[len] = '\0';
		if (display_width(arena, text) + strlen(CUT) <= most)
			break;
	}
	return mr_printf(arena, "%s" CUT, text);
}

static void shrink(size_t *widths, size_t columns, size_t most)
{
	size_t total = GAP * (columns - 1);

	for (size_t i = 0; i < columns; i++)
		total += widths[i];
	for (; total > most; total--) {
		size_t *widest = widths;

		for (size_t i = 1; i < columns; i++)
			if (widths[i] > *widest)
				widest = &widths[i];
		if (*widest <= LEAST)
			return;
		(*widest)--;
	}
}

void mr_table_format(const char *const *cells, size_t columns, size_t rows, size_t most,
		     struct mr_buf *out)
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
	if (most)
		shrink(widths, columns, most);
	for (size_t i = 0; i < columns * rows; i++) {
		bool last = i % columns == columns - 1;
		const char *text = cut(arena, texts[i], widths[i % columns]);
		size_t pad = last ? 0 : widths[i % columns] - display_width(arena, text) + GAP;

		mr_buf_printf(out, "%s%*s%s", text, (int)pad, "", last ? "\n" : "");
	}
}

void mr_table_wrap(const char *text, size_t indent, size_t most, struct mr_buf *out)
{
	MR_ARENA arena = mr_arena_open();
	char *copy = mr_strdup(arena, text);
	struct mr_list words;
	size_t column = indent;

	mr_printable(copy);
	words = mr_list_split(arena, copy, ' ');
	mr_buf_printf(out, "%*s", (int)indent, "");
	for (size_t i = 0; i < words.count; i++) {
		size_t width = display_width(arena, words.items[i]);

		if (i > 0 && column + 1 + width > most) {
			mr_buf_printf(out, "\n%*s", (int)indent + 2, "");
			column = indent + 2;
		} else if (i > 0) {
			mr_buf_putc(out, ' ');
			column++;
		}
		mr_buf_puts(out, words.items[i]);
		column += width;
	}
	mr_buf_putc(out, '\n');
}
