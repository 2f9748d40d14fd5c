#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "adapters/service.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/paths.h"
#include "base/process.h"
#include "features/csn.h"
#include "features/hardening.h"
#include "features/mta.h"
#include "features/watch_state.h"

#define REBUILD_TIMEOUT_MS 300000

static int read_own(struct mr_watch *watch, struct mr_look *look, struct mr_error *err)
{
	if (!watch->dir && mr_instance_open(look->arena, &look->config, &watch->dir, err) < 0)
		return -1;
	if (mr_directory_read(watch->dir, look->arena, MR_DIT_STATUS, NULL, &look->status, err) < 0)
		return -1;
	return mr_instance_topology(look->arena, watch->dir, &look->config, &look->topology, err);
}

void mr_watch_hang_up(struct mr_watch *watch)
{
	mr_directory_close(watch->dir);
	watch->dir = NULL;
	for (size_t i = 0; i < watch->count; i++)
		for (size_t s = 0; s < 2; s++)
			mr_watch_copy_forget(&watch->peers[i].answers[s].copy);
}

static enum mr_watch_slapd why_silent(const struct mr_look *look)
{
	const char *root = look->config.root;

	if (mr_service_running(MR_SERVICE_SLAPD, root))
		return MR_SLAPD_HANGS;
	return mr_path_exists(mr_path(look->arena, root, MR_PATH_STOPPED)) ? MR_SLAPD_STOPPED
									   : MR_SLAPD_GONE;
}

void mr_watch_read(struct mr_watch *watch, struct mr_look *look)
{
	struct mr_error err = { 0 };
	bool kept = watch->dir;
	long long begin = mr_now_ms();
	int rc = read_own(watch, look, &err);

	if (rc < 0)
		mr_watch_hang_up(watch);
	/* Not after a deadline that has passed: whoever hangs is not asked twice. */
	if (rc < 0 && kept && mr_now_ms() - begin < look->config.directory_deadline * 500)
		rc = read_own(watch, look, &err);
	look->now = time(NULL);
	look->known = rc == 0;
	if (rc == 0 || (err.code != MR_E_UNAVAILABLE && watch->dir)) {
		watch->slapd = MR_SLAPD_ANSWERS;
		watch->answered = look->now;
	} else {
		watch->slapd = why_silent(look);
	}
	if (rc == 0)
		return;
	mr_log(MR_LOG_DEBUG, "%s", err.message);
	mr_watch_hang_up(watch);
}

bool mr_watch_is_stale(const struct mr_look *look)
{
	const char *rendered =
		look->status ? mr_entry_value(look->status, "mailReplRenderedGeneration") : NULL;

	return !rendered || strtoll(rendered, NULL, 10) < look->topology.generation;
}

bool mr_watch_is_locked(const struct mr_look *look)
{
	struct mr_error ignored;
	int lock;

	if (mr_lock_open(mr_path(look->arena, look->config.root, MR_PATH_LOCK), 0, &lock,
			 &ignored) < 0)
		return true;
	mr_lock_close(lock);
	return false;
}

/* It puts itself in nobody's background, but must not die with us in the middle of its steps. */
int mr_watch_run_rebuild(const struct mr_look *look, bool join, struct mr_process_result *result,
			 struct mr_error *err)
{
	const char *repl = join ? "--repl" : NULL;
	const char *const plain[] = { "cl-rebuild", repl, NULL };
	const char *const below[] = { "cl-rebuild", "--root", look->config.root, repl, NULL };
	struct mr_process process = {
		.argv = *look->config.root ? below : plain,
		.timeout_ms = REBUILD_TIMEOUT_MS,
		.daemon = true,
	};

	return mr_process_run(&process, result, err);
}

const char *mr_watch_last_line(struct mr_arena *arena, const char *text)
{
	size_t len = strlen(text), begin;

	while (len > 0 && text[len - 1] == '\n')
		len--;
	for (begin = len; begin > 0 && text[begin - 1] != '\n';)
		begin--;
	return mr_strndup(arena, text + begin, len - begin);
}

static void report_rebuild(struct mr_watch *watch, struct mr_look *look, int rc,
			   const struct mr_process_result *result, const struct mr_error *err)
{
	if (rc == 0 && result->status == 0) {
		mr_watch_say(_("generation %lld of the topology is rendered"),
			     look->topology.generation);
		return;
	}
	mr_watch_say(_("cl-rebuild failed, the next attempt comes in %lld seconds: %s"),
		     (long long)watch->rebuilds.length,
		     rc < 0 ? err->message : mr_watch_last_line(look->arena, mr_buf_text(&result->output)));
}

/* `cl-setup --undo` has put back what the host had before: only an administrator renders again. */
static bool is_undone(const struct mr_look *look)
{
	return !mr_mta_is_ours(&look->config) &&
	       !mr_path_exists(mr_path(look->arena, look->config.root, MR_PATH_LEFT));
}

static bool has_joined(const struct mr_look *look)
{
	const struct mr_host *self = mr_topology_host(&look->topology, look->config.host);

	return self && self->state == MR_JOINED;
}

/* A service has not been told of its new configuration, or Postfix still waits for the copies: somebody
 * was killed. */
static bool was_cut_off(const struct mr_look *look)
{
	const enum mr_service_name services[] = { mr_mta(&look->config), MR_SERVICE_DOVECOT,
						  MR_SERVICE_NSLCD };
	const char *root = look->config.root;

	for (size_t i = 0; i < sizeof(services) / sizeof(services[0]); i++)
		if (mr_path_exists(mr_printf(look->arena, "%s%s/.due-%s", root, MR_PATH_STATE,
					     mr_service_word(services[i]))))
			return true;
	return mr_path_exists(mr_path(look->arena, root, MR_PATH_HELD));
}

