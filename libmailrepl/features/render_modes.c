#include "features/render_modes.h"

#include <stdlib.h>
#include <string.h>

#include "features/smarthost.h"

void mr_render_host_mode(struct mr_arena *arena, const struct mr_host *host, struct mr_value *out)
{
	mr_value_set_bool(arena, out, "closed", mr_host_is_closed(host));
	mr_value_set_bool(arena, out, "patient", host->mode == MR_MODE_NONE);
	mr_value_set_bool(arena, out, "hands_on",
			  host->mode == MR_MODE_SMARTHOST || host->mode == MR_MODE_SATELLITE);
}

/* Files of passwords and levels of TLS, a row for each server. */
static void set_server(struct mr_arena *arena, const struct mr_config *config,
		       const struct mr_smarthost *one, struct mr_list *seen,
		       struct mr_value *levels, struct mr_value *secrets)
{
	struct mr_value *row;

	if (one->ours || mr_list_has(seen, one->nexthop))
		return;
	mr_list_add(arena, seen, one->nexthop);
	row = mr_value_append(arena, levels, mr_value_object(arena));
	mr_value_set_string(arena, row, "nexthop", one->nexthop);
	mr_value_set_string(arena, row, "level", one->tls);
	if (one->user)
		mr_value_append(arena, secrets,
				mr_value_string(arena, mr_smarthost_secret_path(arena, config,
										one->nexthop)));
}

/* More special names first: Postfix asks for them in that order, Exim takes the first that fits. */
static int by_length(const void *a, const void *b)
{
	const struct mr_smarthost *one = a, *other = b;
	size_t len = one->domain ? strlen(one->domain) : 0,
	       other_len = other->domain ? strlen(other->domain) : 0;

	return (len < other_len) - (len > other_len);
}

static bool is_tls(const struct mr_smarthost *one, const char *word)
{
	return strcmp(one->tls, word) == 0;
}

/* Where they are, for route_data: an address with colons of its own stands in brackets if a port follows. */
static struct mr_value *places_value(struct mr_arena *arena, const struct mr_smarthost *one)
{
	struct mr_value *list = mr_value_list(arena);

	for (size_t i = 0; i < one->hosts.count; i++) {
		struct mr_value *place =
			mr_value_append(arena, list, mr_value_object(arena));
		const char *name = one->hosts.items[i];

		mr_value_set_string(arena, place, "name",
				    one->port && strchr(name, ':') ? mr_printf(arena, "[%s]", name)
								   : name);
		mr_value_set_string(arena, place, "port", one->port);
	}
	return list;
}

/* One of `smarthosts`, for Exim. */
static struct mr_value *server_value(struct mr_arena *arena, const struct mr_config *config,
				     const struct mr_smarthost *one, long long number)
{
	struct mr_value *value = mr_value_object(arena);
	bool verified = !one->ours && (is_tls(one, "verify") || is_tls(one, "secure"));
	const char *secret = mr_smarthost_secret_path(arena, config, one->nexthop);

	mr_value_set_int(arena, value, "number", number);
	mr_value_set_string(arena, value, "pattern",
			    !one->domain	  ? "*"
			    : *one->domain == '.' ? mr_printf(arena, "*%s", one->domain)
						  : one->domain);
	mr_value_set(arena, value, "servers", places_value(arena, one));
	mr_value_set_bool(arena, value, "by_mx", one->by_mx && config->mail_dns);
	mr_value_set_bool(arena, value, "ours", one->ours);
	mr_value_set_bool(arena, value, "wrapped", one->wrapped);
	mr_value_set_bool(arena, value, "clear", is_tls(one, "none"));
	mr_value_set_bool(arena, value, "encrypted", verified || is_tls(one, "encrypt"));
	mr_value_set_bool(arena, value, "verified", verified);
	mr_value_set_string(arena, value, "login", one->user ? strrchr(secret, '/') + 1 : NULL);
	return value;
}

static void set_servers(struct mr_arena *arena, const struct mr_config *config,
			const struct mr_smarthosts *all, struct mr_value *out)
{
	struct mr_value *list = mr_value_list(arena);
	bool for_all = false;

	qsort(all->items, all->count, sizeof(*all->items), by_length);
	for (size_t i = 0; i < all->count; i++) {
		for_all |= !all->items[i].domain;
		mr_value_append(arena, list,
				server_value(arena, config, &all->items[i], (long long)i + 1));
	}
	mr_value_set(arena, out, "smarthosts", list);
	mr_value_set_bool(arena, out, "smarthost_all", for_all);
}

static bool needs_authorities(const struct mr_smarthost *one)
{
	return !one->ours && (strcmp(one->tls, "verify") == 0 || strcmp(one->tls, "secure") == 0);
}

