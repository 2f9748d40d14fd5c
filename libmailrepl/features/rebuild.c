#include "features/rebuild.h"

#include <pwd.h>

#include "adapters/service.h"
#include "base/paths.h"
#include "base/process.h"
#include "features/gate.h"
#include "features/instance.h"
#include "features/leftover.h"
#include "features/mta.h"
#include "features/nss.h"
#include "features/queue_flags.h"
#include "features/quota.h"
#include "features/render.h"
#include "features/render_hand.h"
#include "features/settings_check.h"
#include "features/sync.h"

#define MAILBOX_USER "vmail"

/* What the action steps need; it lives in the plan's arena. */
struct rebuild {
	const struct mr_config *config;
	const struct mr_topology *topology;
	bool seeded; /* the databases start with what was given, not empty */
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

static int mailbox_attrs(struct mr_file_attrs *out, struct mr_error *err)
{
	*out = (struct mr_file_attrs){ .mode = 0700 };
	return mr_user_id(MAILBOX_USER, &out->uid, &out->gid, err);
}

static int make_mailbox_folder(void *argument, struct mr_error *err)
{
	const struct rebuild *rebuild = argument;
	MR_ARENA arena = mr_arena_open();
	struct mr_file_attrs attrs;

	if (mailbox_attrs(&attrs, err) < 0)
		return -1;
	return mr_folder_make(mr_path(arena, rebuild->config->root, MR_PATH_MAILBOXES), attrs, err);
}

static bool is_managed(const struct mr_config *config)
{
	return config->mail_manage && !*config->root;
}

/* mailrepl-watch keeps them; Dovecot must not miss the file until it does. */
static int write_limits(void *argument, struct mr_error *err)
{
	const struct rebuild *rebuild = argument;
	MR_ARENA arena = mr_arena_open();
	MR_DIRECTORY dir = NULL;

	if (mr_instance_open(arena, rebuild->config, &dir, err) < 0)
		return -1;
	return mr_quota_write(rebuild->config, dir, err);
}

static void plan_mailboxes(struct mr_arena *arena, struct rebuild *rebuild, struct mr_plan *plan)
{
	struct mr_file_attrs attrs;
	struct mr_error ignored;

	if (!getpwnam(MAILBOX_USER))
		mr_plan_action(arena, plan, make_mailbox_user, rebuild,
			       _("make the system user vmail, who holds the mailboxes"));
	if (mailbox_attrs(&attrs, &ignored) < 0 ||
	    !mr_folder_same(mr_path(arena, rebuild->config->root, MR_PATH_MAILBOXES), attrs))
		mr_plan_action(arena, plan, make_mailbox_folder, rebuild,
			       _("make the mailboxes' folder"));
	if (is_managed(rebuild->config) && !mr_quota_written(rebuild->config))
		mr_plan_action(arena, plan, write_limits, rebuild,
			       _("write the limits of mailboxes for Dovecot"));
}

/* Mailboxes that a former mail server has stay on its disk, but nobody can log in any more. */
static int stop_dovecot(void *argument, struct mr_error *err)
{
	(void)argument;
	return mr_service_stop(MR_SERVICE_DOVECOT, "", err);
}

static int stop_mta(void *config, struct mr_error *err)
{
	return mr_service_stop(mr_mta(config), "", err);
}

static int start_mta(void *config, struct mr_error *err)
{
	return mr_service_start(mr_mta(config), "", err);
}

static bool is_held(struct mr_arena *arena, const struct mr_config *config)
{
	return mr_path_exists(mr_path(arena, config->root, MR_PATH_HELD));
}

/* Its Postfix is its administrators'. */
static bool is_left_alone(const struct mr_config *config, const struct mr_topology *topology)
{
	const struct mr_host *self = mr_topology_host(topology, config->host);

	return self && self->mode == MR_MODE_NONE;
}

void mr_rebuild_hold(struct mr_arena *arena, const struct mr_config *config,
		     const struct mr_topology *topology, struct mr_plan *plan)
{
	if (is_left_alone(config, topology))
		return;
	if (!is_held(arena, config))
		mr_plan_file(arena, plan, mr_path(arena, config->root, MR_PATH_HELD), "",
			     MR_FILE_PUBLIC, _("record that this host is not in step"));
	if (is_managed(config) && mr_service_running(mr_mta(config), ""))
		mr_plan_action(arena, plan, stop_mta, (void *)config,
			       mr_printf(arena,
					 _("stop %s: it would refuse whom the copies do not know "
					   "yet"),
					 mr_service_word(mr_mta(config))));
}

static int remove_mark(void *argument, struct mr_error *err)
{
	const struct rebuild *rebuild = argument;
	MR_ARENA arena = mr_arena_open();

	return mr_tree_remove(mr_path(arena, rebuild->config->root, MR_PATH_HELD), err);
}

/* With a seed this host's copy of itself: Postfix looks up there what is written here. Otherwise
 * everybody's. */
static int wait_in_step(void *argument, struct mr_error *err)
{
	const struct rebuild *rebuild = argument;
	MR_ARENA arena = mr_arena_open();
	MR_DIRECTORY dir = NULL;

	if (mr_instance_open(arena, rebuild->config, &dir, err) < 0)
		return -1;
	return mr_sync_wait(arena, rebuild->config, dir, rebuild->topology,
			    rebuild->seeded ? rebuild->config->host : NULL, err);
}

/* A copy that was lost starts empty: whoever asks Postfix meanwhile would be told that nobody
 * exists. Before our first configuration of Postfix nobody asks. */
static bool must_hold(const struct mr_config *config)
{
	return !mr_database_exists(config, MR_DB_MAIL) && mr_mta_is_ours(config);
}

static int plan_directory(struct mr_arena *arena, struct rebuild *rebuild,
			  const struct mr_rendering *rendering, const struct mr_seed *seeds,
			  bool held, struct mr_plan *plan, struct mr_error *err)
{
	size_t before = plan->count;

	if (mr_instance_plan(arena, rebuild->config, rebuild->topology, rendering, seeds, plan,
			     err) < 0)
		return -1;
	if (held || (seeds && plan->count > before))
		mr_plan_action(arena, plan, wait_in_step, rebuild,
			       _("wait until the copies are in step"));
	return 0;
}

/* `cl-setup --undo` puts back the same, but then nobody renders any more. */
static int plan_left(struct mr_arena *arena, struct rebuild *rebuild, struct mr_plan *plan,
		     struct mr_error *err)
{
	const struct mr_config *config = rebuild->config;
	const char *mark = mr_path(arena, config->root, MR_PATH_LEFT);

