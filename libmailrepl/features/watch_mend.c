#include <sys/stat.h>

#include "adapters/service.h"
#include "base/file.h"
#include "base/paths.h"
#include "features/watch_state.h"

/* When the copy was written last: LMDB writes its pages to the file. */
static int64_t written(const struct mr_look *look, enum mr_service service)
{
	const char *folder = mr_database_path(look->arena, &look->config,
					      service == MR_MAIL ? MR_DB_MAIL : MR_DB_UNIX);
	struct stat st;

	return stat(mr_printf(look->arena, "%s/data.mdb", folder), &st) == 0 ? st.st_mtime : 0;
}

/* The copy of a provider that has not moved for long, or NULL. */
static struct mr_watch_peer *find_stuck(struct mr_watch *watch, const struct mr_look *look,
					enum mr_service *service)
{
	for (size_t i = 0; i < watch->count; i++)
		for (size_t s = 0; s < 2; s++) {
			struct mr_watch_peer *peer = &watch->peers[i];
			const struct mr_watch_answer *answer = &peer->answers[s];

			if (!peer->wanted || !(peer->services & answer->service))
				continue;
			*service = answer->service;
			if (mr_watch_copy_stuck(&answer->copy, written(look, answer->service),
						look->config.watch_patience, look->now) &&
			    mr_watch_pause_over(&peer->restarts, look->now))
				return peer;
			if (!answer->copy.stuck_since)
				mr_watch_pause_calm(&peer->restarts, look->now);
		}
	return NULL;
}

static void act(struct mr_watch *watch, struct mr_look *look, struct mr_watch_pause *pause,
		bool restart, const char *why)
{
	struct mr_error err = { 0 };
	int lock;

	/* Who holds the lock may be about to do it, or may need slapd. */
	if (mr_lock_open(mr_path(look->arena, look->config.root, MR_PATH_LOCK), 0, &lock, &err) < 0)
		return;
	mr_watch_pause_begin(pause, look->now);
	mr_watch_say("%s", why);
	if ((restart ? mr_service_restart(MR_SERVICE_SLAPD, look->config.root, &err)
		     : mr_service_start(MR_SERVICE_SLAPD, look->config.root, &err)) < 0)
		mr_watch_say("%s", err.message);
	mr_lock_close(lock);
	mr_watch_hang_up(watch);
	look->known = false;
}

static void mend_copies(struct mr_watch *watch, struct mr_look *look)
{
	enum mr_service service;
	struct mr_watch_peer *peer = find_stuck(watch, look, &service);

	if (!peer)
		return;
	act(watch, look, &peer->restarts, true,
	    mr_printf(look->arena,
		      _("the copy of what %s owns in %s has stood still for %lld seconds although "
			"%s answers: slapd is restarted"),
		      peer->name, mr_service_name(service), look->config.watch_patience,
		      peer->name));
}

void mr_watch_mend(struct mr_watch *watch, struct mr_look *look)
{
	enum mr_watch_cure cure = mr_watch_cure(watch->slapd, watch->answered,
						look->config.watch_patience, look->now);
	struct mr_watch_pause *pause = cure == MR_CURE_RESTART ? &watch->hangs : &watch->starts;

	if (watch->slapd == MR_SLAPD_ANSWERS) {
		mr_watch_pause_calm(&watch->starts, look->now);
		mr_watch_pause_calm(&watch->hangs, look->now);
		mend_copies(watch, look);
		return;
	}
	/* systemd starts again what has failed, and says why it does not. */
	if (cure == MR_CURE_NONE || !mr_watch_pause_over(pause, look->now) ||
	    (cure == MR_CURE_START && mr_service_is_supervised(look->config.root)))
		return;
	act(watch, look, pause, cure == MR_CURE_RESTART,
	    cure == MR_CURE_RESTART
		    ? mr_printf(look->arena,
				_("slapd has not answered for %lld seconds and is restarted"),
				look->config.watch_patience)
		    : _("slapd has gone and is started again"));
}
