#include "features/setup.h"

#include <string.h>
#include <unistd.h>

#include "adapters/ldif.h"
#include "adapters/tls.h"
#include "base/paths.h"
#include "base/log.h"
#include "features/backup_key.h"
#include "features/domain.h"
#include "features/foreign.h"
#include "features/identity.h"
#include "features/instance.h"
#include "features/mx_check.h"
#include "features/nss.h"
#include "features/rebuild.h"
#include "features/smarthost.h"
#include "features/topology_plan.h"
#include "features/waiting.h"
#include "features/watch.h"
#include "model/names.h"

/* What the seed of the first owned database writes. */
static int write_topology(void *context, int fd, struct mr_error *err)
{
	const struct mr_topology *topology = context;
	MR_ARENA arena = mr_arena_open();
	MR_BUF text = { 0 };
	const char *container = mr_dit_owned(arena, MR_MAIL, topology->home);
	struct mr_entries entries = { 0 };

	mr_database_base(arena, MR_DB_MAIL_OWNED, topology->home, &text);
	mr_topology_format(arena, topology, container, &entries);
	for (size_t i = 0; i < topology->domains.count; i++)
		mr_entries_add(
			arena, &entries,
			mr_domain_entry(arena, topology, topology->domains.items[i], container));
	for (size_t i = 0; i < entries.count; i++)
		mr_ldif_format(&text, entries.items[i]);
	return mr_write_all(fd, text.data, text.len, err);
}

static int write_container(void *context, int fd, struct mr_error *err)
{
	MR_ARENA arena = mr_arena_open();
	MR_BUF text = { 0 };

	mr_database_base(arena, MR_DB_UNIX_OWNED, context, &text);
	return mr_write_all(fd, text.data, text.len, err);
}

/* The scheme and who takes mail from outside, checked against each other. */
static int set_scheme(struct mr_arena *arena, struct mr_topology *topology,
		      const struct mr_setup_request *request, struct mr_error *err)
{
	struct mr_list mx = { 0 };

	if (request->scheme && mr_scheme_parse(request->scheme, &topology->scheme, err) < 0)
		return -1;
	if (request->mx && mr_hosts_parse(arena, request->mx, &mx, err) < 0)
		return mr_fail_in(err, "--mx");
	if (mx.count)
		topology->mx = mx;
	if (topology->scheme == MR_SCHEME_INTRANET) {
		if (mx.count)
			return mr_fail(err, MR_E_USAGE,
				       _("--mx goes with the schemes server-mx and relay-mx: in an "
					 "intranet nothing comes from outside"));
		topology->mx = (struct mr_list){ 0 };
	} else if (!topology->mx.count) {
		return mr_fail(err, MR_E_USAGE,
			       _("the scheme %s needs --mx HOST: who takes mail from outside"),
			       mr_scheme_word(topology->scheme));
	}
	return 0;
}

/* Both work alike: it is no more than a wrong name. */
static void doubt_scheme(struct mr_arena *arena, const struct mr_topology *topology,
			 const struct mr_setup_request *request)
{
	const char *doubt = request->scheme || request->mx
				    ? mr_mx_scheme_doubt(arena, topology)
				    : NULL;

	if (doubt)
		mr_log(MR_LOG_WARNING, "%s", doubt);
}

static int set_delimiter(const struct mr_setup_request *request, struct mr_topology *topology,
			 struct mr_error *err)
{
	return request->delimiter
		       ? mr_delimiter_parse(request->delimiter, &topology->delimiter, err)
		       : 0;
}

static int set_mode(const struct mr_setup_request *request, struct mr_topology *topology,
		    struct mr_host *self, struct mr_error *err)
{
	if (request->mode && mr_mode_parse(request->mode, &self->mode, err) < 0)
		return -1;
	return mr_topology_check_modes(topology, err);
}

