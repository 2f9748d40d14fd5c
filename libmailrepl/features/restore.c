#include "features/restore.h"

#include <string.h>

#include "adapters/service.h"
#include "base/hostname.h"
#include "base/log.h"
#include "base/paths.h"
#include "features/apply.h"
#include "features/rebuild.h"
#include "features/restore_archive.h"
#include "features/restore_case.h"
#include "features/restore_changes.h"
#include "features/restore_claims.h"
#include "features/restore_files.h"
#include "features/restore_gone.h"
#include "features/restore_record.h"
#include "features/restore_topology.h"
#include "features/topology_plan.h"

/* A machine that was set up anew knows nothing: its settings are in the archive. */
static int take_config(struct mr_arena *arena, const struct mr_config *config,
		       struct mr_restore *restore, struct mr_error *err)
{
	const char *path = config->path;

	if (config->exists && config->host)
		return 0;
	restore->new_host = true;
	if (mr_config_load(arena, config->root,
			   mr_printf(arena, "%s/mailrepl.conf", restore->folder), &restore->config,
			   err) < 0)
		return -1;
	restore->config.path = path;
	if (restore->config.host &&
	    strcmp(restore->config.host, restore->archive.manifest.host) == 0)
		return 0;
	return mr_fail(err, MR_E_ARCHIVE, _("%s: its mailrepl.conf is not that of %s"),
		       restore->archive.path, restore->archive.manifest.host);
}

/* What was lost besides the databases may be all that slapd needs to run. */
static int render_again(void *argument, struct mr_error *err)
{
	const struct mr_restore *restore = argument;
	MR_ARENA arena = mr_arena_open();
	MR_DIRECTORY dir = NULL;
	struct mr_topology topology;
	struct mr_plan plan = { 0 };

	if ((mr_service_running(MR_SERVICE_SLAPD, restore->config.root) &&
	     mr_instance_open(arena, &restore->config, &dir, err) < 0) ||
	    mr_instance_topology(arena, dir, &restore->config, &topology, err) < 0 ||
	    mr_rebuild_plan(arena, &restore->config, dir, &topology, NULL, &plan, err) < 0)
		return -1;
	return mr_plan_apply(&plan, &restore->config, NULL, err);
}

static void plan_render(struct mr_arena *arena, struct mr_restore *restore, struct mr_plan *plan)
{
	mr_plan_action(arena, plan, render_again, restore,
		       _("render slapd's, Postfix's and Dovecot's configuration again"));
}

static int open_live(struct mr_arena *arena, struct mr_restore *restore, struct mr_topology *live,
		     struct mr_error *err)
{
	if (mr_instance_open(arena, &restore->config, &restore->dir, err) < 0)
		return mr_fail_in(
			err, _("slapd must run for a restore as changes (cl-rebuild starts it)"));
	if (mr_instance_topology(arena, restore->dir, &restore->config, live, err) < 0)
		return -1;
	if (strcmp(live->domain_id, restore->topology.domain_id) != 0)
		return mr_fail(err, MR_E_ARCHIVE,
			       _("%s belongs to another mail domain, nothing was changed"),
			       restore->archive.path);
	return 0;
}

static void name_steps(struct mr_arena *arena, struct mr_restore *restore,
		       const struct mr_plan *plan)
{
	for (size_t i = 0; i < plan->count; i++)
		mr_list_add(arena, &restore->besides, plan->steps[i].summary);
}

/* What is there is newer than the archive: nothing but files that are missing come back. */
static int plan_alive(struct mr_arena *arena, struct mr_restore *restore, struct mr_plan *plan,
		      struct mr_error *err)
{
	struct mr_restore_differences differences;
	struct mr_topology live;

	if (mr_restore_files(arena, restore, true, plan, err) < 0)
		return -1;
	if (plan->count)
		plan_render(arena, restore, plan);
	name_steps(arena, restore, plan);
	if (open_live(arena, restore, &live, err) < 0)
		return plan->count ? 0 : -1;
	if (mr_restore_compare(arena, restore, NULL, true, &differences, err) < 0)
		return -1;
	mr_restore_name_differences(arena, restore, &differences);
	return 0;
}

