#include "replication/actions.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "adapters/json.h"
#include "features/mx_check.h"
#include "features/renew.h"

static const char *services_of(const struct mr_host *host)
{
	return host->services & MR_UNIX ? "mail,unix" : "mail";
}

#define DAY 86400

/* NULL: it is valid for long, or that is not known here. */
static const char *certificate_word(struct cl_context *context, const char *host)
{
	int64_t end = mr_renew_not_after(context->arena, &context->config, host);
	int64_t left = end - (int64_t)time(NULL);

	if (!end || left > (int64_t)MR_RENEW_DAYS * DAY)
		return NULL;
	if (left <= 0)
		return mr_printf(context->arena, _("its certificate has ended: --renew %s"), host);
	return mr_printf(context->arena, _("its certificate ends in %lld days: --renew %s"),
			 (long long)(left / DAY), host);
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
	enum { COLUMNS = 8 };
	const char **cells =
		MR_NEW_ARRAY(context->arena, const char *, COLUMNS *(topology->count + 1));
	const char **cell = cells;

	*cell++ = _("HOST");
	*cell++ = _("ID");
	*cell++ = _("SERVICES");
	*cell++ = _("ROLE");
	*cell++ = _("MODE");
	*cell++ = _("HOME");
	*cell++ = _("STATE");
	*cell++ = _("CONFIGURATION");
	for (size_t i = 0; i < topology->count; i++) {
		const struct mr_host *host = reports[i].host;
		bool home = strcmp(host->name, topology->home) == 0;
		const char *certificate = certificate_word(context, host->name);

		*cell++ = host->name;
		*cell++ = mr_printf(context->arena, "%u", host->server_id);
		*cell++ = services_of(host);
		*cell++ = mr_host_role(host);
		*cell++ = mr_mode_word(host->mode);
		*cell++ = home ? _("home") : "-";
		*cell++ = mr_host_state_word(host->state);
		*cell++ = certificate
				  ? mr_printf(context->arena, "%s; %s",
					      rendered_word(context->arena, topology, &reports[i]),
					      certificate)
				  : rendered_word(context->arena, topology, &reports[i]);
	}
	cl_table(cells, COLUMNS, topology->count + 1);
	printf("\n%s\n", mr_mx_scheme_line(context->arena, topology));
	if (topology->delimiter != MR_DELIMITER_PLUS)
		printf(_("Delimiter of details in addresses: %s\n"),
		       mr_delimiter_word(topology->delimiter));
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
		if (mr_renew_not_after(arena, &context->config, reports[i].host->name))
			mr_value_set_int(arena, one, "certificate_not_after",
					 (long long)mr_renew_not_after(arena, &context->config,
								       reports[i].host->name));
	}
	mr_value_set(arena, top, "reports", list);
	fputs(mr_json_format(arena, top), stdout);
}

int replication_list_run(struct cl_context *context, struct mr_error *err)
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
