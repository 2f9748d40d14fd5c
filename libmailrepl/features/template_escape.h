/* How a value is written for the file that it goes into. */
#ifndef MR_FEATURES_TEMPLATE_ESCAPE_H
#define MR_FEATURES_TEMPLATE_ESCAPE_H

#include "features/template.h"

/* Appends `text`. MR_E_INVALID, with what is wrong, if there is no way to write it; *out is then
 * unchanged. `out` holds what comes before, which tells a table's key from its value, and by what a
 * list of Exim's is divided. */
int mr_escape(enum mr_escaping escaping, const char *text, struct mr_buf *out,
	      struct mr_error *err) MR_MUST_CHECK;

#endif
