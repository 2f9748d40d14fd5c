/* The first half of template.h: a template's text cut into tokens, its sections matched. */
#ifndef MR_FEATURES_TEMPLATE_PARSE_H
#define MR_FEATURES_TEMPLATE_PARSE_H

#include "base/memory.h"

enum mr_token_kind {
	MR_TOKEN_TEXT,
	MR_TOKEN_VALUE,
	MR_TOKEN_RAW, /* {{{name}}}, {{&name}} */
	MR_TOKEN_SECTION,
	MR_TOKEN_INVERTED,
	MR_TOKEN_END,
	MR_TOKEN_PARTIAL,
};

struct mr_token {
	enum mr_token_kind kind;
	const char *text; /* MR_TOKEN_TEXT: `len` bytes of the template; otherwise the name */
	size_t len;
	const char *indent; /* MR_TOKEN_PARTIAL that stands alone: the blanks before it, or "" */
	unsigned line;      /* from 1 */
	size_t end;         /* MR_TOKEN_SECTION, MR_TOKEN_INVERTED: index of its MR_TOKEN_END */
};

struct mr_tokens {
	struct mr_token *items;
	size_t count, size;
};

/* Tokens refer to `text`. MR_E_CONFIG "<file>:<line>: …" for a tag without end, a name of other
 * characters than letters, digits and "_-./", and sections that do not match. Tags other
 * than variables that stand alone on a line take the line with them. */
int mr_template_parse(struct mr_arena *arena, const char *file, const char *text,
		      struct mr_tokens *out, struct mr_error *err) MR_MUST_CHECK;

#endif
