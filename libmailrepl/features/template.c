#include "features/template.h"

#include <string.h>

#include "features/template_escape.h"
#include "features/template_parse.h"

/* Partials may name each other; one that names itself without end is a mistake. */
#define DEPTH_MOST 32

/* What names are looked up in, the innermost first. */
struct scope {
	const struct mr_value *value;
	const struct scope *outer;
};

struct renderer {
	struct mr_arena *arena;
	enum mr_escaping escaping;
	mr_partial_finder partials;
	void *context;
	struct mr_buf *out;
	struct mr_error *err;
};

/* One template: the file itself or a partial. */
struct source {
	const char *file;
	struct mr_tokens tokens;
	unsigned depth;
};

static int render_text(struct renderer *r, const char *file, const char *text,
		       const struct scope *scope, unsigned depth);
static int render_tokens(struct renderer *r, const struct source *source, size_t from, size_t to,
			 const struct scope *scope);

static int fail_at(struct renderer *r, const struct source *source, const struct mr_token *token,
		   const char *what)
{
	return mr_fail(r->err, MR_E_CONFIG, "%s:%u: {{%s}}: %s", source->file, token->line,
		       token->text, what);
}

/* The first part of a dotted name is looked for outwards, the others in what it names. */
static const struct mr_value *look_up(struct renderer *r, const char *name,
				      const struct scope *scope)
{
	struct mr_list parts;
	const struct mr_value *value = NULL;

	if (strcmp(name, ".") == 0)
		return scope->value;
	parts = mr_list_split(r->arena, name, '.');
	for (; scope && !value; scope = scope->outer)
		value = mr_value_get(scope->value, parts.items[0]);
	for (size_t i = 1; i < parts.count && value; i++)
		value = mr_value_get(value, parts.items[i]);
	return value;
}

static int render_value(struct renderer *r, const struct source *source,
			const struct mr_token *token, const struct mr_value *value)
{
	struct mr_error why = { 0 };
	const char *text;

	if (value->kind == MR_VALUE_STRING)
		text = value->string;
	else if (value->kind == MR_VALUE_INT)
		text = mr_printf(r->arena, "%lld", value->integer);
	else
		return fail_at(r, source, token, _("this is no text"));
	if (mr_escape(r->escaping, text, r->out, &why) < 0)
		return fail_at(r, source, token,
			       mr_printf(r->arena, _("\"%s\" cannot be written here: %s"), text,
					 why.message));
	return 0;
}

static bool is_false(const struct mr_value *value)
{
	return value->kind == MR_VALUE_NULL || (value->kind == MR_VALUE_BOOL && !value->boolean) ||
	       (value->kind == MR_VALUE_LIST && value->count == 0);
}

static int render_section(struct renderer *r, const struct source *source, size_t at,
			  const struct mr_value *value, const struct scope *scope)
{
	const struct mr_token *token = &source->tokens.items[at];

	if (token->kind == MR_TOKEN_INVERTED)
		return is_false(value) ? render_tokens(r, source, at + 1, token->end, scope) : 0;
	if (is_false(value))
		return 0;
	if (value->kind == MR_VALUE_BOOL)
		return render_tokens(r, source, at + 1, token->end, scope);
	if (value->kind != MR_VALUE_LIST)
		return render_tokens(r, source, at + 1, token->end,
				     &(struct scope){ value, scope });
	for (size_t i = 0; i < value->count; i++)
		if (render_tokens(r, source, at + 1, token->end,
				  &(struct scope){ value->items[i], scope }) < 0)
			return -1;
	return 0;
}

/* A partial that stands alone has each of its lines moved in as far as its tag is. */
static const char *indented(struct renderer *r, const char *text, const char *indent)
{
	struct mr_buf buf = { 0 };
	const char *moved;

	if (!*indent)
		return text;
	for (const char *c = text; *c; c++) {
		if (c == text || c[-1] == '\n')
			mr_buf_puts(&buf, indent);
		mr_buf_putc(&buf, *c);
	}
	moved = mr_strdup(r->arena, mr_buf_text(&buf));
	mr_buf_close(&buf);
	return moved;
}

static int render_partial(struct renderer *r, const struct source *source,
			  const struct mr_token *token, const struct scope *scope)
{
	const char *text = r->partials ? r->partials(r->context, token->text) : NULL;

	if (!text)
		return fail_at(r, source, token, _("there is no such template"));
	if (source->depth >= DEPTH_MOST)
		return fail_at(r, source, token, _("templates name each other without end"));
	return render_text(r, token->text, indented(r, text, token->indent), scope,
			   source->depth + 1);
}

static int render_tokens(struct renderer *r, const struct source *source, size_t from, size_t to,
			 const struct scope *scope)
{
	for (size_t i = from; i < to; i++) {
		const struct mr_token *token = &source->tokens.items[i];
		const struct mr_value *value;
		int result;

		if (token->kind == MR_TOKEN_TEXT) {
			mr_buf_add(r->out, token->text, token->len);
			continue;
		}
		if (token->kind == MR_TOKEN_PARTIAL) {
			if (render_partial(r, source, token, scope) < 0)
				return -1;
			continue;
		}
		value = look_up(r, token->text, scope);
		if (!value)
			return fail_at(r, source, token,
				       _("unknown name (they are in templates/README.md)"));
		if (token->kind == MR_TOKEN_VALUE) {
			result = render_value(r, source, token, value);
		} else {
			result = render_section(r, source, i, value, scope);
			i = token->end;
		}
		if (result < 0)
			return -1;
	}
	return 0;
}

static int render_text(struct renderer *r, const char *file, const char *text,
		       const struct scope *scope, unsigned depth)
{
	struct source source = { .file = file, .depth = depth };

	if (mr_template_parse(r->arena, file, text, &source.tokens, r->err) < 0)
		return -1;
	return render_tokens(r, &source, 0, source.tokens.count, scope);
}

int mr_template_render(const char *file, const char *text, const struct mr_value *values,
		       enum mr_escaping escaping, mr_partial_finder partials, void *context,
		       struct mr_buf *out, struct mr_error *err)
{
	MR_ARENA arena = mr_arena_open();
	struct renderer r = { arena, escaping, partials, context, out, err };

	return render_text(&r, file, text, &(struct scope){ values, NULL }, 0);
}
