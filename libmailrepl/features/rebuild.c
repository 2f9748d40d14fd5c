#include "features/rebuild.h"

#include <pwd.h>
#include <sys/stat.h>

#include "base/paths.h"
#include "base/process.h"
#include "features/instance.h"
#include "features/render.h"
#include "features/sync.h"

#define MAILBOX_USER "vmail"

/* What the action steps need; it lives in the plan's arena. */
struct rebuild {
	const struct mr_config *config;
	const struct mr_topology *topology;
};

static int make_mailbox_user(void *argument, struct mr_error *err)
{
	static const char *const argv[] = { "useradd",      "--system",
					    "--user-group", "--no-create-home",
					    "--home-dir",   MR_PATH_MAILBOXES,
					    "--shell",      "/usr/sbin/nologin",
					    MAILBOX_USER,   NULL };

	(void)argument;
	if (getpwnam(MAILBOX_USER))
		return 0;
	return mr_process_check(&(struct mr_process){ .argv = argv }, err);
}

static int make_mailbox_folder(void *argument, struct mr_error *err)
{
	const struct rebuild *rebuild = argument;
	MR_ARENA arena = mr_arena_open();
	struct mr_file_attrs attrs = { .mode = 0700 };

	if (mr_user_id(MAILBOX_USER, &attrs.uid, &attrs.gid, err) < 0)
		return -1;
	return mr_folder_make(mr_path(arena, rebuild->config->root, MR_PATH_MAILBOXES), attrs, err);
}

static void plan_mailboxes(struct mr_arena *arena, struct rebuild *rebuild, struct mr_plan *plan)
{
	const char *root = rebuild->config->root;

	if (!rebuild->config->mail_manage ||
	    !mr_host_is_server(mr_topology_host(rebuild->topology, rebuild->config->host)))
		return;
	if (!getpwnam(MAILBOX_USER))
		mr_plan_action(arena, plan, make_mailbox_user, rebuild,
			       _("make the system user vmail, who holds the mailboxes"));
	if (!mr_path_exists(mr_path(arena, root, MR_PATH_MAILBOXES)))
		mr_plan_action(arena, plan, make_mailbox_folder, rebuild,
			       _("make the mailboxes' folder"));
}

/* Its copy of itself: Postfix looks up there what is written here. */
static int wait_in_step(void *argument, struct mr_error *err)
{
	const struct rebuild *rebuild = argument;
	MR_ARENA arena = mr_arena_open();
	MR_DIRECTORY dir = NULL;

	if (mr_instance_open(arena, rebuild->config, &dir, err) < 0)
		return -1;
	return mr_sync_wait(arena, rebuild->config, dir, rebuild->topology, rebuild->config->host,
			    err);
}

int mr_rebuild_plan(struct mr_arena *arena, const struct mr_config *config,
		    struct mr_directory *dir, const struct mr_topology *topology,
		    const struct mr_seed *seeds, struct mr_plan *plan, struct mr_error *err)
{
	struct mr_rendering *rendering = MR_NEW(arena, struct mr_rendering);
	struct rebuild *rebuild = MR_NEW(arena, struct rebuild);
	size_t before = plan->count;

	*rebuild = (struct rebuild){ config, topology };
	if (!mr_topology_host(topology, config->host))
		return mr_fail(err, MR_E_NO_HOST, _("%s is not in the topology any more"),
			       config->host);
	if (mr_render(arena, config, topology, false, rendering, err) < 0 ||
	    mr_instance_plan(arena, config, topology, rendering, seeds, plan, err) < 0)
		return -1;
	if (seeds && plan->count > before)
		mr_plan_action(arena, plan, wait_in_step, rebuild,
			       _("wait until the copies are in step"));
	plan_mailboxes(arena, rebuild, plan);
	if (mr_render_plan(arena, config, rendering, MR_SERVICE_POSTFIX, plan, err) < 0 ||
	    mr_render_plan(arena, config, rendering, MR_SERVICE_DOVECOT, plan, err) < 0)
		return -1;
	return mr_instance_status_plan(arena, dir, config, topology->generation, plan, err);
}
