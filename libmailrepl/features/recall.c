#include "features/recall.h"

#include <string.h>

#include "adapters/service.h"
#include "base/log.h"
#include "features/instance.h"
#include "features/sync.h"

struct recall {
	struct mr_sync_refill refill;
	enum mr_database database;
	unsigned server_id;
};

/* What is written while slapd runs would be lost; it is away for as long as slapadd takes. */
static int fill_again(void *argument, struct mr_error *err)
{
	struct recall *recall = argument;
	const struct mr_config *config = recall->refill.config;
	const struct mr_seed seed = { mr_sync_write_refill, &recall->refill, false, NULL };
	MR_ARENA arena = mr_arena_open();
	struct mr_rendering rendering = { 0 };
	struct mr_error start = { 0 };
	int result;

	if (mr_render(arena, config, recall->refill.topology, true, &rendering, err) < 0 ||
	    mr_service_stop(MR_SERVICE_SLAPD, config->root, err) < 0)
		return -1;
	result = mr_database_recall(config, &rendering, recall->database, recall->server_id, &seed,
				    err);
	if (mr_service_start(MR_SERVICE_SLAPD, config->root, &start) == 0)
		return result;
	if (result == 0)
		*err = start;
	return -1;
}

/* *newer: another host knows a change that we do not. That host is asked first: its copy cannot
 * come past us while we look. */
static int compare(struct mr_arena *arena, struct mr_directory *dir, struct recall *recall,
		   bool *newer, struct mr_error *err)
{
	struct mr_sync_refill *refill = &recall->refill;
	const char *owned = mr_dit_owned(arena, refill->service, refill->config->host);
	char *own;

	*newer = false;
	if (mr_sync_find_refill(arena, refill, err) < 0) {
		if (err->code != MR_E_UNAVAILABLE)
			return -1;
		mr_log(MR_LOG_DEBUG, "%s", err->message);
		return 0;
	}
	if (!refill->csn)
		return 0;
	if (mr_sync_csn(arena, dir, owned, recall->server_id, &own, err) < 0)
		return -1;
	*newer = !own || strcmp(refill->csn, own) > 0;
	return 0;
}

int mr_recall_plan(struct mr_arena *arena, const struct mr_config *config, struct mr_directory *dir,
		   const struct mr_topology *topology, struct mr_plan *plan, struct mr_error *err)
{
	static const enum mr_database owned[] = { MR_DB_MAIL_OWNED, MR_DB_UNIX_OWNED };
	const struct mr_host *self = mr_topology_host(topology, config->host);

	for (size_t i = 0; dir && self && i < 2; i++) {
		struct recall *recall = MR_NEW(arena, struct recall);
		bool newer;

		if (topology->count < 2 || !mr_database_wanted(topology, self, owned[i]))
			continue;
		*recall = (struct recall){
			.refill = { .config = config,
				    .topology = topology,
				    .service = owned[i] == MR_DB_MAIL_OWNED ? MR_MAIL : MR_UNIX },
			.database = owned[i],
			.server_id = self->server_id,
		};
		if (compare(arena, dir, recall, &newer, err) < 0)
			return -1;
		if (newer)
			mr_plan_action(arena, plan, fill_again, recall,
				       mr_printf(arena,
						 _("fill the database %s, which is older than its "
						   "copies, again from the copy on %s"),
						 mr_database_word(owned[i]), recall->refill.from));
	}
	return 0;
}
