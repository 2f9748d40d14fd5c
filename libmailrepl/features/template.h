/* Mustache templates (mustache.github.io/mustache.5), strict: variables {{name}}, sections {{#name}}…{{/name}}, inverted
 * sections {{^name}}, partials {{>name}}, comments {{!…}} and delimiters {{=<% %>=}}; dotted names; "." for the
 * item of a list of strings. An unknown name, an unbalanced section, or a value that the escaping refuses is MR_E_CONFIG
 * "<file>:<line>: …". Standalone tags leave no empty line. */
#ifndef MR_FEATURES_TEMPLATE_H
#define MR_FEATURES_TEMPLATE_H

#include "base/value.h"

/* How {{name}} is written for the destination; {{{name}}} and {{&name}} are refused: nothing is written raw.
 * No escaping lets a value start a new line, parameter, field or expansion. */
enum mr_escaping {
	MR_ESCAPE_NONE,          /* plain text: a line break or control character is refused, nothing else changed */
	MR_ESCAPE_POSTFIX,       /* main.cf, master.cf value: refuses controls, '$' becomes '$$'; blanks refused in master.cf words is the template's affair */
	MR_ESCAPE_POSTFIX_TABLE, /* texthash key or value: refuses controls, blanks in keys, leading '#' */
	MR_ESCAPE_LDIF,          /* slapd configuration as LDIF: refuses what is not SAFE-STRING; inside quotes also '"' and '\\' */
	MR_ESCAPE_DOVECOT,       /* dovecot.conf value: refuses controls, quotes, '#', '%' becomes '%%', '$' refused */
};
int mr_escaping_parse(const char *word, enum mr_escaping *out, struct mr_error *err) MR_MUST_CHECK;

/* Finds the text of a partial by name; NULL if there is none. */
typedef const char *(*mr_partial_finder)(void *context, const char *name);

/* Appends the rendered template to `out`. `file` is for messages. */
int mr_template_render(const char *file, const char *text, const struct mr_value *values,
		       enum mr_escaping escaping, mr_partial_finder partials, void *context,
		       struct mr_buf *out, struct mr_error *err) MR_MUST_CHECK;

#endif
