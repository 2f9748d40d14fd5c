#include "adapters/directory_backend.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

bool mr_memory_equal(const char *attribute, const char *a, const char *b)
{
	static const char *const without_case[] = {
		"uid", "mailLocalAddress", "mailRoutingAddress", "mailHost", "cn", "ou",
		"dc",  "objectClass",	   "associatedDomain",	 "mail"
	};

	for (size_t i = 0; i < sizeof(without_case) / sizeof(without_case[0]); i++)
		if (strcasecmp(attribute, without_case[i]) == 0)
			return strcasecmp(a, b) == 0;
	return strcmp(a, b) == 0;
}

struct parser {
	struct mr_arena *arena;
	const char *at;
	const char *filter; /* whole, for messages */
	const struct mr_entry *entry;
};

static int refuse(const struct parser *parser, const char *why, struct mr_error *err)
{
	return mr_fail(err, MR_E_INVALID, _("filter %s: %s"), parser->filter, why);
}

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The value up to the closing parenthesis, RFC 4515's \xx decoded. */
static int parse_value(struct parser *parser, const char **out, struct mr_error *err)
{
	MR_BUF value = { 0 };

	for (; *parser->at != ')'; parser->at++) {
		const char *p = parser->at;
		int high, low;

		if (!*p || *p == '(')
			return refuse(parser, _("a parenthesis is missing"), err);
		if (*p == '*')
			return refuse(parser, _("the directory in memory knows no substrings"),
				      err);
		if (*p != '\\') {
			mr_buf_putc(&value, *p);
			continue;
		}
		high = hex(p[1]);
		low = high < 0 ? -1 : hex(p[2]);
		if (low < 0 || high + low == 0)
			return refuse(parser, _("a backslash without two hexadecimal digits"), err);
		mr_buf_putc(&value, (char)(high * 16 + low));
		parser->at += 2;
	}
	*out = mr_strdup(parser->arena, mr_buf_text(&value));
	return 0;
}

static bool is_at_least(const char *have, const char *want)
{
	char *have_end, *want_end;
	long long left = strtoll(have, &have_end, 10), right = strtoll(want, &want_end, 10);

	if (*have && *want && !*have_end && !*want_end)
		return left >= right;
	return strcmp(have, want) >= 0;
}

static bool has_match(const struct parser *parser, const char *name, const char *want,
		      bool at_least)
{
	const struct mr_attr *attr = parser->entry ? mr_entry_attr(parser->entry, name) : NULL;

	for (size_t i = 0; attr && i < attr->values.count; i++)
		if (at_least ? is_at_least(attr->values.items[i], want)
			     : mr_memory_equal(name, attr->values.items[i], want))
			return true;
	return false;
}

static int parse_item(struct parser *parser, bool *match, struct mr_error *err)
{
	size_t len = strcspn(parser->at, "=<>~:()*\\");
	const char *name = mr_strndup(parser->arena, parser->at, len), *want = NULL;
	bool at_least = parser->at[len] == '>';

	parser->at += len + at_least;
	if (!len || *parser->at != '=')
		return refuse(parser, _("the directory in memory knows =, =* and >= only"), err);
	parser->at++;
	if (!at_least && mr_starts_with(parser->at, "*)")) {
		parser->at++;
		*match = parser->entry && mr_entry_attr(parser->entry, name);
		return 0;
	}
	if (parse_value(parser, &want, err) < 0)
		return -1;
	*match = has_match(parser, name, want, at_least);
	return 0;
}

static int parse_filter(struct parser *parser, int depth, bool *match, struct mr_error *err);

/* All parts are read, also when the result is known: the filter must be right as a whole. */
static int parse_set(struct parser *parser, int depth, bool *match, struct mr_error *err)
{
	bool all = *parser->at++ == '&';

	*match = all;
	while (*parser->at == '(') {
		bool part;

		if (parse_filter(parser, depth + 1, &part, err) < 0)
			return -1;
		*match = all ? *match && part : *match || part;
	}
	return 0;
}

static int parse_filter(struct parser *parser, int depth, bool *match, struct mr_error *err)
{
	int rc;

	if (*parser->at++ != '(' || depth > 50)
		return refuse(parser, _("a parenthesis is missing"), err);
	if (*parser->at == '&' || *parser->at == '|') {
		rc = parse_set(parser, depth, match, err);
	} else if (*parser->at == '!') {
		parser->at++;
		rc = parse_filter(parser, depth + 1, match, err);
		*match = !*match;
	} else {
		rc = parse_item(parser, match, err);
	}
	if (rc < 0)
		return -1;
	if (*parser->at != ')')
		return refuse(parser, _("a parenthesis is missing"), err);
	parser->at++;
	return 0;
}

int mr_memory_filter(const char *filter, const struct mr_entry *entry, bool *match,
		     struct mr_error *err)
{
	MR_ARENA arena = mr_arena_open();
	struct parser parser = { arena, filter, filter, entry };

	*match = false;
	if (parse_filter(&parser, 0, match, err) < 0)
		return -1;
	if (*parser.at)
		return refuse(&parser, _("something follows its end"), err);
	return 0;
}
