#include "features/takeover.h"

#include <string.h>
#include <strings.h>

#include "base/paths.h"
#include "features/identity.h"
#include "features/instance.h"
#include "features/rebuild.h"
#include "features/takeover_moves.h"
#include "features/topology_plan.h"

/* One account, written by an action so that its hash goes from directory to directory and into no
 * plan. */
struct account_step {
	const struct mr_takeover *takeover;
	const char *old_dn;
	const struct mr_entry *entry;
};

static int adopt_account(void *argument, struct mr_error *err)
{
	static const char *const attrs[] = { "userPassword", NULL };
	const struct account_step *step = argument;
	const struct mr_takeover *takeover = step->takeover;
	struct mr_directory *from = takeover->peers[1] ? takeover->peers[1] : takeover->dir;
	MR_ARENA arena = mr_arena_open();
	struct mr_entry *entry = mr_entry_new(arena, step->entry->dn), *old;
	const char *hash;
	MR_SECRET secret = { 0 };

	for (size_t i = 0; i < step->entry->count; i++)
		mr_entry_add_list(arena, entry, step->entry->attrs[i].name,
				  &step->entry->attrs[i].values);
	if (mr_directory_read(from, arena, step->old_dn, attrs, &old, err) < 0)
		return -1;
	hash = old ? mr_entry_value(old, "userPassword") : NULL;
	if (hash) {
		mr_secret_set(&secret, hash, strlen(hash));
		explicit_bzero((char *)hash, secret.len);
		mr_entry_add_secret(arena, entry, "userPassword", &secret);
	}
	return mr_directory_add(takeover->dir, entry, err);
}

/* The entry under its new name and owner. */
static struct mr_entry *adopted(struct mr_arena *arena, const struct mr_config *config,
				const struct mr_adoption *adoption, enum mr_service service)
{
	const struct mr_entry *old = service == MR_MAIL ? adoption->route : adoption->account;
	const char *address = service == MR_MAIL ? "mailLocalAddress" : "mail";
	struct mr_entry *entry =
		mr_entry_new(arena, mr_dn(arena, adoption->type, adoption->new_name,
					  mr_dit_owned(arena, service, config->host)));

	for (size_t i = 0; i < old->count; i++) {
		const char *name = old->attrs[i].name;

		if (strcasecmp(name, adoption->type) == 0)
			mr_entry_add(arena, entry, name, adoption->new_name);
		else if (strcasecmp(name, "mailHost") == 0)
			mr_entry_add(arena, entry, name, config->host);
		else if (strcasecmp(name, "mailRoutingAddress") == 0)
			mr_entry_add(arena, entry, name, adoption->new_routing);
		else if (strcasecmp(name, address) == 0)
			mr_entry_add_list(arena, entry, name, &adoption->addresses);
		else if (strcasecmp(name, "mailReplMove") == 0)
			continue; /* it is here now */
		else
			mr_entry_add_list(arena, entry, name, &old->attrs[i].values);
	}
	if (adoption->routing &&
	    strcmp(adoption->routing, adoption->new_routing) != 0)
		mr_entry_add(arena, entry, address, adoption->routing);
	return entry;
}

static void plan_account(struct mr_arena *arena, const struct mr_config *config,
			 struct mr_takeover *takeover, const struct mr_adoption *adoption,
			 struct mr_plan *plan)
{
	struct account_step *step = MR_NEW(arena, struct account_step);

	if (!adoption->account || adoption->account_done)
		return;
	*step = (struct account_step){ takeover, adoption->account->dn,
				       adopted(arena, config, adoption, MR_UNIX) };
	takeover->accounts++;
	mr_plan_action(
		arena, plan, adopt_account, step,
		mr_printf(arena, _("adopt account %s of %s"), adoption->new_name, takeover->gone));
}

/* In the place of what a mailbox that had moved from here left behind, whose old real addresses it
 * keeps. */
static int plan_route(struct mr_arena *arena, const struct mr_config *config,
		      struct mr_takeover *takeover, const struct mr_adoption *adoption,
		      struct mr_plan *plan, struct mr_error *err)
{
	static const char *const owned[] = { "mailReplFormerAddress", "mailReplForward",
					     "mailReplMove", NULL };
	const bool group = strcasecmp(adoption->type, "uid") != 0;
	struct mr_entry *wanted, *before;
	const struct mr_attr *former;
	const char *summary;

