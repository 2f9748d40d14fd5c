#include "features/join.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "adapters/tls.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/paths.h"
#include "features/apply.h"
#include "features/backup_key.h"
#include "features/identity.h"
#include "features/join_seed.h"
#include "features/lost.h"
#include "features/rebuild.h"
#include "features/recall.h"
#include "features/sync.h"
#include "features/watch.h"

#define MOST_PEM (64 * 1024)

/* Archives that may hold this host's key: those made for it, and full ones. */
static bool usable(const void *context, const struct mr_manifest *manifest)
{
	return !manifest->for_host || strcmp(manifest->for_host, context) == 0;
}

/* Leaves in <folder>/tls just ca.crt, host.crt and host.key of this host, whatever archive it is.
 */
static int take_identity(struct mr_arena *arena, struct mr_join *join, const char *host,
			 struct mr_error *err)
{
	const char *tls = mr_printf(arena, "%s/tls", join->folder);
	const char *cert = mr_printf(arena, "%s/host.crt", tls);
	const char *key = mr_printf(arena, "%s/host.key", tls);
	const struct mr_manifest *manifest = &join->archive.manifest;

	if (!manifest->for_host && strcmp(manifest->host, host) != 0) {
		mr_log(MR_LOG_WARNING,
		       _("%s is a full archive of %s: it holds keys that this host must not have. "
			 "Only this host's own are taken; remove the archive from here, and next "
			 "time copy the one that ends in -for-%s.tar.bz2"),
		       join->archive.path, manifest->host, host);
		if (rename(mr_printf(arena, "%s/peers/%s.crt", tls, host), cert) < 0 ||
		    rename(mr_printf(arena, "%s/peers/%s.key", tls, host), key) < 0)
			return mr_fail(err, MR_E_ARCHIVE, _("%s: it holds no key for %s"),
				       join->archive.path, host);
	}
	if (mr_file_read(arena, mr_printf(arena, "%s/ca.crt", tls), MOST_PEM, &join->ca_cert, NULL,
			 err) < 0 ||
	    mr_identity_read(arena, cert, key, &join->identity, err) < 0 ||
	    mr_tls_check(&join->identity, join->ca_cert, err) < 0)
		return mr_fail_in(err, "%s", join->archive.path);
	if (!mr_identity_is_for(arena, &join->identity, host))
		return mr_fail(err, MR_E_ARCHIVE, _("%s: its certificate is not for %s"),
			       join->archive.path, host);
	return 0;
}

/* What the archive alone tells against joining with it. */
static int check_home(struct mr_arena *arena, const struct mr_config *config,
		      const struct mr_join *join, struct mr_error *err)
{
	const char *home = join->topology.home;

	/* With the CA's key it has all that the others' copies do not hold. */
	if (strcmp(home, config->host) == 0 &&
	    !mr_path_exists(mr_path(arena, config->root, MR_PATH_CA_KEY)))
		return mr_fail(err, MR_E_CONFIG,
			       _("%s is the home of the mail domain: it comes back with cl-backup "
				 "-r, nothing was changed"),
			       home);
	if (config->home && strcmp(config->home, home) != 0)
		return mr_fail(
			err, MR_E_CONFIG,
			_("%s: the home of the mail domain is %s there, but this host obeys "
			  "%s; if that has changed, say so in %s (home), nothing was changed"),
			join->archive.path, home, config->home, config->path);
	return 0;
}

static int check_domain(struct mr_arena *arena, const struct mr_config *config,
			const struct mr_join *join, struct mr_error *err)
{
	const char *path = mr_path(arena, config->root, MR_PATH_CA_CERT);
	char *have;

	if (!mr_path_exists(path))
		return 0;
	if (mr_file_read(arena, path, MOST_PEM, &have, NULL, err) < 0)
		return -1;
	if (strcmp(have, join->ca_cert) == 0)
		return 0;
	return mr_fail(
		err, MR_E_CONFIG,
		_("%s: this host belongs to another mail domain than %s, nothing was changed"),
		path, join->archive.path);
}

