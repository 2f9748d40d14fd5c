#include "features/replication.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "features/instance.h"

/* One host is asked in one thread, with an arena of its own. */
struct question {
	const struct mr_config *config;
	struct mr_arena *arena;
	struct mr_host_report *report;
	struct mr_error err;
};

static int read_status(struct mr_arena *arena, struct mr_directory *dir, long long *generation,
		       struct mr_error *err)
{
	struct mr_entry *entry;
	const char *text;

	if (mr_directory_read(dir, arena, MR_DIT_STATUS, NULL, &entry, err) < 0)
		return -1;
	text = entry ? mr_entry_value(entry, "mailReplRenderedGeneration") : NULL;
	if (!text)
		return mr_fail(err, MR_E_NOT_FOUND, _("it has not rendered a configuration"));
	*generation = strtoll(text, NULL, 10);
	return 0;
}

static void *ask(void *argument)
{
	struct question *q = argument;
	MR_DIRECTORY dir = NULL;

	if (mr_instance_open_peer(q->arena, q->config, NULL, q->report->host->name, &dir,
				  &q->err) == 0 &&
	    read_status(q->arena, dir, &q->report->rendered, &q->err) == 0)
		q->report->reachable = true;
	return NULL;
}

static void ask_all(struct mr_arena *arena, const struct mr_config *config,
		    const struct mr_topology *topology, struct mr_host_report *out)
{
	struct question *questions = MR_NEW_ARRAY(arena, struct question, topology->count);
	pthread_t *threads = MR_NEW_ARRAY(arena, pthread_t, topology->count);
	bool *started = MR_NEW_ARRAY(arena, bool, topology->count);

	for (size_t i = 0; i < topology->count; i++) {
		questions[i] = (struct question){ config, NULL, &out[i], { 0 } };
		if (out[i].reachable || out[i].host->state != MR_JOINED)
			continue;
		questions[i].arena = mr_arena_open();
		started[i] = pthread_create(&threads[i], NULL, ask, &questions[i]) == 0;
	}
	for (size_t i = 0; i < topology->count; i++) {
		if (started[i])
			pthread_join(threads[i], NULL);
		if (started[i] && !out[i].reachable)
			out[i].why = mr_strdup(arena, questions[i].err.message);
		mr_arena_close(questions[i].arena);
	}
}

int mr_replication_report(struct mr_arena *arena, const struct mr_config *config,
			  struct mr_directory *dir, const struct mr_topology *topology,
			  struct mr_host_report *out, struct mr_error *err)
{
	bool home = strcmp(topology->home, config->host) == 0;

	for (size_t i = 0; i < topology->count; i++) {
		const struct mr_host *host = &topology->hosts[i];

		out[i] = (struct mr_host_report){ host, false, -1, NULL };
		if (strcmp(host->name, config->host) == 0) {
			if (read_status(arena, dir, &out[i].rendered, err) < 0)
				out[i].why = mr_strdup(arena, err->message);
			out[i].reachable = true;
		} else if (host->state != MR_JOINED) {
			out[i].why = _("it has not joined yet");
		} else if (!home) {
			out[i].why =
				mr_printf(arena, _("only the home, %s, may ask"), topology->home);
		}
	}
	if (home)
		ask_all(arena, config, topology, out);
	return 0;
}