	if (!adoption->route || adoption->route_done)
		return 0;
	*(group ? &takeover->groups : &takeover->routes) += 1;
	wanted = adopted(arena, config, adoption, MR_MAIL);
	summary = mr_printf(arena, group ? _("adopt group %s -> %s") : _("adopt route %s -> %s"),
			    adoption->addresses.count
				    ? mr_list_join(arena, &adoption->addresses, ", ")
				    : adoption->new_name,
			    adoption->new_routing ? adoption->new_routing : "-");
	mr_takeover_moves_mail_plan(arena, config, adoption, plan);
	if (mr_directory_read(takeover->dir, arena, wanted->dn, NULL, &before, err) < 0)
		return -1;
	former = before ? mr_entry_attr(before, "mailReplFormerAddress") : NULL;
	for (size_t i = 0; former && i < former->values.count; i++)
		if (!adoption->new_routing ||
		    strcasecmp(former->values.items[i], adoption->new_routing) != 0)
			mr_entry_add(arena, wanted, former->name, former->values.items[i]);
	if (before)
		mr_plan_update_entry(arena, plan, NULL, before, wanted, owned, summary);
	else
		mr_plan_add_entry(arena, plan, NULL, wanted, summary);
	return 0;
}

/* The domains belong to whoever is the home. */
static int plan_domains(struct mr_arena *arena, const struct mr_config *config,
			const struct mr_takeover *takeover, struct mr_plan *plan,
			struct mr_error *err)
{
	static const char *const attrs[] = { "associatedDomain", NULL };
	const char *container = mr_dit_owned(arena, MR_MAIL, config->host);
	const struct mr_list domains = mr_topology_all_domains(arena, &takeover->topology);

	for (size_t i = 0; i < domains.count; i++) {
		const char *domain = domains.items[i];
		struct mr_entry *entry;

		if (mr_directory_read(takeover->dir, arena, mr_dit_domain(arena, domain, container),
				      attrs, &entry, err) < 0)
			return -1;
		if (!entry)
			mr_plan_add_entry(arena, plan, NULL,
					  mr_domain_entry(arena, &takeover->topology, domain, container),
					  mr_printf(arena, _("adopt the mail domain %s"), domain));
	}
	return 0;
}

/* All of the topology below this host's container, its head last: until that is a topology the
 * others see the old one whole. */
static int plan_home(struct mr_arena *arena, const struct mr_config *config,
		     const struct mr_takeover *takeover, struct mr_plan *plan, struct mr_error *err)
{
	const char *container = mr_dit_owned(arena, MR_MAIL, config->host);
	struct mr_entries wanted = { 0 };
	struct mr_entry *head;

	mr_topology_format(arena, &takeover->topology, container, &wanted);
	if (mr_directory_read(takeover->dir, arena, wanted.items[0]->dn, NULL, &head, err) < 0)
		return -1;
	if (!head) {
		head = mr_entry_new(arena, wanted.items[0]->dn);
		mr_entry_add(arena, head, "objectClass", "organizationalUnit");
		mr_entry_add(arena, head, "ou", "Hosts");
		mr_plan_add_entry(arena, plan, NULL, head, _("make a place for the list of hosts"));
	}
	for (size_t i = 1; i < wanted.count; i++) {
		struct mr_entry *is;

		if (mr_directory_read(takeover->dir, arena, wanted.items[i]->dn, NULL, &is, err) <
		    0)
			return -1;
		if (is)
			mr_plan_update_entry(arena, plan, NULL, is, wanted.items[i], NULL,
					     mr_printf(arena, _("change %s"), is->dn));
		else
			mr_plan_add_entry(arena, plan, NULL, wanted.items[i],
					  mr_printf(arena, _("add %s"), wanted.items[i]->dn));
	}
	mr_plan_update_entry(arena, plan, NULL, head, wanted.items[0], NULL,
			     mr_printf(arena, _("become the home of the domain (epoch %lld)"),
				       takeover->topology.epoch));
	return 0;
}

/* The CA's key, and the keys that the home had issued: first, because who is the home must be able
 * to act as such. */
