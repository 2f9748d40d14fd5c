#include "features/restore_claims.h"

#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/clock.h"
#include "features/claim.h"
#include "features/claim_confirm.h"
#include "model/mailbox.h"

#define ASK_MOST 50 /* each is a round through all hosts */

struct claims {
	struct mr_arena *arena;
	const struct mr_restore *restore;
	bool own;
	char now[MR_TIME_SIZE];
};

static void put_values(struct mr_arena *arena, const struct mr_entry *wanted, const char *from,
		       const char *attribute, struct mr_buf *out)
{
	const struct mr_attr *attr = mr_entry_attr(wanted, from);

	for (size_t i = 0; attr && i < attr->values.count; i++)
		mr_buf_printf(out, "(%s%s", attribute,
			      mr_filter(arena, "=%s)", attr->values.items[i]));
}

/* Whoever is a user, or a group, of that name. */
static void put_name(struct mr_arena *arena, enum mr_service service, const struct mr_entry *wanted,
		     struct mr_buf *out)
{
	const char *user = mr_entry_value(wanted, "uid");
	const char *name = user ? user : mr_entry_value(wanted, "cn");

	/* What somebody has left behind claims no name. */
	if (!name || (service == MR_MAIL && !mr_entry_value(wanted, "mailRoutingAddress")))
		return;
	mr_buf_puts(out, service == MR_MAIL ? mr_filter(arena,
							"(&(uid=%s)(mailRoutingAddress=*))"
							"(&(objectClass=nisMailAlias)(cn=%s))",
							name, name)
					    : mr_filter(arena,
							"(&(objectClass=posixAccount)(uid=%s))"
							"(&(objectClass=posixGroup)(cn=%s))",
							name, name));
}

/* NULL: it claims nothing. */
static char *filter_of(struct mr_arena *arena, const struct mr_restore_difference *difference)
{
	const struct mr_entry *wanted = difference->wanted;
	MR_BUF text = { 0 };

	mr_buf_puts(&text, "(|");
	put_name(arena, difference->service, wanted, &text);
	if (difference->service == MR_MAIL) {
		put_values(arena, wanted, "mailLocalAddress", "mailLocalAddress", &text);
		put_values(arena, wanted, "mailRoutingAddress", "mailRoutingAddress", &text);
		put_values(arena, wanted, "mailRoutingAddress", "mailReplFormerAddress", &text);
	} else {
		put_values(arena, wanted, "mail", "mail", &text);
		put_values(arena, wanted, "uidNumber", "uidNumber", &text);
		put_values(arena, wanted, "gidNumber", "gidNumber", &text);
	}
	if (text.len == strlen("(|"))
		return NULL;
	mr_buf_putc(&text, ')');
	return mr_strdup(arena, mr_buf_text(&text));
}

static const char *who(const struct claims *claims, const struct mr_entry *entry)
{
	const char *user = mr_entry_value(entry, "uid"), *group = mr_entry_value(entry, "cn");
	const char *owner = mr_dit_owner(claims->arena, entry->dn);

	return mr_printf(claims->arena, user ? _("%s of %s") : _("the group %s of %s"),
			 user ? user : (group ? group : entry->dn), owner ? owner : "?");
}

/* A value of `attribute` that both have; NULL: none. */
static const char *common(const struct mr_entry *wanted, const char *attribute,
			  const struct mr_entry *entry, const char *other)
{
	const struct mr_attr *attr = mr_entry_attr(wanted, attribute);

	for (size_t i = 0; attr && i < attr->values.count; i++)
		if (mr_entry_has_nocase(entry, other, attr->values.items[i]))
			return attr->values.items[i];
	return NULL;
}

static const char *conflict_of_address(const struct claims *claims, const char *address,
				       const struct mr_entry *entry)
{
	const char *until = mr_entry_value(entry, "mailReplHeldUntil");

	if (mr_entry_value(entry, "mailRoutingAddress") || mr_entry_value(entry, "mail"))
		return mr_printf(claims->arena, _("%s belongs to %s now"), address,
				 who(claims, entry));
	if (until && strcmp(until, claims->now) <= 0)
		return NULL;
	return mr_printf(claims->arena,
			 _("%s is held for %s, who is gone; \"cl-userdel --release %s\" frees it"),
			 address, who(claims, entry), address);
}