static void set_smarthosts(struct mr_arena *arena, const struct mr_config *config,
			   const struct mr_topology *topology, struct mr_value *out)
{
	struct mr_value *domains = mr_value_list(arena), *levels = mr_value_list(arena),
			*secrets = mr_value_list(arena);
	struct mr_smarthosts servers;
	struct mr_list seen = { 0 };
	const char *transport = NULL, *relayhost = NULL;
	bool authorities = false, wrapped = false;

	mr_smarthosts_list(arena, config, topology, &servers);
	for (size_t i = 0; i < servers.count; i++) {
		const struct mr_smarthost *one = &servers.items[i];
		struct mr_value *row;

		authorities |= needs_authorities(one);
		wrapped |= one->wrapped;
		set_server(arena, config, one, &seen, levels, secrets);
		if (!one->domain) {
			if (one->ours || one->wrapped)
				transport = mr_smarthost_transport(arena, one);
			else
				relayhost = one->nexthop;
			continue;
		}
		row = mr_value_append(arena, domains, mr_value_object(arena));
		mr_value_set_string(arena, row, "domain", one->domain);
		mr_value_set_string(arena, row, "transport", mr_smarthost_transport(arena, one));
	}
	mr_value_set_string(arena, out, "relayhost", relayhost);
	mr_value_set_string(arena, out, "smarthost", transport);
	mr_value_set(arena, out, "smarthost_domains", domains);
	mr_value_set(arena, out, "smarthost_levels", levels);
	mr_value_set(arena, out, "smarthost_secrets", secrets);
	mr_value_set_bool(arena, out, "smarthost_any", levels->count > 0);
	mr_value_set_bool(arena, out, "smarthost_login", secrets->count > 0);
	mr_value_set_bool(arena, out, "smarthost_verified", authorities);
	mr_value_set_bool(arena, out, "smarthost_wrapped", wrapped);
	set_servers(arena, config, &servers, out);
}

static void set_limits(struct mr_arena *arena, const struct mr_value *settings,
		       struct mr_value *out)
{
	struct mr_value *limits = mr_value_set(arena, out, "size_limits", mr_value_object(arena));
	long long mib = 1024LL * 1024;

	mr_value_set_int(arena, limits, "message",
			 mib * mr_value_get_int(settings, "message_size_limit", 0));
	mr_value_set_int(arena, limits, "mailbox",
			 mib * mr_value_get_int(settings, "mailbox_size_limit", 0));
}

void mr_render_modes(struct mr_arena *arena, const struct mr_config *config,
		     const struct mr_topology *topology, struct mr_value *out)
{
	const struct mr_host *self = mr_topology_host(topology, config->host);
	const struct mr_value *settings = mr_value_get(mr_config_settings(arena, config), "mail");
	const char *name = mr_value_get_string(settings, "name", "");
	bool local = self->mode == MR_MODE_LOCAL, any = false, patient = false;

	for (size_t i = 0; i < topology->count; i++) {
		const struct mr_host *host = &topology->hosts[i];

		any |= host != self &&
		       (host->mode == MR_MODE_SMARTHOST || host->mode == MR_MODE_SATELLITE);
		patient |= host != self && host->mode == MR_MODE_NONE;
	}
	mr_value_set_string(arena, out, "mode", mr_mode_word(self->mode));
	mr_value_set_bool(arena, out, "router", mr_host_is_router(self));
	mr_value_set_bool(arena, out, "closed", mr_host_is_closed(self));
	mr_value_set_bool(arena, out, "satellite", self->mode == MR_MODE_SATELLITE);
	mr_value_set_bool(arena, out, "sends_out",
			  topology->scheme != MR_SCHEME_INTRANET && !local);
	mr_value_set_string(arena, out, "stays", local ? "this host" : "this intranet");
	mr_value_set_bool(arena, out, "takes_to_hand_on", any);
	mr_value_set_bool(arena, out, "any_patient", patient);
	mr_value_set_string(arena, out, "mail_name", *name ? name : config->host);
	mr_value_set_bool(arena, out, "forwards_root",
			  !mr_ends_with(config->mail_postmaster, "@localhost"));
	mr_value_set_string(arena, out, "loopback",
			    strcmp(mr_value_get_string(settings, "protocols", ""), "ipv6") == 0
				    ? "[::1]"
				    : "[127.0.0.1]");
	set_limits(arena, settings, out);
	set_smarthosts(arena, config, topology, out);
}

static void set_row(struct mr_arena *arena, struct mr_value *out, const char *list, const char *key,
		    const char *first, const char *other, const char *second)
{
	struct mr_value *row =
		mr_value_append(arena, mr_value_set(arena, out, list, mr_value_list(arena)),
				mr_value_object(arena));

	mr_value_set_string(arena, row, key, first);
	mr_value_set_string(arena, row, other, second);
}

static void set_server_sample(struct mr_arena *arena, struct mr_value *out)
{
	static const char *const flags[] = { "by_mx", "ours",	   "wrapped",
					     "clear", "encrypted", "verified" };
	struct mr_value *row = mr_value_object(arena);

	mr_value_set_int(arena, row, "number", 1);
	mr_value_set_string(arena, row, "pattern", "*.partner.example");
	set_row(arena, row, "servers", "name", "host.example", "port", "587");
	mr_value_set_string(arena, row, "login", "smarthost-host.example__587");
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		mr_value_set_bool(arena, row, flags[i], true);
	mr_value_append(arena, mr_value_set(arena, out, "smarthosts", mr_value_list(arena)), row);
}

void mr_render_modes_sample(struct mr_arena *arena, struct mr_value *out)
{
	static const char *const flags[] = { "smarthost_any",      "smarthost_login",
					     "smarthost_verified", "smarthost_wrapped",
					     "smarthost_all",
					     "takes_to_hand_on",   "any_patient",
					     "forwards_root",      "satellite" };
	struct mr_list secrets = { 0 };

	mr_list_add(arena, &secrets, "/sample");
	mr_value_set_string(arena, out, "relayhost", "[host.example]");
	mr_value_set_string(arena, out, "smarthost", "smtps:[host.example]:465");
	set_row(arena, out, "smarthost_domains", "domain", "partner.example", "transport",
		"smtp:[host.example]");
	set_row(arena, out, "smarthost_levels", "nexthop", "[host.example]", "level", "encrypt");
	mr_value_set(arena, out, "smarthost_secrets", mr_value_strings(arena, &secrets));
	set_server_sample(arena, out);
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		mr_value_set_bool(arena, out, flags[i], true);
}
