/* What is wrong with templates, before anybody needs them. */
#ifndef MR_FEATURES_RENDER_MISTAKES_H
#define MR_FEATURES_RENDER_MISTAKES_H

#include "adapters/config.h"

/* Every mistake in the templates of this machine, each once: "<file>:<line>: {{name}}: …", whether
 * this host renders the file or not. They are filled with a sample domain that has some of
 * everything: names that nobody knows are found in the branches that are not taken, too. A template
 * that MANIFEST names and that cannot be read is a mistake, and so is an override that nobody names. Neither directory nor a host that is set
 * up is needed. MR_E_CONFIG: MANIFEST itself is wrong. */
int mr_render_mistakes(struct mr_arena *arena, const struct mr_config *config,
		       struct mr_list *out, struct mr_error *err) MR_MUST_CHECK;

#endif