static void plan_changed_file(struct mr_arena *arena, struct mr_plan *plan, const char *path,
			      const char *text, struct mr_file_attrs attrs)
{
	if (!mr_file_same(path, text, strlen(text), attrs))
		mr_plan_file(arena, plan, path, text, attrs, mr_printf(arena, _("write %s"), path));
}

/* A key and certificate that are there stay if the topology knows them: another's, or one from an
 * earlier stay in this domain, must go. */
static bool has_identity(struct mr_arena *arena, const struct mr_join *join, const char *cert,
			 const char *key)
{
	const struct mr_host *self = mr_topology_host(&join->topology, join->config->host);
	struct mr_identity have = { 0 };
	struct mr_certificate certificate;
	struct mr_error ignored;
	bool good = mr_identity_read(arena, cert, key, &have, &ignored) == 0 &&
		    mr_tls_check(&have, join->ca_cert, &ignored) == 0 &&
		    mr_tls_describe(arena, have.cert, &certificate, &ignored) == 0 &&
		    mr_list_has(&self->fingerprints, certificate.fingerprint);

	mr_identity_close(&have);
	return good;
}

static int plan_files(struct mr_arena *arena, struct mr_config *config, struct mr_join *join,
		      struct mr_plan *plan, struct mr_error *err)
{
	const char *cert = mr_path(arena, config->root, MR_PATH_HOST_CERT);
	const char *key = mr_path(arena, config->root, MR_PATH_HOST_KEY);
	struct mr_file_attrs attrs;

	plan_changed_file(arena, plan, mr_path(arena, config->root, MR_PATH_CA_CERT), join->ca_cert,
			  MR_FILE_PUBLIC);
	if (mr_identity_key_attrs(config, &attrs, err) < 0)
		return -1;
	if (!has_identity(arena, join, cert, key))
		mr_identity_plan(arena, &join->identity, cert, key, attrs, config->host, plan);
	mr_backup_key_plan(arena, config, join->folder, plan);
	if (join->new_host || !config->home) {
		const char *text;

		config->home = join->topology.home;
		if (mr_config_edit(arena, config, &text, err) < 0)
			return -1;
		plan_changed_file(arena, plan, config->path, text, MR_FILE_PUBLIC);
	}
	return 0;
}

/* The home first: its copy then says who else is in the domain. From hosts that came after the
 * archive was made nothing is pulled yet. */
static int follow_home(void *argument, struct mr_error *err)
{
	const struct mr_join *join = argument;
	const struct mr_config *config = join->config;
	MR_ARENA arena = mr_arena_open();
	MR_DIRECTORY dir = NULL;
	struct mr_seed seeds[MR_DATABASE_COUNT] = { 0 };
	struct mr_rendering rendering = { 0 };
	struct mr_join now = *join;
	struct mr_plan plan = { 0 };

	if (mr_instance_open(arena, config, &dir, err) < 0 ||
	    mr_sync_wait(arena, config, dir, &join->topology, join->topology.home, err) < 0 ||
	    mr_instance_topology(arena, dir, config, &now.topology, err) < 0)
		return -1;
	if (!mr_topology_host(&now.topology, config->host))
		return mr_fail(err, MR_E_NO_HOST, _("%s is not in the topology any more"),
			       config->host);
	if (mr_join_seeds(arena, config, &now, seeds, err) < 0 ||
	    mr_render(arena, config, &now.topology, false, &rendering, err) < 0 ||
	    mr_instance_plan(arena, config, &now.topology, &rendering, seeds, &plan, err) < 0)
		return -1;
	return mr_plan_apply(&plan, config, NULL, err);
}

static int wait_in_step(void *argument, struct mr_error *err)
{
	const struct mr_join *join = argument;
	MR_ARENA arena = mr_arena_open();
	MR_DIRECTORY dir = NULL;
	struct mr_topology now;

	if (mr_instance_open(arena, join->config, &dir, err) < 0 ||
	    mr_instance_topology(arena, dir, join->config, &now, err) < 0)
		return -1;
	return mr_sync_wait(arena, join->config, dir, &now, NULL, err);
}

