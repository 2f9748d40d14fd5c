#include "features/status_host.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "adapters/tls.h"
#include "base/clock.h"
#include "base/paths.h"
#include "features/csn.h"
#include "features/instance.h"
#include "features/skew.h"
#include "features/sync.h"

#define CLOCK "cn=Current,cn=Time,cn=Monitor"
#define MOST_CERTIFICATE (64 * 1024)
#define GRACE_MS 1000

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_REALTIME, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* What it does not show to us is as if it were not there. */
static int read_shown(struct mr_status_question *q, const char *dn, struct mr_entry **out)
{
	*out = NULL;
	if (mr_directory_read(q->dir, q->arena, dn, NULL, out, &q->err) == 0 ||
	    q->err.code == MR_E_DENIED)
		return 0;
	return -1;
}

/* Its clock shows whole seconds: what that and half the round trip leave open is counted in favour
 * of the clock. */
static double offset_from(double theirs, double before, double after)
{
	double middle = (before + after) / 2, slack = (after - before) / 2;
	double least = theirs - middle - slack, most = theirs + 1 - middle + slack;

	return least > 0 ? least : most < 0 ? most : 0;
}

static int ask_clock(struct mr_status_question *q)
{
	static const char *const attrs[] = { "monitorTimestamp", NULL };
	double before = now(), after;
	struct mr_entry *entry = NULL;
	const char *text;
	long long theirs;

	if (mr_directory_read(q->dir, q->arena, CLOCK, attrs, &entry, &q->err) < 0 &&
	    q->err.code != MR_E_DENIED)
		return -1;
	after = now();
	q->host->latency_ms = (after - before) * 1e3;
	text = entry ? mr_entry_value(entry, "monitorTimestamp") : NULL;
	theirs = text ? mr_csn_time(text) : -1;
	if (theirs >= 0)
		q->host->clock_offset = offset_from((double)theirs, before, after);
	return 0;
}

static long long number_of(const struct mr_entry *entry, const char *name)
{
	const char *text = mr_entry_value(entry, name);

	return text ? strtoll(text, NULL, 10) : -1;
}

static int ask_status(struct mr_status_question *q)
{
	struct mr_host_status *host = q->host;
	const char *not_after;
	struct mr_entry *entry;

	if (read_shown(q, MR_DIT_STATUS, &entry) < 0)
		return -1;
	if (!entry)
		return 0;
	host->rendered = number_of(entry, "mailReplRenderedGeneration");
	host->queue = number_of(entry, "mailReplQueueLength");
	host->version = mr_entry_value(entry, "mailReplVersion");
	host->slapd = mr_entry_value(entry, "mailReplSlapdVersion");
	host->postfix = mr_entry_value(entry, "mailReplPostfixVersion");
	host->dovecot = mr_entry_value(entry, "mailReplDovecotVersion");
	host->clock_source = mr_entry_value(entry, "mailReplClockState");
	host->gate = mr_entry_value(entry, "mailReplGate");
	not_after = mr_entry_value(entry, "mailReplCertificateNotAfter");
	if (not_after && mr_csn_time(not_after) > 0)
		host->certificate_not_after = mr_csn_time(not_after);
	return 0;
}

/* The certificate that is shown counts more than what is said of it; on this host it is in a file.
 */
static void ask_certificate(struct mr_status_question *q)
{
	struct mr_certificate found;
	struct mr_error err;
	MR_BUF der = { 0 };
	char *pem;

	if (mr_directory_certificate(q->dir, &der) &&
	    mr_tls_describe_der(q->arena, der.data, der.len, &found, &err) == 0)
		q->host->certificate_not_after = found.not_after;
	else if (strcmp(q->host->host->name, q->config->host) == 0 &&
		 mr_file_read(q->arena, mr_path(q->arena, q->config->root, MR_PATH_HOST_CERT),
			      MOST_CERTIFICATE, &pem, NULL, &err) == 0 &&
		 mr_tls_describe(q->arena, pem, &found, &err) == 0)
		q->host->certificate_not_after = found.not_after;
}

static int ask_copies(struct mr_status_question *q)
{
	for (size_t i = 0; i < q->host->count; i++) {
		struct mr_provider_status *copy = &q->host->providers[i];
		char *csn;

		if (mr_csn_read(q->arena, q->dir, mr_dit_all(copy->service),
				copy->provider->server_id, &csn, &q->err) < 0)
			return -1;
		copy->copy_csn = csn;
	}
	return 0;
}

static int ask_owned(struct mr_status_question *q)
{
	static const enum mr_service services[] = { MR_MAIL, MR_UNIX };
	const struct mr_host *host = q->host->host;

	for (size_t s = 0; s < 2; s++) {
		char *csn;

		if (!mr_host_is_provider(q->status->topology, host) ||
		    !(host->services & services[s]))
			continue;
		if (mr_csn_read(q->arena, q->dir, mr_dit_owned(q->arena, services[s], host->name),
				host->server_id, &csn, &q->err) < 0)
			return -1;
		q->owned_csn[s] = csn;
	}
	return 0;
}

