#include "features/render_exim.h"

#include <string.h>

/* What a path in restrictions.policy_service is below. */
#define POSTFIX_QUEUE "/var/spool/postfix"

static void set_limits(struct mr_arena *arena, const struct mr_value *settings,
		       struct mr_value *out)
{
	static const char *const names[] = { "connections", "messages", "recipients" };
	const struct mr_value *limits = mr_value_get(settings, "limits");
	struct mr_value *value = mr_value_set(arena, out, "limited", mr_value_object(arena));

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		mr_value_set_bool(arena, value, names[i],
				  mr_value_get_int(limits, names[i], 0) > 0);
}

/* "inet:host:port" or "unix:path" */
static void set_policy(struct mr_arena *arena, const char *service, struct mr_value *out)
{
	struct mr_value *value = mr_value_set(arena, out, "policy", mr_value_object(arena));
	const char *at = service ? strchr(service, ':') + 1 : NULL;
	bool internet = service && mr_starts_with(service, "inet:");
	const char *port = internet ? strrchr(at, ':') : NULL;

	mr_value_set_bool(arena, value, "any", service != NULL);
	if (at && !internet && *at != '/')
		at = mr_printf(arena, POSTFIX_QUEUE "/%s", at);
	mr_value_set_string(arena, value, "path", internet ? NULL : at);
	mr_value_set_string(arena, value, "host",
			    port ? mr_strndup(arena, at, (size_t)(port - at)) : NULL);
	mr_value_set_string(arena, value, "port", port ? port + 1 : NULL);
}

void mr_render_exim(struct mr_arena *arena, const struct mr_config *config, struct mr_value *out)
{
	const struct mr_value *settings = mr_config_settings(arena, config);
	const struct mr_value *etrn = mr_value_get(mr_value_get(settings, "backup_mx"), "etrn");
	const char *protocols =
		mr_value_get_string(mr_value_get(settings, "mail"), "protocols", "");
	struct mr_value *value = mr_value_set(arena, out, "etrn", mr_value_object(arena));

	set_limits(arena, settings, out);
	set_policy(
		arena,
		mr_value_get_string(mr_value_get(settings, "restrictions"), "policy_service", NULL),
		out);
	mr_value_set_bool(arena, value, "any", etrn && etrn->count > 0);
	mr_value_set_bool(arena, out, "ipv4_only", strcmp(protocols, "ipv4") == 0);
}

void mr_render_exim_sample(struct mr_arena *arena, struct mr_value *out)
{
	struct mr_value *value;

	set_policy(arena, "inet:host.example:10023", out);
	value = mr_value_member(out, "policy");
	mr_value_set_string(arena, value, "path", "/sample");
}

const char *mr_render_exim_host(struct mr_arena *arena, const char *nexthop, bool dns)
{
	bool bare = *nexthop != '[';
	const char *name = bare ? nexthop : nexthop + 1;
	size_t len = strcspn(name, bare ? ":" : "]");
	const char *port = strchr(name + len, ':');
	const char *host = mr_strndup(arena, name, len);

	if (!port)
		port = ":25";
	/* What has no MX records is a server itself: Exim does not try that by itself. */
	if (bare && dns)
		return mr_printf(arena, "%s/MX%s ; %s%s", host, port, host, port);
	if (bare)
		return mr_printf(arena, "%s%s", host, port);
	/* An address of IPv6 has colons of its own. */
	return mr_printf(arena, strchr(host, ':') ? "[%s]%s" : "%s%s", host, port);
}
