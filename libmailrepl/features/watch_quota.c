#include <stdio.h>
#include <string.h>

#include "features/csn.h"
#include "features/quota.h"
#include "features/watch_state.h"

/* Once for each change of the accounts, whatever it was: that costs a search of those with a limit.
 */
int mr_watch_quota(struct mr_watch *watch, struct mr_look *look, struct mr_error *err)
{
	const struct mr_host *self;
	char *csn;

	if (!look->known || !look->config.mail_manage)
		return 0;
	self = mr_topology_host(&look->topology, look->config.host);
	if (!self || !mr_host_is_server(self) || self->state != MR_JOINED)
		return 0;
	if (mr_csn_read(look->arena, watch->dir,
			mr_dit_owned(look->arena, MR_UNIX, look->config.host), self->server_id,
			&csn, err) < 0)
		return -1;
	if (csn && strcmp(csn, watch->quota_csn) == 0 && mr_quota_written(&look->config))
		return 0;
	if (mr_quota_write(&look->config, watch->dir, err) < 0)
		return -1;
	/* Read before the limits were: what has changed since is another number. */
	snprintf(watch->quota_csn, sizeof(watch->quota_csn), "%s", csn ? csn : "");
	return 0;
}
