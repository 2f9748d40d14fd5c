/* Mustache templates (mustache.github.io/mustache.5): variables {{name}}, sections
 * {{#name}}…{{/name}}, inverted sections {{^name}}, partials {{>name}}, comments {{!…}} and
 * delimiters {{=<% %>=}}; dotted names; "." for the item of a list. Tags that stand alone leave no
 * empty line.
 *
 * Ours are strict: an unknown name or partial, a raw tag ({{{name}}}, {{&name}}), a value that is
 * no text, and one that the escaping refuses are mistakes. Lenient is what the public specification
 * says: what is unknown is nothing, and raw tags write what there is. */
#ifndef MR_FEATURES_TEMPLATE_H
#define MR_FEATURES_TEMPLATE_H

#include "base/value.h"

/* How {{name}} is written for the destination. But for MR_ESCAPE_HTML no escaping lets a value start
 * a new line, parameter, field or expansion: all refuse line breaks and control characters. What
 * each refuses besides: templates/README.md. */
enum mr_escaping {
	MR_ESCAPE_NONE,          /* plain text */
	MR_ESCAPE_POSTFIX,       /* main.cf, master.cf value: '$' becomes '$$' */
	MR_ESCAPE_POSTFIX_TABLE, /* texthash key or value */
	MR_ESCAPE_POSTFIX_LDAP,  /* ldap_table(5): a value in a filter or DN; URIs as they are */
	MR_ESCAPE_LDIF,          /* slapd configuration as LDIF (RFC 2849 SAFE-STRING) */
	MR_ESCAPE_DOVECOT,       /* dovecot.conf value: '%' becomes '%%' */
	MR_ESCAPE_DOVECOT_LDAP,  /* its LDAP files, as MR_ESCAPE_POSTFIX_LDAP */
	MR_ESCAPE_EXIM,          /* expanded string: '$' and '\\' are quoted */
	MR_ESCAPE_HTML, /* text and attributes; control characters are let through: not for files of ours */
};
/* The word for it in MANIFEST; MR_ESCAPE_HTML has none. */
int mr_escaping_parse(const char *word, enum mr_escaping *out, struct mr_error *err) MR_MUST_CHECK;

/* Finds the text of a partial by name; NULL if there is none. */
typedef const char *(*mr_partial_finder)(void *context, const char *name);

struct mr_template {
	const char *file; /* for messages */
	const char *text;
	enum mr_escaping escaping;
	bool lenient;
	mr_partial_finder partials; /* may be NULL */
	void *context;
};

/* Appends the rendered template to `out`. The first mistake is MR_E_CONFIG
 * "<file>:<line>: {{name}}: …". */
int mr_template_render(const struct mr_template *template, const struct mr_value *values,
		       struct mr_buf *out, struct mr_error *err) MR_MUST_CHECK;

/* Finds every mistake: goes into each section, whether it is true or not, and once into each list;
 * so no list in `values` shall be empty. Names that are unknown, and how often they are, do not
 * depend on what is true. Returns the number of mistakes. */
typedef void (*mr_template_report)(void *to, const struct mr_error *mistake);
size_t mr_template_check(const struct mr_template *template, const struct mr_value *values,
			 mr_template_report report, void *to);

#endif
