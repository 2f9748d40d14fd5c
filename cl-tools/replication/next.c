#include "replication/actions.h"

#include <stdio.h>

void replication_print_next(const struct cl_context *context, const struct mr_list *stale,
			    const struct mr_list *invited)
{
	if (context->quiet || context->json)
		return;
	if (stale->count)
		printf(_("Rendered within seconds by mailrepl-watch, or by cl-rebuild, on: %s\n"),
		       mr_list_join(context->arena, stale, ", "));
	if (invited->count)
		printf(_("Next, run cl-backup here, copy to each of these hosts its archive, and "
			 "run cl-rebuild --repl there: %s\n"),
		       mr_list_join(context->arena, invited, ", "));
}
