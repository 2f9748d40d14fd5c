#include "features/account_request.h"

#include <string.h>

static struct mr_list server_names(struct mr_arena *arena, const struct mr_topology *topology)
{
	struct mr_list names = { 0 };

	for (size_t i = 0; i < topology->count; i++)
		if (mr_host_is_server(&topology->hosts[i]))
			mr_list_add(arena, &names, topology->hosts[i].name);
	return names;
}

static int fail_relay(struct mr_arena *arena, const struct mr_topology *topology, const char *host,
		      struct mr_error *err)
{
	struct mr_list servers = server_names(arena, topology);

	if (!servers.count)
		return mr_fail(
			err, MR_E_DENIED,
			_("%s holds no mailboxes and no accounts, and no other host does: run "
			  "\"cl-setup unix\" on %s first"),
			host, topology->home);
	return mr_fail(err, MR_E_DENIED,
		       _("%s is a relay, it holds no mailboxes and no accounts: run this on a mail "
			 "server (%s)"),
		       host, mr_list_join(arena, &servers, ", "));
}

static int fail_foreign(const struct mr_topology *topology, const char *self, const char *owner,
			struct mr_error *err)
{
	if (strcmp(owner, topology->home) == 0)
		return mr_fail(err, MR_E_DENIED,
			       _("%s does not administer other hosts: run this on %s itself"), self,
			       owner);
	return mr_fail(err, MR_E_DENIED,
		       _("%s does not administer other hosts: run this on %s itself, or on %s"),
		       self, owner, topology->home);
}

static int find_owner(struct mr_arena *arena, const struct mr_topology *topology, const char *self,
		      const char *asked, struct mr_user_wanted *out, struct mr_error *err)
{
	const char *name = self;

	if (asked && mr_host_parse(arena, asked, &name, err) < 0)
		return -1;
	out->owner = mr_topology_host(topology, name);
	if (!out->owner)
		return mr_fail(err, MR_E_NO_HOST,
			       _("%s is not in the topology (cl-replication -l lists it)"), name);
	out->step_host = strcmp(name, self) == 0 ? NULL : out->owner->name;
	if (out->step_host && strcmp(self, topology->home) != 0)
		return fail_foreign(topology, self, name, err);
	if (!mr_host_is_server(out->owner))
		return fail_relay(arena, topology, name, err);
	if (out->step_host && out->owner->state != MR_JOINED)
		return mr_fail(err, MR_E_UNAVAILABLE,
			       _("%s has been invited and has not joined yet: run cl-rebuild "
				 "--repl there first"),
			       name);
	return 0;
}

/* Their mail goes where mail.postmaster says, with or without a directory. */
static bool is_role(const char *local)
{
	static const char *const roles[] = { "postmaster", "abuse", "root", "mailer-daemon" };

	for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++)
		if (strcmp(local, roles[i]) == 0)
			return true;
	return false;
}

static int add_address(struct mr_arena *arena, const struct mr_topology *topology, const char *text,
		       struct mr_list *out, struct mr_error *err)
{
	struct mr_address address;

	if (mr_address_parse(arena, text, &address, err) < 0)
		return -1;
	if (!mr_list_has(&topology->domains, address.domain))
		return mr_fail(err, MR_E_INVALID, _("%s: unknown mail domain %s (known: %s)"),
			       address.text, address.domain,
			       mr_list_join(arena, &topology->domains, ", "));
	if (is_role(address.local))
		return mr_fail(err, MR_E_INVALID,
			       _("%s: a role address belongs to no user; the setting "
				 "mail.postmaster says where its "
				 "mail goes"),
			       address.text);
	if (!mr_list_has(out, address.text))
		mr_list_add(arena, out, address.text);
	return 0;
}

int mr_user_wanted_parse(struct mr_arena *arena, const struct mr_topology *topology,
			 const char *self, const struct mr_user_request *request,
			 struct mr_user_wanted *out, struct mr_error *err)
{
	struct mr_user_wanted wanted = {
		.mailbox = request->services & MR_MAIL,
		.shell = request->services & MR_UNIX,
	};

	if (mr_user_parse(arena, request->user, &wanted.user, err) < 0)
		return -1;
	if (request->full_name &&
	    mr_full_name_parse(arena, request->full_name, &wanted.full_name, err) < 0)
		return -1;
	if (wanted.mailbox && !request->addresses.count)
		return mr_fail(err, MR_E_USAGE, _("a mailbox needs an address: -e %s@%s"),
			       wanted.user,
			       topology->domains.count ? topology->domains.items[0] : "DOMAIN");
	if (!wanted.mailbox && request->addresses.count)
		return mr_fail(err, MR_E_USAGE,
			       _("an address needs a mailbox: name the service mail too"));
	if (find_owner(arena, topology, self, request->host, &wanted, err) < 0)
		return -1;
	for (size_t i = 0; i < request->addresses.count; i++)
		if (add_address(arena, topology, request->addresses.items[i], &wanted.addresses,
				err) < 0)
			return -1;
	*out = wanted;
	return 0;
}
