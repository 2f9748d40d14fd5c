#include "features/account_claims.h"

#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/clock.h"
#include "base/paths.h"

struct look_up {
	struct mr_arena *arena;
	const struct mr_config *config;
	struct mr_directory *dir;
	const struct mr_user_wanted *wanted;
	char now[MR_TIME_SIZE];
};

/* Mail for the real address of a mailbox that has moved away is still underway to it. */
static char *mailbox_filter(struct mr_arena *arena, const char *mailbox)
{
	return mr_filter(arena, "(|(mailRoutingAddress=%s)(mailReplFormerAddress=%s))", mailbox,
			 mailbox);
}

/* One filter for all that must be unique: a look-up costs a round trip, however many terms it has.
 */
static char *claims_filter(struct mr_arena *arena, const struct mr_user_wanted *wanted,
			   const char *mailbox, const char *address_attr)
{
	MR_BUF text = { 0 };

	mr_buf_printf(
		&text, "(|%s",
		mr_filter(arena,
			  "(uid=%s)(&(cn=%s)(|(objectClass=nisMailAlias)(objectClass=posixGroup)))",
			  wanted->user, wanted->user));
	if (mailbox)
		mr_buf_puts(&text, mailbox_filter(arena, mailbox));
	for (size_t i = 0; i < wanted->addresses.count; i++)
		mr_buf_printf(&text, "(%s%s", address_attr,
			      mr_filter(arena, "=%s)", wanted->addresses.items[i]));
	mr_buf_putc(&text, ')');
	return mr_strdup(arena, mr_buf_text(&text));
}

/* Appends what matches anywhere. The copies lag behind what this host owns by some milliseconds, so
 * its own part of them is left out where it is the owner, and the owned database is asked instead.
 */
static int list_claims(const struct look_up *up, enum mr_service service, const char *filter,
		       struct mr_entries *out, struct mr_error *err)
{
	/* By name: a password hash shall not come here. */
	static const char *const attrs[] = { "objectClass",
					     "uid",
					     "cn",
					     "uidNumber",
					     "homeDirectory",
					     "loginShell",
					     "mail",
					     "mailLocalAddress",
					     "mailHost",
					     "mailRoutingAddress",
					     "mailReplFormerAddress",
					     "mailReplForward",
					     "mailReplAccess",
					     "mailReplHeldUntil",
					     "mailReplMove",
					     NULL };
	const char *owner = up->wanted->owner->name;
	struct mr_search find = { .base = mr_dit_all(service), .filter = filter, .attrs = attrs };
	struct mr_entries copies = { 0 };

	if (mr_directory_list(up->dir, up->arena, &find, &copies, err) < 0)
		return -1;
	for (size_t i = 0; i < copies.count; i++) {
		const char *of = mr_dit_owner(up->arena, copies.items[i]->dn);

		if (up->wanted->step_host || !of || strcmp(of, owner) != 0)
			mr_entries_add(up->arena, out, copies.items[i]);
	}
	if (up->wanted->step_host)
		return 0;
	find.base = mr_dit_owned(up->arena, service, owner);
	return mr_directory_list(up->dir, up->arena, &find, out, err);
}

static const char *owner_of(const struct look_up *up, const struct mr_entry *entry)
{
	const char *owner = mr_dit_owner(up->arena, entry->dn);

	return owner ? owner : entry->dn;
}

static bool has_own_name(const struct look_up *up, const struct mr_entry *entry)
{
	return mr_entry_has_nocase(entry, "uid", up->wanted->user) &&
	       strcmp(owner_of(up, entry), up->wanted->owner->name) == 0;
}

/* The addresses of a user who was deleted. */
static bool is_hold(const struct mr_entry *entry)
{
	return mr_entry_has_nocase(entry, "mailReplAccess", mr_access_word(MR_ACCESS_GONE)) &&
	       !mr_entry_value(entry, "mailRoutingAddress");
}

static bool is_group(const struct mr_entry *entry)
{
	return mr_entry_is(entry, "nisMailAlias") || mr_entry_is(entry, "posixGroup");
}

/* A user, as opposed to what one has left behind. */
static bool is_user(const struct mr_entry *entry)
{
	return mr_entry_value(entry, "mailRoutingAddress") || mr_entry_is(entry, "posixAccount");
}

static bool is_users_own(const struct look_up *up, const struct mr_entry *entry)
{
	return is_user(entry) && has_own_name(up, entry);
}

