#include "features/takeover_adopt.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/paths.h"
#include "features/takeover_moves.h"
#include "model/mailbox.h"

struct finder {
	struct mr_arena *arena;
	const struct mr_config *config;
	struct mr_takeover *takeover;
	struct mr_adoptions *out;
	const char *container; /* where we are reading */
	enum mr_service service;
	size_t next; /* where the next account's route should be */
};

static struct mr_adoption *adoption_of(struct finder *finder, const char *type, const char *name)
{
	struct mr_adoptions *all = finder->out;

	/* A route's name is its own. Accounts come in the order of the routes, or nearly. */
	for (size_t n = 0; n < all->count && finder->service == MR_UNIX; n++) {
		struct mr_adoption *one = &all->items[(finder->next + n) % all->count];

		if (strcmp(one->name, name) == 0 && strcasecmp(one->type, type) == 0) {
			finder->next = (size_t)(one - all->items) + 1;
			return one;
		}
	}
	if (all->count == all->size) {
		struct mr_adoption *more;

		all->size = all->size ? all->size * 2 : 64;
		more = MR_NEW_ARRAY(finder->arena, struct mr_adoption, all->size);
		if (all->count)
			memcpy(more, all->items, all->count * sizeof(*more));
		all->items = more;
	}
	all->items[all->count] = (struct mr_adoption){ .type = type, .name = name };
	return &all->items[all->count++];
}

/* Everything but the hash, which is read again when it is written. */
static struct mr_entry *copy_entry(struct mr_arena *arena, const struct mr_entry *entry)
{
	struct mr_entry *copy = mr_entry_new(arena, entry->dn);

	for (size_t i = 0; i < entry->count; i++) {
		const struct mr_attr *attr = &entry->attrs[i];

		if (strcasecmp(attr->name, "userPassword") != 0) {
			mr_entry_add_list(arena, copy, attr->name, &attr->values);
			continue;
		}
		for (size_t j = 0; j < attr->values.count; j++)
			explicit_bzero((char *)attr->values.items[j],
				       strlen(attr->values.items[j]));
	}
	return copy;
}

static bool is_type(const char *type)
{
	if (!isalpha((unsigned char)*type))
		return false;
	for (; *type; type++)
		if (!isalnum((unsigned char)*type) && *type != '-')
			return false;
	return true;
}

/* Only what lies directly below the container is anybody's: ou=Hosts and what is below it is the
 * topology. */
static int collect(void *context, const struct mr_entry *entry, struct mr_error *err)
{
	struct finder *finder = context;
	const char *type = mr_strndup(finder->arena, entry->dn, strcspn(entry->dn, "= ")),
		   *name = mr_dn_value(finder->arena, entry->dn),
		   *routing = mr_entry_value(entry, "mailRoutingAddress");
	struct mr_adoption *adoption;

	(void)err;
	if (!name || !is_type(type) ||
	    !mr_dn_equal(entry->dn, mr_dn(finder->arena, type, name, finder->container)) ||
	    mr_entry_is(entry, "organizationalUnit") || mr_entry_is(entry, "mailReplDomain"))
		return 0;
	adoption = adoption_of(finder, type, name);
	if (finder->service == MR_MAIL)
		adoption->route = copy_entry(finder->arena, entry);
	else
		adoption->account = copy_entry(finder->arena, entry);
	if (routing && !adoption->routing)
		adoption->routing = mr_lower(finder->arena, routing);
	return 0;
}

static int read_all(struct finder *finder, enum mr_service service, struct mr_error *err)
{
	struct mr_directory *peer = finder->takeover->peers[service == MR_UNIX];
	const struct mr_search find = { .base = mr_dit_copy(finder->arena, service,
							    finder->takeover->gone) };

	finder->service = service;
	finder->container = find.base;
	if (mr_directory_visit(peer ? peer : finder->takeover->dir, &find, collect, finder, err) <
		    0 &&
	    err->code != MR_E_NOT_FOUND)
		return mr_fail_in(err, _("reading what %s owned"), finder->takeover->gone);
	return 0;
}

static int own(struct finder *finder, enum mr_service service, const char *filter,
	       struct mr_entries *out, struct mr_error *err)
{
	static const char *const attrs[] = { "objectClass",
					     "uid",
					     "cn",
					     "uidNumber",
					     "mail",
					     "mailLocalAddress",
					     "mailRoutingAddress",
					     "mailReplForward",
					     "mailReplFormerAddress",
					     "mailReplAccess",
					     NULL };
	const struct mr_search find = { .base = mr_dit_owned(finder->arena, service,
							     finder->config->host),
					.filter = filter,
					.attrs = attrs };

