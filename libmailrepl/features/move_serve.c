#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/log.h"
#include "base/paths.h"
#include "features/instance.h"
#include "features/move_state.h"

#define GREETING "mailrepl-move 1 "

struct visit {
	const struct mr_mover *mover;
	struct mr_channel *channel;
	const char *peer; /* by its certificate */
	struct mr_move_entry at;
	const char *id;       /* of the mailbox, as a folder */
	const char *argument; /* or NULL */
	bool answered;
};

static int say_ok(struct visit *visit, struct mr_error *err)
{
	visit->answered = true;
	return mr_channel_say(visit->channel, "ok", err);
}

struct mr_channel_files mr_move_files(struct mr_arena *arena, const struct mr_config *config)
{
	return (struct mr_channel_files){
		.ca = mr_path(arena, config->root, MR_PATH_CA_CERT),
		.cert = mr_path(arena, config->root, MR_PATH_HOST_CERT),
		.key = mr_path(arena, config->root, MR_PATH_HOST_KEY),
	};
}

int mr_move_port(const struct mr_config *config)
{
	return (int)config->directory_port + 1;
}

/* Where the mail lies just now. */
static const char *current_id(const struct visit *visit)
{
	if (mr_move_folder_is_held(visit->mover->config, visit->id))
		return mr_move_old_id(visit->mover->arena, visit->id);
	return visit->id;
}

static int refuse_phase(const struct visit *visit, struct mr_error *err)
{
	return mr_fail(err, MR_E_DENIED, _("the move of %s is %s"), visit->at.route.user,
		       mr_move_word(visit->at.move.phase));
}

static int do_sync(struct visit *visit, struct mr_error *err)
{
	if (visit->at.move.phase != MR_MOVE_COPYING && visit->at.move.phase != MR_MOVE_HELD)
		return refuse_phase(visit, err);
	if (say_ok(visit, err) < 0)
		return -1;
	return mr_move_serve_dsync(visit->mover->arena, visit->channel, current_id(visit), err);
}

/* Recorded first: whoever comes after a kill holds again what may not be held yet. */
static int do_hold(struct visit *visit, struct mr_error *err)
{
	const struct mr_mover *mover = visit->mover;
	struct mr_move next = visit->at.move;

	if (next.phase != MR_MOVE_COPYING && next.phase != MR_MOVE_HELD)
		return refuse_phase(visit, err);
	next.phase = MR_MOVE_HELD;
	if (visit->at.move.phase == MR_MOVE_COPYING &&
	    mr_move_entry_advance(mover->arena, mover->dir, &visit->at, &next, err) < 0)
		return -1;
	if (mr_move_folder_hold(mover->config, visit->id, err) < 0 ||
	    mr_move_log_out(mover->arena, visit->at.route.routing_address, err) < 0)
		return -1;
	return say_ok(visit, err);
}

static int do_list(struct visit *visit, struct mr_error *err)
{
	struct mr_list lines;

	if (visit->at.move.phase != MR_MOVE_HELD)
		return refuse_phase(visit, err);
	if (mr_move_contents(visit->mover->arena, current_id(visit), &lines, err) < 0 ||
	    say_ok(visit, err) < 0)
		return -1;
	for (size_t i = 0; i < lines.count; i++)
		if (mr_channel_say(visit->channel, lines.items[i], err) < 0)
			return -1;
	return mr_channel_say(visit->channel, "", err);
}

static int check_mailbox(const struct visit *visit, const char **out, struct mr_error *err)
{
	struct mr_address address;

	if (!visit->argument)
		return mr_fail(err, MR_E_PROTOCOL, _("no mailbox was named"));
	if (mr_address_parse(visit->mover->arena, visit->argument, &address, err) < 0)
		return -1;
	if (strcmp(address.domain, visit->peer) != 0)
		return mr_fail(err, MR_E_DENIED, _("%s is not at %s"), address.text, visit->peer);
	*out = address.text;
	return 0;
}

static int do_adopt(struct visit *visit, struct mr_error *err)
{
	const struct mr_mover *mover = visit->mover;
	struct mr_move next = visit->at.move;

	if (check_mailbox(visit, &next.mailbox, err) < 0)
		return -1;
	if (next.phase != MR_MOVE_HELD || !mr_move_folder_is_held(mover->config, visit->id))
		return refuse_phase(visit, err);
	next.phase = MR_MOVE_ADOPTING;
	if (mr_move_entry_advance(mover->arena, mover->dir, &visit->at, &next, err) < 0)
		return -1;
	return say_ok(visit, err);
}

static int do_trouble(struct visit *visit, struct mr_error *err)
{
	if (!visit->argument)
		return mr_fail(err, MR_E_PROTOCOL, _("%s asks what makes no sense"), visit->peer);
	mr_move_trouble_note(visit->mover->config, visit->at.route.user, visit->peer,
			     visit->argument);
	return say_ok(visit, err);
}

