#include "model/mailbox.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "model/dit.h"

#define UID_BASE  1000000LL
#define UID_RANGE 100000LL

struct mr_entry *mr_route_format(struct mr_arena *arena, const struct mr_route *route,
				 const char *container)
{
	struct mr_entry *entry = mr_entry_new(arena, mr_dit_user(arena, route->user, container));

	mr_entry_add(arena, entry, "objectClass", "account");
	mr_entry_add(arena, entry, "objectClass", "inetLocalMailRecipient");
	mr_entry_add(arena, entry, "uid", route->user);
	mr_entry_add_list(arena, entry, "mailLocalAddress", &route->addresses);
	mr_entry_add(arena, entry, "mailHost", route->owner);
	mr_entry_add(arena, entry, "mailRoutingAddress", route->routing_address);
	return entry;
}

/* *out = the value in lower case; they compare without regard to case in the directory. */
static int need(struct mr_arena *arena, const struct mr_entry *entry, const char *name,
		const char **out, struct mr_error *err)
{
	const char *value = mr_entry_value(entry, name);

	if (!value)
		return mr_fail(err, MR_E_PROTOCOL, _("entry %s has no %s"), entry->dn, name);
	*out = mr_lower(arena, value);
	return 0;
}

static struct mr_list addresses_of(struct mr_arena *arena, const struct mr_entry *entry,
				   const char *name)
{
	const struct mr_attr *attr = mr_entry_attr(entry, name);
	struct mr_list list = { 0 };

	for (size_t i = 0; attr && i < attr->values.count; i++)
		mr_list_add(arena, &list, mr_lower(arena, attr->values.items[i]));
	return list;
}

/* The local part becomes a folder's name: nothing that leads out of the mailboxes' folder may pass.
 */
static int routing_address_check(struct mr_arena *arena, const struct mr_entry *entry,
				 const char *text, struct mr_error *err)
{
	struct mr_address address;

	if (mr_address_parse(arena, text, &address, err) < 0) {
		err->code = MR_E_PROTOCOL;
		return mr_fail_in(err, _("entry %s: mailRoutingAddress"), entry->dn);
	}
	if (strchr(address.local, '/'))
		return mr_fail(err, MR_E_PROTOCOL,
			       _("entry %s: mailRoutingAddress %s holds a slash"), entry->dn, text);
	return 0;
}

int mr_route_parse(struct mr_arena *arena, const struct mr_entry *entry, struct mr_route *out,
		   struct mr_error *err)
{
	struct mr_route route = { .addresses = addresses_of(arena, entry, "mailLocalAddress") };

	if (need(arena, entry, "uid", &route.user, err) < 0 ||
	    need(arena, entry, "mailHost", &route.owner, err) < 0 ||
	    need(arena, entry, "mailRoutingAddress", &route.routing_address, err) < 0 ||
	    routing_address_check(arena, entry, route.routing_address, err) < 0)
		return -1;
	*out = route;
	return 0;
}

struct mr_entry *mr_account_format(struct mr_arena *arena, const struct mr_account *account,
				   const char *container)
{
	struct mr_entry *entry = mr_entry_new(arena, mr_dit_user(arena, account->user, container));
	const char *name = account->full_name ? account->full_name : account->user;

	mr_entry_add(arena, entry, "objectClass", "inetOrgPerson");
	mr_entry_add(arena, entry, "objectClass", "posixAccount");
	mr_entry_add(arena, entry, "objectClass", "inetLocalMailRecipient");
	mr_entry_add(arena, entry, "uid", account->user);
	mr_entry_add(arena, entry, "cn", name);
	mr_entry_add(arena, entry, "sn", name);
	if (account->uid_number) {
		const char *number = mr_printf(arena, "%lld", account->uid_number);

		mr_entry_add(arena, entry, "uidNumber", number);
		mr_entry_add(arena, entry, "gidNumber", number);
	}
	mr_entry_add(arena, entry, "homeDirectory", account->home);
	if (account->shell)
		mr_entry_add(arena, entry, "loginShell", account->shell);
	mr_entry_add_list(arena, entry, "mail", &account->addresses);
	mr_entry_add(arena, entry, "mailHost", account->owner);
	if (account->routing_address)
		mr_entry_add(arena, entry, "mailRoutingAddress", account->routing_address);
	if (account->hash && account->hash->data)
		mr_entry_add_secret(arena, entry, "userPassword", account->hash);
	return entry;
}

static int uid_number_parse(const struct mr_entry *entry, long long *out, struct mr_error *err)
{
	const char *text = mr_entry_value(entry, "uidNumber");
	char *end;

	if (!text)
		return mr_fail(err, MR_E_PROTOCOL, _("entry %s has no uidNumber"), entry->dn);
	errno = 0;
	*out = strtoll(text, &end, 10);
	/* 0 would be root, and stands for "not allocated yet" in our structs */
	if (errno || *end || end == text || *out <= 0)
		return mr_fail(err, MR_E_PROTOCOL,
			       _("entry %s: uidNumber %s is no number of a user"), entry->dn, text);
	return 0;
}

int mr_account_parse(struct mr_arena *arena, const struct mr_entry *entry, struct mr_account *out,
		     struct mr_error *err)
{
	const char *routing = mr_entry_value(entry, "mailRoutingAddress");
	struct mr_account account = {
		.full_name = mr_strdup(arena, mr_entry_value(entry, "cn")),
		.addresses = addresses_of(arena, entry, "mail"),
		.routing_address = routing ? mr_lower(arena, routing) : NULL,
		.home = mr_strdup(arena, mr_entry_value(entry, "homeDirectory")),
		.shell = mr_strdup(arena, mr_entry_value(entry, "loginShell")),
	};

	if (need(arena, entry, "uid", &account.user, err) < 0 ||
	    need(arena, entry, "mailHost", &account.owner, err) < 0 ||
	    uid_number_parse(entry, &account.uid_number, err) < 0)
		return -1;
	if (!account.home)
		return mr_fail(err, MR_E_PROTOCOL, _("entry %s has no homeDirectory"), entry->dn);
	if (routing && routing_address_check(arena, entry, account.routing_address, err) < 0)
		return -1;
	*out = account;
	return 0;
}

long long mr_uid_first(unsigned server_id)
{
	return UID_BASE + server_id * UID_RANGE;
}

long long mr_uid_end(unsigned server_id)
{
	return mr_uid_first(server_id) + UID_RANGE;
}