void *mr_status_ask_host(void *argument)
{
	struct mr_status_question *q = argument;
	bool self = strcmp(q->host->host->name, q->config->host) == 0;
	int opened = self ? mr_instance_open(q->arena, q->config, &q->dir, &q->err)
			  : mr_instance_open_peer(q->arena, q->config, NULL, q->host->host->name,
						  &q->dir, &q->err);

	if (opened == 0 && ask_clock(q) == 0 && ask_status(q) == 0 && ask_copies(q) == 0 &&
	    ask_owned(q) == 0) {
		ask_certificate(q);
		q->host->reachable = true;
	} else {
		q->host->why = mr_strdup(q->arena, q->err.message);
	}
	return NULL;
}

static bool in_step(const struct mr_provider_status *copy)
{
	/* Nothing was ever written there; or what was written is lost there, and nobody knows how
	 * much. */
	if (!copy->provider_csn)
		return !copy->copy_csn;
	return copy->copy_csn && strcmp(copy->copy_csn, copy->provider_csn) >= 0;
}

static bool all_in_step(const struct mr_host_status *host)
{
	for (size_t i = 0; i < host->count; i++)
		if (!in_step(&host->providers[i]))
			return false;
	return true;
}

void *mr_status_ask_again(void *argument)
{
	struct mr_status_question *q = argument;
	long long until = mr_now_ms() + GRACE_MS;

	while (q->host->reachable && !all_in_step(q->host) && mr_left_ms(until) > 0) {
		(void)usleep(20 * 1000);
		if (ask_copies(q) < 0) {
			q->host->reachable = false;
			q->host->why = mr_strdup(q->arena, q->err.message);
		}
	}
	return NULL;
}

struct lag {
	long long changes, oldest;
};

static int count_change(void *context, const struct mr_entry *entry, struct mr_error *err)
{
	const char *csn = mr_entry_value(entry, "entryCSN");
	long long time = csn ? mr_csn_time(csn) : -1;
	struct lag *lag = context;

	(void)err;
	lag->changes++;
	if (time >= 0 && (lag->oldest < 0 || time < lag->oldest))
		lag->oldest = time;
	return 0;
}

/* What was deleted leaves no entry to count; then the provider's last change is the oldest that is
 * known to be missing. */
static void measure(struct mr_status_question *q, struct mr_provider_status *copy)
{
	static const char *const attrs[] = { "entryCSN", NULL };
	struct lag lag = { 0, -1 };
	struct mr_search find = {
		.base = mr_dit_owned(q->arena, copy->service, copy->provider->name),
		.filter = copy->copy_csn ? mr_filter(q->arena, "(&(entryCSN>=%s)(!(entryCSN=%s)))",
						     copy->copy_csn, copy->copy_csn)
					 : NULL,
		.attrs = attrs,
	};
	double clock = now() + (isfinite(q->host->clock_offset) ? q->host->clock_offset : 0);

	if (mr_directory_visit(q->dir, &find, count_change, &lag, &q->err) == 0)
		copy->changes = lag.changes;
	if (lag.oldest < 0)
		lag.oldest = mr_csn_time(copy->provider_csn);
	copy->behind = fmax(clock - (double)lag.oldest, 0.001);
}

/* The copy was read when its owner had been asked already, and a change may have come between. So
 * the owner is asked once more: no copy of it is newer than what it says then, unless it has
 * forgotten what it said before. */
static void look_ahead(struct mr_status_question *q, struct mr_provider_status *copy)
{
	const struct mr_host *owner = copy->provider;
	const char *dn = mr_dit_owned(q->arena, copy->service, owner->name);
	char *csn;

	if (mr_csn_read(q->arena, q->dir, dn, owner->server_id, &csn, &q->err) < 0 || !csn)
		return;
	copy->provider_csn = csn;
	if (strcmp(copy->copy_csn, csn) <= 0)
		return;
	copy->state = MR_COPY_DIFFERS;
	copy->why = mr_printf(
		q->arena, _("the copy is newer, %s has an old disk: run cl-rebuild --repl there"),
		owner->name);
}

void *mr_status_ask_lags(void *argument)
{
	struct mr_status_question *q = argument;

	for (size_t i = 0; i < q->status->topology->count; i++) {
		struct mr_host_status *holder = &q->status->hosts[i];

		for (size_t c = 0; holder->reachable && c < holder->count; c++) {
			struct mr_provider_status *copy = &holder->providers[c];

			if (copy->provider != q->host->host || !q->host->reachable)
				continue;
			if (in_step(copy))
				copy->behind = 0, copy->changes = 0;
			else if (copy->provider_csn)
				measure(q, copy);
			if (copy->provider_csn && copy->copy_csn &&
			    strcmp(copy->copy_csn, copy->provider_csn) > 0)
				look_ahead(q, copy);
		}
	}
	return NULL;
}