static int plan_ca(struct mr_arena *arena, const struct mr_config *config,
		   const struct mr_topology *topology, struct mr_takeover *takeover,
		   struct mr_plan *plan, struct mr_error *err)
{
	if (!takeover->folder)
		return 0;
	mr_identity_plan(arena, &takeover->ca, mr_path(arena, config->root, MR_PATH_CA_CERT),
			 mr_path(arena, config->root, MR_PATH_CA_KEY), MR_FILE_PRIVATE,
			 _("the domain's certification authority"), plan);
	takeover->hosts = MR_NEW_ARRAY(arena, struct mr_identity, topology->count);
	for (size_t i = 0; i < topology->count; i++) {
		const char *name = topology->hosts[i].name;
		const char *from = mr_printf(arena, "%s/tls/peers/%s", takeover->folder, name);
		const char *to = mr_printf(arena, "%s%s/%s", config->root, MR_PATH_PEERS, name);
		struct mr_identity *identity = &takeover->hosts[takeover->count];

		/* One that the archive does not have yet is issued when it is next needed. */
		if (strcmp(name, config->host) == 0 || strcmp(name, takeover->gone) == 0 ||
		    !mr_path_exists(mr_printf(arena, "%s.key", from)))
			continue;
		takeover->count++;
		if (mr_identity_read(arena, mr_printf(arena, "%s.crt", from),
				     mr_printf(arena, "%s.key", from), identity, err) < 0)
			return -1;
		mr_identity_plan(arena, identity, mr_printf(arena, "%s.crt", to),
				 mr_printf(arena, "%s.key", to), MR_FILE_PRIVATE, name, plan);
	}
	return 0;
}

int mr_takeover_plan(struct mr_arena *arena, const struct mr_config *config,
		     const struct mr_topology *topology, struct mr_takeover *takeover,
		     struct mr_plan *plan, struct mr_error *err)
{
	struct mr_adoptions adoptions = { 0 };

	takeover->topology = *topology;
	if (mr_topology_host(topology, takeover->gone))
		mr_topology_take_over(arena, topology, takeover->gone, config->host,
				      &takeover->topology);
	if (mr_adoptions_find(arena, config, topology, takeover, &adoptions, err) < 0 ||
	    mr_takeover_moves_stop_plan(arena, config, takeover, plan, err) < 0 ||
	    (takeover->home && plan_ca(arena, config, topology, takeover, plan, err) < 0))
		return -1;
	for (size_t i = 0; i < adoptions.count; i++)
		plan_account(arena, config, takeover, &adoptions.items[i], plan);
	for (size_t i = 0; i < adoptions.count; i++)
		if (plan_route(arena, config, takeover, &adoptions.items[i], plan, err) < 0)
			return -1;
	if (mr_takeover_moves_forward_plan(arena, config, takeover, &adoptions, plan, err) < 0 ||
	    plan_domains(arena, config, takeover, plan, err) < 0)
		return -1;
	if (takeover->home)
		return plan_home(arena, config, takeover, plan, err);
	mr_topology_plan(arena, topology, &takeover->topology, plan);
	return 0;
}

int mr_takeover_finish_plan(struct mr_arena *arena, const struct mr_config *config,
			    struct mr_takeover *takeover, struct mr_plan *plan,
			    struct mr_error *err)
{
	const char *key = mr_printf(arena, "%s%s/%s", config->root, MR_PATH_PEERS, takeover->gone);
	struct mr_config *fresh = MR_NEW(arena, struct mr_config);
	const char *text;

	*fresh = *config;
	if (takeover->home) {
		fresh->home = config->host;
		if (mr_config_edit(arena, fresh, &text, err) < 0)
			return -1;
		if (!mr_file_same(config->path, text, strlen(text), MR_FILE_PUBLIC))
			mr_plan_file(arena, plan, config->path, text, MR_FILE_PUBLIC,
				     mr_printf(arena, _("write %s: this host is the home"),
					       config->path));
	}
	if (mr_path_exists(mr_printf(arena, "%s.key", key)))
		mr_identity_forget(arena, config, takeover->gone, plan);
	return mr_rebuild_plan(arena, fresh, takeover->dir, &takeover->topology, NULL, plan, err);
}
