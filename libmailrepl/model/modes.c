#include <string.h>

#include "model/topology.h"

static const char *const words[] = {
	[MR_MODE_INTERNET] = "internet",   [MR_MODE_NONE] = "none",
	[MR_MODE_SMARTHOST] = "smarthost", [MR_MODE_SATELLITE] = "satellite",
	[MR_MODE_LOCAL] = "local",
};

const char *mr_mode_word(enum mr_mode mode)
{
	return words[mode];
}

int mr_mode_parse(const char *word, enum mr_mode *out, struct mr_error *err)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(word, words[i]) == 0) {
			*out = (enum mr_mode)i;
			return 0;
		}
	}
	return mr_fail(err, MR_E_USAGE,
		       _("unknown mode \"%s\": use none, internet, smarthost, satellite or local"),
		       word);
}

bool mr_host_is_router(const struct mr_host *host)
{
	return host->mode == MR_MODE_INTERNET || host->mode == MR_MODE_SMARTHOST ||
	       (host->mode == MR_MODE_LOCAL && mr_host_is_server(host));
}

bool mr_host_is_closed(const struct mr_host *host)
{
	return host->mode == MR_MODE_SATELLITE || host->mode == MR_MODE_LOCAL;
}

static bool is_smarthost(const struct mr_topology *topology, const char *name,
			 const char *satellite)
{
	const struct mr_host *host = mr_topology_host(topology, name);

	return host && strcmp(name, satellite) != 0 && host->state == MR_JOINED &&
	       !mr_host_is_closed(host) && mr_host_is_router(host);
}

struct mr_list mr_topology_smarthosts(struct mr_arena *arena, const struct mr_topology *topology,
				      const char *satellite)
{
	struct mr_list list = { 0 };

	for (size_t i = 0; i < topology->mx.count; i++)
		if (is_smarthost(topology, topology->mx.items[i], satellite))
			mr_list_add(arena, &list, topology->mx.items[i]);
	if (!list.count && is_smarthost(topology, topology->home, satellite))
		mr_list_add(arena, &list, topology->home);
	return list;
}

int mr_topology_set_mode(struct mr_arena *arena, const struct mr_topology *old, const char *host,
			 enum mr_mode mode, struct mr_topology *out, struct mr_error *err)
{
	struct mr_topology topology = *old;
	struct mr_host *changed;

	if (!mr_topology_host(old, host))
		return mr_fail(err, MR_E_NO_HOST,
			       _("%s is not in the topology (cl-replication -l lists it)"), host);
	topology.hosts = MR_NEW_ARRAY(arena, struct mr_host, old->count);
	memcpy(topology.hosts, old->hosts, old->count * sizeof(*old->hosts));
	changed = (struct mr_host *)mr_topology_host(&topology, host);
	topology.generation += changed->mode != mode;
	changed->mode = mode;
	*out = topology;
	return 0;
}

static int check_closed(const struct mr_topology *topology, const struct mr_host *host,
			struct mr_error *err)
{
	const char *word = mr_mode_word(host->mode);

	if (mr_list_has(&topology->mx, host->name))
		return mr_fail(
			err, MR_E_INVALID,
			_("%s takes mail from outside (MX): it cannot be %s, since that mode "
			  "takes mail from its own system only"),
			host->name, word);
	if (!mr_host_is_server(host) || (host->mode == MR_MODE_LOCAL && topology->count == 1))
		return 0;
	return mr_fail(
		err, MR_E_INVALID,
		host->mode == MR_MODE_LOCAL
			? _("%s holds mailboxes, and the other hosts have mail for them: it "
			    "can be %s only while it is the only host")
			: _("%s holds mailboxes: it cannot be %s, since that mode takes mail "
			    "from its own system only"),
		host->name, word);
}

int mr_topology_check_modes(const struct mr_topology *topology, struct mr_error *err)
{
	for (size_t i = 0; i < topology->count; i++) {
		const struct mr_host *host = &topology->hosts[i];

		if (mr_host_is_closed(host) && check_closed(topology, host, err) < 0)
			return -1;
		if (host->mode == MR_MODE_SMARTHOST && topology->scheme == MR_SCHEME_INTRANET)
			return mr_fail(
				err, MR_E_INVALID,
				_("%s cannot be in mode smarthost: in the scheme intranet no "
				  "mail leaves the intranet"),
				host->name);
	}
	return 0;
}