/* Of mailrepl.conf; *changed: some of them were otherwise. */
static int set_settings(struct mr_arena *arena, struct mr_config *config,
			const struct mr_setup_request *request, bool *changed, struct mr_error *err)
{
	const struct {
		const char *option, *name, *value;
	} settings[] = {
		{ "--smarthost", "mail.smarthost", request->smarthost },
		{ "--smarthost-user", "mail.smarthost_user", request->smarthost_user },
		{ "--mail-name", "mail.name", request->mail_name },
	};

	for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++)
		if (settings[i].value && mr_config_set_text(arena, config, settings[i].name,
							    settings[i].value, changed, err) < 0)
			return mr_fail_in(err, "%s \"%s\"", settings[i].option,
					  settings[i].value);
	return 0;
}

static bool is_own_affair(const struct mr_setup_request *request)
{
	return (request->smarthost || request->smarthost_user || request->mail_name) &&
	       !request->domain && !request->mode && !request->scheme && !request->mx &&
	       !request->delimiter && !request->remove;
}

/* The user comes before the password: until it is there nothing is rendered. */
static bool lacks_password(struct mr_arena *arena, const struct mr_config *config,
			   const struct mr_topology *topology)
{
	struct mr_smarthosts servers;

	mr_smarthosts_list(arena, config, topology, &servers);
	for (size_t i = 0; i < servers.count && !*config->root; i++) {
		const struct mr_smarthost *one = &servers.items[i];
		struct mr_error err;
		const char *user;

		if (one->domain || !one->user ||
		    (mr_smarthost_secret_user(arena, config, one->nexthop, &user, &err) == 0 &&
		     user && strcmp(user, one->user) == 0))
			continue;
		mr_log(MR_LOG_WARNING,
		       _("what Postfix has stays in force: run cl-setup --smarthost-password, then "
			 "cl-rebuild"));
		return true;
	}
	return false;
}

static int refuse_elsewhere(const struct mr_config *config, const struct mr_setup_request *request,
			    const struct mr_topology *topology, struct mr_error *err)
{
	if (request->mode)
		return mr_fail(err, MR_E_DENIED,
			       _("the home of this mail domain is %s: run cl-replication --mode "
				 "%s=%s there"),
			       topology->home, config->host, request->mode);
	return mr_fail(err, MR_E_DENIED,
		       _("the home of this mail domain is %s: run cl-setup there"), topology->home);
}

static int set_postmaster(struct mr_arena *arena, const struct mr_config *config,
			  struct mr_directory *dir, const struct mr_setup_request *request,
			  const char *domain, const struct mr_topology *old,
			  struct mr_topology *topology, struct mr_error *err)
{
	const char *postmaster;
	bool unknown;

	if (!request->postmaster || !domain)
		return 0;
	if (mr_domain_postmaster_parse(arena, config, dir, old, domain, request->postmaster,
				       &postmaster, &unknown, err) < 0)
		return -1;
	if (unknown)
		mr_log(MR_LOG_WARNING,
		       _("see that somebody gets %s (cl-useradd -e): mail for postmaster@%s goes "
			 "there"),
		       postmaster, domain);
	mr_topology_set_postmaster(arena, topology, domain, postmaster);
	return 0;
}

/* This host's certificate, and its fingerprint in the topology. */
static int set_certificate(struct mr_arena *arena, const struct mr_config *config,
			   struct mr_topology *topology, struct mr_setup *setup,
			   struct mr_plan *plan, struct mr_error *err)
{
	struct mr_file_attrs attrs;
	struct mr_certificate certificate;

	if (mr_identity_ca(arena, config, topology->domain_id, &setup->ca, plan, err) < 0 ||
	    mr_identity_key_attrs(config, &attrs, err) < 0 ||
	    mr_identity_host(arena, config, &setup->ca, config->host, MR_PATH_TLS "/host", attrs,
			     &setup->host, plan, err) < 0 ||
	    mr_tls_describe(arena, setup->host.cert, &certificate, err) < 0)
		return mr_fail_in(err, _("making the certificates"));
	mr_list_add(arena, &topology->hosts[0].fingerprints, certificate.fingerprint);
	return 0;
}

