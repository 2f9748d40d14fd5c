#include "features/watch_ask.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "features/csn.h"
#include "features/instance.h"
#include "features/sync.h"

struct question {
	const struct mr_config *config;
	struct mr_watch_peer *peer;
	pthread_t thread;
	bool started;
};

void mr_watch_peer_close(struct mr_watch_peer *peer)
{
	mr_directory_close(peer->dir);
	peer->dir = NULL;
}

bool mr_watch_peer_in_step(const struct mr_watch_peer *peer)
{
	for (size_t i = 0; i < 2; i++)
		if (peer->services & peer->answers[i].service &&
		    (!peer->answers[i].copy.in_step || peer->answers[i].newer))
			return false;
	return true;
}

static int connect_to(struct mr_arena *arena, const struct mr_config *config,
		      struct mr_watch_peer *peer, struct mr_error *err)
{
	if (strcmp(peer->name, config->host) == 0)
		return mr_instance_open(arena, config, &peer->dir, err);
	return mr_instance_open_peer(arena, config, NULL, peer->name, &peer->dir, err);
}

/* The newest of all: a host that has left and come back may have written with an older serverID. */
static int read_newest(struct mr_arena *arena, struct mr_watch_peer *peer,
		       struct mr_watch_answer *answer, struct mr_error *err)
{
	const char *dn = mr_dit_owned(arena, answer->service, peer->name), *newest;
	struct mr_list csns;
	bool found;

	if (mr_csns_read(arena, peer->dir, dn, &found, &csns, err) < 0)
		return -1;
	if (!found)
		return mr_fail(err, MR_E_DENIED, _("%s does not know this host yet"), peer->name);
	newest = mr_csn_newest(&csns);
	snprintf(answer->csn, sizeof(answer->csn), "%s", newest ? newest : "");
	return 0;
}

static void read_ours(struct mr_arena *arena, const struct mr_watch_peer *peer,
		      struct mr_watch_answer *answer)
{
	struct mr_error err = { 0 };
	char *csn = NULL;

	if (mr_csn_read(arena, peer->dir, mr_dit_all(answer->service), peer->own_id, &csn, &err) <
	    0)
		mr_log(MR_LOG_DEBUG, "%s", err.message);
	snprintf(answer->ours, sizeof(answer->ours), "%s", csn ? csn : "");
}

static int read_all(struct mr_arena *arena, struct mr_watch_peer *peer, struct mr_error *err)
{
	for (size_t i = 0; i < 2; i++) {
		if (!(peer->services & peer->answers[i].service))
			continue;
		if (read_newest(arena, peer, &peer->answers[i], err) < 0)
			return -1;
		read_ours(arena, peer, &peer->answers[i]);
	}
	return 0;
}

/* A kept connection may have ended with the slapd at its other end; a fresh one tells. Not after a
 * deadline that has passed: whoever hangs is not asked twice. */
static int ask(const struct mr_config *config, struct mr_watch_peer *peer, struct mr_error *err)
{
	MR_ARENA arena = mr_arena_open();
	long long begin = mr_now_ms();
	bool kept = peer->dir;

	if (kept && read_all(arena, peer, err) == 0)
		return 0;
	if (kept)
		mr_watch_peer_close(peer);
	if (kept && mr_now_ms() - begin >= config->directory_deadline * 500)
		return -1;
	if (connect_to(arena, config, peer, err) == 0 && read_all(arena, peer, err) == 0) {
		peer->fresh = true;
		return 0;
	}
	mr_watch_peer_close(peer);
	return -1;
}

static void *run(void *argument)
{
	struct question *question = argument;
	struct mr_watch_peer *peer = question->peer;
	struct mr_error err = { 0 };

	peer->answered = ask(question->config, peer, &err) == 0;
	snprintf(peer->why, sizeof(peer->why), "%.255s", peer->answered ? "" : err.message);
	return NULL;
}

void mr_watch_ask(const struct mr_config *config, struct mr_watch_peer *peers, size_t count)
{
	MR_ARENA arena = mr_arena_open();
	struct question *questions = MR_NEW_ARRAY(arena, struct question, count);

	for (size_t i = 0; i < count; i++) {
		questions[i] = (struct question){ .config = config, .peer = &peers[i] };
		peers[i].answered = false;
		if (peers[i].wanted)
			questions[i].started =
				pthread_create(&questions[i].thread, NULL, run, &questions[i]) == 0;
	}
	for (size_t i = 0; i < count; i++) {
		if (questions[i].started)
			pthread_join(questions[i].thread, NULL);
		else if (peers[i].wanted)
			snprintf(peers[i].why, sizeof(peers[i].why), "%s",
				 _("no room for another thread"));
	}
}
