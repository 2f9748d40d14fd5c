#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "adapters/json.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/paths.h"
#include "features/repair.h"
#include "features/watch_state.h"

/* However large the directory is; each question in it has its deadline. */
#define MOST_SECONDS 3600
#define MOST_NAMED 3

static int64_t seconds(void)
{
	return mr_now_ms() / 1000;
}

/* Two that run one after the other have files of their own, if not numbers. */
static void read_slapd(const struct mr_look *look, char *out, size_t size)
{
	struct stat st;

	*out = '\0';
	if (stat(mr_path(look->arena, look->config.root, MR_PATH_PID), &st) == 0)
		snprintf(out, size, "%llu %lld.%09ld", (unsigned long long)st.st_ino,
			 (long long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
}

/* By name, which is the same on every host. */
static int64_t slot_of(const struct mr_look *look, const struct mr_watch_peer *peer)
{
	size_t self = 0, owner = 0, count = 0;

	for (size_t i = 0; i < look->topology.count; i++) {
		const struct mr_host *host = &look->topology.hosts[i];

		if (host->state != MR_JOINED)
			continue;
		self += strcmp(host->name, look->config.host) < 0;
		owner += strcmp(host->name, peer->name) < 0;
		count++;
	}
	return mr_watch_slot(self, owner, count, peer->due.took);
}

static void notice(struct mr_watch *watch, const struct mr_look *look)
{
	struct mr_watch_verifying *v = &watch->verifying;
	char slapd[sizeof(v->slapd)];
	bool restarted;

	read_slapd(look, slapd, sizeof(slapd));
	restarted = *slapd && strcmp(slapd, v->slapd) != 0;
	if (restarted)
		snprintf(v->slapd, sizeof(v->slapd), "%s", slapd);
	for (size_t i = 0; i < watch->count; i++) {
		struct mr_watch_peer *peer = &watch->peers[i];

		if (!peer->wanted)
			continue;
		if (restarted || peer->fresh)
			mr_watch_due_call(&peer->due, slot_of(look, peer), seconds());
		peer->fresh = false;
	}
}

static int run(struct mr_watch *watch, const struct mr_look *look, bool repair,
	       struct mr_error *err)
{
	struct mr_watch_verifying *v = &watch->verifying;
	struct mr_list argv = { 0 };
	struct mr_process process = { .daemon = repair };

	mr_list_add(look->arena, &argv, "cl-replication");
	if (*look->config.root) {
		mr_list_add(look->arena, &argv, "--root");
		mr_list_add(look->arena, &argv, look->config.root);
	}
	mr_list_add(look->arena, &argv, "--json");
	mr_list_add(look->arena, &argv, repair ? "--repair" : "--verify");
	if (!repair)
		mr_list_add(look->arena, &argv, "--here");
	for (size_t i = 0; i < watch->count; i++)
		if (watch->peers[i].compared)
			mr_list_add(look->arena, &argv, watch->peers[i].name);
	mr_list_add(look->arena, &argv, NULL);
	process.argv = argv.items;
	if (mr_process_read_from(&process, &v->child, &v->fd, err) < 0)
		return -1;
	fcntl(v->fd, F_SETFL, O_NONBLOCK);
	return 0;
}

/* The entries that a copy has otherwise, for whoever wants to know afterwards what it was. */
static const char *name_entries(struct mr_arena *arena, const struct mr_value *result,
				const char *owner)
{
	const struct mr_value *copies = mr_value_get(result, "copies");
	MR_BUF text = { 0 };
	size_t named = 0;

	for (size_t i = 0; copies && i < copies->count; i++) {
		const struct mr_value *copy = copies->items[i];
		const struct mr_value *list = mr_value_get(copy, "differences");

		if (strcmp(mr_value_get_string(copy, "owner", ""), owner) != 0)
			continue;
		for (size_t k = 0; list && k < list->count && named++ < MOST_NAMED; k++)
			mr_buf_printf(&text, "%s%s %s", text.len ? ", " : "",
				      mr_value_get_string(list->items[k], "kind", ""),
				      mr_value_get_string(list->items[k], "dn", ""));
	}
	if (named > MOST_NAMED)
		mr_buf_puts(&text, ", …");
	return mr_strdup(arena, mr_buf_text(&text));
}

static void report_compared(const struct mr_look *look, const struct mr_watch_peer *peer,
			    const struct mr_value *result, enum mr_watch_found found, bool repair,
			    const char *why)
{
	if (repair)
		mr_watch_say(_("the copy of what %s owns still differs from it and is repaired"),
			     peer->name);
	else if (found == MR_FOUND_DIFFERS)
		mr_watch_say(_("the copy of what %s owns differs from it although nothing is on "
			       "its way, and is compared again: %s"),
			     peer->name, name_entries(look->arena, result, peer->name));
	else if (found == MR_FOUND_LEFT)
		mr_watch_say(_("the copy of what %s owns is left as it is: %s"), peer->name, why);
	else
		mr_log(MR_LOG_DEBUG, "%s: %s", peer->name,
		       found == MR_FOUND_EQUAL ? "the copy is equal"
		       : why                   ? why
					       : "to be compared later");
}

static void report_repaired(const struct mr_watch_peer *peer, enum mr_watch_found found,
			    const char *why)
{
	if (found == MR_FOUND_EQUAL)
		mr_watch_say(_("the copy of what %s owns is equal to it again"), peer->name);
	else
		mr_watch_say(_("the copy of what %s owns could not be repaired, the next attempt "
			       "comes in %lld seconds at the earliest%s%s"),
			     peer->name, (long long)peer->due.repairs.length, why ? ": " : "",
			     why ? why : "");
}

/* What has been printed, or NULL with *err. */
static const struct mr_value *take_result(struct mr_watch_verifying *v, struct mr_arena *arena,
					  struct mr_error *err)
{
	const char *text = mr_buf_text(&v->output);
	struct mr_value *result = NULL;
	struct mr_error failed = { 0 };
	int rc = mr_process_end(v->child, &failed);

	v->child = NULL;
	if (mr_json_parse(arena, "cl-replication", text, v->output.len, &result, err) < 0)
		result = NULL;
	mr_buf_close(&v->output);
	v->output = (struct mr_buf){ 0 };
	/* Its status says what it has found; without a result, why there is none. */
	if (result && mr_value_get(result, "copies"))
		return result;
	if (rc < 0)
		*err = failed;
	return NULL;
}

/* True if something is to be repaired now, and only that is marked any more. */
static bool conclude(struct mr_watch *watch, const struct mr_look *look,
		     const struct mr_value *result, const char *failure)
{
	struct mr_watch_verifying *v = &watch->verifying;
	/* Its end is seen at the next look. */
	int64_t now = seconds(), took = now - v->begun - watch->interval;
	bool due = false;

	for (size_t i = 0; i < watch->count; i++) {
		struct mr_watch_peer *peer = &watch->peers[i];
		enum mr_watch_found found = MR_FOUND_LATER;
		const char *why = failure;
		bool repair;

		if (!peer->compared)
			continue;
		if (result)
			found = mr_watch_found(result, peer->name, look->config.host, &why);
		repair = mr_watch_due_end(&peer->due, found,
					  v->repairs ? peer->due.took
					  : took > 0 ? took
						     : 0,
					  now);
		if (v->repairs)
			report_repaired(peer, found, why);
		else
			report_compared(look, peer, result, found, repair, why);
		peer->compared = repair;
		due |= repair;
	}
	return due;
}

/* True if the child has ended, or was. */
static bool has_ended(struct mr_watch_verifying *v, struct mr_error *err)
{
	char block[16384];
	ssize_t n;

	while ((n = read(v->fd, block, sizeof(block))) > 0 || (n < 0 && errno == EINTR))
		if (n > 0)
			mr_buf_add(&v->output, block, (size_t)n);
	if (n == 0)
		return true;
	if (v->repairs || seconds() - v->begun < MOST_SECONDS)
		return false;
	mr_process_kill(v->child);
	v->child = NULL;
	mr_fail(err, MR_E_TEMPORARY, _("comparing takes longer than %d seconds"), MOST_SECONDS);
	return true;
}

static void begin(struct mr_watch *watch, const struct mr_look *look, bool repair)
{
	struct mr_error err = { 0 };

	watch->verifying.begun = seconds();
	watch->verifying.repairs = repair;
	for (size_t i = 0; i < watch->count; i++)
		if (watch->peers[i].compared && repair)
			mr_watch_due_repair(&watch->peers[i].due, seconds());
		else if (watch->peers[i].compared)
			mr_watch_due_begin(&watch->peers[i].due);
	if (run(watch, look, repair, &err) < 0)
		(void)conclude(watch, look, NULL, err.message);
}

static void collect(struct mr_watch *watch, const struct mr_look *look)
{
	struct mr_watch_verifying *v = &watch->verifying;
	const struct mr_value *result = NULL;
	struct mr_error err = { 0 };

	if (!has_ended(v, &err))
		return;
	if (v->child)
		result = take_result(v, look->arena, &err);
	if (conclude(watch, look, result, *err.message ? err.message : NULL))
		begin(watch, look, true);
}

static bool is_due(struct mr_watch_peer *peer, const struct mr_look *look)
{
	return peer->wanted && mr_watch_due_now(&peer->due, look->config.watch_verify, seconds()) &&
	       peer->answered && mr_watch_peer_in_step(peer);
}

void mr_watch_verify(struct mr_watch *watch, struct mr_look *look)
{
	bool due = false;

	if (watch->verifying.child)
		collect(watch, look);
	if (!look->known || !look->config.watch_verify)
		return;
	notice(watch, look);
	if (watch->verifying.child)
		return;
	for (size_t i = 0; i < watch->count; i++)
		due |= watch->peers[i].compared = is_due(&watch->peers[i], look);
	if (due)
		begin(watch, look, false);
}

void mr_watch_verify_end(struct mr_watch_verifying *verifying)
{
	if (verifying->child && verifying->repairs)
		mr_process_leave(verifying->child);
	else
		mr_process_kill(verifying->child);
	verifying->child = NULL;
	mr_buf_close(&verifying->output);
}