/* A host that has been the home once, and whose database is gone: a new one with the old keys would
 * make every peer delete its copies. A first run that was interrupted has left neither of these. */
static int refuse_lost(struct mr_arena *arena, const struct mr_config *config, struct mr_error *err)
{
	static const char *const paths[] = { MR_PATH_SLAPD_LDIF, MR_PATH_PEERS };

	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
		const char *path = mr_path(arena, config->root, paths[i]);

		if (mr_path_exists(path))
			return mr_fail(err, MR_E_CONFIG,
				       _("%s shows that this host was set up before, but what it "
					 "owned is gone: cl-backup -r brings it back. To begin "
					 "anew, remove %s and %s first"),
				       path, mr_path(arena, config->root, "/etc/mailrepl"),
				       mr_path(arena, config->root, MR_PATH_STATE));
	}
	return 0;
}

static int plan_rebuild(struct mr_arena *arena, const struct mr_config *config,
			struct mr_directory *dir, const struct mr_topology *topology,
			const struct mr_seed *seeds, struct mr_plan *plan, struct mr_error *err)
{
	if (mr_rebuild_plan(arena, config, dir, topology, seeds, plan, err) < 0)
		return -1;
	mr_watch_plan(arena, config, plan);
	return 0;
}

static int plan_config(struct mr_arena *arena, const struct mr_config *config,
		       struct mr_plan *plan, struct mr_error *err)
{
	const char *text;

	if (mr_config_edit(arena, config, &text, err) < 0)
		return -1;
	mr_plan_file(arena, plan, config->path, text, MR_FILE_PUBLIC,
		     mr_printf(arena, _("write %s"), config->path));
	return 0;
}

static int plan_first(struct mr_arena *arena, struct mr_config *config,
		      const struct mr_setup_request *request, const char *domain,
		      struct mr_setup *setup, struct mr_plan *plan, struct mr_error *err)
{
	struct mr_topology *topology = MR_NEW(arena, struct mr_topology);
	struct mr_seed *seeds = MR_NEW_ARRAY(arena, struct mr_seed, MR_DATABASE_COUNT);

	if (!domain)
		return mr_fail(err, MR_E_CONFIG,
			       _("there is no mail domain yet: run cl-setup mail DOMAIN first"));
	if (request->primary || request->recipients)
		return mr_fail(err, MR_E_CONFIG,
			       _("there is no mail domain of ours yet: run cl-setup mail DOMAIN "
				 "first"));
	if (refuse_lost(arena, config, err) < 0)
		return -1;
	config->home = config->host;
	mr_topology_init(arena, mr_uuid(arena), config->host, topology);
	if (set_scheme(arena, topology, request, err) < 0 ||
	    set_delimiter(request, topology, err) < 0 ||
	    set_mode(request, topology, &topology->hosts[0], err) < 0 ||
	    set_postmaster(arena, config, NULL, request, domain, topology, topology, err) < 0)
		return -1;
	mr_list_add(arena, &topology->domains, domain);
	if (set_certificate(arena, config, topology, setup, plan, err) < 0)
		return -1;
	mr_backup_key_plan_new(arena, config, plan);
	if (plan_config(arena, config, plan, err) < 0)
		return -1;
	seeds[MR_DB_MAIL_OWNED] =
		(struct mr_seed){ write_topology, topology, true, _("with the topology"), NULL };
	return plan_rebuild(arena, config, NULL, topology, seeds, plan, err);
}

static bool same_postmaster(const struct mr_topology *a, const struct mr_topology *b,
			    const char *domain)
{
	const char *one = domain ? mr_topology_postmaster(a, domain) : NULL,
		   *other = domain ? mr_topology_postmaster(b, domain) : NULL;

	return one && other ? strcmp(one, other) == 0 : one == other;
}