static bool has_name_of(const struct mr_entry *wanted, const struct mr_entry *entry)
{
	const char *user = mr_entry_value(wanted, "uid");
	const char *name = user ? user : mr_entry_value(wanted, "cn");

	return name &&
	       mr_entry_has_nocase(entry, mr_entry_value(entry, "uid") ? "uid" : "cn", name);
}

/* Users have a group of their own, with their number; that of another may be their first one, too. */
static const char *common_number(const struct mr_entry *wanted, const struct mr_entry *entry)
{
	bool group = mr_entry_is(wanted, "posixGroup") || mr_entry_is(entry, "posixGroup");
	const char *number = common(wanted, "uidNumber", entry, "uidNumber");

	if (!number && group)
		number = common(wanted, "gidNumber", entry, "gidNumber");
	return number;
}

/* NULL: `entry` is in nobody's way. */
static const char *conflict(const struct claims *claims,
			    const struct mr_restore_difference *difference,
			    const struct mr_entry *entry)
{
	const struct mr_entry *wanted = difference->wanted;
	bool mail = difference->service == MR_MAIL;
	const char *address = common(wanted, mail ? "mailLocalAddress" : "mail", entry,
				     mail ? "mailLocalAddress" : "mail");
	const char *why = address ? conflict_of_address(claims, address, entry) : NULL, *other;

	if (why)
		return why;
	other = common(wanted, "mailRoutingAddress", entry, "mailRoutingAddress");
	if (!other && mail)
		other = common(wanted, "mailRoutingAddress", entry, "mailReplFormerAddress");
	if (other && mail)
		return mr_printf(claims->arena, _("the real address %s belongs to %s now"), other,
				 who(claims, entry));
	other = common_number(wanted, entry);
	if (other)
		return mr_printf(claims->arena, _("the number %s belongs to %s now"), other,
				 who(claims, entry));
	if (address || !has_name_of(wanted, entry))
		return NULL;
	return mr_printf(claims->arena, _("the name belongs to %s now"), who(claims, entry));
}

/* Of this host: the entry itself, and what is not asked for. */
static bool is_ours(const struct claims *claims, const struct mr_restore_difference *difference,
		    const struct mr_entry *entry)
{
	const char *owner = mr_dit_owner(claims->arena, entry->dn);

	return owner && strcmp(owner, claims->restore->config.host) == 0 &&
	       (!claims->own || mr_dn_equal(entry->dn, difference->dn));
}

static int check(const struct claims *claims, struct mr_restore_difference *difference,
		 struct mr_error *err)
{
	/* By name: a password hash shall not come here. */
	static const char *const attrs[] = { "objectClass",
					     "uid",
					     "cn",
					     "uidNumber",
					     "gidNumber",
					     "mail",
					     "mailLocalAddress",
					     "mailRoutingAddress",
					     "mailReplFormerAddress",
					     "mailReplHeldUntil",
					     NULL };
	const char *filter = filter_of(claims->arena, difference);
	struct mr_entries found = { 0 };

	if (filter && mr_claims_list(claims->arena, &claims->restore->config, claims->restore->dir,
				     difference->service, filter, attrs, &found, err) < 0)
		return -1;
	for (size_t i = 0; i < found.count && !difference->kept; i++)
		if (!is_ours(claims, difference, found.items[i]))
			difference->kept = conflict(claims, difference, found.items[i]);
	return 0;
}

static bool is_wanted(const struct mr_restore_difference *difference)
{
	return !difference->kept && difference->wanted && difference->content;
}

int mr_restore_claims(struct mr_arena *arena, struct mr_restore *restore, bool own,
		      struct mr_restore_differences *differences, struct mr_error *err)
{
	struct claims claims = { arena, restore, own, "" };

