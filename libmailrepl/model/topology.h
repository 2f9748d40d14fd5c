/* The topology: which hosts there are, what each replicates, and who is the home. Plain data; changes give a new topology. */
#ifndef MR_MODEL_TOPOLOGY_H
#define MR_MODEL_TOPOLOGY_H

#include "base/entry.h"
#include "model/dit.h"

enum mr_host_state { MR_INVITED, MR_JOINED };
enum mr_scheme { MR_SCHEME_INTRANET, MR_SCHEME_SERVER_MX, MR_SCHEME_RELAY_MX };

struct mr_host {
	const char *name;
	unsigned services;  /* MR_MAIL | MR_UNIX */
	unsigned server_id; /* 1..4095, unique for ever */
	enum mr_host_state state;
	struct mr_list fingerprints; /* of its certificates, SHA-256 */
};

struct mr_domain {
	const char *name;
	const char *postmaster; /* where mail for its role addresses goes; NULL: as each host's setting mail.postmaster says */
};

struct mr_topology {
	const char *domain_id; /* UUID of this mail domain's installation */
	const char *home;
	long long epoch, generation;  /* generation grows with every change that must be rendered */
	unsigned server_id_high_water;
	enum mr_scheme scheme;
	struct mr_list mx;      /* hosts that take mail from outside; empty in the intranet scheme */
	struct mr_list former;  /* "mail2.lan mail1.lan": a host that is gone and who has taken it over: mail that is queued for
				   mail2.lan goes there */
	bool system_accounts;   /* the mail servers show the accounts to their systems (nslcd) */
	struct mr_list domains; /* mail domains, of all owners */
	struct mr_domain *domain_details; /* of those of them that have any */
	size_t domain_detail_count;
	struct mr_host *hosts;  /* sorted by serverID */
	size_t count;
};

const struct mr_host *mr_topology_host(const struct mr_topology *topology, const char *name); /* or NULL */
/* mailReplPostmaster of a mail domain, or NULL */
const char *mr_topology_postmaster(const struct mr_topology *topology, const char *domain);
/* NULL: none. The array is made anew, that of a topology that this one was copied from stays as it is. */
void mr_topology_set_postmaster(struct mr_arena *arena, struct mr_topology *topology, const char *domain,
				const char *postmaster);
bool mr_host_is_server(const struct mr_host *host);   /* has unix: holds mailboxes */
bool mr_host_is_provider(const struct mr_topology *topology, const struct mr_host *host); /* server or home: has owned databases */
const char *mr_host_role(const struct mr_host *host);        /* "mail server", "relay" */
const char *mr_host_state_word(enum mr_host_state state);    /* "invited", "joined" */
const char *mr_scheme_word(enum mr_scheme scheme);           /* "intranet", "server-mx", "relay-mx" */
int mr_scheme_parse(const char *word, enum mr_scheme *out, struct mr_error *err) MR_MUST_CHECK;
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
