#include "features/recall.h"

#include <string.h>

#include "adapters/service.h"
#include "base/log.h"
#include "features/csn.h"
#include "features/instance.h"

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
	const struct mr_seed seed = { mr_sync_write_refill, &recall->refill, false, NULL, NULL };
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

int mr_recall_ask(struct mr_arena *arena, const struct mr_config *config, struct mr_directory *dir,
		  const struct mr_topology *topology, enum mr_service service,
		  struct mr_recall_look *out, struct mr_error *err)
{
	const struct mr_host *self = mr_topology_host(topology, config->host);
	const char *owned = mr_dit_owned(arena, service, config->host);
	char *own;

	*out = (struct mr_recall_look){
		.refill = { .config = config,
			    .topology = topology,
			    .service = service,
			    .quiet = true },
	};
	if (!self)
		return mr_fail(err, MR_E_NO_HOST, _("%s is not in the topology any more"),
			       config->host);
	if (mr_sync_find_refill(arena, &out->refill, err) < 0) {
		if (err->code != MR_E_UNAVAILABLE)
			return -1;
		mr_log(MR_LOG_DEBUG, "%s", err->message);
		return 0;
	}
	out->answered = true;
	if (!out->refill.csn)
		return 0;
	if (mr_csn_read(arena, dir, owned, self->server_id, &own, err) < 0)
		return -1;
	out->newer = !own || strcmp(out->refill.csn, own) > 0;
	return 0;
}

static void plan_fill(struct mr_arena *arena, const struct mr_host *self, enum mr_database database,
		      const struct mr_recall_look *look, struct mr_plan *plan)
{
	struct recall *recall = MR_NEW(arena, struct recall);

	*recall = (struct recall){ look->refill, database, self->server_id };
	mr_plan_action(arena, plan, fill_again, recall,
		       mr_printf(arena,
				 _("fill the database %s, which is older than its copies, again "
				   "from the copy on %s"),
				 mr_database_word(database), look->refill.from));
}

int mr_recall_plan(struct mr_arena *arena, const struct mr_config *config, struct mr_directory *dir,
		   const struct mr_topology *topology, struct mr_plan *plan, struct mr_error *err)
{
	static const struct {
		enum mr_service service;
		enum mr_database owned;
	} rows[] = { { MR_MAIL, MR_DB_MAIL_OWNED }, { MR_UNIX, MR_DB_UNIX_OWNED } };
	const struct mr_host *self = mr_topology_host(topology, config->host);

	for (size_t i = 0; dir && self && topology->count > 1 && i < 2; i++) {
		struct mr_recall_look look;

		if (!mr_database_wanted(topology, self, rows[i].owned))
			continue;
		if (mr_recall_ask(arena, config, dir, topology, rows[i].service, &look, err) < 0)
			return -1;
		if (look.newer)
			plan_fill(arena, self, rows[i].owned, &look, plan);
	}
	return 0;
}