static void set_domains(struct mr_arena *arena, const struct mr_topology *old, const char *added,
			const char *removed, struct mr_topology *fresh)
{
	fresh->domains = (struct mr_list){ 0 };
	for (size_t i = 0; i < old->domains.count; i++)
		if (!removed || strcmp(old->domains.items[i], removed) != 0)
			mr_list_add(arena, &fresh->domains, old->domains.items[i]);
	if (added && !mr_list_has(&fresh->domains, added))
		mr_list_add(arena, &fresh->domains, added);
	if (removed)
		mr_topology_set_postmaster(arena, fresh, removed, NULL);
}

static int check_primary(struct mr_arena *arena, const char *typed,
			 const struct mr_foreign *foreign, const struct mr_topology *topology,
			 struct mr_error *err)
{
	const struct mr_host *host;
	const char *name;
	int port;

	if (!foreign->primary || !mr_waiting_nexthop(arena, foreign->primary, &name, &port))
		return 0;
	host = mr_topology_host(topology, name);
	if (!host || (mr_host_is_server(host) && !mr_list_has(&topology->mx, name)))
		return 0;
	return mr_fail(err, MR_E_INVALID,
		       _("--primary %s: that host of ours takes mail from outside, and would keep "
			 "the mail of %s for itself: name the server where it ends"),
		       typed, foreign->name);
}

/* A domain is ours or another primary's, never both. *domain is NULL afterwards if it is not ours. */
static int set_foreign(struct mr_arena *arena, const struct mr_setup_request *request,
		       const char **domain, const char *removed, struct mr_topology *topology,
		       struct mr_error *err)
{
	const struct mr_foreign *old = *domain ? mr_topology_foreign(topology, *domain) : NULL;
	struct mr_foreign foreign = { 0 };

	if (removed)
		mr_topology_set_foreign(arena, topology, removed, NULL);
	if (!*domain || (!old && !request->primary && !request->recipients))
		return 0;
	if (mr_list_has(&topology->domains, *domain))
		return mr_fail(err, MR_E_INVALID,
			       _("%s is a mail domain of ours: --primary and --recipients are for "
				 "those of others"),
			       *domain);
	if (!request->primary && !request->recipients)
		return mr_fail(err, MR_E_INVALID,
			       _("%s is kept for another primary; to make it a mail domain of ours "
				 "run cl-setup --remove-domain %s first"),
			       *domain, *domain);
	if (!old && !request->primary)
		return mr_fail(err, MR_E_USAGE, _("whose is %s? --primary says it"), *domain);
	if (old)
		foreign = *old;
	foreign.name = *domain;
	if (request->primary &&
	    (mr_foreign_primary_parse(arena, request->primary, &foreign.primary, err) < 0 ||
	     check_primary(arena, request->primary, &foreign, topology, err) < 0))
		return -1;
	if (request->recipients) {
		foreign.recipients = (struct mr_list){ 0 };
		if (mr_foreign_list_read(arena, request->recipients, *domain, &foreign.recipients,
					 err) < 0)
			return -1;
	}
	mr_topology_set_foreign(arena, topology, *domain, &foreign);
	*domain = NULL;
	return 0;
}

static bool same_foreign(const struct mr_topology *a, const struct mr_topology *b)
{
	bool same = a->foreign_count == b->foreign_count;

	for (size_t i = 0; i < a->foreign_count && same; i++)
		same = mr_foreign_equal(&a->foreign[i], &b->foreign[i]);
	return same;
}

