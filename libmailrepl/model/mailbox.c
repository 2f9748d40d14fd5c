#include "model/mailbox.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "model/dit.h"

#define UID_BASE  1000000LL
#define UID_RANGE 500000LL

const char *const mr_route_attrs[] = { "objectClass",
				       "uid",
				       "mailLocalAddress",
				       "mailHost",
				       "mailRoutingAddress",
				       "mailReplFormerAddress",
				       "mailReplForward",
				       "mailReplAccess",
				       "mailReplHeldUntil",
				       "mailReplMove",
				       NULL };
const char *const mr_account_attrs[] = {
	"objectClass",        "uid",        "cn",   "sn",       "uidNumber",     "gidNumber",
	"homeDirectory",      "loginShell", "mail", "mailHost", "mailReplQuota", "mailReplLocked",
	"mailRoutingAddress", NULL
};

static const char *const access_words[] = { NULL, "closed", "deferred", "refused", "gone" };

const char *mr_access_word(enum mr_access access)
{
	return access_words[access];
}

enum mr_route_kind mr_route_kind(const struct mr_route *route)
{
	if (route->routing_address)
		return MR_ROUTE_MAILBOX;
	return route->access == MR_ACCESS_GONE ? MR_ROUTE_GONE : MR_ROUTE_FORMER;
}

static void add_optional(struct mr_arena *arena, struct mr_entry *entry, const char *name,
			 const char *value)
{
	if (value)
		mr_entry_add(arena, entry, name, value);
}

/* Has what only mailReplRecipient allows. */
static bool is_recipient(const struct mr_route *route)
{
	return route->former.count || route->forward.count || route->access || route->held_until ||
	       route->move;
}

