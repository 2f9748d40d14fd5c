#include "features/watch.h"

#include "adapters/service.h"

static int start_watch(void *argument, struct mr_error *err)
{
	const struct mr_config *config = argument;

	return mr_service_start(MR_SERVICE_WATCH, config->root, err);
}

void mr_watch_plan(struct mr_arena *arena, const struct mr_config *config, struct mr_plan *plan)
{
	if (!*config->root && !mr_service_running(MR_SERVICE_WATCH, config->root))
		mr_plan_action(arena, plan, start_watch, (void *)config, _("start mailrepl-watch"));
}
