#include "features/restore_case.h"

#include <string.h>
#include <unistd.h>

#include "adapters/reach.h"
#include "base/clock.h"
#include "base/log.h"
#include "features/ask.h"
#include "features/csn.h"

#define ALIVE_MS 15000 /* how long nobody must answer; directory.join_deadline, if that is less */
#define REACH_MS 2000
#define ANSWER_S 5
#define PAUSE_MS 500

const char *mr_restore_case_word(enum mr_restore_case which)
{
	static const char *const words[] = {
		[MR_RESTORE_ALIVE] = "alive",     [MR_RESTORE_ROLL_BACK] = "roll-back",
		[MR_RESTORE_ONLY] = "only",       [MR_RESTORE_REJOIN] = "rejoin",
		[MR_RESTORE_BARE] = "bare-metal",
	};

	return words[which];
}

const char *mr_restore_case_text(enum mr_restore_case which)
{
	static const char *const texts[] = {
		[MR_RESTORE_ALIVE] =
			N_("Alive: this host's directory is there, so nothing is loaded from the "
			   "archive; only files that are missing come back."),
		[MR_RESTORE_ROLL_BACK] =
			N_("Roll back: what this host owns returns to the state of the archive, as "
			   "changes that reach every host. What other hosts own is not touched."),
		[MR_RESTORE_ONLY] = N_("A part: what was asked for returns to the state of the "
				       "archive, as changes "
				       "that reach every host. All else stays as it is."),
		[MR_RESTORE_REJOIN] = N_(
			"Rejoin: this host's directory is gone, other hosts are alive. What this "
			"host owns is taken from their copies, which are newer than the archive; "
			"the archive gives the files."),
		[MR_RESTORE_BARE] = N_(
			"Bare metal: this host's directory is gone, and no host that answers has a "
			"copy of it. It is loaded from the archive, which becomes the truth for "
			"all "
			"hosts: what changed since is lost, also for hosts that come back later."),
	};

	return _(texts[which]);
}

/* The topology that says which databases this host must have: its own as long as it can be read. */
static const struct mr_topology *own_topology(struct mr_arena *arena,
					      const struct mr_restore *restore)
{
	struct mr_topology *live = MR_NEW(arena, struct mr_topology);
	struct mr_error err;

	if (mr_database_exists(&restore->config, MR_DB_MAIL) &&
	    mr_instance_topology(arena, NULL, &restore->config, live, &err) == 0 &&
	    mr_topology_host(live, restore->config.host))
		return live;
	return &restore->topology;
}

/* Of those that cannot be had from somewhere else at any time; a relay owns none, it has a copy. */
static bool is_gone(struct mr_arena *arena, const struct mr_restore *restore)
{
	const struct mr_topology *topology = own_topology(arena, restore);
	const struct mr_host *self = mr_topology_host(topology, restore->config.host);
	bool owner = mr_host_is_provider(topology, self);

	for (enum mr_database i = 0; i < MR_DATABASE_COUNT; i++)
		if ((owner ? mr_database_owned(i) : i == MR_DB_MAIL) &&
		    mr_database_wanted(topology, self, i) &&
		    !mr_database_exists(&restore->config, i))
			return true;
	return false;
}

/* What one host's copies know of this host. */
struct copy {
	const struct mr_config *config;
	unsigned server_id;
	unsigned services; /* to be asked for: those of both */
	unsigned has;
};

static int ask(struct mr_arena *arena, struct mr_directory *peer, void *answer,
	       struct mr_error *err)
{
	static const enum mr_service services[] = { MR_MAIL, MR_UNIX };
	static const char *const attrs[] = { "cn", NULL };
	struct copy *copy = answer;

	for (size_t i = 0; i < 2; i++) {
		const char *dn = mr_dit_copy(arena, services[i], copy->config->host);
		struct mr_entry *entry;
		char *csn;

		if (!(copy->services & services[i]))
			continue;
		if (mr_directory_read(peer, arena, dn, attrs, &entry, err) < 0 ||
		    mr_csn_read(arena, peer, mr_dit_all(services[i]), copy->server_id, &csn, err) <
			    0)
			return -1;
		/* One without is being filled itself. */
		if (entry && csn)
			copy->has |= services[i];
	}
	return 0;
}

/* Somebody is there who does not let us in: alive, too. Whatever the archive would make the truth here,
 * it would contradict. */
static bool refuses(const struct mr_restore *restore, const struct mr_question *question)
{
	return question->err.code == MR_E_DENIED ||
	       mr_reachable(question->host, (int)restore->config.directory_port, REACH_MS);
}

/* One question to all others, and what they said. */
struct round {
	struct mr_question *questions;
	struct copy *copies;
	size_t count;
	bool all; /* there are copies of all that this host owns */
};

