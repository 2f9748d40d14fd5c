#include "features/template_parse.h"

#include <stdbool.h>
#include <string.h>

#define NAME_CHARS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-./"
#define DELIMITER_MOST 8

struct parser {
	struct mr_arena *arena;
	const char *file;
	const char *text; /* the whole template */
	const char *at;   /* what is not parsed yet */
	unsigned line;    /* of `at` */
	const char *open, *close;
	struct mr_tokens *out;
};

/* A tag between its delimiters. */
struct tag {
	const char *start, *after; /* with delimiters */
	char sigil;                /* 0: a variable */
	const char *content;       /* without sigil and blanks */
	unsigned line;
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static struct mr_token *token_new(struct parser *parser, enum mr_token_kind kind, unsigned line)
{
	struct mr_tokens *tokens = parser->out;
	struct mr_token *token;

	if (tokens->count == tokens->size) {
		size_t size = tokens->size ? tokens->size * 2 : 64;
		struct mr_token *items = MR_NEW_ARRAY(parser->arena, struct mr_token, size);

		if (tokens->count)
			memcpy(items, tokens->items, tokens->count * sizeof(*items));
		tokens->items = items;
		tokens->size = size;
	}
	token = &tokens->items[tokens->count++];
	token->kind = kind;
	token->line = line;
	token->indent = "";
	return token;
}

static void add_text(struct parser *parser, const char *from, const char *to, unsigned line)
{
	struct mr_token *token;

	if (from == to)
		return;
	token = token_new(parser, MR_TOKEN_TEXT, line);
	token->text = from;
	token->len = (size_t)(to - from);
}

static unsigned lines_in(const char *from, const char *to)
{
	unsigned lines = 0;

	for (; from < to; from++)
		lines += *from == '\n';
	return lines;
}

/* What ends a tag: "}}}" for "{{{", otherwise the closing delimiter. "{{=<% %>=}}" has its "=" before it. */
static const char *closing(const struct parser *parser, char sigil)
{
	return sigil == '{' ? mr_printf(parser->arena, "}%s", parser->close) : parser->close;
}

static int read_tag(struct parser *parser, const char *start, struct tag *tag, struct mr_error *err)
{
	const char *content = start + strlen(parser->open), *close, *end;

	tag->start = start;
	tag->line = parser->line + lines_in(parser->at, start);
	tag->sigil = *content && strchr("#^/>!=&{", *content) ? *content : '\0';
	if (tag->sigil)
		content++;
	close = closing(parser, tag->sigil);
	end = strstr(content, close);
	if (!end)
		return mr_fail(err, MR_E_CONFIG, _("%s:%u: a tag without \"%s\""), parser->file,
			       tag->line, close);
	tag->after = end + strlen(close);
	while (content < end && (is_blank(*content) || *content == '\n'))
		content++;
	while (end > content && (is_blank(end[-1]) || end[-1] == '\n'))
		end--;
	tag->content = mr_strndup(parser->arena, content, (size_t)(end - content));
	return 0;
}

/* True if nothing but blanks is beside the tag: *from is then the start of its line, *to that of
 * the next. */
static bool stands_alone(const struct parser *parser, const struct tag *tag, const char **from,
			 const char **to)
{
	const char *left = tag->start, *right = tag->after;

	if (!tag->sigil || tag->sigil == '&' || tag->sigil == '{')
		return false;
	while (left > parser->text && is_blank(left[-1]))
		left--;
	while (is_blank(*right))
		right++;
	if (left < parser->at || (left > parser->text && left[-1] != '\n'))
		return false;
	if (right[0] == '\r' && right[1] == '\n')
		right++;
	if (*right && *right != '\n')
		return false;
	*from = left;
	*to = *right ? right + 1 : right;
	return true;
}

static int set_delimiters(struct parser *parser, const struct tag *tag, struct mr_error *err)
{
	const char *open = tag->content;
	size_t len = strlen(open), first = strcspn(open, " \t"), gap;

	if (len > 0 && open[len - 1] == '=')
		len--;
	else
		len = 0;
	while (len > 0 && is_blank(open[len - 1]))
		len--;
	gap = strspn(open + first, " \t");
	if (first == 0 || first > DELIMITER_MOST || first + gap >= len ||
	    len - first - gap > DELIMITER_MOST ||
	    strcspn(open + first + gap, " \t=") < len - first - gap)
		return mr_fail(err, MR_E_CONFIG,
			       _("%s:%u: new delimiters are written {{=<%% %%>=}}"), parser->file,
			       tag->line);
	parser->open = mr_strndup(parser->arena, open, first);
	parser->close = mr_strndup(parser->arena, open + first + gap, len - first - gap);
	return 0;
}

static int add_named(struct parser *parser, const struct tag *tag, const char *indent,
		     struct mr_error *err)
{
	static const struct {
		char sigil;
		enum mr_token_kind kind;
	} kinds[] = {
		{ '\0', MR_TOKEN_VALUE }, { '#', MR_TOKEN_SECTION }, { '^', MR_TOKEN_INVERTED },
		{ '/', MR_TOKEN_END },    { '>', MR_TOKEN_PARTIAL }, { '&', MR_TOKEN_RAW },
		{ '{', MR_TOKEN_RAW },
	};
	struct mr_token *token;

