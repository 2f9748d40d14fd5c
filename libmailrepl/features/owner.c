#include "features/owner.h"

#include <string.h>

#include "model/names.h"

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

int mr_owner_find(struct mr_arena *arena, const struct mr_topology *topology, const char *self,
		  const char *asked, struct mr_owner *out, struct mr_error *err)
{
	const char *name = self;

	if (asked && mr_host_parse(arena, asked, &name, err) < 0)
		return -1;
	*out = (struct mr_owner){ .host = mr_topology_host(topology, name) };
	if (!out->host)
		return mr_fail(err, MR_E_NO_HOST,
			       _("%s is not in the topology (cl-replication -l lists it)"), name);
	out->step_host = strcmp(name, self) == 0 ? NULL : out->host->name;
	if (out->step_host && strcmp(self, topology->home) != 0)
		return fail_foreign(topology, self, name, err);
	if (!mr_host_is_server(out->host))
		return fail_relay(arena, topology, name, err);
	if (out->step_host && out->host->state != MR_JOINED)
		return mr_fail(err, MR_E_UNAVAILABLE,
			       _("%s has been invited and has not joined yet: run cl-rebuild "
				 "--repl there first"),
			       name);
	return 0;
}
