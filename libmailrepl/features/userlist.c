#include "features/userlist.h"

#include <ctype.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "features/account.h"
#include "features/userlist_set.h"

/* A route that is more than its account tells, or a group: kept until the end. */
struct kept {
	struct mr_route route;
	bool seen; /* its account has come */
};

struct listing {
	struct mr_arena *arena, *scratch; /* for good; for one row */
	const struct mr_userlist *list;
	mr_userlist_visitor visit;
	void *context;
	struct mr_number_set ordinary;
	struct kept *kept;
	size_t count, size;
	bool second; /* looking for those whose account has not come */
	bool no_accounts;
};

const char *mr_user_kind_word(enum mr_user_kind kind)
{
	static const char *const words[] = { "user", "group", "former", "held" };

	return words[kind];
}

static bool in_domain(const char *address, const char *domain)
{
	const char *at = strrchr(address, '@');

	return at && strcasecmp(at + 1, domain) == 0;
}

static bool is_wanted(const struct mr_userlist *list, const struct mr_userlist_row *row)
{
	bool domain = !list->domain, pattern = !list->pattern;

	if (list->host && strcmp(row->owner, list->host) != 0)
		return false;
	if (row->kind == MR_LIST_GROUP ? !list->groups : !list->users)
		return false;
	if (row->kind == MR_LIST_USER && !(row->services & list->services))
		return false;
	if (!pattern)
		pattern = fnmatch(list->pattern, row->name, FNM_CASEFOLD) == 0;
	for (size_t i = 0; i < row->addresses.count; i++) {
		domain |= list->domain && in_domain(row->addresses.items[i], list->domain);
		pattern |= list->pattern &&
			   fnmatch(list->pattern, row->addresses.items[i], FNM_CASEFOLD) == 0;
	}
	return domain && pattern;
}

static int show(struct listing *in, const struct mr_userlist_row *row, struct mr_error *err)
{
	return is_wanted(in->list, row) ? in->visit(in->context, row, err) : 0;
}

/* FNV-1a over what a route and its account have in common; addresses in any order. */
static uint64_t mix(uint64_t hash, const char *text)
{
	for (; text && *text; text++)
		hash = (hash ^ (uint64_t)tolower((unsigned char)*text)) * 0x100000001b3u;
	return (hash ^ 0xff) * 0x100000001b3u;
}

static uint64_t number_of(const char *owner, const char *user, const char *mailbox,
			  const struct mr_list *addresses)
{
	const uint64_t basis = 0xcbf29ce484222325u;
	uint64_t hash = mix(mix(mix(basis, owner), user), mailbox), all = 0;

	for (size_t i = 0; i < addresses->count; i++)
		all += mix(basis, addresses->items[i]);
	return hash ^ all;
}

static void set_route(struct mr_arena *arena, struct mr_userlist_row *row,
		      const struct mr_route *route)
{
	row->name = route->user;
	row->owner = route->owner;
	row->addresses = route->addresses;
	row->mailbox = route->routing_address;
	row->access = route->access;
	row->held_until = route->held_until;
	row->move = route->move;
	for (size_t i = 0; i < route->forward.count; i++)
		if (row->mailbox && strcmp(route->forward.items[i], row->mailbox) == 0)
			row->keep = true;
		else
			mr_list_add(arena, &row->forward, route->forward.items[i]);
	if (row->mailbox)
		row->services |= MR_MAIL;
}

static int show_left(struct listing *in, const struct mr_route *route, struct mr_error *err)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_userlist_row row = { .kind = mr_route_kind(route) == MR_ROUTE_GONE
						       ? MR_LIST_HELD
						       : MR_LIST_FORMER };

	set_route(arena, &row, route);
	if (row.kind == MR_LIST_FORMER)
		row.addresses = route->former;
	return show(in, &row, err);
}

static int show_group(struct listing *in, struct mr_arena *arena, const struct mr_entry *entry,
		      struct mr_error *err)
{
	struct mr_group group;

	if (mr_group_parse(arena, entry, &group, err) < 0)
		return -1;
	return show(in,
		    &(struct mr_userlist_row){ .kind = MR_LIST_GROUP,
					       .name = group.name,
					       .owner = group.owner,
					       .addresses = group.addresses,
					       .mailbox = group.routing_address,
					       .forward = group.members,
					       .access = group.closed ? MR_ACCESS_CLOSED
								      : MR_ACCESS_OPEN },
		    err);
}

static void keep(struct listing *in, const struct mr_entry *entry)
{
	struct mr_error ignored;

	if (in->count == in->size) {
		in->size = in->size ? 2 * in->size : 64;
		in->kept = realloc(in->kept, in->size * sizeof(*in->kept));
		if (!in->kept)
			abort();
	}
	in->kept[in->count] = (struct kept){ { 0 }, false };
	/* It was parsed once; now into memory that stays. */
	if (mr_route_parse(in->arena, entry, &in->kept[in->count].route, &ignored) == 0)
		in->count++;
}

