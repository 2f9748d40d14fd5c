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
	const struct mr_template *template;
	struct mr_buf *out;
	struct mr_error *err;
	/* Checking: nothing ends it, and both sides of each section are looked at. */
	mr_template_report report;
	void *to;
	size_t mistakes;
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

/* -1, or 0 if it goes on. */
static int mistake(struct renderer *r)
{
	if (!r->report)
		return -1;
	r->report(r->to, r->err);
	r->mistakes++;
	*r->err = (struct mr_error){ 0 };
	return 0;
}

static int fail_at(struct renderer *r, const struct source *source, const struct mr_token *token,
		   const char *what)
{
	mr_fail(r->err, MR_E_CONFIG, "%s:%u: {{%s}}: %s", source->file, token->line, token->text,
		what);
	return mistake(r);
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

/* NULL: it is none. */
static const char *text_of(struct renderer *r, const struct mr_value *value)
{
	switch (value->kind) {
	case MR_VALUE_STRING:
		return value->string;
	case MR_VALUE_INT:
		return mr_printf(r->arena, "%lld", value->integer);
	case MR_VALUE_REAL:
		return mr_printf(r->arena, "%.15g", value->real);
	case MR_VALUE_BOOL:
		if (r->template->lenient)
			return value->boolean ? "true" : "false";
		break;
	case MR_VALUE_NULL:
	case MR_VALUE_LIST:
	case MR_VALUE_OBJECT:
		break;
	}
	return NULL;
}

static int render_value(struct renderer *r, const struct source *source,
			const struct mr_token *token, const struct mr_value *value)
{
	const char *text = text_of(r, value);
	struct mr_error why = { 0 };

	if (!text && r->template->lenient)
		return 0;
	if (!text)
		return fail_at(r, source, token, _("this is no text"));
	if (token->kind == MR_TOKEN_RAW) {
		mr_buf_puts(r->out, text);
		return 0;
	}
	if (mr_escape(r->template->escaping, text, r->out, &why) < 0)
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

/* Whatever it is: with the first of a list, so that each tag is looked at once. */
static int check_section(struct renderer *r, const struct source *source, size_t at,
			 const struct mr_value *value, const struct scope *scope)
{
	const struct mr_token *token = &source->tokens.items[at];
	struct scope inner = { value, scope };

	if (value->kind == MR_VALUE_LIST && value->count)
		inner.value = value->items[0];
	return render_tokens(r, source, at + 1, token->end,
			     token->kind == MR_TOKEN_INVERTED ? scope : &inner);
}

static int render_section(struct renderer *r, const struct source *source, size_t at,
			  const struct mr_value *value, const struct scope *scope)
{
	const struct mr_token *token = &source->tokens.items[at];

	if (r->report)
		return check_section(r, source, at, value, scope);
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
	const struct mr_template *template = r->template;
	const char *text =
		template->partials ? template->partials(template->context, token->text) : NULL;

	if (!text && template->lenient)
		return 0;
	if (!text)
		return fail_at(r, source, token, _("there is no such template"));
	if (source->depth >= DEPTH_MOST) {
		(void)fail_at(r, source, token, _("templates name each other without end"));
		return -1;
	}
	return render_text(r, token->text, indented(r, text, token->indent), scope,
			   source->depth + 1);
}

/* A tag with a value; *at is then the last token that belongs to it. */
static int render_tag(struct renderer *r, const struct source *source, size_t *at,
		      const struct scope *scope)
{
	static const struct mr_value nothing = { .kind = MR_VALUE_NULL };
	const struct mr_token *token = &source->tokens.items[*at];
	const struct mr_value *value = look_up(r, token->text, scope);
	bool section = token->kind == MR_TOKEN_SECTION || token->kind == MR_TOKEN_INVERTED;
	size_t from = *at;

	if (section)
		*at = token->end;
	if (token->kind == MR_TOKEN_RAW && !r->template->lenient)
		return fail_at(r, source, token, _("nothing is written raw: use {{name}}"));
	if (!value && !r->template->lenient)
		return fail_at(r, source, token,
			       _("unknown name (they are in templates/README.md)"));
	if (!value)
		value = &nothing;
	return section ? render_section(r, source, from, value, scope)
		       : render_value(r, source, token, value);
}

static int render_tokens(struct renderer *r, const struct source *source, size_t from, size_t to,
			 const struct scope *scope)
{
	for (size_t i = from; i < to; i++) {
		const struct mr_token *token = &source->tokens.items[i];
		int result = 0;

		if (token->kind == MR_TOKEN_TEXT)
			mr_buf_add(r->out, token->text, token->len);
		else if (token->kind == MR_TOKEN_PARTIAL)
			result = render_partial(r, source, token, scope);
		else
			result = render_tag(r, source, &i, scope);
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
		return mistake(r);
	return render_tokens(r, &source, 0, source.tokens.count, scope);
}

int mr_template_render(const struct mr_template *template, const struct mr_value *values,
		       struct mr_buf *out, struct mr_error *err)
{
	MR_ARENA arena = mr_arena_open();
	struct renderer r = { .arena = arena, .template = template, .out = out, .err = err };

	return render_text(&r, template->file, template->text, &(struct scope){ values, NULL }, 0);
}

size_t mr_template_check(const struct mr_template *template, const struct mr_value *values,
			 mr_template_report report, void *to)
{
	MR_ARENA arena = mr_arena_open();
	MR_BUF out = { 0 };
	struct mr_error err = { 0 };
	struct renderer r = { arena, template, &out, &err, report, to, 0 };

	(void)render_text(&r, template->file, template->text, &(struct scope){ values, NULL }, 0);
	return r.mistakes;
}