static const struct {
	const char *name;
	int (*run)(struct visit *visit, struct mr_error *err);
} verbs[] = {
	{ "sync", do_sync },   { "hold", do_hold },       { "list", do_list },
	{ "adopt", do_adopt }, { "trouble", do_trouble },
};

/* The mailbox is offered to this host and to no other: nothing else is said about it. */
static int find_offer(struct visit *visit, const char *typed, struct mr_error *err)
{
	const struct mr_mover *mover = visit->mover;
	const char *user;

	if (mr_user_parse(mover->arena, typed, &user, err) < 0 ||
	    mr_move_entry_read(mover->arena, mover->dir, mover->config->host, user, &visit->at,
			       err) < 0)
		return -1;
	if (!visit->at.entry || strcmp(visit->at.move.host, visit->peer) != 0 ||
	    !visit->at.route.routing_address)
		return mr_fail(err, MR_E_DENIED, _("%s is not offered to %s"), user, visit->peer);
	visit->id = mr_move_id(mover->arena, visit->at.route.routing_address);
	return 0;
}

/* A host that has left has a certificate of the domain's still. */
static int check_peer(const struct mr_mover *mover, const struct mr_certificate *certificate,
		      struct mr_error *err)
{
	const struct mr_host *host = mr_topology_host(mover->topology, certificate->host);
	bool known = false;

	for (size_t i = 0; host && i < host->fingerprints.count; i++)
		known |= strcasecmp(host->fingerprints.items[i], certificate->fingerprint) == 0;
	if (!known || !mr_host_is_server(host) || host->state != MR_JOINED)
		return mr_fail(err, MR_E_DENIED,
			       _("%s is no mail server of this domain, or has another certificate"),
			       certificate->host);
	return 0;
}

/* What follows the verb and the user; NULL: nothing. */
static const char *rest_of(const char *question)
{
	const char *at = strchr(question, ' ');

	at = at ? strchr(at + 1, ' ') : NULL;
	return at ? at + 1 : NULL;
}

/* The question is read in any case: a connection that is closed with something unread loses the
 * answer. */
static int answer(struct visit *visit, const struct mr_certificate *certificate,
		  struct mr_error *err)
{
	char line[512];
	struct mr_list words;

	if (mr_channel_line(visit->channel, line, sizeof(line), err) < 0 ||
	    check_peer(visit->mover, certificate, err) < 0)
		return -1;
	if (!mr_starts_with(line, GREETING))
		return mr_fail(err, MR_E_PROTOCOL, _("%s speaks another language"), visit->peer);
	words = mr_list_split(visit->mover->arena, line + strlen(GREETING), ' ');
	if (words.count < 2)
		return mr_fail(err, MR_E_PROTOCOL, _("%s asks what makes no sense"), visit->peer);
	if (find_offer(visit, words.items[1], err) < 0)
		return -1;
	visit->argument = rest_of(line + strlen(GREETING));
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (strcmp(verbs[i].name, words.items[0]) == 0)
			return verbs[i].run(visit, err);
	return mr_fail(err, MR_E_PROTOCOL, _("%s asks what makes no sense"), visit->peer);
}

int mr_move_serve(const struct mr_mover *mover, int fd, struct mr_error *err)
{
	const struct mr_channel_files files = mr_move_files(mover->arena, mover->config);
	struct mr_certificate certificate;
	struct visit visit = { .mover = mover };
	struct mr_error ignored;
	int rc;

	if (mr_channel_accept(mover->arena, &files, fd, MR_MOVE_DEADLINE_MS, &visit.channel,
			      &certificate, err) < 0)
		return -1;
	visit.peer = certificate.host;
	rc = answer(&visit, &certificate, err);
	/* After "ok" this would be taken for a part of the stream, which breaks off: that says
	 * enough. */
	if (rc < 0 && !visit.answered &&
	    mr_channel_say(visit.channel, mr_printf(mover->arena, "no %s", err->message),
			   &ignored) < 0)
		mr_log(MR_LOG_DEBUG, "%s", ignored.message);
	mr_channel_close(visit.channel);
	return rc < 0 ? mr_fail_in(err, "%s", visit.peer) : 0;
}

int mr_move_ask(struct mr_arena *arena, const struct mr_config *config, const char *host,
		const char *question, int ms, struct mr_channel **out, struct mr_error *err)
{
	const struct mr_channel_files files = mr_move_files(arena, config);
	struct mr_channel *channel;
	char line[1024];

	if (mr_channel_connect(arena, &files, host, mr_move_port(config), ms, &channel, err) < 0)
		return -1;
	if (mr_channel_say(channel, mr_printf(arena, GREETING "%s", question), err) < 0 ||
	    mr_channel_line(channel, line, sizeof(line), err) < 0) {
		mr_channel_close(channel);
		return -1;
	}
	if (strcmp(line, "ok") != 0) {
		mr_channel_close(channel);
		return mr_fail(err, MR_E_DENIED, "%s: %s", host,
			       mr_starts_with(line, "no ") ? line + 3 : line);
	}
	*out = channel;
	return 0;
}
