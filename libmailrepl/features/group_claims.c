#include "features/group_claims.h"

#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/clock.h"
#include "features/claim.h"
#include "features/group_member.h"

static const char *const attrs[] = { "objectClass",
				     "uid",
				     "cn",
				     "mail",
				     "mailLocalAddress",
				     "mailRoutingAddress",
				     "mailReplAccess",
				     "mailReplHeldUntil",
				     NULL };

int mr_group_addresses_parse(const struct mr_group_view *view, const struct mr_list *typed,
			     struct mr_list *out, struct mr_error *err)
{
	for (size_t i = 0; i < typed->count; i++)
		if (mr_user_address_parse(view->arena, view->topology, typed->items[i], out, err) <
		    0)
			return -1;
	return 0;
}

static char *claims_filter(struct mr_arena *arena, const struct mr_group_wanted *wanted,
			   enum mr_service service)
{
	MR_BUF text = { 0 };

	mr_buf_puts(&text, "(|");
	if (wanted->name)
		mr_buf_puts(&text, service == MR_MAIL
					   ? mr_filter(arena,
						       "(&(uid=%s)(mailRoutingAddress=*))"
						       "(&(objectClass=nisMailAlias)(cn=%s))",
						       wanted->name, wanted->name)
					   : mr_filter(arena,
						       "(&(uid=%s)(objectClass=posixAccount))"
						       "(&(objectClass=posixGroup)(cn=%s))",
						       wanted->name, wanted->name));
	for (size_t i = 0; i < wanted->addresses.count; i++)
		mr_buf_puts(&text,
			    mr_filter(arena,
				      service == MR_MAIL ? "(mailLocalAddress=%s)" : "(mail=%s)",
				      wanted->addresses.items[i]));
	mr_buf_putc(&text, ')');
	return mr_strdup(arena, mr_buf_text(&text));
}

static bool is_user(const struct mr_entry *entry)
{
	return mr_entry_value(entry, "uid") &&
	       (mr_entry_value(entry, "mailRoutingAddress") || mr_entry_is(entry, "posixAccount"));
}

static const char *owner_of(struct mr_arena *arena, const struct mr_entry *entry)
{
	const char *owner = mr_dit_owner(arena, entry->dn);

	return owner ? owner : entry->dn;
}

static bool is_self(const struct mr_group_view *view, const struct mr_group_wanted *wanted,
		    const struct mr_entry *entry)
{
	return wanted->self && !mr_entry_value(entry, "uid") &&
	       mr_entry_has_nocase(entry, "cn", wanted->self) &&
	       strcmp(owner_of(view->arena, entry), wanted->owner.host->name) == 0;
}

/* The name, with what is called so. A mail group and a group of accounts may have one name. */
static int check_name(const struct mr_group_view *view, const struct mr_group_wanted *wanted,
		      enum mr_service service, const struct mr_entry *entry, struct mr_error *err)
{
	const char *owner = owner_of(view->arena, entry);

	if (!wanted->name)
		return 0;
	if (is_user(entry) && mr_entry_has_nocase(entry, "uid", wanted->name))
		return mr_fail(err, MR_E_EXISTS, _("group %s: a user of %s has this name"),
			       wanted->name, owner);
	if (service == wanted->service && !mr_entry_value(entry, "uid") &&
	    mr_entry_has_nocase(entry, "cn", wanted->name))
		return mr_fail(err, MR_E_EXISTS, _("group %s: already owned by %s"), wanted->name,
			       owner);
	return 0;
}

/* 1: the hold has ended. */
static int check_hold(const struct mr_entry *entry, const char *address, struct mr_error *err)
{
	const char *until = mr_entry_value(entry, "mailReplHeldUntil");
	char now[MR_TIME_SIZE];

	mr_time_format((long long)time(NULL), now);
	if (until && strcmp(until, now) <= 0)
		return 1;
	return mr_fail(err, MR_E_EXISTS,
		       _("%s: held for a user who was deleted; cl-userdel --release %s gives it "
			 "free"),
		       address, address);
}

static int check_address(const struct mr_group_view *view, const struct mr_entry *entry,
			 const char *address, struct mr_entries *ended, struct mr_error *err)
{
	const char *user = mr_entry_value(entry, "uid"), *owner = owner_of(view->arena, entry);
	struct mr_entry *hold;
	int result;

	if (!mr_entry_value(entry, "mailRoutingAddress") &&
	    mr_entry_has_nocase(entry, "mailReplAccess", mr_access_word(MR_ACCESS_GONE))) {
		result = check_hold(entry, address, err);
		if (result <= 0)
			return result;
		hold = mr_entry_new(
			view->arena,
			mr_dit_user(view->arena, user, mr_dit_owned(view->arena, MR_MAIL, owner)));
		mr_entry_add_list(view->arena, hold, "mailLocalAddress",
				  &mr_entry_attr(entry, "mailLocalAddress")->values);
		mr_entries_add(view->arena, ended, hold);
		return 0;
	}
	return mr_fail(err, MR_E_EXISTS,
		       user ? _("%s: already owned by %s (mailbox %s)")
			    : _("%s: already owned by %s (group %s)"),
		       address, owner, user ? user : mr_entry_value(entry, "cn"));
}

static int check_service(const struct mr_group_view *view, const struct mr_group_wanted *wanted,
			 enum mr_service service, struct mr_entries *ended, struct mr_error *err)
{
	const char *attribute = service == MR_MAIL ? "mailLocalAddress" : "mail";
	struct mr_entries found = { 0 };

	if (mr_claims_list(view->arena, view->config, view->dir, service,
			   claims_filter(view->arena, wanted, service), attrs, &found, err) < 0)
		return -1;
	for (size_t i = 0; i < found.count; i++) {
		const struct mr_entry *entry = found.items[i];

		if (is_self(view, wanted, entry))
			continue;
		for (size_t j = 0; j < wanted->addresses.count; j++)
			if (mr_entry_has_nocase(entry, attribute, wanted->addresses.items[j]) &&
			    check_address(view, entry, wanted->addresses.items[j], ended, err) < 0)
				return -1;
		if (check_name(view, wanted, service, entry, err) < 0)
			return -1;
	}
	return 0;
}

int mr_group_claims_check(const struct mr_group_view *view, const struct mr_group_wanted *wanted,
			  struct mr_plan *plan, struct mr_error *err)
{
	struct mr_user_found ended = { 0 };
	const struct mr_user_wanted nobody = { 0 };

	if (!wanted->name && !wanted->addresses.count)
		return 0;
	if (check_service(view, wanted, MR_MAIL, &ended.ended, err) < 0 ||
	    check_service(view, wanted, MR_UNIX, &ended.ended, err) < 0)
		return -1;
	return mr_user_clear_plan(view->arena, view->config, view->topology, &nobody, &ended, plan,
				  err);
}

int mr_group_routing_choose(const struct mr_group_view *view, const char *name, const char *owner,
			    const char **out, struct mr_error *err)
{
	struct mr_entries found = { 0 };

	*out = mr_printf(view->arena, "%s@%s", name, owner);
	for (int n = 2;; n++) {
		if (mr_claims_list(view->arena, view->config, view->dir, MR_MAIL,
				   mr_filter(view->arena,
					     "(|(mailRoutingAddress=%s)(mailReplFormerAddress=%s))",
					     *out, *out),
				   attrs, &found, err) < 0)
			return -1;
		if (!found.count)
			return 0;
		found = (struct mr_entries){ 0 };
		*out = mr_printf(view->arena, "%s-%d@%s", name, n, owner);
	}
}
