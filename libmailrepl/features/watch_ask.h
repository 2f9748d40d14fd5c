/* Asking the providers how far they are: all at the same time, each with its deadline, over
 * connections that stay open. */
#ifndef MR_FEATURES_WATCH_ASK_H
#define MR_FEATURES_WATCH_ASK_H

#include "adapters/config.h"
#include "adapters/directory.h"
#include "features/watch_decide.h"
#include "features/watch_due.h"
#include "model/topology.h"

/* What one container was found to be. */
struct mr_watch_answer {
	enum mr_service service;
	char csn[MR_WATCH_CSN_SIZE]; /* the newest change; "": none yet */
	char ours[MR_WATCH_CSN_SIZE]; /* the newest change of what this host owns that is known
					 there; "": none */
	bool newer;                  /* this host does not know that change: its disk is old */
	struct mr_watch_copy copy;   /* ours of it */
};

/* A provider, this host itself included. Kept from look to look. */
struct mr_watch_peer {
	const char *name;
	bool wanted;       /* a joined provider of a service that this host has */
	unsigned services; /* that both have */
	unsigned own_id;   /* this host's serverID */
	struct mr_directory *dir;
	bool answered;        /* at this look, for each service */
	char why[256];        /* not answered: why */
	int64_t last_reached; /* 0: never */
	bool fresh; /* the connection is new: its slapd was started, or could not be reached. Stays
		       until somebody has taken notice */
	struct mr_watch_due due;
	bool compared; /* what it owns is being compared or repaired right now */
	struct mr_watch_answer answers[2];
	struct mr_watch_pause
		restarts; /* of this host's slapd, because a copy of this provider was stuck */
};

/* Asks every wanted peer; takes at most twice directory.deadline. A peer that answers and shows
 * nothing (it does not know this host yet) has not answered. */
void mr_watch_ask(const struct mr_config *config, struct mr_watch_peer *peers, size_t count);
void mr_watch_peer_close(struct mr_watch_peer *peer); /* the connection */
/* This host has all that it had when it was asked last. */
bool mr_watch_peer_in_step(const struct mr_watch_peer *peer);

#endif
