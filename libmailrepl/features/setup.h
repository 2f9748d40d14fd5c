/* The first server of a mail domain. */
#ifndef MR_FEATURES_SETUP_H
#define MR_FEATURES_SETUP_H

#include "adapters/config.h"
#include "adapters/directory.h"
#include "adapters/tls.h"
#include "model/plan.h"
#include "model/topology.h"

struct mr_setup_request {
	enum mr_service service;
	const char *domain; /* MR_MAIL: as typed */
	const char *host;   /* FQDN of this host as typed; NULL: what hostname -f says */
	enum { MR_NSS_AS_IS, MR_NSS_ON, MR_NSS_OFF } nss; /* MR_UNIX: whether the mail servers show the
							     accounts to their systems */
	const char *scheme; /* as typed, or NULL: leave, intranet on a first set-up */
	const char *mx;     /* hosts, as typed: "a.lan,b.lan"; NULL: as it is */
	const char *delimiter; /* as typed, or NULL: leave */
	const char *postmaster; /* MR_MAIL: for the domain, as typed, or NULL: leave */
	const char *primary; /* MR_MAIL: the domain is another primary's, who that is, as typed; or NULL */
	const char *recipients; /* MR_MAIL: file of the recipients in it, or NULL: leave */
	const char *mode;       /* MR_MAIL: of this host, as typed, or NULL: leave */
	const char *smarthost, *smarthost_user, *mail_name; /* MR_MAIL: settings mail.…, or NULL: leave */
	const char *remove;     /* a mail domain that shall go, as typed; service and domain are not
				   looked at then */
};

/* What the steps refer to; start as { 0 }, close after the plan was applied or printed. */
struct mr_setup {
	struct mr_identity ca, host;
	struct mr_directory *dir; /* NULL: slapd does not run */
	bool settings;		  /* mailrepl.conf is to be written anew */
	struct mr_list stale;	  /* joined hosts that must render, too */
};
void mr_setup_close(struct mr_setup *setup); /* NULL members are fine */

/* Steps of `cl-setup mail DOMAIN`, `cl-setup unix` and `cl-setup --remove-domain DOMAIN`. Where nothing is set up yet: CA,
 * certificate, configuration, databases with the topology in them, slapd, Postfix, Dovecot. Where
 * it is: only what differs (a second mail domain, another scheme, the service unix). Settings are this host's own affair:
 * a request of nothing else is for any host. MR_E_DENIED:
 * another host is the home (do it there): it alone owns the domains and the generation by which
 * the others see that they must render. MR_E_INVALID: what features/domain.h refuses. A domain to
 * remove that is not there is a warning, since the run that removed it may have been interrupted.
 * `config->host` is set by this call. */
int mr_setup_plan(struct mr_arena *arena, struct mr_config *config,
		  const struct mr_setup_request *request, struct mr_setup *setup,
		  struct mr_plan *plan, struct mr_error *err) MR_MUST_CHECK;
/* Is there no mail domain of that name (as typed) yet, as far as this host can say? */
bool mr_setup_is_new(struct mr_arena *arena, const struct mr_config *config, const char *domain);

#endif
