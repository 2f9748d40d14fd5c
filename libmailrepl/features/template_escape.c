#include "features/template_escape.h"

#include <string.h>

/* In a filter or in a DN. */
#define LDAP_SPECIAL "*()\\,+\"<>;=#"

static const struct {
	const char *word;
	const char *refused; /* anywhere */
	const char *doubled;
	const char *quoted; /* written with a backslash before it */
	const char *hex;    /* written as "\\" and two digits (RFC 4515 and RFC 4514) */
	const char *start;  /* refused as the first character of a line's value */
	bool trims;	    /* blanks at the begin and at the end of a value are lost */
} rules[] = {
	[MR_ESCAPE_NONE] = { "none", "", "", "", "", "", false },
	[MR_ESCAPE_POSTFIX] = { "postfix", "", "$", "", "", "#", true },
	[MR_ESCAPE_POSTFIX_TABLE] = { "postfix-table", "", "", "", "", "#", true },
	[MR_ESCAPE_POSTFIX_LDAP] = { "postfix-ldap", "", "$%", "", LDAP_SPECIAL, "", true },
	[MR_ESCAPE_LDIF] = { "ldif", "\"\\", "", "", "", ":<", true },
	[MR_ESCAPE_DOVECOT] = { "dovecot", "\"'\\#${}", "%", "", "", "<", true },
	[MR_ESCAPE_DOVECOT_LDAP] = { "dovecot-ldap", "", "%", "", LDAP_SPECIAL "'", "", true },
	[MR_ESCAPE_EXIM] = { "exim", "\"", "", "\\${}", "", "#<", true },
	[MR_ESCAPE_HTML] = { "", "", "", "", "", "", false },
};
#define RULES (sizeof(rules) / sizeof(rules[0]))

int mr_escaping_parse(const char *word, enum mr_escaping *out, struct mr_error *err)
{
	for (size_t i = 0; i < RULES; i++) {
		if (*word && strcmp(rules[i].word, word) == 0) {
			*out = (enum mr_escaping)i;
			return 0;
		}
	}
	return mr_fail(err, MR_E_CONFIG,
		       _("unknown escaping \"%s\" (none, postfix, postfix-table, postfix-ldap, "
			 "ldif, dovecot, dovecot-ldap or exim)"),
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

/* Exim's lists are divided by colons, but for those that begin with "<;": these are there for IPv6. In a comment there is no
 * list. */
static char divider(const struct mr_buf *out)
{
	size_t start = out->len;

	while (start > 0 && out->data[start - 1] != '\n')
		start--;
	if (start < out->len && out->data[start] == '#')
		return '\n';
	return memmem(out->data + start, out->len - start, "<;", 2) ? ';' : ':';
}

static bool is_refused(enum mr_escaping escaping, const struct mr_buf *out, unsigned char c)
{
	if (c < ' ' || c == 0x7f || (escaping == MR_ESCAPE_EXIM && c == divider(out)))
		return true;
	if (escaping == MR_ESCAPE_LDIF && c > 0x7f)
		return true; /* RFC 2849: SAFE-STRING is ASCII */
	return strchr(rules[escaping].refused, c);
}

/* Its percent signs are its own; nothing in it is a filter or a DN. */
static bool is_uri(const char *text)
{
	return mr_starts_with(text, "ldap://") || mr_starts_with(text, "ldaps://") ||
	       mr_starts_with(text, "ldapi://");
}

int mr_escape(enum mr_escaping escaping, const char *text, struct mr_buf *out, struct mr_error *err)
{
	bool key = escaping == MR_ESCAPE_POSTFIX_TABLE && at_key(out);

	if (escaping == MR_ESCAPE_HTML) {
		mr_buf_put_html(out, text);
		return 0;
	}
	if (*text && strchr(rules[escaping].start, *text) && at_line_start(out))
		return mr_fail(err, MR_E_INVALID, _("it begins with \"%c\""), *text);
	if (rules[escaping].trims && *text && (*text == ' ' || mr_ends_with(text, " ")))
		return mr_fail(err, MR_E_INVALID, _("it begins or ends with a blank"));
	/* Exim joins the line with the next one, however many there are. */
	if (escaping == MR_ESCAPE_EXIM && mr_ends_with(text, "\\"))
		return mr_fail(err, MR_E_INVALID, _("it ends with a backslash"));
	if (escaping == MR_ESCAPE_POSTFIX_TABLE && !*text)
		return mr_fail(err, MR_E_INVALID, _("it is empty"));
	for (const char *c = text; *c; c++) {
		if (is_refused(escaping, out, (unsigned char)*c) || (key && strchr(" \"\\", *c)))
			return mr_fail(err, MR_E_INVALID, _("it holds the character 0x%02x"),
				       (unsigned)(unsigned char)*c);
	}
	if (*rules[escaping].hex && is_uri(text)) {
		mr_buf_puts(out, text);
		return 0;
	}
	for (const char *c = text; *c; c++) {
		if (strchr(rules[escaping].hex, *c)) {
			mr_buf_printf(out, "\\%02x", (unsigned)(unsigned char)*c);
			continue;
		}
		if (strchr(rules[escaping].doubled, *c))
			mr_buf_putc(out, *c);
		if (strchr(rules[escaping].quoted, *c))
			mr_buf_putc(out, '\\');
		mr_buf_putc(out, *c);
	}
	return 0;
}
