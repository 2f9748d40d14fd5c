/* The topology: which hosts there are, what each replicates, and who is the home. Plain data; changes give a new topology. */
#ifndef MR_MODEL_TOPOLOGY_H
#define MR_MODEL_TOPOLOGY_H

#include "base/entry.h"
#include "model/dit.h"

enum mr_host_state { MR_INVITED, MR_JOINED };
enum mr_scheme { MR_SCHEME_INTRANET, MR_SCHEME_SERVER_MX, MR_SCHEME_RELAY_MX };
/* What divides a user from a detail in an address that nobody has as it is. Only what is in no mailbox's name: Dovecot cuts
 * without a look whether somebody has the whole. */
enum mr_delimiter { MR_DELIMITER_PLUS, MR_DELIMITER_EQUALS, MR_DELIMITER_NONE };
/* What a host's Postfix is for. */
enum mr_mode {
	MR_MODE_INTERNET,  /* takes mail and sends it itself: what is not said otherwise */
	MR_MODE_NONE,      /* is not mailrepl's affair */
	MR_MODE_SMARTHOST, /* takes mail, and hands what is for outside to another server */
	MR_MODE_SATELLITE, /* takes mail from its own system only, and hands all of it to another server */
	MR_MODE_LOCAL,     /* takes mail from its own system only, and gives none to other machines */
};

struct mr_host {
	const char *name;
	unsigned services;  /* MR_MAIL | MR_UNIX */
	unsigned server_id; /* 1..4095, unique for ever */
	enum mr_host_state state;
	struct mr_list fingerprints; /* of its certificates, SHA-256 */
	enum mr_mode mode;
};

struct mr_domain {
	const char *name;
	const char *postmaster; /* where mail for its role addresses goes; NULL: as each host's setting mail.postmaster says */
};

/* A domain of another primary, for which every relay and every host that takes mail from outside is a backup MX. */
#define MR_PRIMARY_DNS "dns" /* mailReplPrimary of one whose MX records count */
struct mr_foreign {
	const char *name;
	const char *primary;	   /* nexthop as Postfix writes it; NULL: by its MX records */
	struct mr_list recipients; /* their addresses, sorted; empty: the primary is asked */
};

struct mr_topology {
	const char *domain_id; /* UUID of this mail domain's installation */
	const char *home;
	long long epoch, generation;  /* generation grows with every change that must be rendered */
	unsigned server_id_high_water;
	enum mr_scheme scheme;
	enum mr_delimiter delimiter;
	struct mr_list mx;      /* hosts that take mail from outside; empty in the intranet scheme */
	struct mr_list former;  /* "mail2.lan mail1.lan": a host that is gone and who has taken it over: mail that is queued for
				   mail2.lan goes there */
	bool system_accounts;   /* the mail servers show the accounts to their systems (nslcd) */
	struct mr_list domains; /* mail domains, of all owners */
	struct mr_domain *domain_details; /* of those of them that have any */
	size_t domain_detail_count;
	struct mr_foreign *foreign; /* sorted by name; none of them in `domains` */
	size_t foreign_count;
	struct mr_host *hosts;  /* sorted by serverID */
	size_t count;
};

const struct mr_host *mr_topology_host(const struct mr_topology *topology, const char *name); /* or NULL */
/* mailReplPostmaster of a mail domain, or NULL */
const char *mr_topology_postmaster(const struct mr_topology *topology, const char *domain);
/* NULL: none. The array is made anew, that of a topology that this one was copied from stays as it is. */
void mr_topology_set_postmaster(struct mr_arena *arena, struct mr_topology *topology, const char *domain,
				const char *postmaster);
const struct mr_foreign *mr_topology_foreign(const struct mr_topology *topology, const char *domain); /* or NULL */
/* Adds it, in the place of one of that name; without it if `foreign` is NULL. The array is made anew, that of a topology that
 * this one was copied from stays as it is. */
void mr_topology_set_foreign(struct mr_arena *arena, struct mr_topology *topology, const char *domain,
			     const struct mr_foreign *foreign);
bool mr_foreign_equal(const struct mr_foreign *a, const struct mr_foreign *b); /* both may be NULL */
/* Of both kinds: what has an entry of a domain. */
struct mr_list mr_topology_all_domains(struct mr_arena *arena, const struct mr_topology *topology);
bool mr_host_is_server(const struct mr_host *host);   /* has unix: holds mailboxes */
bool mr_host_is_provider(const struct mr_topology *topology, const struct mr_host *host); /* server or home: has owned databases */
const char *mr_host_role(const struct mr_host *host);        /* "mail server", "relay" */
const char *mr_host_state_word(enum mr_host_state state);    /* "invited", "joined" */
const char *mr_scheme_word(enum mr_scheme scheme);           /* "intranet", "server-mx", "relay-mx" */
const char *mr_mode_word(enum mr_mode mode);                 /* "internet", "none", "smarthost", "satellite", "local" */
int mr_mode_parse(const char *word, enum mr_mode *out, struct mr_error *err) MR_MUST_CHECK;
/* It hands the mail of the mail domains to their owners, as the directory says: not a host whose Postfix is left
 * alone, nor a satellite, nor a local one without mailboxes. */
