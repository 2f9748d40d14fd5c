#include "replication/actions.h"

#include <stdio.h>
#include <string.h>

#include "adapters/json.h"
#include "features/clash.h"

static void print_json(struct cl_context *context, const struct mr_clashes *clashes)
{
	struct mr_arena *arena = context->arena;
	struct mr_value *top = mr_value_object(arena), *list = mr_value_list(arena);

	for (size_t i = 0; i < clashes->count; i++) {
		const struct mr_clash *clash = &clashes->items[i];
		struct mr_value *one = mr_value_append(arena, list, mr_value_object(arena));
		struct mr_value *claims = mr_value_list(arena);

		mr_value_set_string(arena, one, "address", clash->address);
		for (size_t j = 0; j < clash->count; j++) {
			struct mr_value *claim =
				mr_value_append(arena, claims, mr_value_object(arena));

			mr_value_set_string(arena, claim, "owner", clash->claims[j].owner);
			mr_value_set_string(arena, claim, "user", clash->claims[j].user);
			mr_value_set_string(arena, claim, "dn", clash->claims[j].dn);
		}
		mr_value_set(arena, one, "claims", claims);
	}
	mr_value_set(arena, top, "clashes", list);
	fputs(mr_json_format(arena, top), stdout);
}

static void print_table(struct cl_context *context, const struct mr_clashes *clashes)
{
	enum { COLUMNS = 3 };
	size_t rows = 1;
	const char **cells, **cell;

	for (size_t i = 0; i < clashes->count; i++)
		rows += clashes->items[i].count;
	cell = cells = MR_NEW_ARRAY(context->arena, const char *, COLUMNS *rows);
	*cell++ = _("CLAIMED TWICE");
	*cell++ = _("BY HOST");
	*cell++ = _("FOR");
	for (size_t i = 0; i < clashes->count; i++)
		for (size_t j = 0; j < clashes->items[i].count; j++) {
			*cell++ = j ? "" : clashes->items[i].address;
			*cell++ = clashes->items[i].claims[j].owner;
			*cell++ = clashes->items[i].claims[j].user;
		}
	cl_table(cells, COLUMNS, rows);
}

static bool is_user_name(const struct mr_clash *clash)
{
	return mr_starts_with(clash->address, "uid ");
}

/* Two claims of one host, between which --settle cannot choose. */
static bool is_at_one_host(const struct mr_clash *clash)
{
	for (size_t i = 1; i < clash->count; i++)
		if (strcmp(clash->claims[i].owner, clash->claims[i - 1].owner) == 0)
			return true;
	return false;
}

/* Which command settles what is there. */
static void print_hints(const struct mr_clashes *clashes)
{
	bool names = false, hosts = false, addresses = false;

	for (size_t i = 0; i < clashes->count; i++) {
		names |= is_user_name(&clashes->items[i]);
		addresses |= !is_user_name(&clashes->items[i]);
		hosts |= !is_user_name(&clashes->items[i]) && is_at_one_host(&clashes->items[i]);
	}
	if (addresses)
		puts(_("Mail for an address that is claimed twice waits. To release it to one "
		       "mailbox, on the home: cl-replication --settle ADDRESS HOST"));
	if (hosts)
		puts(_("Claimed twice at one host, take it from one: cl-usermod --remove-alias "
		       "ADDRESS --owner HOST USER"));
	if (names)
		puts(_("Two users of one name cannot be told apart when they log in. To give one "
		       "another name, on the home: cl-usermod --login NEWNAME --owner HOST USER"));
}

int replication_clashes_run(struct cl_context *context, struct mr_error *err)
{
	struct mr_clashes clashes;

	if (mr_clash_list(context->arena, context->dir, &clashes, err) < 0)
		return -1;
	if (context->json) {
		print_json(context, &clashes);
	} else if (clashes.count) {
		print_table(context, &clashes);
		print_hints(&clashes);
	} else if (!context->quiet) {
		puts(_("no address is claimed twice"));
	}
	return 0;
}

int replication_settle_run(struct cl_context *context, struct mr_error *err)
{
	const struct replication *wanted = context->data;
	const char *host = context->argv[0];
	struct mr_plan plan = { 0 };

	if (mr_clash_settle_plan(context->arena, &context->config, context->dir, &context->topology,
				 wanted->value, host, &plan, err) < 0)
		return -1;
	if (plan.count && !context->dry_run &&
	    cl_confirm(context,
		       mr_printf(context->arena, _("Shall %s be an address of %s alone?"),
				 wanted->value, host),
		       err) < 0)
		return -1;
	return cl_finish(context, &plan, NULL, err);
}
