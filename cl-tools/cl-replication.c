#include <stdio.h>
#include <string.h>

#include "adapters/json.h"
#include "common/cl.h"
#include "features/replication.h"
#include "model/names.h"

struct replication {
	const char *text; /* -r, as typed */
	bool list;
	struct mr_list hosts;
	enum mr_service service;
};

static const struct cl_option options[] = {
	{ 'r', "replicate", N_("HOSTS"), N_("replicate the service to just these hosts (a,b,c)") },
	{ 'l', "list", NULL, N_("list hosts, services, roles, states, and who is behind") },
	{ 0 },
};

static int option(struct cl_context *context, int key, const char *value, struct mr_error *err)
{
	struct replication *replication = context->data;

	if (key == 'r')
		replication->text = value;
	else
		replication->list = context->reads = true;
	if (replication->text && replication->list)
		return mr_fail(err, MR_E_USAGE, _("-r and -l exclude each other"));
	return 0;
}

static const char *services_of(const struct mr_host *host)
{
	return host->services & MR_UNIX ? "mail,unix" : "mail";
}

static const char *rendered_word(struct mr_arena *arena, const struct mr_topology *topology,
				 const struct mr_host_report *report)
{
	if (report->host->state == MR_INVITED)
		return _("cl-rebuild --repl must run there");
	if (report->rendered < 0)
		return mr_printf(arena, _("unknown: %s"),
				 report->why ? report->why : _("no answer"));
	if (report->rendered < topology->generation)
		return mr_printf(arena, _("behind (%lld of %lld): cl-rebuild must run there"),
				 report->rendered, topology->generation);
	return _("up to date");
}

static void print_table(struct cl_context *context, const struct mr_host_report *reports)
{
	const struct mr_topology *topology = &context->topology;
	enum { COLUMNS = 5 };
	const char **cells =
		MR_NEW_ARRAY(context->arena, const char *, COLUMNS *(topology->count + 1));
	const char **cell = cells;

	*cell++ = _("HOST");
	*cell++ = _("SERVICES");
	*cell++ = _("ROLE");
	*cell++ = _("STATE");
	*cell++ = _("CONFIGURATION");
	for (size_t i = 0; i < topology->count; i++) {
		const struct mr_host *host = reports[i].host;
		bool home = strcmp(host->name, topology->home) == 0;

		*cell++ = host->name;
		*cell++ = services_of(host);
		*cell++ = home ? mr_printf(context->arena, _("%s, home"), mr_host_role(host))
			       : mr_host_role(host);
		*cell++ = mr_host_state_word(host->state);
		*cell++ = rendered_word(context->arena, topology, &reports[i]);
	}
	cl_table(cells, COLUMNS, topology->count + 1);
}

static void print_json(struct cl_context *context, const struct mr_host_report *reports)
{
	struct mr_arena *arena = context->arena;
	struct mr_value *top = mr_topology_value(arena, &context->topology),
			*list = mr_value_list(arena);

	for (size_t i = 0; i < context->topology.count; i++) {
		struct mr_value *one = mr_value_append(arena, list, mr_value_object(arena));
		bool known = reports[i].rendered >= 0;

		mr_value_set_string(arena, one, "host", reports[i].host->name);
		mr_value_set_bool(arena, one, "reachable", reports[i].reachable);
		mr_value_set(arena, one, "rendered_generation",
			     known ? mr_value_int(arena, reports[i].rendered)
				   : mr_value_string(arena, NULL));
		mr_value_set_bool(arena, one, "up_to_date",
				  known && reports[i].rendered >= context->topology.generation);
		mr_value_set_string(arena, one, "why", reports[i].why);
	}
	mr_value_set(arena, top, "reports", list);
	fputs(mr_json_format(arena, top), stdout);
}

static int run_list(struct cl_context *context, struct mr_error *err)
{
	struct mr_host_report *reports =
		MR_NEW_ARRAY(context->arena, struct mr_host_report, context->topology.count);

	if (mr_replication_report(context->arena, &context->config, context->dir,
				  &context->topology, reports, err) < 0)
		return -1;
	if (context->json)
		print_json(context, reports);
	else
		print_table(context, reports);
	return 0;
}

