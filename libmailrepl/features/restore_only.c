#include "features/restore_only.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "features/restore_records.h"
#include "model/names.h"

/* One thing that was asked for. */
struct item {
	const char *typed;
	struct mr_list *list; /* where its name goes; NULL: it is an address */
	const char *name;
	bool found;
};

struct finding {
	struct mr_arena *arena;
	struct mr_restore_only *only;
	struct item *items;
	size_t count;
	enum mr_service service;
};

static int parse_item(struct mr_arena *arena, struct mr_restore_only *only, const char *typed,
		      struct item *item, struct mr_error *err)
{
	struct mr_address address;

	*item = (struct item){ .typed = typed };
	if (mr_starts_with(typed, "user:")) {
		item->list = &only->users;
		return mr_user_parse(arena, typed + strlen("user:"), &item->name, err);
	}
	if (mr_starts_with(typed, "group:")) {
		item->list = &only->groups;
		return mr_group_name_parse(arena, typed + strlen("group:"), &item->name, err);
	}
	if (mr_starts_with(typed, "domain:")) {
		item->list = &only->domains;
		return mr_domain_parse(arena, typed + strlen("domain:"), &item->name, err);
	}
	if (!strchr(typed, '@'))
		return mr_fail(err, MR_E_USAGE,
			       _("--only %s: say user:NAME, group:NAME, domain:NAME or an address"),
			       typed);
	if (mr_claim_parse(arena, typed, &address, err) < 0)
		return -1;
	item->name = address.text;
	return 0;
}

static bool is_mailbox(const struct mr_entry *entry)
{
	return mr_entry_value(entry, "uid") && mr_entry_value(entry, "mailRoutingAddress");
}

/* The name of what this is, as `list` has them. */
static bool is_named(const struct finding *find, const struct mr_entry *entry,
		     const struct item *item)
{
	const struct mr_restore_only *only = find->only;

	if (find->service == MR_MAIL && !mr_entry_value(entry, "mailRoutingAddress"))
		return false;
	if (item->list == &only->users)
		return mr_entry_has_nocase(entry, "uid", item->name);
	if (item->list == &only->groups)
		return !mr_entry_value(entry, "uid") &&
		       (mr_entry_is(entry, "nisMailAlias") || mr_entry_is(entry, "posixGroup")) &&
		       mr_entry_has_nocase(entry, "cn", item->name);
	return !item->list && find->service == MR_MAIL &&
	       mr_entry_has_nocase(entry, "mailLocalAddress", item->name);
}

static bool lies_in(const struct mr_entry *entry, const char *domain)
{
	const struct mr_attr *addresses = mr_entry_attr(entry, "mailLocalAddress");

	for (size_t i = 0; addresses && i < addresses->values.count; i++) {
		const char *at = strrchr(addresses->values.items[i], '@');

		if (at && strcmp(at + 1, domain) == 0)
			return true;
	}
	return false;
}

static void add(struct mr_arena *arena, struct mr_list *list, const char *item)
{
	if (item && !mr_list_has(list, item))
		mr_list_add(arena, list, item);
}

static void found(struct finding *find, const struct mr_entry *entry, struct item *item)
{
	struct mr_restore_only *only = find->only;
	const char *user = mr_entry_value(entry, "uid");

	item->found = true;
	if (!item->list)
		add(find->arena, user ? &only->users : &only->groups,
		    mr_lower(find->arena, user ? user : mr_entry_value(entry, "cn")));
	if (user && find->service == MR_MAIL && item->list != &only->domains)
		add(find->arena, &only->mailboxes, mr_entry_value(entry, "mailRoutingAddress"));
}

static int look_at(void *context, struct mr_arena *arena, const struct mr_entry *entry,
		   struct mr_error *err)
{
	struct finding *find = context;

	(void)arena;
	(void)err;
	for (size_t i = 0; i < find->count; i++) {
		struct item *item = &find->items[i];

		if (item->list == &find->only->domains) {
			if (find->service == MR_MAIL &&
			    mr_entry_value(entry, "mailRoutingAddress") &&
			    lies_in(entry, item->name)) {
				item->found = true;
				/* Of one domain each comes once, of two perhaps twice. */
				if (is_mailbox(entry))
					mr_list_add(find->arena, &find->only->owners,
						    mr_entry_value(entry, "uid"));
			}
		} else if (is_named(find, entry, item)) {
			found(find, entry, item);
		}
	}
	return 0;
}