	if (!mr_path_exists(mark))
		mr_plan_file(arena, plan, mark, "", MR_FILE_PUBLIC,
			     _("record that Postfix is left alone"));
	if (is_held(arena, config))
		mr_plan_action(arena, plan, remove_mark, rebuild,
			       _("let Postfix start: it does not need the copies"));
	return mr_render_service_undo_plan(arena, config, mr_mta(config), plan, err) < 0
		       ? -1
		       : mr_render_service_undo_plan(arena, config, mr_mta_other(config), plan, err);
}

static int unmark_left(void *argument, struct mr_error *err)
{
	const struct rebuild *rebuild = argument;
	MR_ARENA arena = mr_arena_open();

	return mr_tree_remove(mr_path(arena, rebuild->config->root, MR_PATH_LEFT), err);
}

static int plan_mta(struct mr_arena *arena, struct rebuild *rebuild,
			const struct mr_rendering *rendering, bool held, struct mr_plan *plan,
			struct mr_error *err)
{
	const struct mr_config *config = rebuild->config;

	if (is_left_alone(config, rebuild->topology))
		return plan_left(arena, rebuild, plan, err);
	if (mr_render_files_plan(arena, config, rendering, mr_mta(config), plan, err) < 0)
		return -1;
	/* What Postfix had before must not come up either: it may refuse everybody. */
	if (held)
		mr_plan_action(arena, plan, remove_mark, rebuild,
			       _("record that this host is in step"));
	mr_queue_flags_plan(arena, config, plan);
	if (mr_render_force_plan(arena, config, rendering, mr_mta(config), plan, err) < 0)
		return -1;
	if (mr_path_exists(mr_path(arena, config->root, MR_PATH_LEFT)))
		mr_plan_action(arena, plan, unmark_left, rebuild,
			       _("record that Postfix is not left alone any more"));
	/* Only when the one that takes its place serves. */
	return mr_render_service_undo_plan(arena, config, mr_mta_other(config), plan, err);
}

static int plan_mail(struct mr_arena *arena, struct rebuild *rebuild,
		     const struct mr_rendering *rendering, bool held, struct mr_plan *plan,
		     struct mr_error *err)
{
	const struct mr_config *config = rebuild->config;
	bool server = mr_host_is_server(mr_topology_host(rebuild->topology, config->host));