static bool is_ended(const struct look_up *up, const struct mr_entry *entry)
{
	const char *until = mr_entry_value(entry, "mailReplHeldUntil");

	return is_hold(entry) && until && strcmp(until, up->now) <= 0;
}

/* An address that ends up in two entries would be refused by the one and taken by the other: the
 * hold that has ended is to go first. */
static void note_ended(const struct look_up *up, const struct mr_entry *claim,
		       struct mr_entries *ended)
{
	const char *owner = mr_dit_owner(up->arena, claim->dn),
		   *user = mr_entry_value(claim, "uid");
	struct mr_entry *copy;

	if (!owner || !user)
		return;
	copy = mr_entry_new(up->arena,
			    mr_dit_user(up->arena, user, mr_dit_owned(up->arena, MR_MAIL, owner)));
	for (size_t i = 0; i < ended->count; i++)
		if (mr_dn_equal(ended->items[i]->dn, copy->dn))
			return;
	mr_entry_add_list(up->arena, copy, "mailLocalAddress",
			  &mr_entry_attr(claim, "mailLocalAddress")->values);
	mr_entries_add(up->arena, ended, copy);
}

static int fail_claimed(const struct look_up *up, const struct mr_entry *entry, const char *address,
			struct mr_error *err)
{
	const char *user = mr_entry_value(entry, "uid"), *group = mr_entry_value(entry, "cn");

	if (is_hold(entry))
		return mr_fail(err, MR_E_EXISTS,
			       _("%s: held at %s until %s for %s, who is gone; \"cl-userdel "
				 "--release %s\" frees it"),
			       address, owner_of(up, entry),
			       mr_entry_value(entry, "mailReplHeldUntil")
				       ? mr_entry_value(entry, "mailReplHeldUntil")
				       : _("it is released"),
			       user ? user : entry->dn, address);
	if (user)
		return mr_fail(err, MR_E_EXISTS, _("%s: already owned by %s (mailbox %s)"), address,
			       owner_of(up, entry), user);
	return mr_fail(err, MR_E_EXISTS, _("%s: already owned by %s (group %s)"), address,
		       owner_of(up, entry), group ? group : entry->dn);
}

static int check_claims(const struct look_up *up, const struct mr_entries *claims,
			const char *address_attr, struct mr_entries *ended, struct mr_error *err)
{
	const struct mr_list *addresses = &up->wanted->addresses;

	for (size_t i = 0; i < claims->count; i++)
		for (size_t j = 0; j < addresses->count; j++) {
			const struct mr_entry *claim = claims->items[i];

			if (is_users_own(up, claim) ||
			    !mr_entry_has_nocase(claim, address_attr, addresses->items[j]))
				continue;
			if (!is_ended(up, claim))
				return fail_claimed(up, claim, addresses->items[j], err);
			note_ended(up, claim, ended);
		}
	for (size_t i = 0; i < claims->count && !up->wanted->exists; i++)
		if (is_user(claims->items[i]) && !has_own_name(up, claims->items[i]) &&
		    mr_entry_has_nocase(claims->items[i], "uid", up->wanted->user))
			return mr_fail(err, MR_E_EXISTS, _("user %s: already owned by %s"),
				       up->wanted->user, owner_of(up, claims->items[i]));
	for (size_t i = 0; i < claims->count && !up->wanted->exists; i++)
		if (is_group(claims->items[i]) &&
		    mr_entry_has_nocase(claims->items[i], "cn", up->wanted->user))
			return mr_fail(err, MR_E_EXISTS, _("user %s: %s has a group of that name"),
				       up->wanted->user, owner_of(up, claims->items[i]));
	return 0;
}

/* The user's own entry, under the DN that is written to. */
static struct mr_entry *own_entry(const struct look_up *up, enum mr_service service,
				  const struct mr_entries *claims)
{
	const char *container = mr_dit_owned(up->arena, service, up->wanted->owner->name);

	for (size_t i = 0; i < claims->count; i++)
		if (is_users_own(up, claims->items[i])) {
			claims->items[i]->dn = mr_dit_user(up->arena, up->wanted->user, container);
			return claims->items[i];
		}
	return NULL;
}

/* *name = one that no user can have. */
static int choose_aside(const struct look_up *up, const struct mr_entry *entry, const char **name,
			struct mr_error *err)
{
	struct mr_entries taken;

	for (int n = 2;; n++) {
		*name = mr_printf(up->arena, "%s~%d", mr_entry_value(entry, "uid"), n);
		taken = (struct mr_entries){ 0 };
		if (list_claims(up, MR_MAIL, mr_filter(up->arena, "(uid=%s)", *name), &taken, err) <
		    0)
			return -1;
		if (!taken.count)
			return 0;
	}
}

