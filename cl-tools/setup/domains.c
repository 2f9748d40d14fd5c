#include "setup/actions.h"

#include <stdio.h>

#include "adapters/json.h"
#include "features/domain.h"
#include "features/instance.h"

/* Those of other primaries are in the same columns: they have neither addresses nor a postmaster here. */
static void add_foreign(struct cl_context *context, const char **cell)
{
	const struct mr_topology *topology = &context->topology;

	for (size_t i = 0; i < topology->foreign_count; i++) {
		const struct mr_foreign *foreign = &topology->foreign[i];

		*cell++ = foreign->name;
		*cell++ = mr_printf(context->arena, _("(kept for %s)"),
				    foreign->primary ? foreign->primary : _("its MX hosts"));
		*cell++ = foreign->recipients.count
				  ? mr_printf(context->arena, "%zu", foreign->recipients.count)
				  : _("(asked)");
		*cell++ = "-";
		*cell++ = "-";
	}
}

static void print_table(struct cl_context *context, const struct mr_domain_use *uses, size_t count)
{
	enum { COLUMNS = 5 };
	struct mr_arena *arena = context->arena;
	const size_t rows = count + context->topology.foreign_count + 1;
	const char **cells = MR_NEW_ARRAY(arena, const char *, COLUMNS *rows);
	const char **cell = cells;

	*cell++ = _("DOMAIN");
	*cell++ = _("OWNER");
	*cell++ = _("ADDRESSES");
	*cell++ = _("CATCH-ALL");
	*cell++ = _("POSTMASTER");
	for (size_t i = 0; i < count; i++) {
		*cell++ = uses[i].name;
		*cell++ = uses[i].owner;
		*cell++ = mr_printf(arena, "%zu", uses[i].addresses);
		*cell++ = uses[i].catch_all ? uses[i].catch_all : "-";
		*cell++ = uses[i].postmaster ? uses[i].postmaster : _("(each host's own)");
	}
	add_foreign(context, cell);
	cl_table(cells, COLUMNS, rows);
}

static void print_json(struct cl_context *context, const struct mr_domain_use *uses, size_t count)
{
	struct mr_arena *arena = context->arena;
	struct mr_value *top = mr_value_object(arena), *list = mr_value_list(arena);

	for (size_t i = 0; i < count; i++) {
		struct mr_value *one = mr_value_append(arena, list, mr_value_object(arena));

		mr_value_set_string(arena, one, "domain", uses[i].name);
		mr_value_set_string(arena, one, "owner", uses[i].owner);
		mr_value_set_int(arena, one, "addresses", (long long)uses[i].addresses);
		mr_value_set_string(arena, one, "catch_all", uses[i].catch_all);
		mr_value_set_string(arena, one, "postmaster", uses[i].postmaster);
	}
	mr_value_set(arena, top, "foreign",
		     mr_value_member(mr_topology_value(arena, &context->topology), "foreign"));
	mr_value_set(arena, top, "domains", list);
	fputs(mr_json_format(arena, top), stdout);
}

int setup_domains_run(struct cl_context *context, struct mr_error *err)
{
	MR_DIRECTORY dir = NULL;
	struct mr_domain_use *uses;
	size_t count;

	if (mr_instance_open(context->arena, &context->config, &dir, err) < 0 ||
	    mr_instance_topology(context->arena, dir, &context->config, &context->topology, err) <
		    0)
		return -1;
	count = context->topology.domains.count;
	uses = MR_NEW_ARRAY(context->arena, struct mr_domain_use, count);
	if (mr_domain_list(context->arena, &context->config, dir, &context->topology, uses, err) <
	    0)
		return -1;
	if (context->json)
		print_json(context, uses, count);
	else
		print_table(context, uses, count);
	return 0;
}