/* What differs from the topology that is there. */
static int change(struct mr_arena *arena, const struct mr_config *config, struct mr_directory *dir,
		  const struct mr_setup_request *request, const char *domain, const char *removed,
		  const struct mr_topology *old, struct mr_topology *fresh, struct mr_error *err)
{
	struct mr_host *home;
	bool differs;

	*fresh = *old;
	fresh->hosts = MR_NEW_ARRAY(arena, struct mr_host, old->count);
	memcpy(fresh->hosts, old->hosts, old->count * sizeof(*old->hosts));
	home = (struct mr_host *)mr_topology_host(fresh, fresh->home);
	if (!removed)
		home->services |= request->service;
	if (request->nss == MR_NSS_ON && mr_nss_check(err) < 0)
		return -1;
	if (request->nss != MR_NSS_AS_IS)
		fresh->system_accounts = request->nss == MR_NSS_ON;
	if (set_foreign(arena, request, &domain, removed, fresh, err) < 0)
		return -1;
	set_domains(arena, old, domain, removed, fresh);
	if (set_scheme(arena, fresh, request, err) < 0)
		return -1;
	for (size_t i = 0; request->mx && i < fresh->mx.count; i++)
		if (!mr_topology_host(fresh, fresh->mx.items[i]))
			mr_log(MR_LOG_WARNING,
			       _("%s, which shall take mail from outside, is not among the hosts "
				 "yet: cl-replication -a %s mail"),
			       fresh->mx.items[i], fresh->mx.items[i]);
	if (set_delimiter(request, fresh, err) < 0 || set_mode(request, fresh, home, err) < 0 ||
	    set_postmaster(arena, config, dir, request, domain, old, fresh, err) < 0)
		return -1;
	doubt_scheme(arena, fresh, request);
	differs = fresh->system_accounts != old->system_accounts ||
		  home->services != mr_topology_host(old, old->home)->services ||
		  home->mode != mr_topology_host(old, old->home)->mode ||
		  fresh->scheme != old->scheme || fresh->delimiter != old->delimiter ||
		  fresh->domains.count != old->domains.count ||
		  !mr_list_equal(&fresh->mx, &old->mx) || !same_postmaster(fresh, old, domain) ||
		  !same_foreign(fresh, old);
	fresh->generation = old->generation + differs;
	return 0;
}

static void list_stale(struct mr_arena *arena, const struct mr_topology *old,
		       const struct mr_topology *fresh, struct mr_list *out)
{
	for (size_t i = 0; fresh->generation != old->generation && i < fresh->count; i++)
		if (strcmp(fresh->hosts[i].name, fresh->home) != 0 &&
		    fresh->hosts[i].state == MR_JOINED)
			mr_list_add(arena, out, fresh->hosts[i].name);
}

/* Of the accounts of this host: then it had a database of its own, and an empty one in its place
 * would make them go. */
static bool has_copies(const struct mr_config *config, const struct mr_topology *topology)
{
	bool found = mr_database_exists(config, MR_DB_UNIX);

	for (size_t i = 0; i < topology->count; i++)
		found |= mr_host_is_server(&topology->hosts[i]) &&
			 strcmp(topology->hosts[i].name, config->host) != 0;
	return found;
}

static int fail_stopped(struct mr_error *err)
{
	return mr_fail(err, MR_E_UNAVAILABLE,
		       _("slapd does not run: start it with cl-rebuild, then run this again"));
}

/* One that is gone already may still be in this host's tables. */
static int check_removal(struct mr_arena *arena, const struct mr_config *config,
			 struct mr_directory *dir, const struct mr_topology *topology,
			 const char *domain, struct mr_error *err)
{
	if (mr_topology_foreign(topology, domain))
		return 0;
	if (!mr_list_has(&topology->domains, domain)) {
		mr_log(MR_LOG_WARNING,
		       _("there is no mail domain %s (cl-setup --domains lists "
			 "them)"),
		       domain);
		return 0;
	}
	if (!dir)
		return fail_stopped(err);
	return mr_domain_check_unused(arena, config, dir, topology, domain, err);
}

static int plan_change(struct mr_arena *arena, const struct mr_config *config,
		       struct mr_setup *setup, const struct mr_setup_request *request,
		       const char *domain, const char *removed, const struct mr_topology *old,
		       struct mr_plan *plan, struct mr_error *err)
{
	struct mr_topology *fresh = MR_NEW(arena, struct mr_topology);
	struct mr_directory *dir = setup->dir;
	struct mr_seed *seeds = NULL;

