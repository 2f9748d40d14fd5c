#include "features/smarthost.h"

#include <string.h>

#include "base/paths.h"

#define WRAPPED_PORT ":465"

static const char *text_of(const struct mr_value *line, const char *name)
{
	const char *text = mr_value_get_string(line, name, NULL);

	return text && *text ? text : NULL;
}

/* What stands between the brackets, or all but the port. */
static const char *host_in(struct mr_arena *arena, const char *nexthop)
{
	bool bracket = *nexthop == '[';

	return mr_strndup(arena, nexthop + bracket,
			  strcspn(nexthop + bracket, bracket ? "]" : ":"));
}

static bool has_port(const char *nexthop)
{
	const char *end = *nexthop == '[' ? strchr(nexthop, ']') : nexthop;

	return end && strchr(end, ':');
}

/* All that is behind the last colon that is not within brackets. */
static void split(struct mr_arena *arena, struct mr_smarthost *one)
{
	one->hosts = (struct mr_list){ 0 };
	mr_list_add(arena, &one->hosts, host_in(arena, one->nexthop));
	one->port = has_port(one->nexthop) ? strrchr(one->nexthop, ':') + 1 : NULL;
	one->by_mx = *one->nexthop != '[';
}

/* As strict as with servers outside (tls.outgoing; DANE is not among the levels here), and a
 * password is not sent in the clear. */
static const char *level_of(const struct mr_smarthost *one, const char *outgoing)
{
	if (strcmp(outgoing, "verify") == 0 || strcmp(outgoing, "secure") == 0)
		return outgoing;
	return one->user || one->wrapped || strcmp(outgoing, "encrypt") == 0 ||
			       strcmp(outgoing, "dane-only") == 0
		       ? "encrypt"
		       : "may";
}

static void complete(struct mr_arena *arena, const struct mr_topology *topology,
		     const char *outgoing, struct mr_smarthost *one)
{
	split(arena, one);
	one->wrapped = has_port(one->nexthop) && mr_ends_with(one->nexthop, WRAPPED_PORT);
	one->ours = !has_port(one->nexthop) && !one->user &&
		    mr_topology_host(topology, host_in(arena, one->nexthop));
	if (!one->tls || strcmp(one->tls, "auto") == 0)
		one->tls = level_of(one, outgoing);
	/* Hosts of ours are found without asking for their MX. */
	if (one->ours) {
		one->nexthop = mr_printf(arena, "[%s]", one->hosts.items[0]);
		one->by_mx = false;
	}
}

static void list_default(struct mr_arena *arena, const struct mr_config *config,
			 const struct mr_topology *topology, const struct mr_value *settings,
			 const char *outgoing, struct mr_smarthosts *out)
{
	struct mr_smarthost *one = &out->items[out->count];
	struct mr_list hosts = { 0 }, named = { 0 };

	*one = (struct mr_smarthost){ .setting = "mail.smarthost",
				      .nexthop = text_of(settings, "smarthost"),
				      .user = text_of(settings, "smarthost_user"),
				      .tls = text_of(settings, "smarthost_tls") };
	if (one->nexthop) {
		complete(arena, topology, outgoing, one);
		out->count++;
		return;
	}
	if (mr_topology_host(topology, config->host)->mode != MR_MODE_SATELLITE)
		return;
	hosts = mr_topology_smarthosts(arena, topology, config->host);
	for (size_t i = 0; i < hosts.count; i++)
		mr_list_add(arena, &named, mr_printf(arena, "[%s]", hosts.items[i]));
	one->ours = true;
	one->hosts = hosts;
	one->nexthop = mr_list_join(arena, &named, ",");
	one->tls = "secure";
	one->user = NULL;
	out->count += hosts.count > 0;
}

void mr_smarthosts_list(struct mr_arena *arena, const struct mr_config *config,
			const struct mr_topology *topology, struct mr_smarthosts *out)
{
	const struct mr_host *self = mr_topology_host(topology, config->host);
	const struct mr_value *all = mr_config_settings(arena, config);
	const struct mr_value *settings = mr_value_get(all, "mail");
	const struct mr_value *table = mr_value_get(settings, "smarthosts");
	const char *outgoing = mr_value_get_string(mr_value_get(all, "tls"), "outgoing", "may");

	*out = (struct mr_smarthosts){ MR_NEW_ARRAY(arena, struct mr_smarthost, table->count + 1),
				       0 };
	if (self->mode == MR_MODE_SMARTHOST || self->mode == MR_MODE_SATELLITE)
		list_default(arena, config, topology, settings, outgoing, out);
	if (self->mode == MR_MODE_NONE || self->mode == MR_MODE_LOCAL)
		return;
	for (size_t i = 0; i < table->count; i++) {
		const struct mr_value *line = table->items[i];
		struct mr_smarthost *one = &out->items[out->count++];

		*one = (struct mr_smarthost){ .setting = "mail.smarthosts",
					      .domain = text_of(line, "domain"),
					      .nexthop = text_of(line, "smarthost"),
					      .user = text_of(line, "user"),
					      .tls = text_of(line, "tls") };
		complete(arena, topology, outgoing, one);
	}
}

const char *mr_smarthost_transport(struct mr_arena *arena, const struct mr_smarthost *one)
{
	return mr_printf(arena, "%s:%s",
			 one->ours      ? "relay"
			 : one->wrapped ? "smtps"
					: "smtp",
			 one->nexthop);
}

const char *mr_smarthost_secret_path(struct mr_arena *arena, const struct mr_config *config,
				     const char *nexthop)
{
	char *host = mr_strdup(arena, host_in(arena, nexthop));
	bool port = has_port(nexthop);

	/* Names of files that archives hold have no colons; no address has two places with two of them. */
	for (char *c = host; *c; c++)
		if (*c == ':')
			*c = '_';
	return mr_printf(arena, "%s%s/smarthost-%s%s%s", config->root, MR_PATH_SECRETS, host,
			 port ? "__" : "", port ? strrchr(nexthop, ':') + 1 : "");
}