	if (server && config->mail_manage)
		plan_mailboxes(arena, rebuild, plan);
	if (plan_mta(arena, rebuild, rendering, held, plan, err) < 0 ||
	    mr_render_plan(arena, config, rendering, MR_SERVICE_DOVECOT, plan, err) < 0 ||
	    mr_nss_plan(arena, config, rebuild->topology, rendering, plan, err) < 0)
		return -1;
	if (!is_managed(config))
		return 0;
	if (!server && mr_path_exists(MR_PATH_DOVECOT "/mailrepl-ldap.conf") &&
	    mr_service_running(MR_SERVICE_DOVECOT, ""))
		mr_plan_action(arena, plan, stop_dovecot, NULL,
			       _("stop Dovecot: this host holds no mailboxes any more"));
	if (held)
		mr_plan_action(arena, plan, start_mta, (void *)config, _("let mail in"));
	return 0;
}

static int plan_all(struct mr_arena *arena, const struct mr_config *config,
		    struct mr_directory *dir, const struct mr_topology *topology,
		    const struct mr_seed *seeds, bool give_up, struct mr_plan *plan,
		    struct mr_error *err)
{
	struct mr_rendering *rendering = MR_NEW(arena, struct mr_rendering);
	struct rebuild *rebuild = MR_NEW(arena, struct rebuild);
	const struct mr_host *self = mr_topology_host(topology, config->host);
	bool held = (is_held(arena, config) || must_hold(config)) &&
		    !is_left_alone(config, topology);
	struct mr_gate gate;

	*rebuild = (struct rebuild){ config, topology, seeds != NULL };
	if (!self)
		return mr_fail(err, MR_E_NO_HOST, _("%s is not in the topology any more"),
			       config->host);
	if (self->state != MR_JOINED)
		return mr_fail(err, MR_E_CONFIG,
			       _("%s is invited and has not joined: run cl-rebuild --repl with an "
				 "archive made for it"),
			       config->host);
	if (mr_settings_check(config, topology, err) < 0 ||
	    mr_mta_check(config, topology, err) < 0 ||
	    mr_gate_read(arena, config, &gate, err) < 0 ||
	    mr_render(arena, config, topology, gate.closed, rendering, err) < 0 ||
	    mr_render_check_versions(config, rendering, err) < 0)
		return -1;
	if (mr_render_hand_plan(arena, config, gate.closed, give_up, rendering, plan, err) < 0)
		return -1;
	if (held)
		mr_rebuild_hold(arena, config, topology, plan);
	if (plan_directory(arena, rebuild, rendering, seeds, held, plan, err) < 0 ||
	    mr_leftover_plan(arena, config, dir, topology, rendering, plan, err) < 0 ||
	    plan_mail(arena, rebuild, rendering, held, plan, err) < 0)
		return -1;
	return mr_instance_status_plan(arena, dir, config, topology->generation, plan, err);
}

int mr_rebuild_plan(struct mr_arena *arena, const struct mr_config *config,
		    struct mr_directory *dir, const struct mr_topology *topology,
		    const struct mr_seed *seeds, struct mr_plan *plan, struct mr_error *err)
{
	return plan_all(arena, config, dir, topology, seeds, false, plan, err);
}

int mr_rebuild_replace_plan(struct mr_arena *arena, const struct mr_config *config,
			    struct mr_directory *dir, const struct mr_topology *topology,
			    struct mr_plan *plan, struct mr_error *err)
{
	return plan_all(arena, config, dir, topology, NULL, true, plan, err);
}
