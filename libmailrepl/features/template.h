/* Mustache templates (mustache.github.io/mustache.5), strict: variables {{name}}, sections
 * {{#name}}…{{/name}}, inverted sections {{^name}}, partials {{>name}}, comments {{!…}} and
 * delimiters {{=<% %>=}}; dotted names; "." for the item of a list of strings. An unknown name, an
 * unbalanced section, or a value that the escaping refuses is MR_E_CONFIG
 * "<file>:<line>: …". Standalone tags leave no empty line. */
#ifndef MR_FEATURES_TEMPLATE_H
#define MR_FEATURES_TEMPLATE_H

#include "base/value.h"

/* How {{name}} is written for the destination; {{{name}}} and {{&name}} are refused: nothing is
 * written raw. No escaping lets a value start a new line, parameter, field or expansion: all refuse
 * line breaks and control characters. What each refuses besides: templates/README.md. */
enum mr_escaping {
	MR_ESCAPE_NONE,          /* plain text */
	MR_ESCAPE_POSTFIX,       /* main.cf, master.cf value: '$' becomes '$$' */
	MR_ESCAPE_POSTFIX_TABLE, /* texthash key or value */
	MR_ESCAPE_LDIF,          /* slapd configuration as LDIF (RFC 2849 SAFE-STRING) */
	MR_ESCAPE_DOVECOT,       /* dovecot.conf value: '%' becomes '%%' */
};
int mr_escaping_parse(const char *word, enum mr_escaping *out, struct mr_error *err) MR_MUST_CHECK;

/* Finds the text of a partial by name; NULL if there is none. */
typedef const char *(*mr_partial_finder)(void *context, const char *name);

/* Appends the rendered template to `out`. `file` is for messages. */
int mr_template_render(const char *file, const char *text, const struct mr_value *values,
		       enum mr_escaping escaping, mr_partial_finder partials, void *context,
		       struct mr_buf *out, struct mr_error *err) MR_MUST_CHECK;

#endif
