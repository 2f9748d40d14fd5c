/* Servers that mail of this host is handed to: mail.smarthost, mail.smarthosts, and what a satellite has without them. */
#ifndef MR_FEATURES_SMARTHOST_H
#define MR_FEATURES_SMARTHOST_H

#include "adapters/config.h"
#include "model/plan.h"
#include "model/topology.h"

struct mr_smarthost {
	const char *setting; /* where it comes from, for messages */
	const char *
		domain; /* whose mail it gets, ".example.org": what lies below that; NULL: all that leaves */
	const char *nexthop; /* as Postfix writes it */
	const char *user;    /* logs in as; NULL: does not */
	const char *tls;     /* none, may, encrypt, verify or secure */
	struct mr_list hosts; /* of nexthop, in order; several only where it is made from the topology */
	const char *port;    /* of nexthop; NULL: none is named */
	bool by_mx;          /* its MX records say where it is; "[...]" says that they do not */
	bool wrapped;        /* TLS from the beginning (port 465) */
	bool ours;           /* hosts of the domain, which know this one by its certificate */
};

struct mr_smarthosts {
	struct mr_smarthost *items;
	size_t count;
};

/* Those that this host uses, in its mode; for all domains first. Pure. */
void mr_smarthosts_list(struct mr_arena *arena, const struct mr_config *config,
			const struct mr_topology *topology, struct mr_smarthosts *out);

/* "smtp:[gw.example.org]:587", for a transport table. */
const char *mr_smarthost_transport(struct mr_arena *arena, const struct mr_smarthost *one);

/* The file with user and password for that server, below MR_PATH_SECRETS, with root; with and without brackets it is the
 * same server. It is a table of Postfix's of its own (texthash); Exim gets a copy (mr_mta_ready). */
const char *mr_smarthost_secret_path(struct mr_arena *arena, const struct mr_config *config,
				     const char *nexthop);
/* Whose password the file holds; NULL: there is none. */
int mr_smarthost_secret_user(struct mr_arena *arena, const struct mr_config *config,
			     const char *nexthop, const char **out,
			     struct mr_error *err) MR_MUST_CHECK;

/* For whom a password is stored: `nexthop` as mail.smarthost or mail.smarthosts has it, in whatever mode this host is, or
 * mail.smarthost if it is NULL. MR_E_CONFIG: no setting names such a server with a user. */
int mr_smarthost_login(struct mr_arena *arena, const struct mr_config *config, const char *nexthop,
		       const char **server, const char **user,
		       struct mr_error *err) MR_MUST_CHECK;
/* Steps that store the password (borrowed until the plan was applied; NULL: --dry-run) for `nexthop`, or for
 * mail.smarthost if that is NULL, and tell Postfix if it runs with our configuration. MR_E_INVALID: a password that the table cannot hold. */
int mr_smarthost_password_plan(struct mr_arena *arena, const struct mr_config *config,
			       const char *nexthop, const struct mr_secret *password,
			       struct mr_plan *plan, struct mr_error *err) MR_MUST_CHECK;

#endif
