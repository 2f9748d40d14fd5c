/* The mail domains: which there are, who uses them, and where mail for their role addresses goes. */
#ifndef MR_FEATURES_DOMAIN_H
#define MR_FEATURES_DOMAIN_H

#include "adapters/config.h"
#include "adapters/directory.h"
#include "model/topology.h"

struct mr_domain_use {
	const char *name;
	const char *owner;      /* the host where it was set up, or NULL: nobody has an entry of it */
	const char *postmaster; /* NULL: as each host's setting mail.postmaster says */
	const char *catch_all;  /* real address of who has the catch-all, or NULL; of several any */
	size_t addresses;       /* of mailboxes and groups; also those of before a move, and those that
				   are held after a deletion */
	struct mr_list first;   /* some of them */
};

/* One for each of topology->domains, in that order, into `out`, which has room for them. */
int mr_domain_list(struct mr_arena *arena, const struct mr_config *config, struct mr_directory *dir,
		   const struct mr_topology *topology, struct mr_domain_use *out,
		   struct mr_error *err) MR_MUST_CHECK;

/* MR_E_INVALID unless nothing uses the domain any more: with the number of addresses that do, and
 * some of them; or the domains whose postmaster lies in it; or that it is the only one. */
int mr_domain_check_unused(struct mr_arena *arena, const struct mr_config *config,
			   struct mr_directory *dir, const struct mr_topology *topology,
			   const char *domain, struct mr_error *err) MR_MUST_CHECK;

/* *out = the address that mail for the role addresses of a domain shall go to, or NULL for
 * "root@localhost": as each host's setting mail.postmaster says. MR_E_INVALID: malformed, a role
 * address itself, one of a domain or host of ours that nobody has, or that several claim, or one
 * outside of an intranet. `dir` NULL, or an address of a domain that `topology` does not have yet:
 * that somebody has it is not asked for; *unknown then says so. `domain` is the one that is about to
 * be there. */
int mr_domain_postmaster_parse(struct mr_arena *arena, const struct mr_config *config,
			       struct mr_directory *dir, const struct mr_topology *topology,
			       const char *domain, const char *text, const char **out,
			       bool *unknown, struct mr_error *err) MR_MUST_CHECK;

/* Before addresses go: MR_E_INVALID if mail for the postmaster of a mail domain goes to one of them. */
int mr_domain_postmaster_check(const struct mr_topology *topology, const struct mr_list *addresses,
			       struct mr_error *err) MR_MUST_CHECK;

#endif
