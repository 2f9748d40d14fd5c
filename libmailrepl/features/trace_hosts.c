#include <string.h>

#include "features/ask.h"
#include "features/trace.h"

/* What one host is asked. The answers outlive the thread's arena: they have one of their own. */
struct question {
	const struct mr_tracing *tracing;
	struct mr_arena *arena;
	struct mr_trace_view view;
	struct mr_trace *traces;
};

struct mr_tracing {
	struct mr_arena *arena;
	const char *const *addresses;
	size_t address_count;
	struct mr_trace_host *hosts; /* `why`: it is not asked */
	size_t host_count;
	struct mr_question *asked; /* of those hosts that are asked, in their order */
	struct question *questions;
	size_t asked_count;
	struct mr_asking *asking; /* NULL: ended */
};

static int ask(struct mr_arena *arena, struct mr_directory *dir, void *answer, struct mr_error *err)
{
	struct question *question = answer;
	const struct mr_tracing *tracing = question->tracing;

	(void)arena;
	question->view.dir = dir;
	for (size_t i = 0; i < tracing->address_count; i++)
		if (mr_trace_address(question->arena, &question->view, tracing->addresses[i],
				     &question->traces[i], err) < 0)
			return -1;
	return 0;
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

static void take(struct mr_arena *arena, const struct mr_question *asked, size_t which,
		 const struct mr_trace *own, struct mr_trace_host *out)
{
	const struct question *question = asked->answer;

	out->answered = asked->result == 0;
	if (!out->answered) {
		out->why = mr_strdup(arena, asked->err.message);
		return;
	}
	keep(arena, &question->traces[which], &out->trace);
	out->agrees = mr_trace_equal(own, &out->trace);
}

static void add_question(struct mr_tracing *tracing, const struct mr_trace_view *view,
			 const char *host)
{
	struct question *question = &tracing->questions[tracing->asked_count];

	*question = (struct question){
		.tracing = tracing,
		.arena = mr_arena_open(),
		.view = { .host = host,
			  .topology = view->topology,
			  .gate_closed = view->gate_closed },
	};
	question->traces = MR_NEW_ARRAY(question->arena, struct mr_trace, tracing->address_count);
	tracing->asked[tracing->asked_count++] =
		(struct mr_question){ .host = host, .answer = question };
}

struct mr_tracing *mr_tracing_open(const struct mr_config *config, const struct mr_trace_view *view,
				   const char *const *addresses, size_t count)
{
	const struct mr_topology *topology = view->topology;
	struct mr_arena *arena = mr_arena_open();
	struct mr_tracing *tracing = MR_NEW(arena, struct mr_tracing);

	*tracing = (struct mr_tracing){
		.arena = arena,
		.addresses = addresses,
		.address_count = count,
		.hosts = MR_NEW_ARRAY(arena, struct mr_trace_host, topology->count),
		.asked = MR_NEW_ARRAY(arena, struct mr_question, topology->count),
		.questions = MR_NEW_ARRAY(arena, struct question, topology->count),
	};
	for (size_t i = 0; i < topology->count; i++) {
		const struct mr_host *host = &topology->hosts[i];
		bool joined = host->state == MR_JOINED;

		if (strcmp(host->name, view->host) == 0)
			continue;
		tracing->hosts[tracing->host_count++] = (struct mr_trace_host){
			.host = host->name,
			.why = joined ? NULL : _("it has not joined yet"),
		};
		if (joined)
			add_question(tracing, view, host->name);
	}
	tracing->asking = mr_ask_open(config, NULL, tracing->asked, tracing->asked_count, ask);
	return tracing;
}

void mr_tracing_finish(struct mr_tracing *tracing)
{
	mr_ask_finish(tracing->asking);
	tracing->asking = NULL;
}

void mr_tracing_hosts(struct mr_arena *arena, const struct mr_tracing *tracing, size_t which,
		      const struct mr_trace *own, struct mr_trace_host **out, size_t *count)
{
	struct mr_trace_host *hosts =
		MR_NEW_ARRAY(arena, struct mr_trace_host, tracing->host_count);

	for (size_t h = 0, q = 0; h < tracing->host_count; h++) {
		hosts[h] = tracing->hosts[h];
		if (!hosts[h].why)
			take(arena, &tracing->asked[q++], which, own, &hosts[h]);
	}
	*out = hosts;
	*count = tracing->host_count;
}

void mr_tracing_close(struct mr_tracing *tracing)
{
	if (!tracing)
		return;
	mr_ask_cancel(tracing->asking);
	for (size_t i = 0; i < tracing->asked_count; i++)
		mr_arena_close(tracing->questions[i].arena);
	mr_arena_close(tracing->arena);
}

void mr_tracing_closep(struct mr_tracing **tracing)
{
	mr_tracing_close(*tracing);
}