static void sort_out(struct mr_arena *arena, struct mr_restore *restore, const struct mr_host *self,
		     struct round *round)
{
	bool owner = mr_host_is_provider(&restore->topology, self);
	unsigned has = 0;

	restore->copies = restore->without = restore->silent = (struct mr_list){ 0 };
	for (size_t i = 0; i < round->count; i++) {
		struct mr_list *list = &restore->without;

		if (round->questions[i].result < 0)
			list = &restore->silent;
		else if (round->copies[i].has)
			list = &restore->copies;
		has |= round->copies[i].has;
		mr_list_add(arena, list, round->questions[i].host);
	}
	/* A relay owns nothing: whoever answers will do. */
	round->all = owner ? (has & self->services) == self->services
			   : restore->silent.count < round->count;
}

static void ask_round(struct mr_arena *arena, struct mr_restore *restore, struct round *round)
{
	const struct mr_topology *topology = &restore->topology;
	const struct mr_host *self = mr_topology_host(topology, restore->config.host);
	struct mr_config quick = restore->config;

	if (quick.directory_deadline > ANSWER_S)
		quick.directory_deadline = ANSWER_S;
	*round = (struct round){ MR_NEW_ARRAY(arena, struct mr_question, topology->count),
				 MR_NEW_ARRAY(arena, struct copy, topology->count), 0, false };
	for (size_t i = 0; i < topology->count; i++) {
		const struct mr_host *host = &topology->hosts[i];

		if (host == self)
			continue;
		round->copies[round->count] = (struct copy){ &restore->config, self->server_id,
							     self->services & host->services, 0 };
		round->questions[round->count] =
			(struct mr_question){ .host = host->name,
					      .answer = &round->copies[round->count] };
		round->count++;
	}
	(void)mr_ask_all(&quick, mr_printf(arena, "%s/tls", restore->folder), round->questions,
			 round->count, ask);
	sort_out(arena, restore, self, round);
}

static const char *names(struct mr_arena *arena, const struct mr_list *list)
{
	return list->count ? mr_list_join(arena, list, ", ") : _("nobody");
}

/* Hosts answer, and none has what this host owned: whether a silent one has, only a person can know. */
static int judge(struct mr_arena *arena, struct mr_restore *restore, struct mr_error *err)
{
	restore->which = MR_RESTORE_BARE;
	if ((!restore->copies.count && !restore->without.count) || restore->request.authoritative)
		return 0;
	if (restore->copies.count)
		mr_list_add(arena, &restore->without, names(arena, &restore->copies));
	return mr_fail(err, MR_E_UNAVAILABLE,
		       _("%s: alive, but without a copy of all that %s owned; silent: %s. Run this "
			 "again when all can be reached. If the archive shall be the truth for all "
			 "of them instead: cl-backup -r --authoritative"),
		       names(arena, &restore->without), restore->config.host,
		       names(arena, &restore->silent));
}

static int check_refusals(const struct mr_restore *restore, const struct round *round,
			  struct mr_error *err)
{
	for (size_t i = 0; i < round->count; i++) {
		const struct mr_question *question = &round->questions[i];

		if (question->result == 0 || !refuses(restore, question))
			continue;
		*err = question->err;
		return mr_fail_in(err,
				  _("%s is alive, but does not accept this host (was it removed?)"),
				  question->host);
	}
	return 0;
}

static int ask_others(struct mr_arena *arena, struct mr_restore *restore, struct mr_error *err)
{
	const long long patience = restore->config.join_deadline * 1000LL;
	const long long until = mr_now_ms() + (patience < ALIVE_MS ? patience : ALIVE_MS);
	struct round round;

	for (;;) {
		ask_round(arena, restore, &round);
		if (round.all) {
			restore->which = MR_RESTORE_REJOIN;
			return 0;
		}
		if (!restore->silent.count || mr_left_ms(until) == 0)
			break;
		(void)usleep(PAUSE_MS * 1000);
	}
	if (check_refusals(restore, &round, err) < 0)
		return -1;
	return judge(arena, restore, err);
}

int mr_restore_case_tell(struct mr_arena *arena, struct mr_restore *restore, struct mr_error *err)
{
	const struct mr_restore_request *request = &restore->request;

	if (!mr_topology_host(&restore->topology, restore->config.host))
		return mr_fail(err, MR_E_ARCHIVE, _("%s: %s is not in its topology"),
			       restore->archive.path, restore->config.host);
	if (is_gone(arena, restore)) {
		if (request->only.count || request->undo)
			return mr_fail(
				err, MR_E_CONFIG,
				_("this host's directory is gone: bring it back with cl-backup "
				  "-r first"));
		return ask_others(arena, restore, err);
	}
	restore->which = request->only.count                       ? MR_RESTORE_ONLY
			 : request->authoritative || request->undo ? MR_RESTORE_ROLL_BACK
								   : MR_RESTORE_ALIVE;
	return 0;
}
