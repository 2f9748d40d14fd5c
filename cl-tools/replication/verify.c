#include "replication/actions.h"

#include <stdio.h>
#include <string.h>

#include "adapters/json.h"
#include "features/instance.h"
#include "features/repair.h"
#include "features/verify.h"
#include "model/names.h"

enum { EQUAL, BEHIND, DIFFERS_OR_UNKNOWN }; /* exit status */

static int exit_status(const struct mr_verification *found)
{
	switch (mr_verification_state(found)) {
	case MR_COPY_EQUAL:
		return EQUAL;
	case MR_COPY_BEHIND:
		return BEHIND;
	default:
		return DIFFERS_OR_UNKNOWN;
	}
}

static const char *state_text(const struct mr_copy_check *check)
{
	switch (check->state) {
	case MR_COPY_EQUAL:
		return _("equal");
	case MR_COPY_BEHIND:
		return _("behind");
	case MR_COPY_DIFFERS:
		return check->owner ? _("DIFFERS") : _("DIFFERS: belongs to no host");
	default:
		return _("unknown");
	}
}

static const char *difference_text(enum mr_difference_kind kind)
{
	static const char *const words[] = { [MR_DIFFERENCE_MISSING] = N_("missing"),
					     [MR_DIFFERENCE_SURPLUS] = N_("surplus"),
					     [MR_DIFFERENCE_CHANGED] = N_("changed") };

	return _(words[kind]);
}

static void print_table(struct cl_context *context, const struct mr_verification *found)
{
	enum { COLUMNS = 6 };
	struct mr_arena *arena = context->arena;
	const char **cells = MR_NEW_ARRAY(arena, const char *, COLUMNS *(found->count + 1));
	const char **cell = cells;

	*cell++ = _("SERVICE");
	*cell++ = _("OWNER");
	*cell++ = _("ENTRIES");
	*cell++ = _("COPY ON");
	*cell++ = _("ENTRIES");
	*cell++ = _("STATE");
	for (size_t i = 0; i < found->count; i++) {
		const struct mr_copy_check *check = &found->items[i];
		bool counted = check->state != MR_COPY_UNKNOWN;

		*cell++ = mr_service_name(check->service);
		*cell++ = check->owner ? check->owner->name : "-";
		*cell++ = counted ? mr_printf(arena, "%llu", check->owner_entries) : "?";
		*cell++ = check->holder->name;
		*cell++ = counted ? mr_printf(arena, "%llu", check->copy_entries) : "?";
		*cell++ = check->why ? mr_printf(arena, "%s: %s", state_text(check), check->why)
				     : state_text(check);
	}
	cl_table(cells, COLUMNS, found->count + 1);
}

/* A DN is whatever somebody has written into a directory; the terminal must not obey it. */
static void print_difference(struct cl_context *context, const struct mr_copy_check *check,
			     const struct mr_difference *difference)
{
	char *line = mr_printf(context->arena, "%s: %s %s%s%s%s", check->holder->name,
			       difference_text(difference->kind), difference->dn,
			       difference->what ? " (" : "", difference->what ? difference->what : "",
			       difference->what ? ")" : "");

	mr_printable(line);
	puts(line);
}

static void print_text(struct cl_context *context, const struct mr_verification *found)
{
	print_table(context, found);
	for (size_t i = 0; i < found->count; i++) {
		const struct mr_copy_check *check = &found->items[i];

		/* What is on its way may be a hundred thousand entries, and none of them needs to be looked at. */
		if (check->state == MR_COPY_BEHIND && !context->verbose)
			continue;
		for (size_t k = 0; k < check->differences.count; k++)
			print_difference(context, check, &check->differences.items[k]);
		if (check->differences.more)
			printf(_("%s: … and more\n"), check->holder->name);
	}
}

static struct mr_value *differences_value(struct mr_arena *arena,
					  const struct mr_differences *differences)
{
	struct mr_value *list = mr_value_list(arena);

	for (size_t i = 0; i < differences->count; i++) {
		struct mr_value *one = mr_value_append(arena, list, mr_value_object(arena));

		mr_value_set_string(arena, one, "kind",
				    mr_difference_word(differences->items[i].kind));
		mr_value_set_string(arena, one, "dn", differences->items[i].dn);
		mr_value_set_string(arena, one, "attributes", differences->items[i].what);
	}
	return list;
}

static struct mr_value *check_value(struct mr_arena *arena, const struct mr_copy_check *check)
{
	struct mr_value *one = mr_value_object(arena);

	mr_value_set_string(arena, one, "service", mr_service_name(check->service));
	mr_value_set_string(arena, one, "owner", check->owner ? check->owner->name : NULL);
	mr_value_set_string(arena, one, "holder", check->holder->name);
	mr_value_set_string(arena, one, "state", mr_copy_state_word(check->state));
	mr_value_set_string(arena, one, "why", check->why);
	mr_value_set_int(arena, one, "owner_entries", (long long)check->owner_entries);
	mr_value_set_int(arena, one, "copy_entries", (long long)check->copy_entries);
	mr_value_set(arena, one, "differences", differences_value(arena, &check->differences));
	mr_value_set_bool(arena, one, "more", check->differences.more);
	return one;
}