	*out = (struct mr_entries){ 0 };
	return mr_directory_list(finder->takeover->dir, finder->arena, &find, out, err);
}

static void use(struct mr_arena *arena, struct mr_adoption *adoption, const struct mr_entry *entry)
{
	const char *routing = mr_entry_value(entry, "mailRoutingAddress");

	adoption->new_name = mr_dn_value(arena, entry->dn);
	if (routing)
		adoption->new_routing = mr_lower(arena, routing);
}

/* What an earlier run has made: a uidNumber is unique in the domain, and so is a real address. */
static int find_done(struct finder *finder, struct mr_adoption *adoption, struct mr_error *err)
{
	bool group = adoption->account && mr_entry_is(adoption->account, "posixGroup");
	const char *number = adoption->account ? mr_entry_value(adoption->account,
								group ? "gidNumber" : "uidNumber")
					       : NULL;
	struct mr_entries found;

	if (number) {
		if (own(finder, MR_UNIX,
			mr_filter(finder->arena,
				  group ? "(&(objectClass=posixGroup)(gidNumber=%s))"
					: "(uidNumber=%s)",
				  number),
			&found, err) < 0)
			return -1;
		adoption->account_done = found.count;
		if (found.count)
			use(finder->arena, adoption, found.items[0]);
	}
	if (adoption->route && adoption->routing) {
		if (own(finder, MR_MAIL,
			mr_filter(finder->arena, "(mailLocalAddress=%s)", adoption->routing),
			&found, err) < 0)
			return -1;
		adoption->route_done = found.count;
		if (found.count)
			use(finder->arena, adoption, found.items[0]);
	}
	return 0;
}

static bool is_former(struct mr_arena *arena, const struct mr_entry *entry)
{
	struct mr_route route;
	struct mr_error ignored;

	return mr_route_parse(arena, entry, &route, &ignored) == 0 &&
	       mr_route_kind(&route) == MR_ROUTE_FORMER;
}

static int is_free_name(struct finder *finder, const char *type, const char *name, bool *out,
			struct mr_error *err)
{
	const char *filter =
		mr_printf(finder->arena, "(%s%s", type, mr_filter(finder->arena, "=%s)", name));
	struct mr_entries mail, unix_;

	if (own(finder, MR_MAIL, filter, &mail, err) < 0 ||
	    own(finder, MR_UNIX, filter, &unix_, err) < 0)
		return -1;
	*out = true;
	for (size_t i = 0; i < mail.count + unix_.count; i++) {
		const struct mr_entry *entry =
			i < mail.count ? mail.items[i] : unix_.items[i - mail.count];
		const char *value = mr_dn_value(finder->arena, entry->dn);

		/* What a mailbox that had moved from here left behind gives way. */
		*out &= !(value && strcasecmp(value, name) == 0) ||
			(i < mail.count && strcasecmp(type, "uid") == 0 &&
			 is_former(finder->arena, entry));
	}
	return 0;
}

/* Does another one that is adopted have this name, or this id of a mailbox, or get it? */
static bool is_wanted_by_other(const struct finder *finder, const struct mr_adoption *self,
			       const char *name)
{
	size_t len = strlen(name);

	for (size_t i = 0; i < finder->out->count; i++) {
		const struct mr_adoption *one = &finder->out->items[i];

		if (one == self)
			continue;
		if (strcasecmp(one->name, name) == 0 ||
		    (one->new_name && strcasecmp(one->new_name, name) == 0) ||
		    (one->routing && strncmp(one->routing, name, len) == 0 &&
		     one->routing[len] == '@') ||
		    (one->new_routing && strncmp(one->new_routing, name, len) == 0 &&
		     one->new_routing[len] == '@'))
			return true;
	}
	return false;
}

static int choose_name(struct finder *finder, struct mr_adoption *adoption, struct mr_error *err)
{
	bool is_free;

	adoption->new_name = adoption->name;
	for (int n = 2;; n++) {
		if (is_free_name(finder, adoption->type, adoption->new_name, &is_free, err) < 0)
			return -1;
		if (is_free)
			break;
		do
			adoption->new_name = mr_printf(finder->arena, "%s-%d", adoption->name, n);
		while (is_wanted_by_other(finder, adoption, adoption->new_name) && n++);
	}
	if (adoption->new_name != adoption->name)
		mr_list_add(finder->arena, &finder->takeover->notes,
			    mr_printf(finder->arena,
				      _("%s of %s becomes %s: there is another %s here"),
				      adoption->name, finder->takeover->gone, adoption->new_name,
				      adoption->name));
	return 0;
}