/* Waits until this host's own copy says so too. */
static int wait_joined(const struct mr_join *join, struct mr_directory *dir, struct mr_error *err)
{
	long long end = mr_now_ms() + join->config->join_deadline * 1000;

	for (;;) {
		MR_ARENA scratch = mr_arena_open();
		const struct mr_host *self;
		struct mr_topology now;

		if (mr_instance_topology(scratch, dir, join->config, &now, err) < 0)
			return -1;
		self = mr_topology_host(&now, join->config->host);
		if (self && self->state == MR_JOINED)
			return 0;
		if (mr_left_ms(end) == 0)
			return mr_fail(
				err, MR_E_TEMPORARY,
				_("the home's change did not come back; run the command again"));
		(void)usleep(10 * 1000);
	}
}

static int become_joined(void *argument, struct mr_error *err)
{
	const struct mr_join *join = argument;
	MR_ARENA arena = mr_arena_open();
	MR_DIRECTORY dir = NULL;
	MR_DIRECTORY home = NULL;
	const char *container = mr_dit_owned(arena, MR_MAIL, join->topology.home);
	struct mr_mod mod = { .op = MR_MOD_REPLACE, .attr.name = "mailReplState" };

	mr_list_add(arena, &mod.attr.values, mr_host_state_word(MR_JOINED));
	if (mr_instance_open(arena, join->config, &dir, err) < 0 ||
	    mr_instance_open_peer(arena, join->config, NULL, join->topology.home, &home, err) < 0 ||
	    mr_directory_modify(home, mr_dit_host(arena, join->config->host, container), &mod, 1,
				err) < 0)
		return -1;
	return wait_joined(join, dir, err);
}

/* From here on the directory is right, not the archive. */
static int render_from_directory(void *argument, struct mr_error *err)
{
	const struct mr_join *join = argument;
	MR_ARENA arena = mr_arena_open();
	MR_DIRECTORY dir = NULL;
	struct mr_topology now;
	struct mr_plan plan = { 0 };

	if (mr_instance_open(arena, join->config, &dir, err) < 0 ||
	    mr_instance_topology(arena, dir, join->config, &now, err) < 0 ||
	    mr_rebuild_plan(arena, join->config, dir, &now, NULL, &plan, err) < 0)
		return -1;
	return mr_plan_apply(&plan, join->config, NULL, err);
}

static int remove_folder(void *argument, struct mr_error *err)
{
	const struct mr_join *join = argument;

	return mr_tree_remove(join->folder, err);
}

/* True if nothing of an archive is needed: this host is whole and has joined. */
static bool has_joined(struct mr_arena *arena, const struct mr_config *config, struct mr_join *join)
{
	struct mr_error err;
	const struct mr_host *self;

	if (join->new_host ||
	    (mr_service_running(MR_SERVICE_SLAPD, config->root) &&
	     mr_instance_open(arena, config, &join->dir, &err) < 0) ||
	    mr_instance_topology(arena, join->dir, config, &join->topology, &err) < 0)
		return false;
	self = mr_topology_host(&join->topology, config->host);
	if (!self || self->state != MR_JOINED)
		return false;
	for (enum mr_database i = 0; i < MR_DATABASE_COUNT; i++)
		if (mr_database_wanted(&join->topology, self, i) && !mr_database_exists(config, i))
			return false;
	return true;
}

/* An archive of another domain that knows a host of this name, and hosts of the same names: its
 * keys open nothing here, and this host would wait for ever. A home that does not answer is waited
 * for later. */
static int check_first_join(struct mr_arena *arena, const struct mr_config *config,
			    const struct mr_join *join, struct mr_error *err)
{
	enum mr_host_state state;

	if (mr_path_exists(mr_path(arena, config->root, MR_PATH_CA_CERT)))
		return 0;
	if (mr_join_ask_home(arena, config, join, &state, err) == 0 ||
	    (err->code != MR_E_DENIED && err->code != MR_E_NO_HOST))
		return 0;
	if (err->code == MR_E_DENIED)
		err->code = MR_E_ARCHIVE;
	return mr_fail_in(err, "%s", join->archive.path);
}

