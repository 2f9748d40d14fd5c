/* Where templates lie: an override in /etc/mailrepl/templates wins over ours. */
#ifndef MR_FEATURES_RENDER_TEMPLATE_H
#define MR_FEATURES_RENDER_TEMPLATE_H

#include "adapters/config.h"
#include "features/template.h"

struct mr_template_folders {
	struct mr_arena *arena;
	const struct mr_config *config;
};

/* Fills in all but the escaping; partials are found the same way. `folders` must outlive *out.
 * `name` is below the folder of templates. */
int mr_render_template(struct mr_template_folders *folders, const char *name,
		       struct mr_template *out, struct mr_error *err) MR_MUST_CHECK;

#endif