static void set_copies(struct mr_arena *arena, struct mr_value *top,
		       const struct mr_verification *found)
{
	struct mr_value *list = mr_value_list(arena);

	for (size_t i = 0; i < found->count; i++)
		mr_value_append(arena, list, check_value(arena, &found->items[i]));
	mr_value_set_string(arena, top, "state", mr_copy_state_word(mr_verification_state(found)));
	mr_value_set(arena, top, "copies", list);
}

static int take_topology(struct cl_context *context, struct mr_error *err)
{
	const struct mr_topology known = context->topology;

	return mr_verify_topology(context->arena, &context->config, &known, &context->topology, err);
}

int replication_verify_check(struct cl_context *context, struct mr_error *err)
{
	struct replication *wanted = context->data;

	for (int i = 0; i < context->argc; i++) {
		const char *name;

		if (mr_host_parse(context->arena, context->argv[i], &name, err) < 0)
			return -1;
		mr_list_add(context->arena, &wanted->owners, name);
	}
	return 0;
}

int replication_verify_run(struct cl_context *context, struct mr_error *err)
{
	const struct replication *wanted = context->data;
	const struct mr_verify_part part = { .here = wanted->here, .owners = &wanted->owners };
	struct mr_verification found;

	if (take_topology(context, err) < 0 ||
	    mr_verify_part(context->arena, &context->config, context->dir, &context->topology,
			   &part, &found, err) < 0)
		return -1;
	if (context->json) {
		struct mr_value *top = mr_value_object(context->arena);

		set_copies(context->arena, top, &found);
		fputs(mr_json_format(context->arena, top), stdout);
	} else {
		print_text(context, &found);
	}
	context->status = exit_status(&found);
	return 0;
}

static struct mr_value *repairs_value(struct mr_arena *arena, const struct mr_repairs *repairs)
{
	struct mr_value *list = mr_value_list(arena);

	for (size_t i = 0; i < repairs->count; i++) {
		const struct mr_repair *repair = &repairs->items[i];
		struct mr_value *one = mr_value_append(arena, list, check_value(arena, repair->copy));

		mr_value_set_string(arena, one, "means", mr_repair_word(repair->means));
	}
	return list;
}

static const char *means_text(enum mr_repair_means means)
{
	static const char *const texts[] = {
		[MR_REPAIR_NONE] = N_("not repaired"),
		[MR_REPAIR_WAIT] = N_("came by itself"),
		[MR_REPAIR_RESTART] = N_("repaired by restarting slapd"),
		[MR_REPAIR_REFILL] = N_("repaired by filling the container again from its owner"),
		[MR_REPAIR_WIPE] = N_("repaired by filling the whole copy again from all owners"),
	};

	return _(texts[means]);
}

static void print_repairs(const struct cl_context *context, const struct mr_repairs *repairs)
{
	for (size_t i = 0; i < repairs->count && !context->quiet && !context->dry_run; i++) {
		const struct mr_copy_check *copy = repairs->items[i].copy;

		printf("%s, %s: %s\n", mr_service_name(copy->service),
		       copy->owner ? copy->owner->name : "-", means_text(repairs->items[i].means));
	}
}

struct outcome {
	struct cl_context *context;
	struct mr_verify_part part;
	struct mr_repairs repairs;
	struct mr_verification found; /* before, then after */
	struct mr_value *result;
};

static void set_outcome(struct outcome *outcome)
{
	struct cl_context *context = outcome->context;

	context->status = exit_status(&outcome->found);
	set_copies(context->arena, outcome->result, &outcome->found);
	mr_value_set(context->arena, outcome->result, "repairs",
		     repairs_value(context->arena, &outcome->repairs));
}

/* The last step. Repairing may have restarted slapd: what was connected before is not any more. */
static int verify_again(void *argument, struct mr_error *err)
{
	struct outcome *outcome = argument;
	struct cl_context *context = outcome->context;
	MR_DIRECTORY dir = NULL;

	if (mr_instance_open(context->arena, &context->config, &dir, err) < 0 ||
	    mr_verify_part(context->arena, &context->config, dir, &context->topology,
			   &outcome->part, &outcome->found, err) < 0)
		return -1;
	set_outcome(outcome);
	return 0;
}

int replication_repair_run(struct cl_context *context, struct mr_error *err)
{
	const struct replication *wanted = context->data;
	struct outcome outcome = { .context = context,
				   .part = { .here = true, .owners = &wanted->owners },
				   .result = mr_value_object(context->arena) };
	struct mr_verification before;
	struct mr_plan plan = { 0 };

	if (take_topology(context, err) < 0 ||
	    mr_verify_part(context->arena, &context->config, context->dir, &context->topology,
			   &outcome.part, &before, err) < 0 ||
	    mr_repair_plan(context->arena, &context->config, &context->topology, &before,
			   &outcome.repairs, &plan, err) < 0)
		return -1;
	outcome.found = before;
	set_outcome(&outcome);
	if (plan.count)
		mr_plan_action(context->arena, &plan, verify_again, &outcome,
			       _("compare all copies of this host with their owners again"));
	if (cl_finish(context, &plan, outcome.result, err) < 0)
		return -1;
	if (!context->json) {
		print_repairs(context, &outcome.repairs);
		print_text(context, &outcome.found);
	}
	return 0;
}
