/* Differences between texts, through diff(1) and diff3(1). */
#ifndef MR_ADAPTERS_TEXTDIFF_H
#define MR_ADAPTERS_TEXTDIFF_H

#include "base/strings.h"

/* Appends the unified diff of two texts, named `name` in its header; NULL for a text that is not
 * there. Nothing is appended if they are equal. */
int mr_text_diff(const char *name, const char *before, const char *after, struct mr_buf *out,
		 struct mr_error *err) MR_MUST_CHECK;

/* Appends `theirs` with the changes that lead from `base` to `mine`. MR_E_EXISTS: both have changed
 * the same place. */
int mr_text_merge(const char *mine, const char *base, const char *theirs, struct mr_buf *out,
		  struct mr_error *err) MR_MUST_CHECK;

#endif
