#include "features/renew.h"

#include <string.h>
#include <sys/stat.h>

#include "adapters/service.h"
#include "base/log.h"
#include "base/paths.h"
#include "features/identity.h"
#include "features/instance.h"
#include "features/mta.h"
#include "features/rebuild.h"
#include "features/renew_topology.h"

static char *host_cert(struct mr_arena *arena, const struct mr_config *config)
{
	return mr_path(arena, config->root, MR_PATH_HOST_CERT);
}

static char *host_key(struct mr_arena *arena, const struct mr_config *config)
{
	return mr_path(arena, config->root, MR_PATH_HOST_KEY);
}

static char *issued(struct mr_arena *arena, const struct mr_config *config, const char *host,
		    const char *suffix)
{
	return mr_printf(arena, "%s%s/%s.%s", config->root, MR_PATH_PEERS, host, suffix);
}

int64_t mr_renew_not_after(struct mr_arena *arena, const struct mr_config *config, const char *host)
{
	bool own = strcmp(host, config->host) == 0;
	const char *path = own ? host_cert(arena, config) : issued(arena, config, host, "crt");
	struct mr_certificate certificate;
	struct mr_error err;
	char *text;

	if (mr_file_read(arena, path, 64 * 1024, &text, NULL, &err) < 0 ||
	    mr_tls_describe(arena, text, &certificate, &err) < 0)
		return 0;
	return certificate.not_after;
}

/* All that has the certificate in memory; slapd last, whose start tells whether this is still to be
 * done. */
static int use_certificate(void *argument, struct mr_error *err)
{
	const struct mr_config *config = argument;
	const enum mr_service_name mail[] = { mr_mta(config), MR_SERVICE_DOVECOT };

	for (size_t i = 0; i < 2 && config->mail_manage; i++)
		if ((mail[i] == MR_SERVICE_DOVECOT || mr_mta_is_ours(config)) &&
		    mr_service_running(mail[i], config->root) &&
		    (mr_mta_ready(config, mail[i], err) < 0 ||
		     mr_service_reload(mail[i], config->root, err) < 0))
			return -1;
	return mr_service_restart(MR_SERVICE_SLAPD, config->root, err);
}

/* A run that was killed before the services had it. */
static bool is_unused(struct mr_arena *arena, const struct mr_config *config)
{
	struct stat cert, started;

	return stat(host_cert(arena, config), &cert) == 0 &&
	       stat(mr_path(arena, config->root, MR_PATH_PID), &started) == 0 &&
	       (cert.st_mtim.tv_sec > started.st_mtim.tv_sec ||
		(cert.st_mtim.tv_sec == started.st_mtim.tv_sec &&
		 cert.st_mtim.tv_nsec > started.st_mtim.tv_nsec));
}

/* Steps that make `fresh` this host's own, if it is not yet. */
static int plan_install(struct mr_arena *arena, const struct mr_config *config,
			struct mr_renewal *out, struct mr_plan *plan, struct mr_error *err)
{
	struct mr_identity own = { 0 };
	struct mr_file_attrs attrs;
	bool same = mr_identity_read(arena, host_cert(arena, config), host_key(arena, config), &own,
				     err) == 0 &&
		    strcmp(own.cert, out->fresh.cert) == 0 && own.key.len == out->fresh.key.len &&
		    memcmp(own.key.data, out->fresh.key.data, own.key.len) == 0;

	mr_identity_close(&own);
	if (mr_identity_key_attrs(config, &attrs, err) < 0)
		return -1;
	if (!same)
		mr_identity_plan(arena, &out->fresh, host_cert(arena, config),
				 host_key(arena, config), attrs, config->host, plan);
	if (!same || is_unused(arena, config))
		mr_plan_action(arena, plan, use_certificate, (void *)config,
			       _("let the mail services and slapd use the certificate"));
	return 0;
}

static int is_good(struct mr_arena *arena, const struct mr_identity *identity, const char *ca,
		   const char *host)
{
	struct mr_error err;

	return mr_tls_check(identity, ca, &err) == 0 && mr_identity_is_for(arena, identity, host);
}

/* *waiting: below MR_PATH_PEERS lies a good one that the host does not use yet. */
static int read_issued(struct mr_arena *arena, const struct mr_config *config, const char *host,
		       const char *used, struct mr_renewal *out, bool *waiting,
		       struct mr_error *err)
{
	struct mr_certificate certificate;

	*waiting = false;
	if (mr_identity_read(arena, issued(arena, config, host, "crt"),
			     issued(arena, config, host, "key"), &out->fresh, err) < 0)
		return err->code == MR_E_NOT_FOUND ? 0 : -1;
	if (!is_good(arena, &out->fresh, out->ca.cert, host))
		return 0;
	if (mr_tls_describe(arena, out->fresh.cert, &certificate, err) < 0)
		return -1;
	/* Without a word of what the host uses, a young one is taken for one that it does not use
	 * yet. */
	*waiting = used ? strcmp(used, certificate.fingerprint) != 0
			: mr_renew_is_young(out->fresh.cert, config);
	return 0;
}

