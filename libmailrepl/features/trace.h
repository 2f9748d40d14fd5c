/* How mail for an address travels, and why: the questions that Postfix asks with the tables that
 * are rendered here, in the same order, answered from one host's directory. No message is sent.
 *
 *	mr_trace_address()   as one host sees it
 *	mr_tracing_open()    the same questions to every host
 *	mr_trace_mta()       what this host's Postfix or Exim itself answers */
#ifndef MR_FEATURES_TRACE_H
#define MR_FEATURES_TRACE_H

#include "adapters/config.h"
#include "adapters/directory.h"
#include "features/exim_ask.h"
#include "model/topology.h"

enum mr_fate { MR_FATE_DELIVERABLE, MR_FATE_REFUSED, MR_FATE_DEFERRED };
const char *mr_fate_word(enum mr_fate fate); /* "deliverable", …, static */

/* One question and its answer. */
struct mr_trace_step {
	const char *what;   /* "syntax", "mode", "domain", "role", "access", "exact", "former", "extension",
			       "catch-all", "mailbox", "group", "forward", "moved", "nexthop" */
	const char *detail; /* one line */
	const char *dn;     /* the entry behind it, in the copies; NULL: none */
	int depth;          /* 0, or how many groups and forwards it lies inside */
};

/* Where a copy of the message comes to lie. */
struct mr_trace_target {
	const char *address; /* real address, or one outside */
	const char *owner;   /* host; NULL: outside, or a role address */
	const char *nexthop; /* from the host that hands it on: "lmtp", "relay:[mail2.lan]", "smtp",
				"smtp:[gw.example.org]:587", "backup:[mail.partner.org]", "local" */
};

struct mr_trace {
	const char *address; /* stored form; as given if it is malformed */
	enum mr_fate fate;   /* of several members, the worst */
	const char *why;     /* refused or deferred: a sentence; else NULL */
	struct mr_trace_step *steps;
	size_t step_count, step_size;
	struct mr_trace_target *targets;
	size_t target_count, target_size;
	/* What virtual_alias_maps should say, for mr_trace_mta. */
	struct mr_list forms; /* look-up keys in order; empty: not an address of a mail domain */
	const char *mapped;   /* NULL: nothing, or `ambiguous` */
	bool ambiguous;
};

struct mr_trace_view {
	struct mr_directory *dir; /* of `host` */
	const char *host;         /* who is asked */
	const struct mr_topology *topology;
	const struct mr_config *config; /* of `host`, for this host; NULL: its settings are not known */
	bool gate_closed;       /* unknown is "later" */
};

/* *out in the arena. Only a directory that does not answer is an error; whatever there is to say of
 * the address is in *out. */
int mr_trace_address(struct mr_arena *arena, const struct mr_trace_view *view, const char *address,
		     struct mr_trace *out, struct mr_error *err) MR_MUST_CHECK;

/* Where `view->host` hands on what is for nobody of ours. *nexthop: NULL: nowhere, since mail does not leave the intranet, or
 * it is for nobody whom a primary is known to have. *detail: a sentence, beginning with the domain. */
int mr_trace_way_out(struct mr_arena *arena, const struct mr_trace_view *view, const char *address,
		     const char **nexthop, const char **detail, struct mr_error *err) MR_MUST_CHECK;

/* The same fate and the same targets? */
bool mr_trace_equal(const struct mr_trace *a, const struct mr_trace *b);

struct mr_trace_host {
	const char *host;
	bool answered;
	const char *why; /* it has not, or has not joined; else NULL */
	struct mr_trace trace;
	bool agrees;
};

/* The same addresses at every other joined host: over one connection each, made while this host is asked.
 *
 *	tracing = mr_tracing_open(config, &view, addresses, count);
 *	... mr_trace_address of each ...
 *	mr_tracing_finish(tracing);
 *	mr_tracing_hosts(arena, tracing, 0, &own, &hosts, &host_count);
 *	mr_tracing_close(tracing);
 *
 * Whether their gates are open is not known here: theirs count as this host's. All that is given must
 * stay until it is closed. */
struct mr_tracing;
struct mr_tracing *mr_tracing_open(const struct mr_config *config, const struct mr_trace_view *view,
				   const char *const *addresses, size_t count);
void mr_tracing_finish(struct mr_tracing *tracing); /* asks, and waits for the answers */
/* What they have said of addresses[which], of which `own` is this host's answer. *out: one for each host of
 * the topology but this. */
void mr_tracing_hosts(struct mr_arena *arena, const struct mr_tracing *tracing, size_t which,
		      const struct mr_trace *own, struct mr_trace_host **out, size_t *count);
void mr_tracing_close(struct mr_tracing *tracing); /* NULL-safe; nobody is asked any more */
#define MR_TRACING __attribute__((cleanup(mr_tracing_closep))) struct mr_tracing *
void mr_tracing_closep(struct mr_tracing **tracing);

struct mr_trace_mta {
	bool asked; /* false: `answer` says why not */
	bool agrees;
	const char *answer; /* what it said: an address, "not found", an error */
};

/* Asks the MTA that this host has; not for an address that is in no mail domain, nor for one that is barred. */
void mr_trace_mta(struct mr_arena *arena, const struct mr_config *config,
		  const struct mr_trace *own, struct mr_trace_mta *out);
/* The tables of virtual_alias_maps, with postmap -q (they are asked without proxymap, so Postfix need
 * not run). */
void mr_trace_postfix(struct mr_arena *arena, const struct mr_config *config,
		      const struct mr_trace *own, struct mr_trace_mta *out);
/* exim4 -bt, which needs no Exim that runs either. It says the whole way: it agrees if the address that should come out is on
 * it. */
void mr_trace_exim(struct mr_arena *arena, const struct mr_config *config,
		   const struct mr_trace *own, struct mr_trace_mta *out);
/* Its `answer` and `agrees`. Pure. */
void mr_trace_exim_judge(struct mr_arena *arena, const struct mr_trace *own,
			 const struct mr_exim_answer *answer, struct mr_trace_mta *out);

#endif
