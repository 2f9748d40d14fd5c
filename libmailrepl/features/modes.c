#include "features/modes.h"

#include <string.h>

#include "base/log.h"
#include "features/rebuild.h"
#include "features/topology_plan.h"
#include "model/names.h"

static int parse_one(struct mr_arena *arena, const char *text, struct mr_mode_changes *out,
		     struct mr_error *err)
{
	struct mr_mode_change *change = &out->items[out->count];
	const char *sign = strchr(text, '=');

	if (!sign || sign == text)
		return mr_fail(err, MR_E_USAGE,
			       _("which mode of which host? \"%s\" is not HOST=MODE, as in "
				 "mail1.lan=satellite"),
			       text);
	if (mr_host_parse(arena, mr_strndup(arena, text, (size_t)(sign - text)), &change->host,
			  err) < 0 ||
	    mr_mode_parse(sign + 1, &change->mode, err) < 0)
		return -1;
	for (size_t i = 0; i < out->count; i++)
		if (strcmp(out->items[i].host, change->host) == 0)
			return mr_fail(err, MR_E_USAGE, _("%s is named twice"), change->host);
	out->count++;
	return 0;
}

int mr_modes_parse(struct mr_arena *arena, const char *text, struct mr_mode_changes *out,
		   struct mr_error *err)
{
	struct mr_list parts = mr_list_split(arena, text, ',');

	*out = (struct mr_mode_changes){ MR_NEW_ARRAY(arena, struct mr_mode_change, parts.count),
					 0 };
	for (size_t i = 0; i < parts.count; i++)
		if (parse_one(arena, parts.items[i], out, err) < 0)
			return -1;
	return 0;
}

int mr_modes_apply(struct mr_arena *arena, const struct mr_topology *old,
		   const struct mr_mode_changes *changes, struct mr_topology *out,
		   struct mr_error *err)
{
	struct mr_topology topology = *old;

	for (size_t i = 0; i < changes->count; i++)
		if (mr_topology_set_mode(arena, &topology, changes->items[i].host,
					 changes->items[i].mode, &topology, err) < 0)
			return -1;
	if (mr_topology_check_modes(&topology, err) < 0)
		return -1;
	if (topology.generation != old->generation)
		topology.generation = old->generation + 1;
	*out = topology;
	return 0;
}

static const char *advice(struct mr_arena *arena, const struct mr_topology *topology,
			  const struct mr_host *host)
{
	switch (host->mode) {
	case MR_MODE_NONE:
		if (!mr_host_is_server(host))
			return NULL;
		return mr_printf(
			arena,
			_("%s holds mailboxes: from now on its Postfix, as you configure "
			  "it, must take mail for USER@%s from the other hosts and hand it "
			  "to Dovecot; what it refuses waits in their queues"),
			host->name, host->name);
	case MR_MODE_SMARTHOST:
		return mr_printf(arena,
				 _("%s needs the setting mail.smarthost in its mailrepl.conf"),
				 host->name);
	case MR_MODE_SATELLITE:
		if (mr_topology_smarthosts(arena, topology, host->name).count)
			return NULL;
		return mr_printf(arena,
				 _("%s needs the setting mail.smarthost in its mailrepl.conf: no "
				   "host of the domain can take its mail"),
				 host->name);
	default:
		return NULL;
	}
}

struct mr_list mr_modes_advice(struct mr_arena *arena, const struct mr_topology *old,
			       const struct mr_topology *fresh)
{
	struct mr_list list = { 0 };

	for (size_t i = 0; i < fresh->count; i++) {
		const struct mr_host *host = &fresh->hosts[i],
				     *was = mr_topology_host(old, host->name);
		const char *text =
			was && was->mode == host->mode ? NULL : advice(arena, fresh, host);

		if (text)
			mr_list_add(arena, &list, text);
	}
	return list;
}

int mr_modes_plan(struct mr_arena *arena, const struct mr_config *config, struct mr_directory *dir,
		  const struct mr_topology *topology, const struct mr_mode_changes *changes,
		  struct mr_list *stale, struct mr_plan *plan, struct mr_error *err)
{
	struct mr_topology *fresh = MR_NEW(arena, struct mr_topology);
	struct mr_list notes;

	if (strcmp(topology->home, config->host) != 0)
		return mr_fail(err, MR_E_DENIED,
			       _("only the home of the domain changes the modes of hosts: run this "
				 "on %s"),
			       topology->home);
	if (mr_modes_apply(arena, topology, changes, fresh, err) < 0)
		return -1;
	notes = mr_modes_advice(arena, topology, fresh);
	for (size_t i = 0; i < notes.count; i++)
		mr_log(MR_LOG_WARNING, "%s", notes.items[i]);
	mr_topology_plan(arena, topology, fresh, plan);
	if (mr_rebuild_plan(arena, config, dir, fresh, NULL, plan, err) < 0)
		return -1;
	/* Also after a run that was killed between the topology and our own rendering. */
	for (size_t i = 0; i < fresh->count && plan->count; i++)
		if (fresh->hosts[i].state == MR_JOINED &&
		    strcmp(fresh->hosts[i].name, fresh->home) != 0)
			mr_list_add(arena, stale, fresh->hosts[i].name);
	return 0;
}
