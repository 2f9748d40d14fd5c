#include "replication/actions.h"

#include <string.h>

#include "base/log.h"
#include "model/names.h"

int replication_set_check(struct cl_context *context, struct mr_error *err)
{
	struct replication *wanted = context->data;

	if (mr_service_parse(context->argv[0], &wanted->service, err) < 0)
		return -1;
	return mr_hosts_parse(context->arena, wanted->value, &wanted->hosts, err);
}

int replication_one_check(struct cl_context *context, struct mr_error *err)
{
	struct replication *wanted = context->data;

	if (replication_set_check(context, err) < 0)
		return -1;
	if (wanted->hosts.count > 1)
		return mr_fail(err, MR_E_USAGE,
			       _("%s takes one host; -r sets the whole list at once"),
			       wanted->action->name);
	return 0;
}

/* Whoever leaves loses its certificate's rights at once, and is not asked first. */
static int confirm_leaving(struct cl_context *context, enum mr_service service,
			   const struct mr_list *hosts, const struct mr_replication *replication,
			   struct mr_error *err)
{
	const struct mr_topology *topology = &context->topology;
	struct mr_list leaving = { 0 };

	for (size_t i = 0; i < topology->count; i++)
		if (topology->hosts[i].services & (unsigned)service &&
		    !mr_list_has(hosts, topology->hosts[i].name))
			mr_list_add(context->arena, &leaving, topology->hosts[i].name);
	if (!leaving.count)
		return 0;
	if (replication->lost_routes || replication->lost_accounts)
		mr_log(MR_LOG_WARNING,
		       _("--force: %zu routes and %zu accounts are lost with them. Mail for their "
			 "addresses will be refused, nobody can log in to these mailboxes any "
			 "more, "
			 "and mail that waits for them will be returned"),
		       replication->lost_routes, replication->lost_accounts);
	if (context->dry_run)
		return 0;
	return cl_confirm(context,
			  mr_printf(context->arena, _("Stop replicating %s to %s?"),
				    mr_service_name(service),
				    mr_list_join(context->arena, &leaving, ", ")),
			  err);
}

static int finish(struct cl_context *context, const struct mr_replication *replication,
		  const struct mr_plan *plan, struct mr_error *err)
{
	struct mr_value *result = mr_value_object(context->arena);

	mr_value_set(context->arena, result, "stale",
		     mr_value_strings(context->arena, &replication->stale));
	mr_value_set(context->arena, result, "invited",
		     mr_value_strings(context->arena, &replication->invited));
	mr_value_set_int(context->arena, result, "lost_routes",
			 (long long)replication->lost_routes);
	mr_value_set_int(context->arena, result, "lost_accounts",
			 (long long)replication->lost_accounts);
	if (cl_finish(context, plan, result, err) < 0)
		return -1;
	replication_print_next(context, &replication->stale, &replication->invited);
	return 0;
}

static int set(struct cl_context *context, const struct mr_list *hosts, struct mr_error *err)
{
	const struct replication *wanted = context->data;
	struct mr_replication replication = { .force = wanted->force };
	struct mr_plan plan = { 0 };
	int result = mr_replication_set_plan(context->arena, &context->config, context->dir,
					     &context->topology, wanted->service, hosts,
					     &replication, &plan, err);

	if (result == 0)
		result = confirm_leaving(context, wanted->service, hosts, &replication, err);
	if (result == 0)
		result = finish(context, &replication, &plan, err);
	mr_replication_close(&replication);
	return result;
}

int replication_set_run(struct cl_context *context, struct mr_error *err)
{
	const struct replication *wanted = context->data;

	return set(context, &wanted->hosts, err);
}

/* The hosts of the service without `but`. */
static struct mr_list others(struct cl_context *context, enum mr_service service, const char *but)
{
	const struct mr_topology *topology = &context->topology;
	struct mr_list list = { 0 };

	for (size_t i = 0; i < topology->count; i++)
		if (topology->hosts[i].services & (unsigned)service &&
		    strcmp(topology->hosts[i].name, but) != 0)
			mr_list_add(context->arena, &list, topology->hosts[i].name);
	return list;
}

int replication_add_run(struct cl_context *context, struct mr_error *err)
{
	const struct replication *wanted = context->data;
	struct mr_list list = others(context, wanted->service, wanted->hosts.items[0]);

	mr_list_add(context->arena, &list, wanted->hosts.items[0]);
	return set(context, &list, err);
}

/* Removing what is not there is done already, but a name that nobody knows is a slip of the pen. */
int replication_remove_run(struct cl_context *context, struct mr_error *err)
{
	const struct replication *wanted = context->data;
	const char *host = wanted->hosts.items[0];
	struct mr_list list = others(context, wanted->service, host);

	if (!mr_topology_host(&context->topology, host))
		return mr_fail(err, MR_E_NO_HOST,
			       _("%s is not in the topology (cl-replication -l lists it)"), host);
	return set(context, &list, err);
}
