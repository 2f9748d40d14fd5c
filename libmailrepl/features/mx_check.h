/* The MX records of the mail domains, compared with who takes mail from outside as the scheme says it.
 *
 *	struct mr_mx_check check;
 *	mr_mx_ask(arena, dns, &topology, &check);
 *	mr_mx_judge(arena, &topology, &backups, &check);
 *
 * Only DNS as this host sees it is asked: where the world is told something else (split DNS), the world's is not seen. */
#ifndef MR_FEATURES_MX_CHECK_H
#define MR_FEATURES_MX_CHECK_H

#include "adapters/config.h"
#include "adapters/dns.h"
#include "base/value.h"
#include "model/topology.h"

/* One record, and what DNS says of the host that it names. */
struct mr_mx_record {
	struct mr_mx mx;
	enum mr_dns_answer answer;
	const char *alias; /* it is a CNAME for this; NULL: it is none */
	struct mr_list addresses;
	const char *why; /* SILENT: why */
};

struct mr_mx_domain {
	const char *domain;
	enum mr_dns_answer answer;
	const char *why; /* SILENT: why */
	struct mr_mx_record *records;
	size_t count;
};

enum mr_mx_fault {
	MR_MX_UNASKED,    /* could not be asked; a note */
	MR_MX_OUTSIDE,    /* intranet: there are MX records all the same; a note */
	MR_MX_NONE,       /* no MX record at all, or the one that says "takes no mail" */
	MR_MX_MISSING,    /* a host that takes mail from outside is not named */
	MR_MX_EXTRA,      /* a host is named that does not take mail from outside */
	MR_MX_BACKUP,     /* a backup is preferred to our own hosts */
	MR_MX_ALIAS,      /* what is named is a CNAME (RFC 2181 section 10.3) */
	MR_MX_NO_ADDRESS, /* what is named has no address */
};

struct mr_mx_finding {
	enum mr_mx_fault fault;
	const char *domain;
	const char *host; /* NULL: it is about the whole domain */
	const char *text; /* a sentence: what, and what to do */
};

struct mr_mx_check {
	struct mr_mx_domain *domains; /* those of the topology, same order */
	size_t domain_count;
	struct mr_mx_finding *findings;
	size_t count;
	size_t wrong; /* of them those that are not only notes */
};

/* Where there is something to be asked: mail.dns is set. */
bool mr_mx_wanted(const struct mr_config *config);
/* Hosts that keep mail for our domains without being of them: the setting backup_mx.backups. */
struct mr_list mr_mx_backups(struct mr_arena *arena, const struct mr_config *config);
/* Asks DNS, one name after the other. Once look-ups that nobody answered have taken MR_MX_PATIENCE seconds nobody is asked any more.
 * Sets `domains`, no findings. */
#define MR_MX_PATIENCE (MR_DNS_SECONDS - 1)
void mr_mx_ask(struct mr_arena *arena, struct mr_dns *dns, const struct mr_topology *topology,
	       struct mr_mx_check *out);
/* Pure: the findings, from the rest. */
void mr_mx_judge(struct mr_arena *arena, const struct mr_topology *topology,
		 const struct mr_list *backups, struct mr_mx_check *check);
/* Both, as resolv.conf and the settings say. */
void mr_mx_look(struct mr_arena *arena, const struct mr_config *config,
		const struct mr_topology *topology, struct mr_mx_check *out);

/* "Scheme relay-mx: relay.lan takes mail from outside." */
const char *mr_mx_scheme_line(struct mr_arena *arena, const struct mr_topology *topology);

/* A sentence, if those who take mail from outside are not what the scheme says: servers where a relay should be, or the other
 * way round. NULL: they are, or are not known yet, or there is no server yet. */
const char *mr_mx_scheme_doubt(struct mr_arena *arena, const struct mr_topology *topology);

bool mr_mx_is_note(enum mr_mx_fault fault);
const char *mr_mx_fault_word(enum mr_mx_fault fault); /* "missing", …: for --json */
struct mr_value *mr_mx_value(struct mr_arena *arena, const struct mr_mx_check *check); /* --json */

#endif
