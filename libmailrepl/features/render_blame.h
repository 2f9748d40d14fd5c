/* Where it comes from what a service's checker has said of files that are not installed yet. */
#ifndef MR_FEATURES_RENDER_BLAME_H
#define MR_FEATURES_RENDER_BLAME_H

#include "features/render.h"

/* `said` with the names that staged files are going to have (`staging` stands for the folder `etc`), and behind it where to
 * look: "/etc/mailrepl/own/postfix/main.cf:3" if the line or the parameter that it names is there, or the template that wins
 * over ours. */
const char *mr_render_blame(struct mr_arena *arena, const struct mr_config *config,
			    const struct mr_rendering *rendering, enum mr_service_name service,
			    const char *staging, const char *etc, const char *said);

#endif
