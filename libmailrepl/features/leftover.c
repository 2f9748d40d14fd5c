#include "features/leftover.h"

#include <unistd.h>

#include "adapters/service.h"
#include "base/paths.h"
#include "base/process.h"

#define CONTAINERS "(objectClass=mailReplContainer)"

struct copy {
	enum mr_database database;
	enum mr_service service;
	struct mr_list gone; /* hosts whose containers it holds for no reason */
};

/* It lives in the plan's arena. */
struct leftover {
	struct mr_arena *arena;
	const struct mr_config *config;
	const struct mr_rendering *rendering;
	unsigned server_id;
	struct copy copies[2];
};

static int find_gone(struct mr_arena *arena, const struct mr_config *config,
		     struct mr_directory *dir, const struct mr_topology *topology,
		     struct copy *copy, struct mr_error *err)
{
	static const char *const attrs[] = { "cn", NULL };
	const char *suffix = mr_dit_all(copy->service);
	const struct mr_search find = {
		.base = suffix, .scope = MR_SCOPE_ONE, .filter = CONTAINERS, .attrs = attrs
	};
	struct mr_entries containers = { 0 };

	if (!mr_database_exists(config, copy->database) ||
	    !mr_database_wanted(topology, mr_topology_host(topology, config->host), copy->database))
		return 0;
	/* A first set-up that was interrupted: nothing has been served yet, so nothing was left. */
	if (!dir && !mr_path_exists(mr_path(arena, config->root, MR_PATH_SLAPD_D)))
		return 0;
	if (dir ? mr_directory_list(dir, arena, &find, &containers, err) < 0
		: mr_database_list(mr_path(arena, config->root, MR_PATH_SLAPD_D), suffix,
				   CONTAINERS, arena, &containers, err) < 0)
		return mr_fail_in(err, _("looking for what hosts that are gone have left"));
	for (size_t i = 0; i < containers.count; i++) {
		const char *name = mr_dit_owner(arena, containers.items[i]->dn);
		const struct mr_host *host = name ? mr_topology_host(topology, name) : NULL;

		if (name && !(host && mr_host_is_provider(topology, host) &&
			      host->services & (unsigned)copy->service))
			mr_list_add(arena, &copy->gone, name);
	}
	return 0;
}

struct dumping {
	const struct leftover *left;
	const struct copy *copy;
};

/* The copy as it is, contextCSNs included, without them. */
static int write_others(void *context, int fd, struct mr_error *err)
{
	const struct dumping *du = context;
	MR_ARENA arena = mr_arena_open();
	MR_BUF filter = { 0 };
	struct mr_child *child;
	int from;

	mr_buf_puts(&filter, "(&");
	for (size_t i = 0; i < du->copy->gone.count; i++)
		mr_buf_puts(&filter, mr_filter(arena, "(!(entryDN:dnSubtreeMatch:=%s))",
					       mr_dit_copy(arena, du->copy->service,
							   du->copy->gone.items[i])));
	mr_buf_putc(&filter, ')');
	if (mr_database_dump(mr_path(arena, du->left->config->root, MR_PATH_SLAPD_D),
			     mr_dit_all(du->copy->service), mr_buf_text(&filter), &child, &from,
			     err) < 0)
		return -1;
	if (mr_copy_all(from, fd, err) < 0) {
		mr_process_kill(child);
		return -1;
	}
	return mr_process_end(child, err);
}

static int drop(void *argument, struct mr_error *err)
{
	const struct leftover *left = argument;

	for (size_t i = 0; i < 2; i++) {
		struct dumping dumping = { left, &left->copies[i] };
		const struct mr_seed seed = { write_others, &dumping, false, NULL, NULL };

		if (left->copies[i].gone.count &&
		    mr_database_replace(left->config, left->rendering, left->copies[i].database,
					left->server_id, &seed, err) < 0)
			return -1;
	}
	return mr_service_restart(MR_SERVICE_SLAPD, left->config->root, err);
}

int mr_leftover_plan(struct mr_arena *arena, const struct mr_config *config,
		     struct mr_directory *dir, const struct mr_topology *topology,
		     const struct mr_rendering *rendering, struct mr_plan *plan,
		     struct mr_error *err)
{
	const struct mr_host *self = mr_topology_host(topology, config->host);
	struct leftover *left = MR_NEW(arena, struct leftover);
	struct mr_list names = { 0 };

	*left = (struct leftover){ arena,
				   config,
				   rendering,
				   self->server_id,
				   { { MR_DB_MAIL, MR_MAIL, { 0 } },
				     { MR_DB_UNIX, MR_UNIX, { 0 } } } };
	for (size_t i = 0; i < 2; i++) {
		struct copy *copy = &left->copies[i];

		if (find_gone(arena, config, dir, topology, copy, err) < 0)
			return -1;
		for (size_t j = 0; j < copy->gone.count; j++)
			if (!mr_list_has(&names, copy->gone.items[j]))
				mr_list_add(arena, &names, copy->gone.items[j]);
	}
	if (names.count)
		mr_plan_action(arena, plan, drop, left,
			       mr_printf(arena, _("drop from the copies what they hold of %s"),
					 mr_list_join(arena, &names, ", ")));
	return 0;
}