static bool must_render(const struct mr_look *look, bool stale)
{
	return look->known && (stale || was_cut_off(look)) && has_joined(look) && !is_undone(look);
}

/* Services that run for long read a certificate once. An own template may not name it: one attempt for each is enough. */
static const char *renewed_certificate(const struct mr_watch *watch, const struct mr_look *look)
{
	const char *renewed = mr_hardening_renewed(look->arena, &look->config);

	return renewed && strcmp(watch->renewed, renewed) != 0 ? renewed : NULL;
}

void mr_watch_rebuild(struct mr_watch *watch, struct mr_look *look)
{
	bool stale = look->known && mr_watch_is_stale(look);
	const char *renewed = renewed_certificate(watch, look);
	struct mr_process_result result = { 0 };
	struct mr_error err = { 0 };
	int rc;

	if (!stale)
		watch->stale_since = 0;
	else if (!watch->stale_since)
		watch->stale_since = look->now;
	if (!must_render(look, stale || renewed)) {
		mr_watch_pause_calm(&watch->rebuilds, look->now);
		return;
	}
	look->locked = mr_watch_is_locked(look);
	if (watch->tried != look->topology.generation)
		watch->rebuilds.last = watch->rebuilds.length = 0;
	if (!mr_watch_pause_over(&watch->rebuilds, look->now) || look->locked)
		return;
	watch->tried = look->topology.generation;
	if (renewed) {
		mr_watch_say(_("the certificate that strangers are shown was renewed"));
		snprintf(watch->renewed, sizeof(watch->renewed), "%s", renewed);
	}
	mr_watch_pause_begin(&watch->rebuilds, look->now);
	rc = mr_watch_run_rebuild(look, false, &result, &err);
	report_rebuild(watch, look, rc, &result, &err);
	mr_buf_close(&result.output);
	mr_watch_hang_up(watch);
	mr_watch_read(watch, look);
	if (look->known && !mr_watch_is_stale(look))
		watch->stale_since = 0;
}

static struct mr_watch_peer *peer_of(struct mr_watch *watch, const char *name)
{
	struct mr_watch_peer *peer;

	for (size_t i = 0; i < watch->count; i++)
		if (strcmp(watch->peers[i].name, name) == 0)
			return &watch->peers[i];
	if (watch->count == watch->size) {
		watch->size = watch->size ? watch->size * 2 : 8;
		watch->peers = realloc(watch->peers, watch->size * sizeof(*watch->peers));
		if (!watch->peers)
			abort();
	}
	peer = &watch->peers[watch->count++];
	*peer = (struct mr_watch_peer){
		.name = mr_strdup(watch->arena, name),
		.answers = { { .service = MR_MAIL }, { .service = MR_UNIX } },
		.restarts = { .first = MR_WATCH_FIRST_RESTART, .most = MR_WATCH_MOST_RESTART },
		.due = MR_WATCH_DUE,
	};
	return peer;
}

static void choose_peers(struct mr_watch *watch, struct mr_look *look)
{
	const struct mr_host *self = mr_topology_host(&look->topology, look->config.host);

	for (size_t i = 0; i < watch->count; i++)
		watch->peers[i].wanted = false;
	for (size_t i = 0; self && i < look->topology.count; i++) {
		const struct mr_host *host = &look->topology.hosts[i];
		struct mr_watch_peer *peer;

		if (host->state != MR_JOINED || !mr_host_is_provider(&look->topology, host) ||
		    !(host->services & self->services))
			continue;
		peer = peer_of(watch, host->name);
		peer->wanted = true;
		peer->services = host->services & self->services;
		peer->own_id = self->server_id;
	}
	for (size_t i = 0; i < watch->count; i++)
		if (!watch->peers[i].wanted)
			mr_watch_peer_close(&watch->peers[i]);
}

/* How far our copies are: the contextCSNs of one service. */
static struct mr_list read_copies(struct mr_watch *watch, struct mr_look *look,
				  enum mr_service service)
{
	struct mr_error err = { 0 };
	struct mr_list csns = { 0 };

	if (mr_csns_read(look->arena, watch->dir, mr_dit_all(service), NULL, &csns, &err) < 0)
		mr_log(MR_LOG_DEBUG, "%s", err.message);
	return csns;
}

/* Of the same serverID. */
static const char *copy_csn(const struct mr_list *csns, const char *want)
{
	const char *csn = mr_csn_of(csns, mr_csn_server_id(want));

	return csn ? csn : "";
}

void mr_watch_compare(struct mr_watch *watch, struct mr_look *look)
{
	struct mr_list csns[2] = { { 0 } };

	if (!look->known)
		return;
	choose_peers(watch, look);
	mr_watch_ask(&look->config, watch->peers, watch->count);
	look->now = time(NULL);
	for (size_t s = 0; s < 2; s++)
		csns[s] = read_copies(watch, look, s == 0 ? MR_MAIL : MR_UNIX);
	for (size_t i = 0; i < watch->count; i++) {
		struct mr_watch_peer *peer = &watch->peers[i];

		if (peer->answered)
			peer->last_reached = look->now;
		else if (peer->wanted)
			mr_log(MR_LOG_DEBUG, "%s: %s", peer->name, peer->why);
		for (size_t s = 0; s < 2; s++) {
			const char *want = peer->answered ? peer->answers[s].csn : NULL;

			if (peer->wanted && peer->services & peer->answers[s].service)
				mr_watch_copy_seen(&peer->answers[s].copy, want,
						   want ? copy_csn(&csns[s], want) : "", look->now);
		}
	}
}
