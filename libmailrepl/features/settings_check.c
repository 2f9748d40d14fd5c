#include "features/settings_check.h"

#include <glob.h>
#include <string.h>

#include "base/file.h"
#include "features/mta.h"
#include "features/mta.h"
#include "features/smarthost.h"

#define SASL_MODULE "/usr/lib/*/sasl2/libplain.so*"

struct checking {
	struct mr_arena *arena;
	const struct mr_config *config;
	const struct mr_topology *topology;
	const struct mr_host *self;
	const struct mr_value *mail; /* settings */
	struct mr_smarthosts smarthosts;
	struct mr_error *err;
};

static int refuse(const struct checking *ch, const char *setting, const char *fault)
{
	return mr_fail(ch->err, MR_E_CONFIG, "%s: %s: %s", ch->config->path, setting, fault);
}

static bool is_backup(const struct checking *ch, const char *domain)
{
	const struct mr_value *settings = mr_config_settings(ch->arena, ch->config);
	const struct mr_value *list = mr_value_get(mr_value_get(settings, "backup_mx"), "domains");

	for (size_t i = 0; i < list->count; i++)
		if (strcmp(mr_value_get_string(list->items[i], "domain", ""), domain) == 0)
			return true;
	for (size_t i = 0; i < ch->topology->foreign_count; i++)
		if (strcmp(ch->topology->foreign[i].name, domain) == 0)
			return true;
	return false;
}

/* What else `domain` is; NULL: nothing of ours. */
static const char *taken(const struct checking *ch, const char *domain)
{
	if (mr_list_has(&ch->topology->domains, domain))
		return mr_printf(ch->arena, _("%s is a mail domain"), domain);
	if (mr_topology_host(ch->topology, domain))
		return mr_printf(ch->arena, _("%s is a host of the mail domain"), domain);
	for (size_t i = 0; i < ch->topology->former.count; i++) {
		struct mr_former former =
			mr_former_parse(ch->arena, ch->topology->former.items[i]);

		if (strcmp(former.gone, domain) == 0)
			return mr_printf(ch->arena, _("%s is a host that %s has taken over"),
					 domain, former.by);
	}
	if (is_backup(ch, domain))
		return mr_printf(ch->arena, _("%s is a domain that this host is a backup MX of"),
				 domain);
	return NULL;
}

static int check_names(const struct checking *ch)
{
	const struct mr_value *list = mr_value_get(ch->mail, "destinations");
	const char *name = mr_value_get_string(ch->mail, "name", "");

	for (size_t i = 0; i < list->count; i++) {
		const char *fault = taken(ch, list->items[i]->string);

		if (fault)
			return refuse(ch, "mail.destinations", fault);
	}
	if (strcmp(name, ch->config->host) != 0 && mr_topology_host(ch->topology, name))
		return refuse(ch, "mail.name", mr_printf(ch->arena, _("%s is another host"), name));
	return 0;
}

static int check_limits(const struct checking *ch)
{
	long long mailbox = mr_value_get_int(ch->mail, "mailbox_size_limit", 0),
		  message = mr_value_get_int(ch->mail, "message_size_limit", 0);

	if (mailbox && mailbox < message)
		return refuse(ch, "mail.mailbox_size_limit",
			      mr_printf(ch->arena,
					_("%lld is less than mail.message_size_limit, %lld"),
					mailbox, message));
	return 0;
}

/* Mail for `domain` stays on this machine. */
static bool is_here(const struct checking *ch, const char *domain)
{
	const struct mr_value *list = mr_value_get(ch->mail, "destinations");

	for (size_t i = 0; i < list->count; i++)
		if (strcmp(list->items[i]->string, domain) == 0)
			return true;
	return strcmp(domain, "localhost") == 0 || strcmp(domain, ch->config->host) == 0;
}