static int plan_topology(struct mr_arena *arena, struct mr_restore *restore,
			 const struct mr_topology *live, struct mr_plan *plan, struct mr_error *err)
{
	if (strcmp(live->home, restore->config.host) != 0)
		return 0;
	if (mr_restore_topology(arena, live, &restore->topology, &restore->wanted, err) < 0)
		return -1;
	mr_topology_plan(arena, live, &restore->wanted, plan);
	return 0;
}

/* Puts the state before into an archive and records what is under way, around what `changes` holds. Its
 * first `named` steps are of files and the topology, which the lists of differences do not name. */
static int plan_around(struct mr_arena *arena, struct mr_restore *restore,
		       const struct mr_plan *changes, size_t named, struct mr_plan *plan,
		       struct mr_error *err)
{
	const char *word = mr_restore_word(&restore->request);
	struct mr_restore_record record;

	if (mr_restore_record_read(arena, &restore->config, &record, err) < 0)
		return -1;
	if (changes->count) {
		if (mr_restore_record_plan(arena, restore, word, plan, err) < 0)
			return -1;
		mr_restore_before_plan(arena, restore, plan);
	}
	for (size_t i = 0; i < plan->count; i++)
		mr_list_add(arena, &restore->besides, plan->steps[i].summary);
	for (size_t i = 0; i < changes->count; i++) {
		mr_plan_append(arena, plan, &changes->steps[i]);
		if (i < named || changes->steps[i].kind == MR_STEP_ACTION)
			mr_list_add(arena, &restore->besides, changes->steps[i].summary);
	}
	/* Of a part nothing may be left to do, and of the whole all the same. */
	if (changes->count || (record.word && (restore->which == MR_RESTORE_ROLL_BACK ||
					       strcmp(record.word, word) == 0)))
		mr_restore_record_end_plan(arena, restore, plan);
	return 0;
}

static int plan_roll_back(struct mr_arena *arena, struct mr_restore *restore, struct mr_plan *plan,
			  struct mr_error *err)
{
	struct mr_restore_differences differences;
	struct mr_plan changes = { 0 };
	struct mr_topology live;
	size_t rendered;

	if (open_live(arena, restore, &live, err) < 0 ||
	    mr_restore_files(arena, restore, false, &changes, err) < 0 ||
	    plan_topology(arena, restore, &live, &changes, err) < 0)
		return -1;
	rendered = changes.count;
	if (mr_restore_compare(arena, restore, NULL, true, &differences, err) < 0 ||
	    mr_restore_claims(arena, restore, false, &differences, err) < 0 ||
	    mr_restore_keep_postmasters(arena, restore, &live, &differences, err) < 0 ||
	    mr_restore_changes(arena, restore, &differences, &changes, err) < 0)
		return -1;
	mr_restore_name_differences(arena, restore, &differences);
	if (rendered)
		plan_render(arena, restore, &changes);
	return plan_around(arena, restore, &changes, rendered, plan, err);
}

struct asking {
	const struct mr_restore *restore;
	struct mr_restore_differences differences;
};

static int ask_hosts(void *argument, struct mr_error *err)
{
	const struct asking *asking = argument;

	return mr_restore_claims_ask(asking->restore, &asking->differences, err);
}

/* A mail domain that is gone comes back at the home, which alone can say that there is one. */
static int plan_domains(struct mr_arena *arena, struct mr_restore *restore,
			const struct mr_restore_only *only, const struct mr_topology *live,
			struct mr_plan *plan, struct mr_error *err)
{
	restore->wanted = *live;
	restore->wanted.domains = (struct mr_list){ 0 };
	for (size_t i = 0; i < live->domains.count; i++)
		mr_list_add(arena, &restore->wanted.domains, live->domains.items[i]);
	for (size_t i = 0; i < only->domains.count; i++) {
		const char *domain = only->domains.items[i];

		if (mr_list_has(&live->domains, domain))
			continue;
		if (strcmp(live->home, restore->config.host) != 0)
			return mr_fail(
				err, MR_E_NOT_FOUND,
				_("%s is no mail domain any more: on %s, run cl-setup mail %s "
				  "first"),
				domain, live->home, domain);
		mr_list_add(arena, &restore->wanted.domains, domain);
		mr_topology_set_postmaster(arena, &restore->wanted, domain,
					   mr_topology_postmaster(&restore->topology, domain));
		restore->wanted.generation = live->generation + 1;
		mr_list_add(arena, &restore->went, mr_printf(arena, _("domain %s"), domain));
	}
	mr_list_sort(&restore->wanted.domains);
	if (restore->wanted.generation != live->generation)
		mr_topology_plan(arena, live, &restore->wanted, plan);
	return 0;
}