	if (setup->settings && plan_config(arena, config, plan, err) < 0)
		return -1;
	if (is_own_affair(request) && lacks_password(arena, config, old))
		return 0;
	if (is_own_affair(request))
		return plan_rebuild(arena, config, dir, old, NULL, plan, err);
	if (strcmp(old->home, config->host) != 0)
		return refuse_elsewhere(config, request, old, err);
	if (removed && check_removal(arena, config, dir, old, removed, err) < 0)
		return -1;
	if (change(arena, config, dir, request, domain, removed, old, fresh, err) < 0)
		return -1;
	mr_topology_plan(arena, old, fresh, plan);
	list_stale(arena, old, fresh, &setup->stale);
	if (plan->count && !dir)
		return fail_stopped(err);
	if (!removed && request->service == MR_UNIX &&
	    !mr_database_exists(config, MR_DB_UNIX_OWNED) && !has_copies(config, old)) {
		seeds = MR_NEW_ARRAY(arena, struct mr_seed, MR_DATABASE_COUNT);
		seeds[MR_DB_UNIX_OWNED] = (struct mr_seed){ write_container, (void *)config->host,
							    true, _("as new"), NULL };
	}
	return plan_rebuild(arena, config, dir, fresh, seeds, plan, err);
}

static int refuse_domain(const char *domain, struct mr_error *err)
{
	return mr_fail(err, MR_E_INVALID,
		       _("%s is the name of a host: the mail domain needs another"), domain);
}

/* Set up is who owns a directory: the database comes last of what a first run writes. */
static bool is_first(const struct mr_config *config)
{
	return !mr_database_exists(config, MR_DB_MAIL_OWNED) &&
	       !mr_database_exists(config, MR_DB_MAIL);
}

static int parse_domains(struct mr_arena *arena, const struct mr_setup_request *request,
			 const char **domain, const char **removed, struct mr_error *err)
{
	*domain = *removed = NULL;
	if (request->remove)
		return mr_domain_parse(arena, request->remove, removed, err);
	return request->domain ? mr_domain_parse(arena, request->domain, domain, err) : 0;
}

int mr_setup_plan(struct mr_arena *arena, struct mr_config *config,
		  const struct mr_setup_request *request, struct mr_setup *setup,
		  struct mr_plan *plan, struct mr_error *err)
{
	struct mr_topology *old = MR_NEW(arena, struct mr_topology);
	const char *domain, *removed;

	if (parse_domains(arena, request, &domain, &removed, err) < 0 ||
	    mr_identity_name(arena, request->host, config, err) < 0)
		return -1;
	if (domain && strcmp(domain, config->host) == 0)
		return refuse_domain(domain, err);
	if (set_settings(arena, config, request, &setup->settings, err) < 0)
		return -1;
	if (is_first(config))
		return plan_first(arena, config, request, domain, setup, plan, err);
	if (mr_service_running(MR_SERVICE_SLAPD, config->root) &&
	    mr_instance_open(arena, config, &setup->dir, err) < 0)
		return -1;
	if (mr_instance_topology(arena, setup->dir, config, old, err) < 0)
		return -1;
	if (domain && mr_topology_host(old, domain))
		return refuse_domain(domain, err);
	return plan_change(arena, config, setup, request, domain, removed, old, plan, err);
}

bool mr_setup_is_new(struct mr_arena *arena, const struct mr_config *config, const char *domain)
{
	struct mr_topology topology;
	struct mr_error err;

	if (mr_domain_parse(arena, domain, &domain, &err) < 0)
		return false;
	if (is_first(config))
		return true;
	return mr_instance_topology(arena, NULL, config, &topology, &err) == 0 &&
	       !mr_list_has(&topology.domains, domain);
}

void mr_setup_close(struct mr_setup *setup)
{
	mr_identity_close(&setup->ca);
	mr_identity_close(&setup->host);
	mr_directory_close(setup->dir);
	*setup = (struct mr_setup){ 0 };
}