static int check_mode(const struct checking *ch)
{
	const char *postmaster = strrchr(ch->config->mail_postmaster, '@');
	const char *mode = mr_mode_word(ch->self->mode);

	if (ch->self->mode == MR_MODE_SMARTHOST && !*mr_value_get_string(ch->mail, "smarthost", ""))
		return refuse(ch, "mail.smarthost",
			      _("must be set, since this host is in mode smarthost (cl-setup mail "
				"--smarthost, or cl-replication --mode on the home)"));
	if (ch->self->mode == MR_MODE_SATELLITE && !ch->smarthosts.count)
		return refuse(ch, "mail.smarthost",
			      _("must be set: this host is a satellite, and no other host of the "
				"domain can take its mail"));
	if (mr_host_is_closed(ch->self) && mr_value_get(ch->mail, "networks")->count)
		return refuse(ch, "mail.networks",
			      mr_printf(ch->arena,
					_("must be empty: in mode %s this host takes mail from "
					  "itself only"),
					mode));
	if (ch->self->mode == MR_MODE_LOCAL && !mr_host_is_router(ch->self) && postmaster &&
	    !is_here(ch, postmaster + 1))
		return refuse(ch, "mail.postmaster",
			      mr_printf(ch->arena,
					_("%s is on another machine: in mode local this host sends "
					  "no mail"),
					ch->config->mail_postmaster));
	return 0;
}

/* Also two settings about one server, and two servers for one domain. */
static int check_against(const struct checking *ch, const struct mr_smarthost *one,
			 const struct mr_smarthost *other)
{
	bool same_user = one->user && other->user ? strcmp(one->user, other->user) == 0
						  : one->user == other->user;

	if (one->domain && other->domain && strcmp(one->domain, other->domain) == 0)
		return refuse(ch, one->setting,
			      mr_printf(ch->arena, _("%s is named twice"), one->domain));
	if (strcmp(one->nexthop, other->nexthop) == 0 &&
	    (!same_user || strcmp(one->tls, other->tls) != 0))
		return refuse(ch, one->setting,
			      mr_printf(ch->arena, _("%s has two users or two levels of TLS"),
					one->nexthop));
	return 0;
}

/* What another host of ours is asked to hand on it takes from those that the topology says it for, and from who logs in: it
 * would refuse all other mail for good. */
static int check_ours(const struct checking *ch, const struct mr_smarthost *one,
		      const struct mr_host *host)
{
	if (mr_host_is_closed(host))
		return refuse(ch, one->setting,
			      mr_printf(ch->arena, _("%s takes no mail from others (mode %s)"),
					host->name, mr_mode_word(host->mode)));
	if (one->user)
		return 0;
	if (!one->ours)
		return refuse(ch, one->setting,
			      mr_printf(ch->arena,
					_("%s is a host of the mail domain, and must be named "
					  "without a port, or with a user"),
					one->nexthop));
	if (ch->self->mode == MR_MODE_INTERNET)
		return refuse(ch, one->setting,
			      mr_printf(ch->arena,
					_("%s hands on no mail of a host in mode internet: "
					  "cl-replication --mode %s=smarthost on the home, or "
					  "another server"),
					host->name, ch->self->name));
	return 0;
}

static int check_target(const struct checking *ch, const struct mr_smarthost *one)
{
	const char *name = mr_strndup(ch->arena, one->nexthop + (*one->nexthop == '['),
				      strcspn(one->nexthop + (*one->nexthop == '['), "]:"));
	const struct mr_host *host = mr_topology_host(ch->topology, name);
	const char *fault = one->domain ? taken(ch, one->domain) : NULL;

	if (fault)
		return refuse(ch, one->setting, fault);
	if (one->domain && is_here(ch, one->domain))
		return refuse(ch, one->setting,
			      mr_printf(ch->arena,
					_("%s is in mail.destinations too: its mail stays here, or "
					  "it goes to a server"),
					one->domain));
	if (host == ch->self)
		return refuse(ch, one->setting, _("this host cannot hand mail to itself"));
	if (host && check_ours(ch, one, host) < 0)
		return -1;
	if (ch->topology->scheme == MR_SCHEME_INTRANET && !(one->ours && !one->domain))
		return refuse(
			ch, one->setting,
			mr_printf(ch->arena,
				  _("%s is outside: in the scheme intranet no mail leaves the "
				    "intranet"),
				  one->nexthop));
	return 0;
}