struct mr_entry *mr_route_format(struct mr_arena *arena, const struct mr_route *route,
				 const char *container)
{
	struct mr_entry *entry = mr_entry_new(arena, mr_dit_user(arena, route->user, container));

	mr_entry_add(arena, entry, "objectClass", "account");
	mr_entry_add(arena, entry, "objectClass", "inetLocalMailRecipient");
	if (is_recipient(route))
		mr_entry_add(arena, entry, "objectClass", "mailReplRecipient");
	mr_entry_add(arena, entry, "uid", route->user);
	mr_entry_add_list(arena, entry, "mailLocalAddress", &route->addresses);
	if (route->routing_address) {
		mr_entry_add(arena, entry, "mailHost", route->owner);
		mr_entry_add(arena, entry, "mailRoutingAddress", route->routing_address);
	}
	mr_entry_add_list(arena, entry, "mailReplFormerAddress", &route->former);
	mr_entry_add_list(arena, entry, "mailReplForward", &route->forward);
	add_optional(arena, entry, "mailReplAccess", mr_access_word(route->access));
	add_optional(arena, entry, "mailReplHeldUntil", route->held_until);
	add_optional(arena, entry, "mailReplMove", route->move);
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

/* A word that this version does not know must not open what it was to close. */
static int access_parse(const struct mr_entry *entry, enum mr_access *out, struct mr_error *err)
{
	const char *word = mr_entry_value(entry, "mailReplAccess");

	*out = MR_ACCESS_OPEN;
	for (size_t i = 1; word && i < sizeof(access_words) / sizeof(access_words[0]); i++)
		if (strcasecmp(word, access_words[i]) == 0)
			*out = (enum mr_access)i;
	if (word && *out == MR_ACCESS_OPEN)
		return mr_fail(err, MR_E_PROTOCOL, _("entry %s: unknown mailReplAccess %s"),
			       entry->dn, word);
	return 0;
}

static int real_address_parse(struct mr_arena *arena, const struct mr_entry *entry,
			      const char **owner, const char **address, struct mr_error *err)
{
	if (need(arena, entry, "mailHost", owner, err) < 0 ||
	    need(arena, entry, "mailRoutingAddress", address, err) < 0)
		return -1;
	return routing_address_check(arena, entry, *address, err);
}

int mr_route_parse(struct mr_arena *arena, const struct mr_entry *entry, struct mr_route *out,
		   struct mr_error *err)
{
	struct mr_route route = {
		.addresses = addresses_of(arena, entry, "mailLocalAddress"),
		.former = addresses_of(arena, entry, "mailReplFormerAddress"),
		.forward = addresses_of(arena, entry, "mailReplForward"),
		.held_until = mr_strdup(arena, mr_entry_value(entry, "mailReplHeldUntil")),
		.move = mr_strdup(arena, mr_entry_value(entry, "mailReplMove")),
		.owner = mr_dit_owner(arena, entry->dn),
	};
	bool is_mailbox;

	if (need(arena, entry, "uid", &route.user, err) < 0 ||
	    access_parse(entry, &route.access, err) < 0)
		return -1;
	is_mailbox = mr_entry_value(entry, "mailRoutingAddress") ||
		     !(route.access == MR_ACCESS_GONE || (route.former.count && route.forward.count));
	if (is_mailbox && real_address_parse(arena, entry, &route.owner, &route.routing_address,
					     err) < 0)
		return -1;
	*out = route;
	return 0;
}

struct mr_entry *mr_group_format(struct mr_arena *arena, const struct mr_group *group,
				 const char *container)
{
	struct mr_entry *entry = mr_entry_new(arena, mr_dit_group(arena, group->name, container));

	mr_entry_add(arena, entry, "objectClass", "nisMailAlias");
	mr_entry_add(arena, entry, "objectClass", "inetLocalMailRecipient");
	mr_entry_add(arena, entry, "objectClass", "mailReplRecipient");
	mr_entry_add(arena, entry, "cn", group->name);
	mr_entry_add_list(arena, entry, "mailLocalAddress", &group->addresses);
	mr_entry_add(arena, entry, "mailHost", group->owner);
	mr_entry_add(arena, entry, "mailRoutingAddress", group->routing_address);
	mr_entry_add_list(arena, entry, "rfc822MailMember", &group->members);
	if (group->closed)
		mr_entry_add(arena, entry, "mailReplAccess", mr_access_word(MR_ACCESS_CLOSED));
	return entry;
}

int mr_group_parse(struct mr_arena *arena, const struct mr_entry *entry, struct mr_group *out,
		   struct mr_error *err)
{
	struct mr_group group = {
		.addresses = addresses_of(arena, entry, "mailLocalAddress"),
	};
	const struct mr_attr *members = mr_entry_attr(entry, "rfc822MailMember");
	enum mr_access access;

	if (need(arena, entry, "cn", &group.name, err) < 0 ||
	    real_address_parse(arena, entry, &group.owner, &group.routing_address, err) < 0 ||
	    access_parse(entry, &access, err) < 0)
		return -1;
	group.closed = access == MR_ACCESS_CLOSED;
	for (size_t i = 0; members && i < members->values.count; i++)
		mr_list_add(arena, &group.members, members->values.items[i]);
	*out = group;
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
	if (account->quota || account->locked)
		mr_entry_add(arena, entry, "objectClass", "mailReplRecipient");
	if (account->quota)
		mr_entry_add(arena, entry, "mailReplQuota",
			     mr_printf(arena, "%lld", account->quota));
	if (account->locked)
		mr_entry_add(arena, entry, "mailReplLocked", "TRUE");
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

static int quota_parse(const struct mr_entry *entry, long long *out, struct mr_error *err)
{
	const char *text = mr_entry_value(entry, "mailReplQuota");
	char *end;

	*out = 0;
	if (!text)
		return 0;
	errno = 0;
	*out = strtoll(text, &end, 10);
	if (errno || *end || end == text || *out <= 0)
		return mr_fail(err, MR_E_PROTOCOL, _("entry %s: mailReplQuota %s is no size"),
			       entry->dn, text);
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
		.locked = mr_entry_has_nocase(entry, "mailReplLocked", "TRUE"),
	};

	if (need(arena, entry, "uid", &account.user, err) < 0 ||
	    need(arena, entry, "mailHost", &account.owner, err) < 0 ||
	    uid_number_parse(entry, &account.uid_number, err) < 0 ||
	    quota_parse(entry, &account.quota, err) < 0)
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
