#include "setup/actions.h"

#include <stdio.h>

#include "adapters/json.h"
#include "base/log.h"
#include "features/instance.h"
#include "features/mx_check.h"

static int read_topology(struct cl_context *context, struct mr_error *err)
{
	MR_DIRECTORY dir = NULL;

	if (mr_instance_open(context->arena, &context->config, &dir, err) < 0)
		return -1;
	return mr_instance_topology(context->arena, dir, &context->config, &context->topology, err);
}

static const char *addresses_word(struct mr_arena *arena, const struct mr_mx_record *record)
{
	const char *list = mr_list_join(arena, &record->addresses, ", ");

	if (record->answer == MR_DNS_SILENT)
		return _("unknown");
	if (record->alias)
		return mr_printf(arena, _("alias of %s"), record->alias);
	return record->addresses.count ? list : "-";
}

static void print_table(struct cl_context *context, const struct mr_mx_check *check)
{
	enum { COLUMNS = 4 };
	struct mr_arena *arena = context->arena;
	struct mr_list cells = { 0 };
	const char *const header[COLUMNS] = { _("DOMAIN"), _("MX"), _("HOST"), _("ADDRESSES") };

	for (size_t i = 0; i < COLUMNS; i++)
		mr_list_add(arena, &cells, header[i]);
	for (size_t d = 0; d < check->domain_count; d++) {
		const struct mr_mx_domain *domain = &check->domains[d];

		for (size_t i = 0; i < domain->count; i++) {
			const struct mr_mx_record *record = &domain->records[i];

			mr_list_add(arena, &cells, domain->domain);
			mr_list_add(arena, &cells, mr_printf(arena, "%u", record->mx.preference));
			mr_list_add(arena, &cells, *record->mx.host ? record->mx.host : ".");
			mr_list_add(arena, &cells, addresses_word(arena, record));
		}
	}
	if (cells.count > COLUMNS)
		cl_table(cells.items, COLUMNS, cells.count / COLUMNS);
	for (size_t i = 0; i < check->count; i++)
		printf("%s\n", check->findings[i].text);
	if (!check->count)
		printf(_("DNS says what the scheme %s says.\n"),
		       mr_scheme_word(context->topology.scheme));
}

int setup_check_dns_run(struct cl_context *context, struct mr_error *err)
{
	struct mr_mx_check check;

	if (!mr_mx_wanted(&context->config))
		return mr_fail(err, MR_E_CONFIG,
			       _("the setting mail.dns in %s is false: no DNS is asked here"),
			       context->config.path);
	if (read_topology(context, err) < 0)
		return -1;
	mr_mx_look(context->arena, &context->config, &context->topology, &check);
	if (context->json)
		fputs(mr_json_format(context->arena, mr_mx_value(context->arena, &check)), stdout);
	else if (!context->quiet || check.wrong)
		print_table(context, &check);
	context->status = check.wrong > 0;
	return 0;
}

void setup_warn_dns(struct cl_context *context, bool intranet)
{
	struct mr_mx_check check;
	struct mr_error err;

	/* What was asked for is done: that it cannot be looked at is no failure. */
	if (!mr_mx_wanted(&context->config) || read_topology(context, &err) < 0 ||
	    (context->topology.scheme == MR_SCHEME_INTRANET && !intranet))
		return;
	mr_mx_look(context->arena, &context->config, &context->topology, &check);
	for (size_t i = 0; i < check.count; i++)
		mr_log(mr_mx_is_note(check.findings[i].fault) ? MR_LOG_INFO : MR_LOG_WARNING, "%s",
		       check.findings[i].text);
}
