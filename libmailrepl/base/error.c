#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/strings.h"

static const struct {
	int status;
	const char *word;
} codes[] = {
#define MR_ERROR_ROW(code, status, word) [MR_E_##code] = { status, word },
	MR_ERROR_CODES(MR_ERROR_ROW)
#undef MR_ERROR_ROW
};

#define KNOWN_CODES (sizeof(codes) / sizeof(codes[0]))

/* Puts "..." at the end of a text that filled the buffer, without leaving half a character before
 * it. */
static void cut(char *text, size_t size)
{
	size_t end = size - sizeof("...");

	while (end > 0 && ((unsigned char)text[end] & 0xc0) == 0x80)
		end--;
	memcpy(text + end, "...", sizeof("..."));
}

/* Goes through a buffer of its own, because an argument may be the old err->message. */
static void set_message(struct mr_error *err, const char *prefix, const char *suffix)
{
	char text[sizeof(err->message)];
	int n = snprintf(text, sizeof(text), "%s%s%s", prefix, *suffix ? ": " : "", suffix);

	if (n < 0)
		text[0] = '\0';
	else if ((size_t)n >= sizeof(text))
		cut(text, sizeof(text));
	mr_printable(text);
	memcpy(err->message, text, sizeof(text));
}

static void format(char *text, size_t size, const char *fmt, va_list args)
{
	int n = vsnprintf(text, size, fmt, args);

	if (n < 0)
		snprintf(text, size, "%s", fmt);
	else if ((size_t)n >= size)
		cut(text, size);
}

int mr_fail(struct mr_error *err, enum mr_error_code code, const char *fmt, ...)
{
	char text[sizeof(err->message)];
	va_list args;

	va_start(args, fmt);
	format(text, sizeof(text), fmt, args);
	va_end(args);
	err->code = code;
	set_message(err, text, "");
	return -1;
}

int mr_fail_in(struct mr_error *err, const char *fmt, ...)
{
	char text[sizeof(err->message)];
	va_list args;

	va_start(args, fmt);
	format(text, sizeof(text), fmt, args);
	va_end(args);
	set_message(err, text, err->message);
	return -1;
}

static enum mr_error_code code_of_errno(int number)
{
	switch (number) {
	case ENOENT:
		return MR_E_NOT_FOUND;
	case EACCES:
	case EPERM:
		return MR_E_DENIED;
	case EAGAIN:
	case ETIMEDOUT:
		return MR_E_TEMPORARY;
	default:
		return MR_E_IO;
	}
}

int mr_fail_errno(struct mr_error *err, const char *fmt, ...)
{
	char text[sizeof(err->message)];
	int number = errno;
	va_list args;

	va_start(args, fmt);
	format(text, sizeof(text), fmt, args);
	va_end(args);
	err->code = code_of_errno(number);
	set_message(err, text, strerror(number));
	return -1;
}

int mr_error_status(enum mr_error_code code)
{
	return (size_t)code < KNOWN_CODES ? codes[code].status : EX_SOFTWARE;
}

const char *mr_error_word(enum mr_error_code code)
{
	return (size_t)code < KNOWN_CODES ? codes[code].word : codes[MR_E_INTERNAL].word;
}