	if (!*tag->content || tag->content[strspn(tag->content, NAME_CHARS)])
		return mr_fail(err, MR_E_CONFIG, _("%s:%u: \"%s\" is not a name"), parser->file,
			       tag->line, tag->content);
	token = token_new(parser, MR_TOKEN_VALUE, tag->line);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (kinds[i].sigil == tag->sigil)
			token->kind = kinds[i].kind;
	token->text = tag->content;
	token->len = strlen(tag->content);
	token->indent = indent;
	return 0;
}

static int parse_tag(struct parser *parser, const char *start, struct mr_error *err)
{
	const char *from = start, *to, *indent = "";
	unsigned line = parser->line;
	struct tag tag = { 0 };
	int result = 0;

	if (read_tag(parser, start, &tag, err) < 0)
		return -1;
	to = tag.after;
	if (stands_alone(parser, &tag, &from, &to))
		indent = mr_strndup(parser->arena, from, (size_t)(start - from));
	add_text(parser, parser->at, from, line);
	if (tag.sigil == '=')
		result = set_delimiters(parser, &tag, err);
	else if (tag.sigil != '!')
		result = add_named(parser, &tag, indent, err);
	parser->line += lines_in(parser->at, to);
	parser->at = to;
	return result;
}

static int match_sections(const struct parser *parser, struct mr_error *err)
{
	struct mr_token *items = parser->out->items;
	size_t *stack = MR_NEW_ARRAY(parser->arena, size_t, parser->out->count + 1);
	size_t depth = 0;

	for (size_t i = 0; i < parser->out->count; i++) {
		if (items[i].kind == MR_TOKEN_SECTION || items[i].kind == MR_TOKEN_INVERTED) {
			stack[depth++] = i;
		} else if (items[i].kind == MR_TOKEN_END) {
			if (depth == 0 || strcmp(items[stack[depth - 1]].text, items[i].text) != 0)
				return mr_fail(err, MR_E_CONFIG,
					       _("%s:%u: {{/%s}} closes nothing that is open"),
					       parser->file, items[i].line, items[i].text);
			items[stack[--depth]].end = i;
		}
	}
	if (depth > 0)
		return mr_fail(err, MR_E_CONFIG, _("%s:%u: the section {{#%s}} is never closed"),
			       parser->file, items[stack[depth - 1]].line,
			       items[stack[depth - 1]].text);
	return 0;
}

int mr_template_parse(struct mr_arena *arena, const char *file, const char *text,
		      struct mr_tokens *out, struct mr_error *err)
{
	struct parser parser = { arena, file, text, text, 1, "{{", "}}", out };
	const char *start;

	while ((start = strstr(parser.at, parser.open)))
		if (parse_tag(&parser, start, err) < 0)
			return -1;
	add_text(&parser, parser.at, parser.at + strlen(parser.at), parser.line);
	return match_sections(&parser, err);
}