/* The mail of one mailbox must not come into the folder of another. */
static int choose_routing(struct finder *finder, struct mr_adoption *adoption, struct mr_error *err)
{
	const char *at = adoption->routing ? strchr(adoption->routing, '@') : NULL;
	const char *local =
		at ? mr_strndup(finder->arena, adoption->routing, (size_t)(at - adoption->routing))
		   : NULL;
	const char *id = local;

	if (!at || strcmp(at + 1, finder->takeover->gone) != 0) {
		adoption->new_routing = adoption->routing;
		return 0;
	}
	for (int n = 2;; n++) {
		struct mr_entries found;

		adoption->new_routing = mr_printf(finder->arena, "%s@%s", id, finder->config->host);
		if (own(finder, MR_MAIL,
			mr_filter(finder->arena, "(mailRoutingAddress=%s)", adoption->new_routing),
			&found, err) < 0)
			return -1;
		if (!found.count &&
		    !mr_path_exists(mr_path(finder->arena, finder->config->root,
					    mr_printf(finder->arena, MR_PATH_MAILBOXES "/%s", id))))
			return 0;
		do
			id = mr_printf(finder->arena, "%s-%d", local, n);
		while (is_wanted_by_other(finder, adoption, id) && n++);
	}
}

/* An address that a mailbox here has already stays there; the old real address comes along for mail
 * that is queued. */
static int choose_addresses(struct finder *finder, struct mr_adoption *adoption,
			    struct mr_error *err)
{
	const struct mr_attr *old =
		mr_entry_attr(adoption->route ? adoption->route : adoption->account,
			      adoption->route ? "mailLocalAddress" : "mail");

	for (size_t i = 0; old && i < old->values.count; i++) {
		const char *address = mr_lower(finder->arena, old->values.items[i]);
		struct mr_entries found;

		if (own(finder, MR_MAIL, mr_filter(finder->arena, "(mailLocalAddress=%s)", address),
			&found, err) < 0)
			return -1;
		if (!found.count ||
		    mr_entry_has_nocase(found.items[0], adoption->type, adoption->new_name))
			mr_list_add(finder->arena, &adoption->addresses, address);
		else
			mr_list_add(
				finder->arena, &finder->takeover->notes,
				mr_printf(finder->arena,
					  _("%s stays with %s of this host: %s does not get it"),
					  address, mr_dn_value(finder->arena, found.items[0]->dn),
					  adoption->new_name));
	}
	return 0;
}

static bool is_done(const struct mr_adoption *adoption)
{
	return (!adoption->account || adoption->account_done) &&
	       (!adoption->route || adoption->route_done);
}

static const char *new_name_of(const struct mr_adoptions *all, const char *user)
{
	for (size_t i = 0; i < all->count; i++) {
		const struct mr_adoption *one = &all->items[i];

		if (one->account && one->new_name && strcasecmp(one->type, "uid") == 0 &&
		    strcmp(one->name, user) == 0)
			return one->new_name;
	}
	return user;
}

/* A group of accounts names its members: those who get another name stay in it. */
static void rename_members(struct mr_adoptions *all)
{
	for (size_t i = 0; i < all->count; i++) {
		struct mr_adoption *group = &all->items[i];

		for (size_t j = 0; group->account && j < group->account->count; j++) {
			struct mr_attr *attr = &group->account->attrs[j];

			for (size_t k = 0;
			     strcasecmp(attr->name, "memberUid") == 0 && k < attr->values.count;
			     k++)
				attr->values.items[k] = new_name_of(all, attr->values.items[k]);
		}
	}
}

int mr_adoptions_find(struct mr_arena *arena, const struct mr_config *config,
		      const struct mr_topology *topology, struct mr_takeover *takeover,
		      struct mr_adoptions *out, struct mr_error *err)
{
	struct finder finder = { arena, config, takeover, out, NULL, MR_MAIL, 0 };

	if (read_all(&finder, MR_MAIL, err) < 0 || read_all(&finder, MR_UNIX, err) < 0)
		return -1;
	for (size_t i = 0; i < out->count; i++)
		if (find_done(&finder, &out->items[i], err) < 0)
			return -1;
	if (mr_takeover_moves_find(arena, config, topology, takeover, out, err) < 0)
		return -1;
	for (size_t i = 0; i < out->count; i++) {
		struct mr_adoption *adoption = &out->items[i];

		if (is_done(adoption))
			continue;
		if ((!adoption->new_name && choose_name(&finder, adoption, err) < 0) ||
		    (!adoption->new_routing && choose_routing(&finder, adoption, err) < 0) ||
		    choose_addresses(&finder, adoption, err) < 0)
			return -1;
	}
	rename_members(out);
	return 0;
}
