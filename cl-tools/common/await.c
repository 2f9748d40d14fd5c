#include "common/cl.h"

#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

#define COPY_MS 2000
#define COPY_PAUSE_US 200

void cl_await_copy(struct cl_context *context, const char *dn, const char *name)
{
	static const char *const attrs[] = { "1.1", NULL };
	const long long until = mr_now_ms() + COPY_MS;
	struct mr_entry *entry = NULL;
	struct mr_error err;

	while (mr_directory_read(context->dir, context->arena, dn, attrs, &entry, &err) == 0 &&
	       !entry && mr_left_ms(until) > 0)
		(void)usleep(COPY_PAUSE_US);
	if (!entry)
		mr_log(MR_LOG_WARNING,
		       _("this host's copy does not show %s yet: cl-replication --status says why"),
		       name);
}
