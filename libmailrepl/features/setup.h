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
	const char *scheme; /* as typed, or NULL: leave, intranet on a first set-up */
	struct mr_list mx;  /* hosts, as typed; may be empty */
};

/* What the steps refer to; start as { 0 }, close after the plan was applied or printed. */
struct mr_setup {
	struct mr_identity ca, host;
	struct mr_directory *dir; /* NULL: slapd does not run */
};
void mr_setup_close(struct mr_setup *setup); /* NULL members are fine */

/* Steps of `cl-setup mail DOMAIN` and `cl-setup unix`. Where nothing is set up yet: CA,
 * certificate, configuration, databases with the topology in them, slapd, Postfix, Dovecot. Where
 * it is: only what differs (a second mail domain, another scheme, the service unix). MR_E_DENIED:
 * another host is the home (do it there). `config->host` is set by this call. */
int mr_setup_plan(struct mr_arena *arena, struct mr_config *config,
		  const struct mr_setup_request *request, struct mr_setup *setup,
		  struct mr_plan *plan, struct mr_error *err) MR_MUST_CHECK;

#endif
