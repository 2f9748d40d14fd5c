#include <stdio.h>
#include <string.h>

#include "adapters/json.h"
#include "common/cl.h"
#include "features/gate.h"
#include "features/mta.h"
#include "features/trace.h"

enum { KEY_NO_POSTFIX = 256 };

/* The exit statuses; of several addresses the worst. */
enum { DELIVERABLE = 0, REFUSED = EX_NOUSER, DEFERRED = EX_TEMPFAIL, DISAGREE = EX_PROTOCOL };

struct route {
	bool all, no_mta;
};

struct answer {
	struct mr_trace trace;
	struct mr_trace_host *hosts;
	size_t host_count;
	struct mr_trace_mta mta;
	bool disagrees;
};

static const struct cl_option options[] = {
	{ 'a', "all", NULL, N_("ask every host, and say where the answers differ") },
	{ KEY_NO_POSTFIX, "no-postfix", NULL, N_("do not compare with what Postfix or Exim answers") },
	{ 0 },
};

static int option(struct cl_context *context, int key, const char *value, struct mr_error *err)
{
	struct route *route = context->data;

	(void)value;
	(void)err;
	if (key == 'a')
		route->all = true;
	else
		route->no_mta = true;
	return 0;
}

static int check(struct cl_context *context, struct mr_error *err)
{
	if (context->argc < 1)
		return mr_fail(err, MR_E_USAGE,
			       _("an address is needed, as in: cl-route user1@maildomain.org"));
	return 0;
}

static void print_step(const struct mr_trace_step *step)
{
	printf("  %*s%-10s %s\n", 2 * step->depth, "", step->what, step->detail);
	if (step->dn)
		printf("  %*s%-10s %s\n", 2 * step->depth, "", "", step->dn);
}

static const char *targets_text(struct mr_arena *arena, const struct mr_trace *trace)
{
	struct mr_list list = { 0 };

	for (size_t i = 0; i < trace->target_count; i++)
		mr_list_add(arena, &list, trace->targets[i].address);
	return list.count ? mr_list_join(arena, &list, ", ") : "-";
}

static void print_host(struct mr_arena *arena, const struct mr_trace_host *host)
{
	if (!host->answered)
		printf(_("  %s: no answer: %s\n"), host->host, host->why);
	else
		printf("  %s: %s, %s: %s\n", host->host, host->agrees ? _("agrees") : _("DIFFERS"),
		       _(mr_fate_word(host->trace.fate)),
		       host->trace.why ? host->trace.why : targets_text(arena, &host->trace));
}

static const char *mta_name(const struct cl_context *context)
{
	return mr_mta(&context->config) == MR_SERVICE_EXIM ? "Exim" : "Postfix";
}

static void print_answer(const struct cl_context *context, const struct answer *answer)
{
	const struct route *route = context->data;
	const struct mr_trace *trace = &answer->trace;

	printf("%s: %s%s%s\n", trace->address, _(mr_fate_word(trace->fate)), trace->why ? ": " : "",
	       trace->why ? trace->why : "");
	if (context->quiet)
		return;
	for (size_t i = 0; i < trace->step_count; i++)
		print_step(&trace->steps[i]);
	if (!route->no_mta && answer->mta.asked)
		printf(answer->mta.agrees ? _("  %s here agrees: %s\n")
					  : _("  %s here DISAGREES: %s\n"),
		       mta_name(context), answer->mta.answer);
	else if (!route->no_mta && context->verbose > 0)
		printf("  %s: %s\n", mta_name(context), answer->mta.answer);
	for (size_t i = 0; i < answer->host_count; i++)
		print_host(context->arena, &answer->hosts[i]);
}

static struct mr_value *targets_value(struct mr_arena *arena, const struct mr_trace *trace)
{
	struct mr_value *list = mr_value_list(arena);

	for (size_t i = 0; i < trace->target_count; i++) {
		struct mr_value *one = mr_value_append(arena, list, mr_value_object(arena));

		mr_value_set_string(arena, one, "address", trace->targets[i].address);
		mr_value_set_string(arena, one, "owner", trace->targets[i].owner);
		mr_value_set_string(arena, one, "nexthop", trace->targets[i].nexthop);
	}
	return list;
}

static struct mr_value *steps_value(struct mr_arena *arena, const struct mr_trace *trace)
{
	struct mr_value *list = mr_value_list(arena);

	for (size_t i = 0; i < trace->step_count; i++) {
		struct mr_value *one = mr_value_append(arena, list, mr_value_object(arena));

		mr_value_set_string(arena, one, "step", trace->steps[i].what);
		mr_value_set_string(arena, one, "detail", trace->steps[i].detail);
		mr_value_set_string(arena, one, "dn", trace->steps[i].dn);
		mr_value_set_int(arena, one, "depth", trace->steps[i].depth);
	}
	return list;
}

static struct mr_value *hosts_value(struct mr_arena *arena, const struct answer *answer)
{
	struct mr_value *list = mr_value_list(arena);

