/* Look-ups with tables of the MTA that are not installed yet: what its checkers do not see. */
#ifndef MR_FEATURES_RENDER_PROBE_H
#define MR_FEATURES_RENDER_PROBE_H

#include "adapters/config.h"
#include "model/topology.h"

/* `staging` holds main.cf, master.cf and the tables. Asked is each texthash and LDAP table there
 * that main.cf names:
 * - texthash: each of its (first thousand) keys gives what stands beside it, and nobody else is in it; the
 *   postmaster of each virtual alias domain is in one of virtual_alias_maps;
 * - LDAP: somebody whom the directory has is found, if there is one of the kind that the table is
 *   for (by its name: routes.cf, senders.cf, mailboxes.cf, expand.cf, access.cf, peers.cf), and
 *   nobody else is.
 * LDAP tables are not asked while this host's directory does not answer: rendering may be what
 * brings it back. MR_E_CONFIG: another answer than it must be, with the name that the table is
 * going to have, or what postmap says. */
int mr_render_probe(const struct mr_config *config, const char *staging,
		    struct mr_error *err) MR_MUST_CHECK;

/* The same for Exim, whose `staging` holds exim4.conf and mailrepl/: in sessions that it makes believe
 * (exim -bh), a program of this host is taken at its word for the postmasters and for somebody whom the directory has, of
 * each kind (somebody whom it bars is refused), and for nobody else; a stranger is refused for other domains. What
 * Exim routes a known address to (exim -bt) is the real address that the directory has. Without the directory, and in
 * modes where it is not asked, only what needs none. */
int mr_render_probe_exim(const struct mr_config *config, const struct mr_topology *topology,
			 const char *staging, struct mr_error *err) MR_MUST_CHECK;

#endif