static int show_lonely(struct listing *in, const struct mr_route *route, struct mr_error *err)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_userlist_row row = { .kind = MR_LIST_USER, .no_account = !in->no_accounts };

	set_route(arena, &row, route);
	return show(in, &row, err);
}

static bool is_plain(const struct mr_route *route)
{
	return !route->forward.count && !route->access && !route->move && !route->former.count;
}

/* A route without anything of its own, as most are: no more is looked at than must be. */
static void see_ordinary(struct listing *in, const struct mr_entry *entry)
{
	static const struct mr_attr none;
	const struct mr_attr *addresses = mr_entry_attr(entry, "mailLocalAddress");

	mr_number_set_add(&in->ordinary,
			  number_of(mr_entry_value(entry, "mailHost"), mr_entry_value(entry, "uid"),
				    mr_entry_value(entry, "mailRoutingAddress"),
				    addresses ? &addresses->values : &none.values));
}

static int see_other(struct listing *in, const struct mr_entry *entry, struct mr_error *err)
{
	struct mr_route route;
	uint64_t number;

	if (mr_route_parse(in->scratch, entry, &route, err) < 0)
		return -1;
	if (mr_route_kind(&route) != MR_ROUTE_MAILBOX)
		return in->second ? 0 : show_left(in, &route, err);
	if (!is_plain(&route)) {
		if (!in->second)
			keep(in, entry);
		return 0;
	}
	if (in->no_accounts)
		return show_lonely(in, &route, err);
	number = number_of(route.owner, route.user, route.routing_address, &route.addresses);
	if (!in->second)
		mr_number_set_add(&in->ordinary, number);
	else if (mr_number_set_take(&in->ordinary, number))
		return show_lonely(in, &route, err);
	return 0;
}

/* By their attributes: object classes are half of what an entry holds. */
static bool is_more_than_ordinary(const struct mr_entry *entry)
{
	for (size_t i = 0; i < entry->count; i++)
		if (strncasecmp(entry->attrs[i].name, "mailRepl", 8) == 0)
			return true;
	return false;
}

static int see_route(void *context, const struct mr_entry *entry, struct mr_error *err)
{
	struct listing *in = context;

	mr_arena_reset(in->scratch);
	if (mr_entry_attr(entry, "rfc822MailMember"))
		return in->second ? 0 : show_group(in, in->scratch, entry, err);
	if (!mr_entry_attr(entry, "uid"))
		return 0; /* a container, a host, a domain */
	if (in->second || in->no_accounts || is_more_than_ordinary(entry))
		return see_other(in, entry, err);
	see_ordinary(in, entry);
	return 0;
}

static int compare_kept(const void *a, const void *b)
{
	const struct kept *x = a, *y = b;
	int order = strcmp(x->route.user, y->route.user);

	return order ? order : strcmp(x->route.owner, y->route.owner);
}

static struct kept *find_kept(const struct listing *in, const char *user, const char *owner)
{
	const struct kept key = { { .user = user, .owner = owner }, false };

	return in->count ? bsearch(&key, in->kept, in->count, sizeof(key), compare_kept) : NULL;
}

/* Read straight, without copies: it is only shown, and there may be very many. */
static void set_account(struct listing *in, const struct mr_entry *entry,
			struct mr_userlist_row *row)
{
	const struct mr_attr *addresses = mr_entry_attr(entry, "mail");

	row->name = mr_entry_value(entry, "uid");
	row->owner = mr_entry_value(entry, "mailHost");
	row->mailbox = mr_entry_value(entry, "mailRoutingAddress");
	if (addresses)
		row->addresses = addresses->values;
	row->services = row->mailbox ? MR_MAIL : 0;
	row->no_route =
		row->mailbox &&
		!mr_number_set_take(&in->ordinary, number_of(row->owner, row->name, row->mailbox,
							     &row->addresses));
}

static int see_account(void *context, const struct mr_entry *entry, struct mr_error *err)
{
	struct listing *in = context;
	struct mr_userlist_row row = { .kind = MR_LIST_USER };
	const char *user = mr_entry_value(entry, "uid"), *owner = mr_entry_value(entry, "mailHost");
	const char *name = mr_entry_value(entry, "cn"),
		   *shell = mr_entry_value(entry, "loginShell");
	const char *quota = mr_entry_value(entry, "mailReplQuota");
	struct kept *kept;

	if (!user || !owner)
		return 0; /* the container, a group */
	mr_arena_reset(in->scratch);
	kept = find_kept(in, user, owner);
	if (kept) {
		kept->seen = true;
		set_route(in->scratch, &row, &kept->route);
	} else {
		set_account(in, entry, &row);
	}
	if (name && strcmp(name, user) != 0)
		row.full_name = name;
	if (shell && strcmp(shell, MR_NO_SHELL) != 0)
		row.services |= MR_UNIX;
	row.locked = mr_entry_has_nocase(entry, "mailReplLocked", "TRUE");
	row.quota = quota ? atoll(quota) : 0;
	row.hash = mr_entry_value(entry, "userPassword");
	return show(in, &row, err);
}

