/* Private to the status page. */
#ifndef MR_FEATURES_STATUS_PAGE_H
#define MR_FEATURES_STATUS_PAGE_H

#include "features/status_words.h"

/* The one function for text in the page, in elements and in quoted attributes alike. */
void mr_html_text(struct mr_buf *out, const char *text);

/* "well", "behind", "bad", "unknown": classes of the style sheet */
const char *mr_grade_class(enum mr_grade grade);

/* The topology as a drawing: a box for each host, an arrow from each provider to who pulls from it.
 */
void mr_status_svg(struct mr_arena *arena, const struct mr_status *status, struct mr_buf *out);

extern const char mr_status_style[];

#endif