	for (size_t i = 0; i < answer->host_count; i++) {
		const struct mr_trace_host *host = &answer->hosts[i];
		struct mr_value *one = mr_value_append(arena, list, mr_value_object(arena));

		mr_value_set_string(arena, one, "host", host->host);
		mr_value_set_bool(arena, one, "answered", host->answered);
		mr_value_set_string(arena, one, "why",
				    host->answered ? host->trace.why : host->why);
		if (!host->answered)
			continue;
		mr_value_set_bool(arena, one, "agrees", host->agrees);
		mr_value_set_string(arena, one, "fate", mr_fate_word(host->trace.fate));
		mr_value_set(arena, one, "targets", targets_value(arena, &host->trace));
	}
	return list;
}

static struct mr_value *answer_value(const struct cl_context *context, const struct answer *answer)
{
	struct mr_arena *arena = context->arena;
	struct mr_value *one = mr_value_object(arena), *mta;

	mr_value_set_string(arena, one, "address", answer->trace.address);
	mr_value_set_string(arena, one, "fate", mr_fate_word(answer->trace.fate));
	mr_value_set_string(arena, one, "why", answer->trace.why);
	mr_value_set(arena, one, "targets", targets_value(arena, &answer->trace));
	mr_value_set(arena, one, "steps", steps_value(arena, &answer->trace));
	mr_value_set_bool(arena, one, "disagree", answer->disagrees);
	if (answer->mta.answer) {
		mta = mr_value_set(arena, one, mr_service_word(mr_mta(&context->config)),
				   mr_value_object(arena));
		mr_value_set_bool(arena, mta, "asked", answer->mta.asked);
		mr_value_set_bool(arena, mta, "agrees", answer->mta.agrees);
		mr_value_set_string(arena, mta, "answer", answer->mta.answer);
	}
	if (answer->hosts)
		mr_value_set(arena, one, "hosts", hosts_value(arena, answer));
	return one;
}

/* This host's own answers, while the others are being connected to, and then theirs. */
static int ask(struct cl_context *context, const struct mr_trace_view *view, struct answer *answers,
	       struct mr_error *err)
{
	const struct route *route = context->data;
	const char *const *addresses = (const char *const *)context->argv;
	size_t count = (size_t)context->argc;
	MR_TRACING tracing =
		route->all ? mr_tracing_open(&context->config, view, addresses, count) : NULL;

	for (size_t i = 0; i < count; i++)
		if (mr_trace_address(context->arena, view, addresses[i], &answers[i].trace, err) <
		    0)
			return -1;
	if (!tracing)
		return 0;
	mr_tracing_finish(tracing);
	for (size_t i = 0; i < count; i++)
		mr_tracing_hosts(context->arena, tracing, i, &answers[i].trace, &answers[i].hosts,
				 &answers[i].host_count);
	return 0;
}

static void ask_mta(struct cl_context *context, struct answer *out)
{
	const struct route *route = context->data;

	if (!route->no_mta)
		mr_trace_mta(context->arena, &context->config, &out->trace, &out->mta);
	out->disagrees = out->mta.asked && !out->mta.agrees;
	for (size_t i = 0; i < out->host_count; i++)
		out->disagrees |= out->hosts[i].answered && !out->hosts[i].agrees;
}

static int status_of(const struct answer *answer)
{
	static const int statuses[] = { DELIVERABLE, REFUSED, DEFERRED };

	return answer->disagrees ? DISAGREE : statuses[answer->trace.fate];
}

static void print_json(const struct cl_context *context, struct mr_value *list)
{
	struct mr_value *top = mr_value_object(context->arena);

	mr_value_set_string(context->arena, top, "host", context->config.host);
	mr_value_set(context->arena, top, "addresses", list);
	fputs(mr_json_format(context->arena, top), stdout);
}

static int run(struct cl_context *context, struct mr_error *err)
{
	struct answer *answers = MR_NEW_ARRAY(context->arena, struct answer, (size_t)context->argc);
	struct mr_value *list = mr_value_list(context->arena);
	struct mr_gate gate;
	struct mr_trace_view view = {
		.dir = context->dir,
		.host = context->config.host,
		.topology = &context->topology,
		.config = &context->config,
	};

	if (mr_gate_read(context->arena, &context->config, &gate, err) < 0)
		return -1;
	view.gate_closed = gate.closed;
	if (ask(context, &view, answers, err) < 0)
		return -1;
	for (int i = 0; i < context->argc; i++) {
		ask_mta(context, &answers[i]);
		if (context->json)
			mr_value_append(context->arena, list,
					answer_value(context, &answers[i]));
		else
			print_answer(context, &answers[i]);
		if (status_of(&answers[i]) > context->status)
			context->status = status_of(&answers[i]);
	}
	if (context->json)
		print_json(context, list);
	return 0;
}

int main(int argc, char **argv)
{
	struct route route = { 0 };
	const struct cl_command command = {
		.name = "cl-route",
		.usage = "[-a] ADDRESS...",
		.summary = N_("Says how mail for an address travels from here, and why. Sends no "
			      "message."),
		.options = options,
		.needs = CL_DIRECTORY | CL_ROOT,
		.data = &route,
		.option = option,
		.check = check,
		.run = run,
	};

	return cl_main(argc, argv, &command);
}