static int look_through(struct finding *find, const struct mr_restore *restore,
			enum mr_service service, struct mr_error *err)
{
	find->service = service;
	return mr_restore_records(find->arena, restore, service, look_at, find, err);
}

static int by_text(const void *a, const void *b)
{
	return strcasecmp(*(const char *const *)a, *(const char *const *)b);
}

int mr_restore_only_find(struct mr_arena *arena, const struct mr_restore *restore,
			 struct mr_restore_only *out, struct mr_error *err)
{
	const struct mr_list *typed = &restore->request.only;
	struct finding find = { arena, out, MR_NEW_ARRAY(arena, struct item, typed->count),
				typed->count, MR_MAIL };

	*out = (struct mr_restore_only){ 0 };
	for (size_t i = 0; i < typed->count; i++) {
		struct item *item = &find.items[i];

		if (parse_item(arena, out, typed->items[i], item, err) < 0)
			return -1;
		if (item->list)
			add(arena, item->list, item->name);
		/* One that nobody had an address in. */
		item->found = item->list == &out->domains &&
			      mr_list_has(&restore->topology.domains, item->name);
	}
	if (look_through(&find, restore, MR_MAIL, err) < 0 ||
	    look_through(&find, restore, MR_UNIX, err) < 0)
		return -1;
	for (size_t i = 0; i < typed->count; i++)
		if (!find.items[i].found)
			return mr_fail(err, MR_E_NOT_FOUND,
				       _("%s: %s did not own it when %s was made; name an archive "
					 "that has it"),
				       typed->items[i], restore->config.host,
				       restore->archive.path);
	if (out->owners.count)
		qsort(out->owners.items, out->owners.count, sizeof(*out->owners.items), by_text);
	return 0;
}

/* There may be very many of them. */
static bool is_owner(const struct mr_restore_only *only, const struct mr_entry *entry)
{
	const char *user = mr_entry_value(entry, "uid");

	return user && only->owners.count &&
	       bsearch(&user, only->owners.items, only->owners.count, sizeof(*only->owners.items),
		       by_text);
}

static bool has_name(const struct mr_entry *entry, const char *attribute,
		     const struct mr_list *names)
{
	for (size_t i = 0; i < names->count; i++)
		if (mr_entry_has_nocase(entry, attribute, names->items[i]))
			return true;
	return false;
}

static enum mr_restore_chosen chosen_mail(const struct mr_restore_only *only,
					  const struct mr_entry *entry)
{
	if (!mr_entry_value(entry, "mailRoutingAddress"))
		return MR_RESTORE_NOT_CHOSEN;
	if (mr_entry_value(entry, "uid") ? has_name(entry, "uid", &only->users)
					 : has_name(entry, "cn", &only->groups))
		return MR_RESTORE_CHOSEN;
	for (size_t i = 0; i < only->domains.count; i++)
		if (lies_in(entry, only->domains.items[i]))
			return MR_RESTORE_CHOSEN;
	return MR_RESTORE_NOT_CHOSEN;
}

enum mr_restore_chosen mr_restore_only_has(const struct mr_restore_only *only,
					   enum mr_service service, const struct mr_entry *entry)
{
	if (!only)
		return MR_RESTORE_CHOSEN;
	if (service == MR_MAIL)
		return chosen_mail(only, entry);
	if (mr_entry_is(entry, "posixGroup") && !mr_entry_value(entry, "uid"))
		return has_name(entry, "cn", &only->groups) || has_name(entry, "cn", &only->users)
			       ? MR_RESTORE_CHOSEN
			       : MR_RESTORE_NOT_CHOSEN;
	if (has_name(entry, "uid", &only->users))
		return MR_RESTORE_CHOSEN;
	return is_owner(only, entry) ? MR_RESTORE_IF_ABSENT : MR_RESTORE_NOT_CHOSEN;
}

const char *mr_restore_member_attr(enum mr_service service)
{
	return service == MR_MAIL ? "rfc822MailMember" : "memberUid";
}

void mr_restore_only_members(struct mr_arena *arena, const struct mr_restore_only *only,
			     enum mr_service service, const struct mr_entry *group,
			     struct mr_list *out)
{
	const struct mr_list *names = service == MR_MAIL ? &only->mailboxes : &only->users;

	for (size_t i = 0; i < names->count; i++)
		if (mr_entry_has_nocase(group, mr_restore_member_attr(service), names->items[i]))
			mr_list_add(arena, out, names->items[i]);
}
