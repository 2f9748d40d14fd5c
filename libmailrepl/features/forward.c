#include "features/forward.h"

#include <string.h>

#include "features/claim.h"
#include "model/names.h"

struct search {
	struct mr_arena *arena;
	const struct mr_config *config;
	struct mr_directory *dir;
	const struct mr_topology *topology;
	const struct mr_route *route;
	struct mr_list seen; /* addresses that were followed */
};

static bool is_ours(const struct search *search, const char *domain)
{
	return mr_list_has(&search->topology->domains, domain) ||
	       mr_topology_host(search->topology, domain);
}

static bool is_self(const struct search *search, const char *address)
{
	return strcmp(address, search->route->routing_address) == 0 ||
	       mr_list_has(&search->route->addresses, address);
}

static int look_up(const struct search *search, const char *address, struct mr_entries *out,
		   struct mr_error *err)
{
	static const char *const attrs[] = { "mailRoutingAddress", "mailReplForward",
					     "rfc822MailMember", "mailReplAccess", NULL };

	return mr_claims_list(search->arena, search->config, search->dir, MR_MAIL,
			      mr_filter(search->arena,
					"(|(mailLocalAddress=%s)(mailRoutingAddress=%s)"
					"(mailReplFormerAddress=%s))",
					address, address, address),
			      attrs, out, err);
}

/* In the order in which Postfix asks: the address, without its detail, the catch-all. */
static int find(const struct search *search, const struct mr_address *address, const char **matched,
		struct mr_entries *out, struct mr_error *err)
{
	size_t plain = strcspn(address->local, mr_delimiter_text(search->topology->delimiter));
	const char *const forms[] = { address->text,
				      mr_printf(search->arena, "%.*s@%s", (int)plain,
						address->local, address->domain),
				      mr_printf(search->arena, "@%s", address->domain) };

	*out = (struct mr_entries){ 0 };
	for (size_t i = 0; i < 3 && !out->count; i++) {
		*matched = forms[i];
		if (look_up(search, forms[i], out, err) < 0)
			return -1;
	}
	return 0;
}

static int follow(struct search *search, const char *text, const char *typed, struct mr_error *err);

static int follow_values(struct search *search, const struct mr_entry *entry, const char *name,
			 const char *typed, struct mr_error *err)
{
	const struct mr_attr *attr = mr_entry_attr(entry, name);
	const char *self = mr_entry_value(entry, "mailRoutingAddress");

	for (size_t i = 0; attr && i < attr->values.count; i++) {
		const char *next = mr_lower(search->arena, attr->values.items[i]);

		/* A copy that stays. */
		if (self && mr_entry_has_nocase(entry, "mailRoutingAddress", next))
			continue;
		if (follow(search, next, typed, err) < 0)
			return -1;
	}
	return 0;
}

static int fail_loop(const struct search *search, const char *typed, struct mr_error *err)
{
	if (is_self(search, typed))
		return mr_fail(err, MR_E_INVALID, _("%s: %s cannot be forwarded to themselves"),
			       typed, search->route->user);
	return mr_fail(err, MR_E_INVALID,
		       _("%s leads back to %s: mail would be handed around for ever"), typed,
		       search->route->user);
}

/* What cannot be parsed or is not there ends a chain that others have made: it can be no loop. */
static int follow(struct search *search, const char *text, const char *typed, struct mr_error *err)
{
	struct mr_address address;
	struct mr_entries found;
	const char *matched;

	if (mr_list_has(&search->seen, text))
		return 0;
	mr_list_add(search->arena, &search->seen, text);
	if (mr_address_parse(search->arena, text, &address, err) < 0 ||
	    !is_ours(search, address.domain) || mr_is_role(address.local))
		return 0;
	if (find(search, &address, &matched, &found, err) < 0)
		return -1;
	if (is_self(search, matched))
		return fail_loop(search, typed, err);
	for (size_t i = 0; i < found.count; i++)
		if (follow_values(search, found.items[i], "mailReplForward", typed, err) < 0 ||
		    follow_values(search, found.items[i], "rfc822MailMember", typed, err) < 0)
			return -1;
	return 0;
}

