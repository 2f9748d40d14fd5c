#include "features/replication.h"

#include <stdlib.h>
#include <string.h>

#include "features/ask.h"
#include "features/instance.h"

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

static int ask(struct mr_arena *arena, struct mr_directory *dir, void *answer, struct mr_error *err)
{
	struct mr_host_report *report = answer;

	return read_status(arena, dir, &report->rendered, err);
}

static void ask_all(struct mr_arena *arena, const struct mr_config *config,
		    const struct mr_topology *topology, struct mr_host_report *out)
{
	struct mr_question *questions = MR_NEW_ARRAY(arena, struct mr_question, topology->count);
	size_t count = 0;

	for (size_t i = 0; i < topology->count; i++)
		if (!out[i].reachable && out[i].host->state == MR_JOINED)
			questions[count++] = (struct mr_question){ .host = out[i].host->name,
								   .answer = &out[i] };
	mr_ask_all(config, NULL, questions, count, ask);
	for (size_t i = 0; i < count; i++) {
		struct mr_host_report *report = questions[i].answer;

		report->reachable = questions[i].result == 0;
		if (!report->reachable)
			report->why = mr_strdup(arena, questions[i].err.message);
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
