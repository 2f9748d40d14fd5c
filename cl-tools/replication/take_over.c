#include "replication/actions.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "features/takeover.h"
#include "model/names.h"

static void list_others(struct cl_context *context, const struct mr_takeover *takeover,
			struct mr_list *out)
{
	for (size_t i = 0; i < takeover->topology.count; i++) {
		const struct mr_host *host = &takeover->topology.hosts[i];

		if (host->state == MR_JOINED && strcmp(host->name, context->config.host) != 0)
			mr_list_add(context->arena, out, host->name);
	}
}

static int confirm(struct cl_context *context, const struct mr_takeover *takeover,
		   struct mr_error *err)
{
	const char *who = takeover->gone, *here = context->config.host;

	for (size_t i = 0; i < takeover->notes.count; i++)
		mr_log(MR_LOG_WARNING, "%s", takeover->notes.items[i]);
	mr_log(MR_LOG_WARNING,
	       _("the contents of the mailboxes do not come with this: they lie on the disks of "
		 "%s. Their owners begin with "
		 "empty mailboxes on %s. %s must never come back with what it has: install it anew "
		 "before it joins again"),
	       who, here, who);
	if (context->dry_run)
		return 0;
	return cl_confirm(context,
			  mr_printf(context->arena,
				    takeover->home ? _("Make %s the home of the domain in place of "
						       "%s, and the owner of its %zu "
						       "routes, %zu groups and %zu accounts?")
						   : _("Make %s the owner of what %s owned: %zu "
						       "routes, %zu groups and %zu "
						       "accounts?"),
				    here, who, takeover->routes, takeover->groups,
				    takeover->accounts),
			  err);
}

static void print_next(const struct cl_context *context, const struct mr_takeover *takeover,
		       const struct mr_list *others)
{
	if (context->quiet || context->json || !others->count)
		return;
	if (takeover->home)
		printf(_("Next, on each of these hosts, set home = \"%s\" in "
			 "/etc/mailrepl/mailrepl.conf, so that it obeys "
			 "this host, and run cl-rebuild: %s\n"),
		       context->config.host, mr_list_join(context->arena, others, ", "));
	else
		printf(_("Next, run cl-rebuild on: %s (until then mail for these addresses waits "
			 "there)\n"),
		       mr_list_join(context->arena, others, ", "));
}

static int finish(struct cl_context *context, const struct mr_takeover *takeover,
		  const struct mr_plan *plan, struct mr_error *err)
{
	struct mr_value *result = mr_value_object(context->arena);
	struct mr_list others = { 0 };

	list_others(context, takeover, &others);
	mr_value_set_string(context->arena, result, "gone", takeover->gone);
	mr_value_set_bool(context->arena, result, "home", takeover->home);
	mr_value_set_int(context->arena, result, "routes", (long long)takeover->routes);
	mr_value_set_int(context->arena, result, "groups", (long long)takeover->groups);
	mr_value_set_int(context->arena, result, "accounts", (long long)takeover->accounts);
	mr_value_set(context->arena, result, "notes",
		     mr_value_strings(context->arena, &takeover->notes));
	mr_value_set(context->arena, result, "stale", mr_value_strings(context->arena, &others));
	if (cl_finish(context, plan, result, err) < 0)
		return -1;
	print_next(context, takeover, &others);
	return 0;
}

int replication_takeover_run(struct cl_context *context, struct mr_error *err)
{
	const struct replication *wanted = context->data;
	struct mr_takeover takeover = { 0 };
	struct mr_plan plan = { 0 };
	int result;

	if (mr_host_parse(context->arena, wanted->value, &takeover.gone, err) < 0)
		return -1;
	if (wanted->old_format)
		mr_backup_take_old_format();
	result = mr_takeover_open(context->arena, &context->config, context->dir,
				  &context->topology, &takeover, err);
	if (result == 0)
		result = mr_takeover_plan(context->arena, &context->config, &context->topology,
					  &takeover, &plan, err);
	if (result == 0)
		result = mr_takeover_finish_plan(context->arena, &context->config, &takeover, &plan,
						 err);
	if (result == 0 && plan.count)
		result = confirm(context, &takeover, err);
	if (result == 0)
		result = finish(context, &takeover, &plan, err);
	mr_takeover_close(&takeover);
	return result;
}