static int check_target(struct search *search, const struct mr_address *address,
			struct mr_error *err)
{
	struct mr_entries found;
	const char *matched;

	if (!is_ours(search, address->domain)) {
		if (search->topology->scheme != MR_SCHEME_INTRANET)
			return 0;
		return mr_fail(err, MR_E_INVALID,
			       _("%s: mail does not leave this intranet (cl-setup --scheme); its "
				 "domains are %s"),
			       address->text,
			       mr_list_join(search->arena, &search->topology->domains, ", "));
	}
	if (mr_is_role(address->local))
		return 0;
	if (find(search, address, &matched, &found, err) < 0)
		return -1;
	if (!found.count)
		return mr_fail(err, MR_E_INVALID, _("%s: nobody has this address"), address->text);
	return follow(search, address->text, address->text, err);
}

int mr_forward_parse(struct mr_arena *arena, const struct mr_config *config,
		     struct mr_directory *dir, const struct mr_topology *topology,
		     const struct mr_route *route, const struct mr_list *typed, struct mr_list *out,
		     struct mr_error *err)
{
	struct search search = { arena, config, dir, topology, route, { 0 } };

	for (size_t i = 0; i < typed->count; i++) {
		struct mr_address address;

		if (mr_address_parse(arena, typed->items[i], &address, err) < 0)
			return -1;
		search.seen = (struct mr_list){ 0 };
		if (check_target(&search, &address, err) < 0)
			return -1;
		if (!mr_list_has(out, address.text))
			mr_list_add(arena, out, address.text);
	}
	return 0;
}

static struct mr_list goes(struct mr_arena *arena, const struct mr_route *route)
{
	struct mr_list list = { 0 };

	for (size_t i = 0; i < route->addresses.count; i++)
		mr_list_add(arena, &list, route->addresses.items[i]);
	for (size_t i = 0; i < route->former.count; i++)
		mr_list_add(arena, &list, route->former.items[i]);
	if (route->routing_address)
		mr_list_add(arena, &list, route->routing_address);
	return list;
}

static void note_gone(struct mr_arena *arena, const struct mr_entry *entry,
		      const struct mr_list *gone, struct mr_list *notes)
{
	const char *user = mr_entry_value(entry, "uid"), *owner = mr_dit_owner(arena, entry->dn);
	struct mr_list targets = { 0 };

	for (size_t i = 0; i < gone->count; i++)
		if (mr_entry_has_nocase(entry, "mailReplForward", gone->items[i]))
			mr_list_add(arena, &targets, gone->items[i]);
	mr_list_add(arena, notes,
		    mr_printf(arena,
			      _("%s at %s forwards to %s, which goes: \"cl-usermod --forward\" "
				"changes that"),
			      user ? user : entry->dn, owner ? owner : "?",
			      mr_list_join(arena, &targets, ", ")));
}

int mr_forward_note_gone(struct mr_arena *arena, const struct mr_config *config,
			 struct mr_directory *dir, const struct mr_route *route,
			 struct mr_list *notes, struct mr_error *err)
{
	static const char *const attrs[] = { "uid", "mailRoutingAddress", "mailReplForward", NULL };
	const struct mr_list gone = goes(arena, route);
	struct mr_entries found = { 0 };
	MR_BUF filter = { 0 };

	mr_buf_puts(&filter, "(|");
	for (size_t i = 0; i < gone.count; i++)
		mr_buf_puts(&filter, mr_filter(arena, "(mailReplForward=%s)", gone.items[i]));
	mr_buf_putc(&filter, ')');
	if (gone.count && mr_claims_list(arena, config, dir, MR_MAIL, mr_buf_text(&filter), attrs,
					 &found, err) < 0)
		return -1;
	for (size_t i = 0; i < found.count; i++)
		/* A copy that stays is their own. */
		if (!route->routing_address ||
		    !mr_entry_has_nocase(found.items[i], "mailRoutingAddress",
					 route->routing_address))
			note_gone(arena, found.items[i], &gone, notes);
	return 0;
}
