/* Where templates lie: an override in /etc/mailrepl/templates wins over ours. */
#ifndef MR_FEATURES_RENDER_TEMPLATE_H
#define MR_FEATURES_RENDER_TEMPLATE_H

#include "adapters/config.h"
#include "features/template.h"

struct mr_template_folders {
	struct mr_arena *arena;
	const struct mr_config *config;
	struct mr_list *read; /* NULL, or gets the names of all that was looked for, each once */
};

/* Fills in all but the escaping; partials are found the same way. `folders` must outlive *out.
 * `name` is below the folder of templates. */
int mr_render_template(struct mr_template_folders *folders, const char *name,
		       struct mr_template *out, struct mr_error *err) MR_MUST_CHECK;

/* The text of a partial, as templates of these folders find it (mr_template.partials); NULL: there is none. */
const char *mr_render_partial(void *folders, const char *name);
/* Does a template lie in one of the two folders? */
bool mr_render_is_ours(const struct mr_config *config, const char *path);

#endif
