/* How the whole domain is: every host asked in parallel, each with the deadline.
 *
 *	struct mr_status status;
 *	if (mr_status_ask(arena, &config, dir, &topology, true, &status, err) < 0)
 *		return -1;
 *	mr_status_text(&status, false, &text);
 *
 * Everything that comes from hosts is shown escaped for where it is shown. */
#ifndef MR_FEATURES_STATUS_H
#define MR_FEATURES_STATUS_H

#include <stdint.h>

#include "adapters/config.h"
#include "adapters/directory.h"
#include "base/value.h"
#include "features/verify.h"
#include "model/topology.h"

/* What one host has of one provider in one service; each provider has a copy of its own as well. */
struct mr_provider_status {
	const struct mr_host *provider;
	enum mr_service service;
	const char *provider_csn, *copy_csn; /* NULL: unknown, or there is none */
	double behind;     /* seconds since the oldest change that the copy lacks; 0: in step; < 0:
			      unknown */
	long long changes; /* entries of the provider with a CSN newer than the copy's; < 0: unknown
			    */
	long long provider_entries, entries; /* < 0: unknown */
	int state;       /* mr_copy_check's; when digests were not asked for UNKNOWN, or DIFFERS if
			    the copy is newer than its owner */
	const char *why; /* why UNKNOWN (digests were asked for) or DIFFERS, or NULL */
};

struct mr_host_status {
	const struct mr_host *host;
	bool reachable;
	const char *why; /* not reachable: why */
	double latency_ms;
	long long rendered;                              /* generation; -1: unknown */
	const char *version, *slapd, *postfix, *dovecot; /* NULL: unknown or not there */
	double clock_offset;      /* seconds, its clock minus ours, 0 within what can be told; NAN:
				     unknown */
	const char *clock_source; /* "synchronised", "not synchronised" (by NTP, as the host says);
				     NULL: unknown */
	int64_t certificate_not_after; /* of the one that its slapd serves; 0: unknown */
	long long queue;               /* messages in Postfix's queue; -1: unknown */
	const char *gate;              /* "open", "closed: why"; NULL: unknown */
	struct mr_provider_status *providers;
	size_t count;
};

enum mr_status_outcome {
	MR_STATUS_WELL,
	MR_STATUS_BEHIND,
	MR_STATUS_BAD
}; /* exit status 0, 1, 2 */

struct mr_status {
	int64_t when;
	const char *asked_from;
	const struct mr_topology *topology;
	struct mr_host_status *hosts; /* topology->count, same order */
	bool digests;                 /* asked for */
	long long clashes;            /* addresses claimed twice; < 0: not looked for */
	struct mr_list
		mx_faults; /* sentences: what of the MX records does not fit the scheme; asked for
				     with the digests, where mail comes from outside */
	enum mr_status_outcome outcome;
	struct mr_list notes; /* a sentence for each thing that is not well, the worst first */
};

/* Asks every joined host. What a host does not tell this one stays unknown: its cn=Status and its
 * clock are for the home alone. `digests`: also compares all that is stored (mr_verify), and the MX records (features/mx_check.h). Fails only
 * if this host itself cannot be asked at all. */
int mr_status_ask(struct mr_arena *arena, const struct mr_config *config, struct mr_directory *dir,
		  const struct mr_topology *topology, bool digests, struct mr_status *out,
		  struct mr_error *err) MR_MUST_CHECK;

/* Pure: sets outcome and notes from the rest. Bad: a joined host that does not answer, a copy that
 * differs. Behind: a copy that is not in step or could not be compared, an old configuration, a
 * clock over MR_SKEW_MOST off, a certificate that ends within MR_STATUS_CERTIFICATE_DAYS, a closed
 * gate, a clash, a wrong MX record. */
#define MR_STATUS_CERTIFICATE_DAYS 30
void mr_status_judge(struct mr_arena *arena, struct mr_status *status);

struct mr_value *mr_status_value(struct mr_arena *arena,
				 const struct mr_status *status); /* --json */
/* Text exposition format 0.0.4; what is unknown has no sample. */
void mr_status_prometheus(const struct mr_status *status, struct mr_buf *out);
void mr_status_html(const struct mr_status *status,
		    struct mr_buf *out); /* one self-contained page */
/* Tables for people, at most 100 columns wide. Copies that are well are one line when they are
 * many, unless `all`. */
void mr_status_text(const struct mr_status *status, bool all, struct mr_buf *out);

#endif