static const char *base_of(const struct listing *in, enum mr_service service)
{
	return in->list->host ? mr_dit_copy(in->arena, service, in->list->host)
			      : mr_dit_all(service);
}

static int see_routes(struct listing *in, struct mr_directory *dir, struct mr_error *err)
{
	static const char *const attrs[] = { "uid",
					     "cn",
					     "mailLocalAddress",
					     "mailHost",
					     "mailRoutingAddress",
					     "rfc822MailMember",
					     "mailReplFormerAddress",
					     "mailReplForward",
					     "mailReplAccess",
					     "mailReplHeldUntil",
					     "mailReplMove",
					     NULL };
	const struct mr_search find = { .base = base_of(in, MR_MAIL), .attrs = attrs };

	return mr_directory_visit(dir, &find, see_route, in, err);
}

/* A relay has none. */
static int see_accounts(struct listing *in, struct mr_directory *dir, struct mr_error *err)
{
	static const char *const attrs[] = { "uid",           "cn",
					     "mail",          "loginShell",
					     "mailHost",      "mailRoutingAddress",
					     "mailReplQuota", "mailReplLocked",
					     "userPassword",  NULL };
	const char *some[sizeof(attrs) / sizeof(attrs[0])];
	struct mr_search find = { .base = base_of(in, MR_UNIX), .attrs = some };

	memcpy(some, attrs, sizeof(attrs));
	if (!in->list->hashes)
		some[sizeof(attrs) / sizeof(attrs[0]) - 2] = NULL;
	return mr_directory_visit(dir, &find, see_account, in, err);
}

static int probe(struct listing *in, struct mr_directory *dir, struct mr_error *err)
{
	static const char *const attrs[] = { "1.1", NULL };
	struct mr_entry *entry;

	if (mr_directory_read(dir, in->arena, base_of(in, MR_UNIX), attrs, &entry, err) < 0)
		return -1;
	in->no_accounts = !entry;
	return 0;
}

static int visit_all(struct listing *in, struct mr_directory *dir, struct mr_error *err)
{
	if (probe(in, dir, err) < 0 || see_routes(in, dir, err) < 0)
		return -1;
	if (in->count)
		qsort(in->kept, in->count, sizeof(*in->kept), compare_kept);
	if (!in->no_accounts && see_accounts(in, dir, err) < 0)
		return -1;
	for (size_t i = 0; i < in->count; i++)
		if (!in->kept[i].seen && show_lonely(in, &in->kept[i].route, err) < 0)
			return -1;
	in->second = true;
	return mr_number_set_left(&in->ordinary) ? see_routes(in, dir, err) : 0;
}

int mr_userlist_visit(struct mr_directory *dir, const struct mr_userlist *list,
		      mr_userlist_visitor visit, void *context, struct mr_error *err)
{
	MR_ARENA arena = mr_arena_open();
	MR_ARENA scratch = mr_arena_open();
	struct listing in = {
		.arena = arena, .scratch = scratch, .list = list, .visit = visit, .context = context
	};
	int rc = visit_all(&in, dir, err);

	mr_number_set_close(&in.ordinary);
	free(in.kept);
	return rc;
}

const char *mr_userlist_state(struct mr_arena *arena, const struct mr_userlist_row *row)
{
	struct mr_list words = { 0 };

	if (row->kind == MR_LIST_FORMER || row->kind == MR_LIST_HELD)
		mr_list_add(arena, &words, mr_user_kind_word(row->kind));
	if (row->held_until)
		mr_list_add(arena, &words, mr_printf(arena, "until %s", row->held_until));
	if (row->locked)
		mr_list_add(arena, &words, "locked");
	if (row->access && row->kind != MR_LIST_HELD)
		mr_list_add(arena, &words, mr_access_word(row->access));
	if (row->kind == MR_LIST_USER && row->forward.count)
		mr_list_add(arena, &words, row->keep ? "forwarded and kept" : "forwarded");
	if (row->move)
		mr_list_add(arena, &words, "moving");
	if (row->no_account)
		mr_list_add(arena, &words, "no account");
	if (row->no_route)
		mr_list_add(arena, &words, "no route");
	return mr_list_join(arena, &words, ", ");
}
