#include "features/lost.h"

#include "adapters/service.h"
#include "base/paths.h"
#include "features/apply.h"
#include "features/instance.h"
#include "features/rebuild.h"
#include "features/sync.h"

static const struct {
	enum mr_service service;
	enum mr_database owned;
} rows[] = { { MR_MAIL, MR_DB_MAIL_OWNED }, { MR_UNIX, MR_DB_UNIX_OWNED } };
#define ROWS (sizeof(rows) / sizeof(rows[0]))

static bool is_lost(const struct mr_config *config, const struct mr_topology *topology,
		    enum mr_database database)
{
	const struct mr_host *self = mr_topology_host(topology, config->host);

	return mr_database_wanted(topology, self, database) &&
	       !mr_database_exists(config, database);
}

bool mr_lost_is(const struct mr_config *config, const struct mr_topology *topology)
{
	static const char *const needed[] = { MR_PATH_CA_CERT, MR_PATH_HOST_CERT, MR_PATH_HOST_KEY,
					      MR_PATH_SLAPD_D "/cn=config.ldif" };
	const struct mr_host *self = mr_topology_host(topology, config->host);
	MR_ARENA arena = mr_arena_open();
	bool lost = false;

	if (!self || self->state != MR_JOINED)
		return false;
	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++)
		if (!mr_path_exists(mr_path(arena, config->root, needed[i])))
			return false;
	for (enum mr_database i = 0; i < MR_DATABASE_COUNT; i++) {
		if (is_lost(config, topology, i) && !mr_database_owned(i))
			return false;
		lost |= is_lost(config, topology, i);
	}
	return lost;
}

struct lost {
	struct mr_sync_refill refill;
	enum mr_database database;
	unsigned server_id;
};

/* One slapd that still runs holds files that have no name any more. */
static int fill(void *argument, struct mr_error *err)
{
	struct lost *lost = argument;
	const struct mr_config *config = lost->refill.config;
	const struct mr_seed seed = { mr_sync_write_refill, &lost->refill, false, NULL, NULL };
	MR_ARENA arena = mr_arena_open();
	struct mr_rendering rendering = { 0 };

	if (mr_render(arena, config, lost->refill.topology, true, &rendering, err) < 0 ||
	    mr_service_stop(MR_SERVICE_SLAPD, config->root, err) < 0)
		return -1;
	return mr_database_load(config, &rendering, lost->database, lost->server_id, &seed, err);
}

static int render_again(void *argument, struct mr_error *err)
{
	const struct lost *lost = argument;
	const struct mr_config *config = lost->refill.config;
	MR_ARENA arena = mr_arena_open();
	MR_DIRECTORY dir = NULL;
	struct mr_topology topology;
	struct mr_plan plan = { 0 };

	if (mr_service_start(MR_SERVICE_SLAPD, config->root, err) < 0 ||
	    mr_instance_open(arena, config, &dir, err) < 0 ||
	    mr_instance_topology(arena, dir, config, &topology, err) < 0 ||
	    mr_rebuild_plan(arena, config, dir, &topology, NULL, &plan, err) < 0)
		return -1;
	return mr_plan_apply(&plan, config, NULL, err);
}

int mr_lost_plan(struct mr_arena *arena, const struct mr_config *config,
		 const struct mr_topology *topology, struct mr_plan *plan, struct mr_error *err)
{
	const struct mr_host *self = mr_topology_host(topology, config->host);
	struct lost *lost = NULL;

	for (size_t i = 0; i < ROWS; i++) {
		if (!is_lost(config, topology, rows[i].owned))
			continue;
		lost = MR_NEW(arena, struct lost);
		*lost = (struct lost){
			.refill = { .config = config,
				    .topology = topology,
				    .service = rows[i].service },
			.database = rows[i].owned,
			.server_id = self->server_id,
		};
		if (mr_sync_find_refill(arena, &lost->refill, err) < 0)
			return -1;
		/* One without is a copy that is just being filled itself. */
		if (!lost->refill.csn)
			return mr_fail(err, MR_E_UNAVAILABLE,
				       _("%s has lost its database %s, and no host that answers "
					 "holds a copy of it: run this again when all hosts can be "
					 "reached"),
				       config->host, mr_database_word(rows[i].owned));
		mr_plan_action(arena, plan, fill, lost,
			       mr_printf(arena,
					 _("fill the database %s, which is lost, again from the "
					   "copy on %s"),
					 mr_database_word(rows[i].owned), lost->refill.from));
	}
	mr_plan_action(arena, plan, render_again, lost,
		       _("start slapd, render slapd, Postfix and Dovecot again"));
	return 0;
}