static int issue(struct mr_arena *arena, const struct mr_config *config, const char *host,
		 struct mr_renewal *out, struct mr_plan *plan, struct mr_error *err)
{
	mr_identity_close(&out->fresh);
	if (mr_tls_issue(arena, &out->ca, host, config->certificate_days, &out->fresh, err) < 0)
		return -1;
	mr_identity_plan(arena, &out->fresh, issued(arena, config, host, "crt"),
			 issued(arena, config, host, "key"), MR_FILE_PRIVATE, host, plan);
	return 0;
}

int mr_renew_issue_plan(struct mr_arena *arena, const struct mr_config *config,
			struct mr_directory *dir, const struct mr_topology *topology,
			const char *host, struct mr_renewal *out, struct mr_plan *plan,
			struct mr_error *err)
{
	bool self = strcmp(host, config->host) == 0, waiting, useless = false;
	struct mr_certificate certificate;
	const char *used;

	if (strcmp(topology->home, config->host) != 0)
		return mr_fail(err, MR_E_DENIED,
			       _("only the home issues certificates: run this on %s first"),
			       topology->home);
	if (!mr_topology_host(topology, host))
		return mr_fail(err, MR_E_NO_HOST,
			       _("%s is not in the topology (cl-replication -l lists it)"), host);
	if (mr_identity_ca_read(arena, config, &out->ca, err) < 0)
		return -1;
	used = mr_renew_used(arena, config, host, out->ca.cert, &useless);
	if (read_issued(arena, config, host, used, out, &waiting, err) < 0 ||
	    (!waiting && issue(arena, config, host, out, plan, err) < 0) ||
	    mr_tls_describe(arena, out->fresh.cert, &certificate, err) < 0)
		return -1;
	out->not_after = certificate.not_after;
	out->next = self ? MR_RENEW_AGAIN : MR_RENEW_ARCHIVE;
	if (mr_renew_topology_plan(arena, config, dir, topology, host, used,
				   certificate.fingerprint, &out->stale, plan, err) < 0)
		return -1;
	/* A certificate of its own that has ended makes the home deaf and dumb: nothing to wait
	 * for. */
	if (!self || ((out->stale.count || plan->count) && !useless))
		return 0;
	out->next = MR_RENEW_DONE;
	return plan_install(arena, config, out, plan, err);
}

static bool made_for(const void *context, const struct mr_manifest *manifest)
{
	return manifest->for_host && strcmp(manifest->for_host, context) == 0;
}

static int check_taken(struct mr_arena *arena, const struct mr_config *config,
		       const struct mr_topology *topology, const struct mr_backup *archive,
		       struct mr_renewal *out, struct mr_error *err)
{
	const struct mr_host *self = mr_topology_host(topology, config->host);
	struct mr_certificate certificate;
	char *ca;

	/* The CA that is trusted here decides, not the one in the archive. */
	if (mr_file_read(arena, mr_path(arena, config->root, MR_PATH_CA_CERT), 64 * 1024, &ca, NULL,
			 err) < 0 ||
	    mr_tls_check(&out->fresh, ca, err) < 0 ||
	    mr_tls_describe(arena, out->fresh.cert, &certificate, err) < 0)
		return mr_fail_in(err, "%s", archive->path);
	if (strcmp(certificate.host, config->host) != 0)
		return mr_fail(err, MR_E_ARCHIVE, _("%s: its certificate is for %s"), archive->path,
			       certificate.host);
	out->not_after = certificate.not_after;
	if (self && mr_list_has(&self->fingerprints, certificate.fingerprint))
		return 0;
	return mr_fail(err, MR_E_TEMPORARY,
		       _("%s: the topology does not know its certificate; wait until this host is "
			 "in step, or take a newer "
			 "archive"),
		       archive->path);
}

int mr_renew_take_plan(struct mr_arena *arena, const struct mr_config *config,
		       const struct mr_topology *topology, struct mr_renewal *out,
		       struct mr_plan *plan, struct mr_error *err)
{
	struct mr_backup archive;
	const char *tls;

	out->folder = mr_path(arena, config->root, MR_PATH_STATE "/renew");
	if (mr_backup_newest_for(arena, config, made_for, config->host, out->folder, config->host,
				 &archive, err) < 0) {
		if (err->code != MR_E_NOT_FOUND)
			return -1;
		return mr_fail_in(err,
				  _("run cl-replication --renew %s and cl-backup on %s, and copy "
				    "the archive for this "
				    "host here"),
				  config->host, topology->home);
	}
	tls = mr_printf(arena, "%s/tls", out->folder);
	if (mr_identity_read(arena, mr_printf(arena, "%s/host.crt", tls),
			     mr_printf(arena, "%s/host.key", tls), &out->fresh, err) < 0 ||
	    check_taken(arena, config, topology, &archive, out, err) < 0)
		return -1;
	out->next = MR_RENEW_DONE;
	return plan_install(arena, config, out, plan, err);
}

void mr_renewal_close(struct mr_renewal *renewal)
{
	struct mr_error err;

	mr_identity_close(&renewal->ca);
	mr_identity_close(&renewal->fresh);
	if (renewal->folder && mr_tree_remove(renewal->folder, &err) < 0)
		mr_log(MR_LOG_WARNING, "%s", err.message);
	*renewal = (struct mr_renewal){ 0 };
}
