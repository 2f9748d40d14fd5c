#include "features/render_diff.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "adapters/textdiff.h"
#include "base/file.h"
#include "base/paths.h"

#define HIDDEN "(hidden)"
#define TEXT_MOST ((size_t)16 << 20)
#define WORD "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"

static bool is_secret_name(const char *name, size_t len)
{
	static const char *const ends[] = { "pass",   "password", "passwd",        "_pw",
					    "rootpw", "bindpw",   "password_maps", "secret" };

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		size_t end = strlen(ends[i]);

		if (len >= end && strncasecmp(name + len - end, ends[i], end) == 0)
			return true;
	}
	return false;
}

/* "</path" of Dovecot's, "type:/path" of Postfix's. A password may begin with a slash. */
static bool names_file(const char *value)
{
	size_t type = strspn(value, "abcdefghijklmnopqrstuvwxyz");

	if (mr_starts_with(value, "static:") || mr_starts_with(value, "inline:"))
		return false;
	return mr_starts_with(value, "</") || (type > 0 && mr_starts_with(value + type, ":/"));
}

/* Behind "password=" and "credentials=", but not behind "nopassword=". */
static size_t secret_word(const char *line, size_t at)
{
	static const char *const words[] = { "password=", "credentials=" };

	if (at > 0 && isalnum((unsigned char)line[at - 1]))
		return 0;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strncasecmp(line + at, words[i], strlen(words[i])) == 0)
			return strlen(words[i]);
	return 0;
}

static void put_words(struct mr_buf *out, const char *line, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		size_t word = secret_word(line, i), value;

		if (!word) {
			mr_buf_putc(out, line[i]);
			continue;
		}
		mr_buf_add(out, line + i, word);
		i += word;
		value = line[i] == '"' ? 1 + strcspn(line + i + 1, "\"\n")
				       : strcspn(line + i, " \t,\n");
		value += value > 0 && line[i] == '"' && line[i + value] == '"';
		if (value > 0)
			mr_buf_puts(out, HIDDEN);
		i += value - 1;
	}
}

/* *secret: what goes on from the line before, as Postfix lets lines do that begin with a blank. */
static void put_line(struct mr_buf *out, const char *line, size_t len, bool *secret)
{
	const char *text = line + strspn(line, " \t"), *value = text;
	bool hidden = *secret && text > line, hides = mr_starts_with(text, "hide ");

	if (!hidden) {
		const char *name = text + (hides ? strlen("hide ") : 0);
		size_t name_len = strspn(name, WORD);

		value = name + name_len + strspn(name + name_len, " \t:=");
		hidden = name_len > 0 && value > name + name_len &&
			 (hides || is_secret_name(name, name_len));
		*secret = hidden && text == line;
	}
	if (!hidden || value >= line + len || names_file(value)) {
		put_words(out, line, len);
		return;
	}
	mr_buf_add(out, line, (size_t)(value - line));
	mr_buf_puts(out, HIDDEN);
}

const char *mr_diff_mask(struct mr_arena *arena, const char *text)
{
	MR_BUF out = { 0 };
	bool secret = false;

	while (*text) {
		size_t len = strcspn(text, "\n");

		put_line(&out, text, len, &secret);
		text += len;
		if (*text)
			mr_buf_putc(&out, *text++);
	}
	return mr_strdup(arena, mr_buf_text(&out));
}

int mr_diff_texts(struct mr_arena *arena, const char *name, const char *before, const char *after,
		  struct mr_buf *out, struct mr_error *err)
{
	const char *one = before ? mr_diff_mask(arena, before) : NULL,
		   *other = after ? mr_diff_mask(arena, after) : NULL;

	if (before && after && strcmp(before, after) != 0 && strcmp(one, other) == 0) {
		mr_buf_printf(out, _("--- %s\n+++ %s\n(only what is hidden differs)\n"), name,
			      name);
		return 0;
	}
	return mr_text_diff(name, one, other, out, err);
}

int mr_diff_plan(struct mr_arena *arena, const struct mr_config *config, const struct mr_plan *plan,
		 struct mr_buf *out, struct mr_error *err)
{
	const char *notes = mr_printf(arena, "%s%s/", config->root, MR_PATH_CHANGES);

	for (size_t i = 0; i < plan->count; i++) {
		const struct mr_step *step = &plan->steps[i];
		struct mr_error absent;
		char *text = NULL;

		if (step->kind != MR_STEP_FILE || step->secret_content ||
		    mr_starts_with(step->path, notes))
			continue;
		if (mr_file_read(arena, step->path, TEXT_MOST, &text, NULL, &absent) < 0)
			text = NULL;
		if (mr_diff_texts(arena, step->path, text, step->content, out, err) < 0)
			return -1;
	}
	return 0;
}
