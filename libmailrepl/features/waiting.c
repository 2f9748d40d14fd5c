#include "features/waiting.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "adapters/reach.h"
#include "adapters/service.h"
#include "base/log.h"
#include "base/process.h"
#include "features/exim_retries.h"
#include "features/mta.h"

#define RECORD "/var/spool/postfix/flush" /* one file for each domain in fast_flush_domains */
#define SMTP 25
#define PROBE_MS 2000
/* Seconds between probes. */
#define EVERY 5
/* A host that is back may not take everything at once. */
#define FIRST_PAUSE 10
#define MOST_PAUSE 150

bool mr_waiting_is_due(struct mr_waiting_site *site, int64_t recorded, int64_t now)
{
	bool news = recorded != site->recorded;

	if (!recorded) {
		*site = (struct mr_waiting_site){ .name = site->name };
		return false;
	}
	if (site->attempts && site->attempts < MR_WAITING_ATTEMPTS &&
	    mr_watch_pause_over(&site->pause, now))
		return true;
	if ((!news && !site->away) ||
	    (site->probed && now >= site->probed && now - site->probed < EVERY))
		return false;
	site->recorded = recorded;
	return true;
}

bool mr_waiting_probed(struct mr_waiting_site *site, bool reached, int64_t now)
{
	/* It may have been away and back between two looks. */
	bool back = reached && (site->away || !site->attempts);

	site->probed = now;
	site->away = !reached;
	if (!reached || back) {
		site->attempts = 0;
		site->pause = (struct mr_watch_pause){ .first = FIRST_PAUSE, .most = MOST_PAUSE };
	}
	if (!back && (!site->attempts || site->attempts == MR_WAITING_ATTEMPTS ||
		      !mr_watch_pause_over(&site->pause, now)))
		return false;
	site->attempts++;
	mr_watch_pause_begin(&site->pause, now);
	return true;
}

bool mr_waiting_nexthop(struct mr_arena *arena, const char *nexthop, const char **host, int *port)
{
	const char *end = strchr(nexthop, ']');

	if (*nexthop != '[' || !end)
		return false;
	*host = mr_strndup(arena, nexthop + 1, (size_t)(end - nexthop - 1));
	*port = end[1] == ':' ? atoi(end + 2) : SMTP;
	return true;
}

/* As flush(8) writes the name of a domain. */
static const char *record_path(struct mr_arena *arena, const char *domain)
{
	char *path = mr_printf(arena, RECORD "/%s", domain);

	for (char *c = path + strlen(RECORD "/"); *c; c++)
		if (!isalnum((unsigned char)*c))
			*c = '_';
	return path;
}

/* A line comes to it with each message that is put off; what is delivered stays in it until somebody asks for it. */
static int64_t record_of(struct mr_arena *arena, const char *domain)
{
	struct stat st;

	if (stat(record_path(arena, domain), &st) < 0 || st.st_size == 0)
		return 0;
	return (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
}

/* The hints are read again when they have changed. */
static int64_t retries_of(struct mr_waiting *waiting, const char *host)
{
	struct mr_error err = { 0 };
	int64_t state = mr_exim_retries_state();

	if (state && state != waiting->retries_state) {
		mr_arena_close(waiting->retries_arena);
		waiting->retries_arena = mr_arena_open();
		waiting->retries_state = state;
		if (mr_exim_retries_read(waiting->retries_arena, &waiting->retries, &err) < 0) {
			waiting->retries = "";
			waiting->retries_state = 0;
			mr_log(MR_LOG_WARNING, "%s", err.message);
		}
	}
	return state ? mr_exim_retries_of(waiting->retries, host) : 0;
}

static struct mr_waiting_site *site_of(struct mr_waiting *waiting, const char *name)
{
	struct mr_waiting_site *sites;

	for (size_t i = 0; i < waiting->site_count; i++)
		if (strcmp(waiting->sites[i].name, name) == 0)
			return &waiting->sites[i];
	sites = realloc(waiting->sites, (waiting->site_count + 1) * sizeof(*sites));
	if (!sites)
		abort();
	waiting->sites = sites;
	sites += waiting->site_count++;
	*sites = (struct mr_waiting_site){ .name = mr_strdup(waiting->arena, name) };
	return sites;
}

static void deliver(const struct mr_waiting *waiting, enum mr_service_name mta,
		    const struct mr_waiting_site *site, const char *host)
{
	const char *const argv[] = { "postqueue", "-s", site->name, NULL };
	const struct mr_process process = { .argv = argv };
	struct mr_error err = { 0 };
	int rc;

	if (mta == MR_SERVICE_EXIM)
		rc = mr_exim_retries_end(waiting->retries, host, &err);
	else
		rc = mr_process_check(&process, &err);
	if (rc < 0) {
		mr_log(MR_LOG_WARNING, "%s", err.message);
		return;
	}
	mr_log(MR_LOG_INFO, _("%s can be reached again: what waits here for it is delivered"),
	       site->name);
	mr_audit(_("%s can be reached again: what waits here for it is delivered"), site->name);
}

static void look_at(struct mr_waiting *waiting, enum mr_service_name mta, const char *domain,
		    const char *host, int port, int64_t now)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_waiting_site *site = site_of(waiting, domain);
	int64_t recorded =
		mta == MR_SERVICE_EXIM ? retries_of(waiting, host) : record_of(arena, domain);

	/* The mail server is not asked whether it runs unless there is something to do for it. */
	if (mr_waiting_is_due(site, recorded, now) && mr_service_running(mta, "") &&
	    mr_waiting_probed(site, mr_reachable(host, port, PROBE_MS), now))
		deliver(waiting, mta, site, host);
}

/* Whatever the directory or mailrepl.conf says of other primaries: for domains that are not rendered there is no record. */
static void look_at_primaries(struct mr_waiting *waiting, const struct mr_config *config,
			      const struct mr_topology *topology, int64_t now)
{
	MR_ARENA arena = mr_arena_open();
	const struct mr_value *rows = mr_value_get(
		mr_value_get(mr_config_settings(arena, config), "backup_mx"), "domains");
	const char *host;
	int port;

	for (size_t i = 0; rows && i < rows->count; i++)
		if (mr_waiting_nexthop(arena, mr_value_get_string(rows->items[i], "primary", ""),
				       &host, &port))
			look_at(waiting, mr_mta(config),
				mr_value_get_string(rows->items[i], "domain", ""), host, port, now);
	for (size_t i = 0; i < topology->foreign_count; i++) {
		const struct mr_foreign *foreign = &topology->foreign[i];

		if (foreign->primary && mr_waiting_nexthop(arena, foreign->primary, &host, &port))
			look_at(waiting, mr_mta(config), foreign->name, host, port, now);
	}
}

void mr_waiting_look(struct mr_waiting *waiting, const struct mr_config *config,
		     const struct mr_topology *topology, int64_t now)
{
	if (!config->mail_manage)
		return;
	if (!waiting->arena)
		waiting->arena = mr_arena_open();
	for (size_t i = 0; i < topology->count; i++)
		if (strcmp(topology->hosts[i].name, config->host) != 0)
			look_at(waiting, mr_mta(config), topology->hosts[i].name,
				topology->hosts[i].name, SMTP, now);
	look_at_primaries(waiting, config, topology, now);
	mr_waiting_ask(waiting, config, topology, now);
}

void mr_waiting_close(struct mr_waiting *waiting)
{
	free(waiting->sites);
	free(waiting->backups);
	mr_arena_close(waiting->arena);
	mr_arena_close(waiting->retries_arena);
	*waiting = (struct mr_waiting){ 0 };
}
