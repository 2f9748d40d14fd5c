#include <string.h>

#include "features/ask.h"
#include "features/trace.h"

/* The answer outlives the thread's arena: it has one of its own. */
struct question {
	struct mr_arena *arena;
	struct mr_trace_view view;
	const char *address;
	struct mr_trace trace;
};

static int ask(struct mr_arena *arena, struct mr_directory *dir, void *answer, struct mr_error *err)
{
	struct question *question = answer;

	(void)arena;
	question->view.dir = dir;
	return mr_trace_address(question->arena, &question->view, question->address,
				&question->trace, err);
}

/* What is kept of another host's answer: fate and targets, not its steps. */
static void keep(struct mr_arena *arena, const struct mr_trace *from, struct mr_trace *out)
{
	*out = (struct mr_trace){
		.address = mr_strdup(arena, from->address),
		.fate = from->fate,
		.why = mr_strdup(arena, from->why),
		.target_count = from->target_count,
		.targets = MR_NEW_ARRAY(arena, struct mr_trace_target, from->target_count + 1),
	};
	for (size_t i = 0; i < from->target_count; i++)
		out->targets[i] = (struct mr_trace_target){
			mr_strdup(arena, from->targets[i].address),
			mr_strdup(arena, from->targets[i].owner),
			mr_strdup(arena, from->targets[i].nexthop),
		};
}

static void take(struct mr_arena *arena, const struct mr_question *asked,
		 const struct mr_trace *own, struct mr_trace_host *out)
{
	const struct question *question = asked->answer;

	out->answered = asked->result == 0;
	if (!out->answered) {
		out->why = mr_strdup(arena, asked->err.message);
		return;
	}
	keep(arena, &question->trace, &out->trace);
	out->agrees = mr_trace_equal(own, &out->trace);
}

void mr_trace_hosts(struct mr_arena *arena, const struct mr_config *config,
		    const struct mr_trace_view *view, const struct mr_trace *own,
		    struct mr_trace_host **out, size_t *count)
{
	const struct mr_topology *topology = view->topology;
	struct mr_question *asked = MR_NEW_ARRAY(arena, struct mr_question, topology->count);
	struct question *questions = MR_NEW_ARRAY(arena, struct question, topology->count);
	struct mr_trace_host *hosts = MR_NEW_ARRAY(arena, struct mr_trace_host, topology->count);
	size_t asking = 0, all = 0;

	for (size_t i = 0; i < topology->count; i++) {
		const struct mr_host *host = &topology->hosts[i];

		if (strcmp(host->name, view->host) == 0)
			continue;
		hosts[all++].host = host->name;
		if (host->state != MR_JOINED) {
			hosts[all - 1].why = _("it has not joined yet");
			continue;
		}
		questions[asking] = (struct question){
			.arena = mr_arena_open(),
			.view = { .host = host->name,
				  .topology = topology,
				  .gate_closed = view->gate_closed },
			.address = own->address,
		};
		asked[asking] =
			(struct mr_question){ .host = host->name, .answer = &questions[asking] };
		asking++;
	}
	mr_ask_all(config, NULL, asked, asking, ask);
	for (size_t h = 0, q = 0; h < all; h++) {
		if (hosts[h].why)
			continue;
		take(arena, &asked[q], own, &hosts[h]);
		mr_arena_close(questions[q++].arena);
	}
	*out = hosts;
	*count = all;
}
