#include "features/render_known.h"

#include <string.h>

#include "model/dit.h"

#define CANDIDATES 20
#define PEERS_MOST 5

enum whose { OURS, EVERYBODY, PEERS };

static const struct kind {
	const char *table;
	enum whose whose;
	const char *filter, *key, *value;
} kinds[] = {
	{ "routes.cf", EVERYBODY, "(&(objectClass=account)(mailRoutingAddress=*))",
	  "mailLocalAddress", "mailRoutingAddress" },
	{ "senders.cf", EVERYBODY, "(&(objectClass=account)(mailRoutingAddress=*))",
	  "mailLocalAddress", "mailRoutingAddress" },
	{ "access.cf", EVERYBODY, "(mailReplAccess=*)", "mailLocalAddress", NULL },
	{ "mailboxes.cf", OURS, "(&(objectClass=account)(mailRoutingAddress=*))",
	  "mailRoutingAddress", "mailRoutingAddress" },
	{ "expand.cf", OURS, "(&(objectClass=account)(mailRoutingAddress=*)(!(mailReplForward=*)))",
	  "mailRoutingAddress", "mailRoutingAddress" },
	{ "peers.cf", PEERS, NULL, "mailRoutingAddress", "mailRoutingAddress" },
};

struct looker {
	struct mr_arena *arena;
	struct mr_directory *dir;
	const struct kind *kind;
	const char *base;
	const struct mr_list *domains;
};

static int list(const struct looker *l, const char *filter, int most, struct mr_entries *out,
		struct mr_error *err)
{
	const struct mr_search search = { .base = l->base, .filter = filter, .size_limit = most };

	return mr_directory_list(l->dir, l->arena, &search, out, err);
}

/* Wildcards are no addresses, and one that two entries claim is an error to Postfix. */
static int is_example(const struct looker *l, const char *key, struct mr_error *err)
{
	const char *at = strrchr(key, '@');
	struct mr_entries claims = { 0 };

	if (!at || at == key || !mr_list_has(l->domains, at + 1))
		return 0;
	if (list(l, mr_filter(l->arena, mr_printf(l->arena, "(%s=%%s)", l->kind->key), key), 2,
		 &claims, err) < 0)
		return -1;
	return claims.count == 1;
}

static int choose(const struct looker *l, const char *filter, struct mr_known *out,
		  struct mr_error *err)
{
	struct mr_entries found = { 0 };

	if (list(l, filter, CANDIDATES, &found, err) < 0)
		return -1;
	for (size_t i = 0; i < found.count && !out->key; i++) {
		const struct mr_attr *keys = mr_entry_attr(found.items[i], l->kind->key);

		for (size_t j = 0; keys && j < keys->values.count && !out->key; j++) {
			int example = is_example(l, keys->values.items[j], err);

			if (example < 0)
				return -1;
			if (!example)
				continue;
			out->key = keys->values.items[j];
			if (l->kind->value)
				out->value = mr_entry_value(found.items[i], l->kind->value);
		}
	}
	return 0;
}

static int choose_peer(const struct looker *l, struct mr_known *out, struct mr_error *err)
{
	for (size_t i = 0; i < l->domains->count && i < PEERS_MOST && !out->key; i++)
		if (choose(l,
			   mr_filter(l->arena, "(&(objectClass=account)(mailHost=%s))",
				     l->domains->items[i]),
			   out, err) < 0)
			return -1;
	return 0;
}

int mr_render_known(struct mr_arena *arena, const struct mr_config *config,
		    struct mr_directory *dir, const char *table, const struct mr_list *domains,
		    const struct mr_list *peers, struct mr_known *out, struct mr_error *err)
{
	struct looker l = { .arena = arena, .dir = dir };
	struct mr_list here = { 0 };

	*out = (struct mr_known){ 0 };
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]) && !l.kind; i++)
		if (strcmp(kinds[i].table, table) == 0)
			l.kind = &kinds[i];
	if (!l.kind)
		return 0;
	mr_list_add(arena, &here, config->host);
	l.base = l.kind->whose == OURS ? mr_dit_owned(arena, MR_MAIL, config->host)
				       : mr_dit_all(MR_MAIL);
	l.domains = l.kind->whose == OURS ? &here : l.kind->whose == PEERS ? peers : domains;
	return l.kind->whose == PEERS ? choose_peer(&l, out, err)
				      : choose(&l, l.kind->filter, out, err);
}

static int find_login(struct mr_arena *arena, struct mr_directory *dir, const char *base,
		      const char **out, struct mr_error *err)
{
	struct mr_entries found = { 0 };
	const struct mr_search search = {
		.base = base,
		.filter = "(&(objectClass=posixAccount)(mailRoutingAddress=*)"
			  "(!(mailReplLocked=TRUE)))",
		.size_limit = 1,
	};

	if (mr_directory_list(dir, arena, &search, &found, err) < 0)
		return -1;
	*out = found.count ? mr_entry_value(found.items[0], "uid") : NULL;
	return 0;
}

/* The containers of all hosts. */
static int list_hosts(struct mr_arena *arena, struct mr_directory *dir, struct mr_entries *out,
		      struct mr_error *err)
{
	static const char *const attrs[] = { "cn", NULL };
	const struct mr_search search = { .base = mr_dit_all(MR_UNIX),
					  .scope = MR_SCOPE_ONE,
					  .attrs = attrs };

	return mr_directory_list(dir, arena, &search, out, err);
}

int mr_render_known_logins(struct mr_arena *arena, const struct mr_config *config,
			   struct mr_directory *dir, const char **here, const char **elsewhere,
			   struct mr_error *err)
{
	struct mr_entries hosts = { 0 };

	*here = *elsewhere = NULL;
	if (find_login(arena, dir, mr_dit_owned(arena, MR_UNIX, config->host), here, err) < 0 ||
	    list_hosts(arena, dir, &hosts, err) < 0)
		return -1;
	for (size_t i = 0; i < hosts.count && i < PEERS_MOST && !*elsewhere; i++) {
		const char *name = mr_dn_value(arena, hosts.items[i]->dn);

		if (name && strcmp(name, config->host) != 0 &&
		    find_login(arena, dir, hosts.items[i]->dn, elsewhere, err) < 0)
			return -1;
	}
	return 0;
}