/* Whoever leaves loses its certificate's rights at once, and is not asked first. */
static int confirm_leaving(struct cl_context *context, enum mr_service service,
			   const struct mr_list *hosts, struct mr_error *err)
{
	const struct mr_topology *topology = &context->topology;
	struct mr_list leaving = { 0 };

	for (size_t i = 0; i < topology->count; i++)
		if (topology->hosts[i].services & (unsigned)service &&
		    !mr_list_has(hosts, topology->hosts[i].name))
			mr_list_add(context->arena, &leaving, topology->hosts[i].name);
	if (!leaving.count || context->dry_run)
		return 0;
	return cl_confirm(context,
			  mr_printf(context->arena, _("Stop replicating %s to %s?"),
				    mr_service_name(service),
				    mr_list_join(context->arena, &leaving, ", ")),
			  err);
}

static void print_next(struct cl_context *context, const struct mr_replication *replication)
{
	if (context->quiet || context->json)
		return;
	if (replication->stale.count)
		printf(_("Next, run cl-rebuild on: %s\n"),
		       mr_list_join(context->arena, &replication->stale, ", "));
	if (replication->invited.count)
		printf(_("Next, run cl-backup here, copy to each of these hosts its archive, and "
			 "run cl-rebuild "
			 "--repl there: %s\n"),
		       mr_list_join(context->arena, &replication->invited, ", "));
}

static int finish(struct cl_context *context, const struct mr_replication *replication,
		  const struct mr_plan *plan, struct mr_error *err)
{
	struct mr_value *result = mr_value_object(context->arena);

	mr_value_set(context->arena, result, "stale",
		     mr_value_strings(context->arena, &replication->stale));
	mr_value_set(context->arena, result, "invited",
		     mr_value_strings(context->arena, &replication->invited));
	if (cl_finish(context, plan, result, err) < 0)
		return -1;
	print_next(context, replication);
	return 0;
}

static int run_set(struct cl_context *context, const struct replication *wanted,
		   struct mr_error *err)
{
	struct mr_replication replication = { 0 };
	struct mr_plan plan = { 0 };
	int result = mr_replication_set_plan(context->arena, &context->config, context->dir,
					     &context->topology, wanted->service, &wanted->hosts,
					     &replication, &plan, err);

	if (result == 0)
		result = confirm_leaving(context, wanted->service, &wanted->hosts, err);
	if (result == 0)
		result = finish(context, &replication, &plan, err);
	mr_replication_close(&replication);
	return result;
}

static int check(struct cl_context *context, struct mr_error *err)
{
	struct replication *wanted = context->data;

	if (!wanted->text && !wanted->list)
		return mr_fail(err, MR_E_USAGE,
			       _("nothing to do: -r HOSTS SERVICE or -l is needed"));
	if (wanted->list && context->argc > 0)
		return mr_fail(err, MR_E_USAGE, _("-l takes no arguments: %s"), context->argv[0]);
	if (wanted->list)
		return 0;
	if (context->argc != 1)
		return mr_fail(
			err, MR_E_USAGE,
			_("-r needs one service (mail or unix), as in: cl-replication -r %s mail"),
			wanted->text);
	if (mr_service_parse(context->argv[0], &wanted->service, err) < 0)
		return -1;
	return mr_hosts_parse(context->arena, wanted->text, &wanted->hosts, err);
}

static int run(struct cl_context *context, struct mr_error *err)
{
	const struct replication *wanted = context->data;

	return wanted->list ? run_list(context, err) : run_set(context, wanted, err);
}

int main(int argc, char **argv)
{
	struct replication replication = { 0 };
	const struct cl_command command = {
		.name = "cl-replication",
		.usage = "-r HOSTS SERVICE | -l",
		.summary = N_("Sets or shows which hosts replicate the services mail and unix."),
		.options = options,
		.needs = CL_DIRECTORY | CL_LOCK | CL_ROOT | CL_ASKS,
		.data = &replication,
		.option = option,
		.check = check,
		.run = run,
	};

	return cl_main(argc, argv, &command);
}
