#include "adapters/config_text.h"

#include <string.h>

#include "base/strings.h"

#define NAME_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-*"

/* Where things are; NULL: not there. */
struct scan {
	const char *text, *at;
	const char *value, *value_end; /* of the setting */
	const char *group_end;         /* the brace behind its group, or the end of the text */
	const char *sibling;           /* the last setting of that group */
	bool open;                     /* which no semicolon ends */
	const char *hint; /* the last comment there that is the setting, commented out */
};

const char *mr_config_text_skip(const char *text)
{
	const char *end = NULL;

	if (*text == '"') {
		for (text++; *text && *text != '"'; text++)
			if (*text == '\\' && text[1])
				text++;
	} else if (*text == '#' || strncmp(text, "//", 2) == 0) {
		return text + strcspn(text, "\n");
	} else if (strncmp(text, "/*", 2) == 0) {
		end = strstr(text + 2, "*/");
		return end ? end + 2 : text + strlen(text);
	}
	return *text ? text + 1 : text;
}

static bool is_comment(const char *text)
{
	return *text == '#' || strncmp(text, "//", 2) == 0 || strncmp(text, "/*", 2) == 0;
}

bool mr_config_text_is_bare(const char *text)
{
	while (*text && *text != '@' && !is_comment(text))
		text = mr_config_text_skip(text);
	return !*text;
}

/* "# name = ..." */
static bool names(const char *comment, const char *name)
{
	size_t len = strlen(name);

	if (strncmp(comment, "/*", 2) == 0)
		return false;
	comment += strspn(comment, "#/ \t");
	if (strncmp(comment, name, len) != 0)
		return false;
	comment += len;
	comment += strspn(comment, " \t");
	return *comment == '=' || *comment == ':';
}

/* Over blanks, comments and lines that include a file. */
static void skip_blanks(struct scan *scan, const char *leaf)
{
	for (;;) {
		const char *begin = scan->at += strspn(scan->at, " \t\r\n\f");

		if (strncmp(begin, "@include", 8) == 0)
			scan->at += strcspn(begin, "\n");
		else if (is_comment(begin))
			scan->at = mr_config_text_skip(begin);
		else
			return;
		if (leaf && names(begin, leaf))
			scan->hint = begin;
	}
}

/* Texts that stand side by side are one. */
static const char *value_end(struct scan *scan)
{
	const char *end = scan->at;
	int depth = 0;

	if (*end == '"') {
		do {
			end = scan->at = mr_config_text_skip(scan->at);
			skip_blanks(scan, NULL);
		} while (*scan->at == '"');
		return end;
	}
	if (*end != '(' && *end != '[')
		return end + strcspn(end, " \t\r\n\f;,#/{}()[]\"");
	do {
		depth += strchr("([{", *end) ? 1 : strchr(")]}", *end) ? -1 : 0;
		end = mr_config_text_skip(end);
	} while (*end && depth > 0);
	return end;
}

static bool scan_group(struct scan *scan, const char *name);

static bool scan_setting(struct scan *scan, const char *name, const char *leaf)
{
	const char *begin = scan->at, *value;
	size_t len = strspn(begin, NAME_CHARACTERS);
	bool is_it = name && strncmp(name, begin, len) == 0;

	scan->at += len;
	skip_blanks(scan, NULL);
	if (len == 0 || (*scan->at != '=' && *scan->at != ':'))
		return false;
	scan->at++;
	skip_blanks(scan, NULL);
	value = scan->at;
	if (*value == '{') {
		scan->at++;
		if (!scan_group(scan, is_it && name[len] == '.' ? name + len + 1 : NULL) ||
		    *scan->at != '}')
			return false;
		scan->at++;
	} else {
		scan->at = value_end(scan);
	}
	if (is_it && !name[len]) {
		scan->value = value;
		scan->value_end = scan->at;
	}
	if (leaf)
		scan->sibling = begin;
	return scan->at > value;
}

/* The settings of a group, up to the brace behind it. `name`: what is looked for in it, or NULL. */
static bool scan_group(struct scan *scan, const char *name)
{
	const char *leaf = name && !strchr(name, '.') ? name : NULL;

	for (skip_blanks(scan, leaf); *scan->at && *scan->at != '}'; skip_blanks(scan, leaf)) {
		if (!scan_setting(scan, name, leaf))
			return false;
		skip_blanks(scan, NULL); /* nothing is added before its semicolon */
		if (leaf)
			scan->open = *scan->at != ';' && *scan->at != ',';
		scan->at += *scan->at == ';' || *scan->at == ',';
	}
	if (leaf)
		scan->group_end = scan->at;
	return true;
}

static const char *line_of(const struct scan *scan, const char *at)
{
	while (at > scan->text && at[-1] != '\n')
		at--;
	return at;
}

/* The blanks with which the line of `at` begins. */
static const char *indent_of(struct mr_arena *arena, const struct scan *scan, const char *at)
{
	const char *line = line_of(scan, at);

	return mr_strndup(arena, line, strspn(line, " \t"));
}

static char *splice(struct mr_arena *arena, const struct scan *scan, const char *begin,
		    const char *end, const char *between)
{
	return mr_printf(arena, "%.*s%s%s", (int)(begin - scan->text), scan->text, between, end);
}

/* A group that is there: on a line of its own, unless the brace behind it stands on that of a setting. */
static char *add_to_group(struct mr_arena *arena, const struct scan *scan, const char *line,
			  const char *eol)
{
	const char *brace = scan->group_end, *begin = line_of(scan, brace), *end = brace;

	if (begin + strspn(begin, " \t") == brace)
		return splice(
			arena, scan, begin, begin,
			mr_printf(arena, "%s%s%s%s",
				  indent_of(arena, scan, scan->sibling ? scan->sibling : brace),
				  scan->sibling ? "" : "\t", line, eol));
	while (end > begin && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	return splice(
		arena, scan, end, end,
		mr_printf(arena, "%s %s%s", scan->open ? ";" : "", line, end == brace ? " " : ""));
}

static char *add(struct mr_arena *arena, const struct scan *scan, const char *name,
		 const char *value)
{
	const char *eol = strstr(scan->text, "\r\n") ? "\r\n" : "\n", *dot = strchr(name, '.');
	const char *line = mr_printf(arena, "%s = %s;", dot ? dot + 1 : name, value);
	const char *at = scan->hint ? scan->hint + strcspn(scan->hint, "\n")
				    : scan->text + strlen(scan->text);
	/* The last line of the file may lack its end. */
	const char *before = !*at && at > scan->text && at[-1] != '\n' ? eol : "";

	if (scan->hint)
		line = mr_printf(arena, "%s%s", indent_of(arena, scan, scan->hint), line);
	else if (dot && scan->group_end)
		return add_to_group(arena, scan, line, eol);
	else if (dot)
		line = mr_printf(arena, "%s%.*s:%s{%s\t%s%s};", *scan->text ? eol : "",
				 (int)(dot - name), name, eol, eol, line, eol);
	at += *at == '\n';
	return splice(arena, scan, at, at, mr_printf(arena, "%s%s%s", before, line, eol));
}

char *mr_config_text_set(struct mr_arena *arena, const char *text, const char *name,
			 const char *value)
{
	struct scan scan = { .text = text, .at = text };

	if (!scan_group(&scan, name) || *scan.at)
		return NULL;
	return scan.value ? splice(arena, &scan, scan.value, scan.value_end, value)
			  : add(arena, &scan, name, value);
}
