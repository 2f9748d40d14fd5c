#include "replication/actions.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "features/renew.h"
#include "model/names.h"

static const char *day(struct mr_arena *arena, int64_t when)
{
	char text[32];
	time_t seconds = (time_t)when;
	struct tm tm;

	gmtime_r(&seconds, &tm);
	strftime(text, sizeof(text), "%Y-%m-%d", &tm);
	return mr_strdup(arena, text);
}

static void print_next(struct cl_context *context, const char *host,
		       const struct mr_renewal *renewal)
{
	const char *until = day(context->arena, renewal->not_after);

	if (context->quiet || context->json)
		return;
	if (renewal->next == MR_RENEW_DONE) {
		printf(_("The certificate of %s is valid until %s\n"), host, until);
		return;
	}
	printf(_("A certificate for %s is issued, valid until %s. It is not used yet: others must "
		 "know it first, or they "
		 "would refuse mail from %s\n"),
	       host, until, host);
	if (renewal->stale.count)
		printf(_("Next, cl-rebuild must have run on: %s\n"),
		       mr_list_join(context->arena, &renewal->stale, ", "));
	if (renewal->next == MR_RENEW_AGAIN)
		puts(_("Then run cl-replication --renew here again"));
	else
		printf(_("Then run cl-backup here, copy the archive that ends in -for-%s.tar.bz2 "
			 "to %s, and run "
			 "cl-replication --renew there\n"),
		       host, host);
}

static int finish(struct cl_context *context, const char *host, const struct mr_renewal *renewal,
		  const struct mr_plan *plan, struct mr_error *err)
{
	static const char *const words[] = { "done", "archive", "again" };
	struct mr_value *result = mr_value_object(context->arena);

	mr_value_set_string(context->arena, result, "host", host);
	mr_value_set_string(context->arena, result, "valid_until",
			    day(context->arena, renewal->not_after));
	mr_value_set_string(context->arena, result, "next", words[renewal->next]);
	mr_value_set(context->arena, result, "stale",
		     mr_value_strings(context->arena, &renewal->stale));
	if (cl_finish(context, plan, result, err) < 0)
		return -1;
	print_next(context, host, renewal);
	return 0;
}

int replication_renew_run(struct cl_context *context, struct mr_error *err)
{
	const char *self = context->config.host, *host = self;
	bool home = strcmp(context->topology.home, self) == 0;
	struct mr_renewal renewal = { 0 };
	struct mr_plan plan = { 0 };
	int result;

	if (context->argc && mr_host_parse(context->arena, context->argv[0], &host, err) < 0)
		return -1;
	if (!home && strcmp(host, self) == 0)
		result = mr_renew_take_plan(context->arena, &context->config, &context->topology,
					    &renewal, &plan, err);
	else
		result = mr_renew_issue_plan(context->arena, &context->config, context->dir,
					     &context->topology, host, &renewal, &plan, err);
	if (result == 0)
		result = finish(context, host, &renewal, &plan, err);
	mr_renewal_close(&renewal);
	return result;
}
