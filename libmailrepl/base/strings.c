#include "base/strings.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void reserve(struct mr_buf *buf, size_t more)
{
	size_t need, size = buf->size ? buf->size : 64;

	if (__builtin_add_overflow(buf->len, more, &need) || need >= SIZE_MAX / 2)
		abort();
	if (buf->data && need < buf->size)
		return;
	while (size <= need)
		size *= 2;
	buf->data = realloc(buf->data, size);
	if (!buf->data)
		abort();
	buf->size = size;
}

void mr_buf_add(struct mr_buf *buf, const void *data, size_t len)
{
	reserve(buf, len);
	if (len)
		memcpy(buf->data + buf->len, data, len);
	buf->len += len;
	buf->data[buf->len] = '\0';
}

void mr_buf_puts(struct mr_buf *buf, const char *text)
{
	mr_buf_add(buf, text, strlen(text));
}

void mr_buf_putc(struct mr_buf *buf, char c)
{
	mr_buf_add(buf, &c, 1);
}

void mr_buf_put_html(struct mr_buf *buf, const char *text)
{
	for (; *text; text++) {
		if (*text == '&')
			mr_buf_puts(buf, "&amp;");
		else if (*text == '<')
			mr_buf_puts(buf, "&lt;");
		else if (*text == '>')
			mr_buf_puts(buf, "&gt;");
		else if (*text == '"')
			mr_buf_puts(buf, "&quot;");
		else if (*text == '\'')
			mr_buf_puts(buf, "&#39;");
		else
			mr_buf_putc(buf, *text);
	}
}

void mr_buf_printf(struct mr_buf *buf, const char *fmt, ...)
{
	va_list args;
	int len;

	va_start(args, fmt);
	len = vsnprintf(NULL, 0, fmt, args);
	va_end(args);
	if (len < 0)
		abort();
	reserve(buf, (size_t)len);
	va_start(args, fmt);
	vsnprintf(buf->data + buf->len, (size_t)len + 1, fmt, args);
	va_end(args);
	buf->len += (size_t)len;
}

void mr_buf_close(struct mr_buf *buf)
{
	free(buf->data);
	*buf = (struct mr_buf){ 0 };
}

const char *mr_buf_text(const struct mr_buf *buf)
{
	return buf->data ? buf->data : "";
}

bool mr_starts_with(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

bool mr_ends_with(const char *text, const char *suffix)
{
	size_t len = strlen(text), tail = strlen(suffix);

	return len >= tail && memcmp(text + len - tail, suffix, tail) == 0;
}

char *mr_lower(struct mr_arena *arena, const char *text)
{
	char *lower = mr_strdup(arena, text);

	for (char *p = lower; p && *p; p++)
		if (*p >= 'A' && *p <= 'Z')
			*p = (char)(*p - 'A' + 'a');
	return lower;
}

/* Length of the printable UTF-8 character (RFC 3629) at `p`; 0 if it is malformed or a control. */
static size_t printable_length(const unsigned char *p)
{
	unsigned long point;
	size_t len;

	if (p[0] < 0x80)
		return p[0] >= 0x20 && p[0] != 0x7f;
	if (p[0] < 0xc2 || p[0] > 0xf4)
		return 0;
	len = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
	point = p[0] & (0x7fu >> len);
	for (size_t i = 1; i < len; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		point = point << 6 | (p[i] & 0x3fu);
	}
	if (point < 0xa0 || (len == 3 && point < 0x800) || (len == 4 && point < 0x10000))
		return 0;
	if ((point >= 0xd800 && point <= 0xdfff) || point > 0x10ffff)
		return 0;
	return len;
}

void mr_printable(char *text)
{
	unsigned char *p = (unsigned char *)text;

	while (*p) {
		size_t len = printable_length(p);

		if (!len)
			*p = '?';
		p += len ? len : 1;
	}
}
