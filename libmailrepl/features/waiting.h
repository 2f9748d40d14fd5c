/* Mail that waits because a host cannot be reached. Mail for others that waits here is delivered as soon as they are back,
 * not after Postfix's next pause of up to 67 minutes: whom it waits for is in Postfix's record (flush(8)), or in Exim's hints
 * (features/exim_retries.h). And servers
 * that are not ours and keep mail for us are asked for it when we are back (ETRN, RFC 1985).
 *
 *	struct mr_waiting waiting = { 0 };
 *	mr_waiting_look(&waiting, &config, &topology, now);	again and again
 *	mr_waiting_close(&waiting);
 *
 * For mailrepl-watch. A look is bounded by two seconds for each host that mail waits for and cannot be reached, and ten
 * for each server that is asked. */
#ifndef MR_FEATURES_WAITING_H
#define MR_FEATURES_WAITING_H

#include "adapters/config.h"
#include "features/watch_decide.h"
#include "model/topology.h"

/* Attempts to deliver what waits for a host, each time it comes back. */
#define MR_WAITING_ATTEMPTS 5

/* A domain that mail may wait for: another host's name, or a domain of another primary. Starts as { .name }. */
struct mr_waiting_site {
	const char *name;
	int64_t recorded;  /* the state of the record when it was probed; 0: empty */
	int64_t probed;    /* 0: never */
	bool away;         /* could not be reached then */
	unsigned attempts; /* since it is back */
	struct mr_watch_pause pause; /* between them */
};

/* A server that keeps mail for us. Starts as { .name, .due = true }. */
struct mr_waiting_backup {
	const char *name;
	bool due;           /* we are back, and it does not know yet */
	int64_t tried;      /* when it was reached or asked last; 0: never */
	char trouble[1024]; /* what was said about it last, so that it is not said again */
};

struct mr_waiting {
	struct mr_arena *arena; /* names, for good */
	struct mr_waiting_site *sites;
	size_t site_count;
	struct mr_waiting_backup *backups;
	size_t backup_count;
	struct mr_arena *retries_arena; /* Exim's hints, and of which state they are */
	const char *retries;
	int64_t retries_state;
	bool runs; /* the mail server, at the last look; not looked for where nobody keeps mail for us */
};

/* Does nothing where the mail server does not run, or is not managed. What is done goes to the log. */
void mr_waiting_look(struct mr_waiting *waiting, const struct mr_config *config,
		     const struct mr_topology *topology, int64_t now);
void mr_waiting_close(struct mr_waiting *waiting);
/* Its second half: the servers that keep mail for us. */
void mr_waiting_ask(struct mr_waiting *waiting, const struct mr_config *config,
		    const struct mr_topology *topology, int64_t now);

/* Decisions, without asking anybody. Is the site to be probed now? `recorded`: a number that changes whenever mail is put
 * off that is for it; 0: nothing waits. A host that is there, and still takes nothing after some attempts, is the mail server's affair. */
bool mr_waiting_is_due(struct mr_waiting_site *site, int64_t recorded, int64_t now);
/* It was probed. True: what waits is to be delivered now. */
bool mr_waiting_probed(struct mr_waiting_site *site, bool reached, int64_t now);
/* Where a nexthop as Postfix writes it is: "[host]" or "[host]:port". False: without brackets, so DNS knows. */
bool mr_waiting_nexthop(struct mr_arena *arena, const char *nexthop, const char **host, int *port);

#endif