	mr_time_format((long long)time(NULL), claims.now);
	for (size_t i = 0; i < differences->count; i++)
		if (is_wanted(&differences->items[i]) &&
		    check(&claims, &differences->items[i], err) < 0)
			return -1;
	return 0;
}

static bool loses(const struct mr_restore_difference *difference, const struct mr_entry *entry,
		  const char *address)
{
	if (difference->kept || difference->service != MR_MAIL ||
	    !mr_dn_equal(difference->dn, entry->dn))
		return false;
	return difference->kind == MR_RESTORE_CAME ||
	       (difference->kind == MR_RESTORE_CHANGED &&
		!mr_entry_has_nocase(difference->wanted, "mailLocalAddress", address));
}

static int keep_postmaster(struct mr_arena *arena, struct mr_restore *restore,
			   const struct mr_domain *domain,
			   struct mr_restore_differences *differences, struct mr_error *err)
{
	static const char *const attrs[] = { "uid", "cn", NULL };
	const struct mr_search find = {
		.base = mr_dit_owned(arena, MR_MAIL, restore->config.host),
		.filter = mr_filter(arena, "(mailLocalAddress=%s)", domain->postmaster),
		.attrs = attrs,
	};
	struct mr_entries found = { 0 };

	if (mr_directory_list(restore->dir, arena, &find, &found, err) < 0)
		return -1;
	for (size_t i = 0; i < found.count; i++)
		for (size_t j = 0; j < differences->count; j++)
			if (loses(&differences->items[j], found.items[i], domain->postmaster))
				differences->items[j].kept = mr_printf(
					arena, _("mail for the postmaster of %s goes to %s"),
					domain->name, domain->postmaster);
	return 0;
}

int mr_restore_keep_postmasters(struct mr_arena *arena, struct mr_restore *restore,
				const struct mr_topology *live,
				struct mr_restore_differences *differences, struct mr_error *err)
{
	for (size_t i = 0; i < live->domain_detail_count; i++)
		if (live->domain_details[i].postmaster &&
		    keep_postmaster(arena, restore, &live->domain_details[i], differences, err) < 0)
			return -1;
	return 0;
}

static int ask(struct mr_arena *arena, const struct mr_restore *restore,
	       const struct mr_topology *topology, const struct mr_restore_difference *difference,
	       struct mr_error *err)
{
	const struct mr_entry *wanted = difference->wanted;
	const struct mr_attr *addresses = mr_entry_attr(wanted, "mailLocalAddress");
	struct mr_given given = {
		.owner = restore->config.host,
		.user = mr_entry_value(wanted, "uid"),
		.name = true,
		.service = difference->service,
	};
	MR_CLAIM claim = NULL;

	if (!given.user)
		given.group = mr_entry_value(wanted, "cn");
	if (addresses && difference->service == MR_MAIL)
		given.addresses = addresses->values;
	claim = mr_claim_open(arena, &restore->config, topology, &given);
	if (mr_claim_confirm(claim, err) == 0)
		return 0;
	if (err->code != MR_E_TEMPORARY)
		return -1;
	return mr_fail(
		err, MR_E_EXISTS,
		_("%s: another host has just given out its name or an address of it; nothing "
		  "was changed, try again when this host knows it, too"),
		difference->label);
}

int mr_restore_claims_ask(const struct mr_restore *restore,
			  const struct mr_restore_differences *differences, struct mr_error *err)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_topology topology;
	size_t asked = 0;

	if (mr_instance_topology(arena, restore->dir, &restore->config, &topology, err) < 0)
		return -1;
	for (size_t i = 0; i < differences->count && asked < ASK_MOST; i++) {
		const struct mr_restore_difference *difference = &differences->items[i];

		if (difference->kind != MR_RESTORE_WENT || difference->kept)
			continue;
		asked++;
		if (ask(arena, restore, &topology, difference, err) < 0)
			return -1;
	}
	return 0;
}