static int plan_from_archive(struct mr_arena *arena, struct mr_config *config, struct mr_join *join,
			     struct mr_plan *plan, struct mr_error *err)
{
	struct mr_seed *seeds = MR_NEW_ARRAY(arena, struct mr_seed, MR_DATABASE_COUNT);
	struct mr_rendering *rendering = MR_NEW(arena, struct mr_rendering);

	if (mr_backup_topology(arena, join->folder, &join->topology, err) < 0)
		return -1;
	if (check_home(arena, config, join, err) < 0 ||
	    take_identity(arena, join, config->host, err) < 0 ||
	    check_domain(arena, config, join, err) < 0 ||
	    check_first_join(arena, config, join, err) < 0)
		return -1;
	mr_rebuild_hold(arena, config, &join->topology, plan);
	if (plan_files(arena, config, join, plan, err) < 0 ||
	    mr_join_seeds(arena, config, join, seeds, err) < 0 ||
	    mr_render(arena, config, &join->topology, false, rendering, err) < 0 ||
	    mr_render_check_versions(config, rendering, err) < 0 ||
	    mr_instance_plan(arena, config, &join->topology, rendering, seeds, plan, err) < 0)
		return -1;
	mr_plan_action(arena, plan, follow_home, join,
		       mr_printf(arena, _("wait for what %s says of the domain, follow it"),
				 join->topology.home));
	mr_plan_action(arena, plan, wait_in_step, join,
		       _("wait until in step with every joined provider"));
	mr_plan_action(arena, plan, become_joined, join,
		       mr_printf(arena, _("become joined, through %s"), join->topology.home));
	/* It decides the gate before mail comes in. */
	mr_watch_plan(arena, config, plan);
	mr_plan_action(arena, plan, render_from_directory, join,
		       _("render slapd, Postfix and Dovecot from the directory and let mail in"));
	mr_plan_action(arena, plan, remove_folder, join, _("remove what was unpacked"));
	return 0;
}

static int take_archive(struct mr_arena *arena, const struct mr_config *config,
			struct mr_join *join, struct mr_error *err)
{
	join->archive.path = join->given;
	if (join->given)
		return mr_backup_take(arena, config, join->given, join->folder, config->host,
				      &join->archive.manifest, err);
	return mr_backup_newest_for(arena, config, usable, config->host, join->folder, config->host,
				    &join->archive, err);
}

int mr_join_plan(struct mr_arena *arena, struct mr_config *config, const char *host,
		 struct mr_join *join, struct mr_plan *plan, struct mr_error *err)
{
	join->new_host = !config->host;
	if (mr_identity_name(arena, host, config, err) < 0)
		return -1;
	join->config = config;
	/* Also if no archive is needed: a run that was killed may have left keys and hashes. */
	if (mr_backup_place(arena, config, "join", &join->folder, err) < 0)
		return -1;
	if (has_joined(arena, config, join)) {
		if (mr_recall_plan(arena, config, join->dir, &join->topology, plan, err) < 0 ||
		    mr_rebuild_plan(arena, config, join->dir, &join->topology, NULL, plan, err) < 0)
			return -1;
		mr_watch_plan(arena, config, plan);
		return 0;
	}
	if (mr_lost_is(config, &join->topology)) {
		if (mr_lost_plan(arena, config, &join->topology, plan, err) < 0)
			return -1;
		mr_watch_plan(arena, config, plan);
		return 0;
	}
	if (mr_folder_make(mr_path(arena, config->root, MR_PATH_STATE), MR_FILE_PUBLIC_FOLDER,
			   err) < 0 ||
	    take_archive(arena, config, join, err) < 0)
		return -1;
	return plan_from_archive(arena, config, join, plan, err);
}

void mr_join_close(struct mr_join *join)
{
	struct mr_error err;

	mr_identity_close(&join->identity);
	mr_directory_close(join->dir);
	if (join->folder && mr_tree_remove(join->folder, &err) < 0)
		mr_log(MR_LOG_WARNING, "%s", err.message);
	*join = (struct mr_join){ 0 };
}