static int check_login(const struct checking *ch, const struct mr_smarthost *one)
{
	bool managed = ch->config->mail_manage && !*ch->config->root;
	const char *stored = NULL;
	glob_t found;
	bool module;

	if (one->wrapped && (strcmp(one->tls, "none") == 0 || strcmp(one->tls, "may") == 0))
		return refuse(ch, one->setting,
			      mr_printf(ch->arena, _("on port 465 there is nothing but TLS: %s"),
					one->nexthop));
	if (!one->user)
		return 0;
	if (strchr(one->user, ':'))
		return refuse(ch, one->setting, _("the user's name must not contain a colon"));
	if (!managed)
		return 0;
	module = glob(SASL_MODULE, GLOB_NOSORT, NULL, &found) == 0;
	globfree(&found);
	if (!module && mr_mta(ch->config) == MR_SERVICE_POSTFIX)
		return refuse(
			ch, one->setting,
			_("a login at another server needs a package that is not installed: apt "
			  "install libsasl2-modules"));
	if (mr_smarthost_secret_user(ch->arena, ch->config, one->nexthop, &stored, ch->err) < 0)
		return -1;
	if (!stored || strcmp(stored, one->user) != 0)
		return refuse(ch, one->setting,
			      mr_printf(ch->arena,
					_("there is no password of %s at %s yet: run cl-setup "
					  "--smarthost-password '%s'"),
					one->user, one->nexthop, one->nexthop));
	return 0;
}

static int check_authorities(const struct checking *ch, const char *tls)
{
	const char *file = mr_value_get_string(ch->mail, "smarthost_ca", "");

	if ((strcmp(tls, "verify") != 0 && strcmp(tls, "secure") != 0) ||
	    !ch->config->mail_manage || *ch->config->root || mr_path_exists(file))
		return 0;
	return refuse(
		ch, "mail.smarthost_ca",
		mr_printf(ch->arena, _("%s is not there (apt install ca-certificates)"), file));
}

static int check_smarthosts(const struct checking *ch)
{
	for (size_t i = 0; i < ch->smarthosts.count; i++) {
		const struct mr_smarthost *one = &ch->smarthosts.items[i];

		for (size_t j = 0; j < i; j++)
			if (check_against(ch, one, &ch->smarthosts.items[j]) < 0)
				return -1;
		if (check_target(ch, one) < 0 || check_login(ch, one) < 0 ||
		    (!one->ours && check_authorities(ch, one->tls) < 0))
			return -1;
	}
	return 0;
}

int mr_settings_check(const struct mr_config *config, const struct mr_topology *topology,
		      struct mr_error *err)
{
	MR_ARENA arena = mr_arena_open();
	struct checking ch = { .arena = arena, .config = config, .topology = topology, .err = err };
	const struct mr_value *settings = mr_config_settings(arena, config);
	const char *outgoing = mr_value_get_string(mr_value_get(settings, "tls"), "outgoing", "");

	ch.self = mr_topology_host(topology, config->host);
	ch.mail = mr_value_get(settings, "mail");
	/* What a server that is left alone does with them is not our affair. */
	if (ch.self->mode == MR_MODE_NONE)
		return 0;
	mr_smarthosts_list(arena, config, topology, &ch.smarthosts);
	if (check_names(&ch) < 0 || check_limits(&ch) < 0 || check_mode(&ch) < 0)
		return -1;
	if (check_smarthosts(&ch) < 0 || check_authorities(&ch, outgoing) < 0)
		return -1;
	return mr_mta_settings_check(config, topology, err);
}
