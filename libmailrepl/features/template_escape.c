#include "features/template_escape.h"

#include <string.h>

static const struct {
	const char *word;
	const char *refused; /* anywhere */
	const char *doubled;
	const char *start; /* refused as the first character */
} rules[] = {
	[MR_ESCAPE_NONE] = { "none", "", "", "" },
	[MR_ESCAPE_POSTFIX] = { "postfix", "", "$", "#" },
	[MR_ESCAPE_POSTFIX_TABLE] = { "postfix-table", "", "", "#" },
	[MR_ESCAPE_LDIF] = { "ldif", "\"\\", "", " :<" },
	[MR_ESCAPE_DOVECOT] = { "dovecot", "\"'\\#${}", "%", " <" },
};
#define RULES (sizeof(rules) / sizeof(rules[0]))

int mr_escaping_parse(const char *word, enum mr_escaping *out, struct mr_error *err)
{
	for (size_t i = 0; i < RULES; i++) {
		if (strcmp(rules[i].word, word) == 0) {
			*out = (enum mr_escaping)i;
			return 0;
		}
	}
	return mr_fail(err, MR_E_CONFIG,
		       _("unknown escaping \"%s\" (none, postfix, postfix-table, ldif or dovecot)"),
		       word);
}

/* The key of a table is its line's first word. */
static bool at_key(const struct mr_buf *out)
{
	for (size_t i = out->len; i > 0 && out->data[i - 1] != '\n'; i--)
		if (out->data[i - 1] == ' ' || out->data[i - 1] == '\t')
			return false;
	return true;
}

static bool at_line_start(const struct mr_buf *out)
{
	return out->len == 0 || out->data[out->len - 1] == '\n' || out->data[out->len - 1] == ' ' ||
	       out->data[out->len - 1] == '\t';
}

static bool is_refused(enum mr_escaping escaping, unsigned char c)
{
	if (c < ' ' || c == 0x7f)
		return true;
	if (escaping == MR_ESCAPE_LDIF && c > 0x7f)
		return true; /* RFC 2849: SAFE-STRING is ASCII */
	return strchr(rules[escaping].refused, c);
}

int mr_escape(enum mr_escaping escaping, const char *text, struct mr_buf *out, struct mr_error *err)
{
	bool key = escaping == MR_ESCAPE_POSTFIX_TABLE && at_key(out);

	if (*text && strchr(rules[escaping].start, *text) && at_line_start(out))
		return mr_fail(err, MR_E_INVALID, _("it begins with \"%c\""), *text);
	for (const char *c = text; *c; c++) {
		if (is_refused(escaping, (unsigned char)*c) || (key && *c == ' '))
			return mr_fail(err, MR_E_INVALID, _("it holds the character 0x%02x"),
				       (unsigned)(unsigned char)*c);
	}
	for (const char *c = text; *c; c++) {
		if (strchr(rules[escaping].doubled, *c))
			mr_buf_putc(out, *c);
		mr_buf_putc(out, *c);
	}
	return 0;
}