/* What has the user's DN and is no user. */
static int find_aside(const struct look_up *up, const struct mr_entries *routes,
		      struct mr_user_found *out, struct mr_error *err)
{
	const char *dn = mr_dit_user(up->arena, up->wanted->user,
				     mr_dit_owned(up->arena, MR_MAIL, up->wanted->owner->name));

	for (size_t i = 0; i < out->ended.count; i++)
		if (mr_dn_equal(out->ended.items[i]->dn, dn))
			return 0;
	for (size_t i = 0; i < routes->count; i++) {
		if (is_user(routes->items[i]) || !has_own_name(up, routes->items[i]))
			continue;
		if (is_ended(up, routes->items[i])) {
			note_ended(up, routes->items[i], &out->ended);
			return 0;
		}
		out->aside = routes->items[i];
		out->aside->dn = dn;
		return choose_aside(up, out->aside, &out->aside_name, err);
	}
	return 0;
}

static bool is_taken(const struct look_up *up, const struct mr_entries *claims, const char *mailbox)
{
	const char *id = mr_strndup(up->arena, mailbox, strcspn(mailbox, "@"));
	const char *folder = mr_printf(up->arena, MR_PATH_MAILBOXES "/%s", id);

	for (size_t i = 0; i < claims->count; i++)
		if (mr_entry_has_nocase(claims->items[i], "mailRoutingAddress", mailbox) ||
		    mr_entry_has_nocase(claims->items[i], "mailReplFormerAddress", mailbox))
			return true;
	/* The mail of a user who is gone must not become that of a new one of the same name. */
	return !up->wanted->step_host &&
	       mr_path_exists(mr_path(up->arena, up->config->root, folder));
}

/* `claims` answered for the first name; each further one, hardly ever needed, asks again. */
static int choose_mailbox(const struct look_up *up, const struct mr_entries *claims,
			  const char *first, const char **out, struct mr_error *err)
{
	struct mr_entries more = *claims;

	*out = first;
	for (int n = 2; is_taken(up, &more, *out); n++) {
		*out = mr_printf(up->arena, "%s-%d@%s", up->wanted->user, n,
				 up->wanted->owner->name);
		more = (struct mr_entries){ 0 };
		if (list_claims(up, MR_MAIL, mailbox_filter(up->arena, *out), &more, err) < 0)
			return -1;
	}
	return 0;
}

static int find_mailbox(const struct look_up *up, const struct mr_entries *routes,
			const char *first, struct mr_user_found *out, struct mr_error *err)
{
	if (!up->wanted->mailbox)
		return 0;
	if (out->route_entry)
		out->mailbox = out->route.routing_address;
	else if (out->account_entry && out->account.routing_address)
		out->mailbox = out->account.routing_address;
	else
		return choose_mailbox(up, routes, first, &out->mailbox, err);
	return 0;
}

int mr_user_find(struct mr_arena *arena, const struct mr_config *config, struct mr_directory *dir,
		 const struct mr_user_wanted *wanted, struct mr_user_found *out,
		 struct mr_error *err)
{
	struct look_up up = { arena, config, dir, wanted, "" };
	const char *first = mr_printf(arena, "%s@%s", wanted->user, wanted->owner->name);
	struct mr_entries routes = { 0 }, accounts = { 0 };

	mr_time_format(time(NULL), up.now);
	*out = (struct mr_user_found){ 0 };
	if (list_claims(&up, MR_MAIL, claims_filter(arena, wanted, first, "mailLocalAddress"),
			&routes, err) < 0 ||
	    list_claims(&up, MR_UNIX, claims_filter(arena, wanted, NULL, "mail"), &accounts, err) <
		    0 ||
	    check_claims(&up, &routes, "mailLocalAddress", &out->ended, err) < 0 ||
	    check_claims(&up, &accounts, "mail", &out->ended, err) < 0 ||
	    find_aside(&up, &routes, out, err) < 0)
		return -1;
	out->route_entry = own_entry(&up, MR_MAIL, &routes);
	out->account_entry = own_entry(&up, MR_UNIX, &accounts);
	if (out->route_entry && mr_route_parse(arena, out->route_entry, &out->route, err) < 0)
		return -1;
	if (out->account_entry &&
	    mr_account_parse(arena, out->account_entry, &out->account, err) < 0)
		return -1;
	return find_mailbox(&up, &routes, first, out, err);
}