/* Addresses of a domain that is gone would be there, and no mail would come for them. */
static int check_domains(const struct mr_restore *restore,
			 const struct mr_restore_differences *differences, struct mr_error *err)
{
	for (size_t i = 0; i < differences->count; i++) {
		const struct mr_restore_difference *difference = &differences->items[i];
		const struct mr_attr *addresses =
			difference->wanted && difference->service == MR_MAIL
				? mr_entry_attr(difference->wanted, "mailLocalAddress")
				: NULL;

		for (size_t j = 0; addresses && j < addresses->values.count; j++) {
			const char *at = strrchr(addresses->values.items[j], '@');

			if (at && !mr_list_has(&restore->wanted.domains, at + 1))
				return mr_fail(err, MR_E_NOT_FOUND,
					       _("%s: %s is no mail domain any more, nothing was "
						 "changed; cl-setup mail %s on the home, or --only "
						 "domain:%s, brings it back"),
					       addresses->values.items[j], at + 1, at + 1, at + 1);
		}
		if (difference->kept)
			return mr_fail(err, MR_E_EXISTS, _("%s: %s; nothing was changed"),
				       difference->label, difference->kept);
	}
	return 0;
}

static int plan_only(struct mr_arena *arena, struct mr_restore *restore, struct mr_plan *plan,
		     struct mr_error *err)
{
	struct mr_restore_only *only = MR_NEW(arena, struct mr_restore_only);
	struct asking *asking = MR_NEW(arena, struct asking);
	struct mr_restore_differences *differences = &asking->differences;
	struct mr_plan changes = { 0 };
	struct mr_topology live;
	size_t rendered;

	asking->restore = restore;
	if (mr_restore_only_find(arena, restore, only, err) < 0 ||
	    open_live(arena, restore, &live, err) < 0 ||
	    plan_domains(arena, restore, only, &live, &changes, err) < 0)
		return -1;
	rendered = changes.count;
	if (mr_restore_compare(arena, restore, only, restore->request.authoritative, differences,
			       err) < 0 ||
	    mr_restore_claims(arena, restore, true, differences, err) < 0 ||
	    mr_restore_keep_postmasters(arena, restore, &live, differences, err) < 0 ||
	    check_domains(restore, differences, err) < 0 ||
	    mr_restore_changes(arena, restore, differences, &changes, err) < 0)
		return -1;
	mr_restore_name_differences(arena, restore, differences);
	if (rendered)
		plan_render(arena, restore, &changes);
	if (restore->went.count)
		mr_plan_action(arena, plan, ask_hosts, asking,
			       _("ask the other hosts whether somebody else has these names and "
				 "addresses by now"));
	return plan_around(arena, restore, &changes, rendered, plan, err);
}

static int make_plan(struct mr_arena *arena, struct mr_restore *restore, struct mr_plan *plan,
		     struct mr_error *err)
{
	switch (restore->which) {
	case MR_RESTORE_ALIVE:
		return plan_alive(arena, restore, plan, err);
	case MR_RESTORE_ROLL_BACK:
		return plan_roll_back(arena, restore, plan, err);
	case MR_RESTORE_ONLY:
		return plan_only(arena, restore, plan, err);
	default:
		if (mr_restore_gone_plan(arena, restore, plan, err) < 0)
			return -1;
		name_steps(arena, restore, plan);
		return 0;
	}
}

int mr_restore_plan(struct mr_arena *arena, const struct mr_config *config,
		    struct mr_restore *restore, struct mr_plan *plan, struct mr_error *err)
{
	restore->config = *config;
	if (!restore->config.host && mr_hostname(arena, &restore->config.host, err) < 0)
		return -1;
	if (mr_restore_archive_take(arena, restore, err) < 0 ||
	    take_config(arena, config, restore, err) < 0 ||
	    (!restore->resumed && mr_restore_case_tell(arena, restore, err) < 0))
		return -1;
	return make_plan(arena, restore, plan, err);
}

void mr_restore_close(struct mr_restore *restore)
{
	struct mr_error err;

	mr_directory_close(restore->dir);
	restore->dir = NULL;
	if (restore->folder && mr_tree_remove(restore->folder, &err) < 0)
		mr_log(MR_LOG_WARNING, "%s", err.message);
}