bool mr_host_is_router(const struct mr_host *host);
/* It takes nothing from other machines, which answer for its role addresses in its place. */
bool mr_host_is_closed(const struct mr_host *host);
/* Who takes what a satellite has to send, if it does not say itself: the joined MX hosts that can, else the home. May be
 * empty. */
struct mr_list mr_topology_smarthosts(struct mr_arena *arena, const struct mr_topology *topology,
				      const char *satellite);
int mr_scheme_parse(const char *word, enum mr_scheme *out, struct mr_error *err) MR_MUST_CHECK;
const char *mr_delimiter_word(enum mr_delimiter delimiter);  /* "+", "=", "none" */
const char *mr_delimiter_text(enum mr_delimiter delimiter);  /* "+", "=", "" */
/* MR_E_USAGE; "-" and "." are refused with the reason. */
int mr_delimiter_parse(const char *word, enum mr_delimiter *out, struct mr_error *err) MR_MUST_CHECK;
int mr_service_parse(const char *word, enum mr_service *out, struct mr_error *err) MR_MUST_CHECK;

/* A new topology of one host: the home, joined, service mail, serverID 1, epoch 1, generation 1. */
void mr_topology_init(struct mr_arena *arena, const char *domain_id, const char *home,
		      struct mr_topology *out);

/* `old` with exactly `hosts` in `service`. New hosts are invited and get the next serverIDs above the high-water mark; a host
 * that is in no service any more is gone. MR_E_INVALID: the home is left out of mail or unix, or a host
 * of unix is not in mail (or removed from mail while in unix), each by name; no serverID left; more than MR_PROVIDERS_MOST
 * providers. The generation grows by one only if
 * something differs. Fingerprints of new hosts are empty: the caller issues certificates. A relay that
 * becomes a server is invited again (it has no owned databases yet); a host that is gone is no MX either,
 * one that has not come yet stays one. */
#define MR_PROVIDERS_MOST 499 /* a rid has three digits, and a slapd pulls both services from each (olcSyncrepl, slapd-config(5)) */
int mr_topology_set(struct mr_arena *arena, const struct mr_topology *old, enum mr_service service,
		    const struct mr_list *hosts, struct mr_topology *out, struct mr_error *err) MR_MUST_CHECK;

/* `old` with that mode of that host. The generation grows by one if it had another. MR_E_NO_HOST: there is no such host.
 * What mr_topology_check_modes refuses is not looked for: several hosts may be changed first. */
int mr_topology_set_mode(struct mr_arena *arena, const struct mr_topology *old, const char *host,
			 enum mr_mode mode, struct mr_topology *out, struct mr_error *err) MR_MUST_CHECK;
/* MR_E_INVALID, by name, where a mode would lose mail or contradicts the scheme: a satellite or local host that others
 * have mail for (an MX host, a mail server; the only host of a domain may be local), and a smarthost in an intranet, which
 * no mail leaves. For whatever changes modes, services, MX hosts or the scheme. */
int mr_topology_check_modes(const struct mr_topology *topology, struct mr_error *err) MR_MUST_CHECK;

/* Entries below `container` (owned or copy of the home): ou=Hosts first, then one per host. */
void mr_topology_format(struct mr_arena *arena, const struct mr_topology *topology,
			const char *container, struct mr_entries *out);
/* From any entries that contain mailReplTopology, mailReplHost and mailReplDomain entries (others are ignored).
 * Two topologies: the higher epoch wins, hosts are taken from below its ou=Hosts only; a tie is MR_E_CONFIG,
 * and so is an entry that is malformed, a serverID twice, or a home that is not the container's host.
 * None: MR_E_NOT_FOUND. */
int mr_topology_parse(struct mr_arena *arena, const struct mr_entries *entries,
		      struct mr_topology *out, struct mr_error *err) MR_MUST_CHECK;
/* The filter that finds what mr_topology_parse wants. */
#define MR_TOPOLOGY_FILTER "(|(objectClass=mailReplTopology)(objectClass=mailReplHost)(objectClass=mailReplDomain))"
/* An item of `former`. */
struct mr_former {
	const char *gone, *by;
};
struct mr_former mr_former_parse(struct mr_arena *arena, const char *text);
/* `old` without `gone`: `by`, which is another of its hosts, has taken over what it owned, the topology included if it was the
 * home (then the epoch grows). The generation grows by one. */
void mr_topology_take_over(struct mr_arena *arena, const struct mr_topology *old, const char *gone,
			   const char *by, struct mr_topology *out);
struct mr_value *mr_topology_value(struct mr_arena *arena, const struct mr_topology *topology); /* for --json */

#endif
