/* Which of the settings that only templates know those of Exim follow, too. */
#include <string.h>

#include "features/mta.h"
#include "features/smarthost.h"

/* Settings without a row are refused with Exim, whatever they say: half of a protection is none. One may have several. */
static const struct row {
	const char *setting;
	const char *word; /* what it must not say; NULL: anything at all */
	const char *why;  /* NULL: Exim follows it */
} rows[] = {
	{ "mail.networks", NULL, NULL },
	{ "mail.destinations", NULL, NULL },
	{ "mail.intranet", NULL, NULL },
	{ "mail.name", NULL, NULL },
	{ "mail.mailbox_size_limit", NULL, NULL },
	{ "mail.message_size_limit", NULL, NULL },
	{ "mail.smarthost", NULL, NULL },
	{ "mail.smarthost_user", NULL, NULL },
	{ "mail.smarthost_tls", NULL, NULL },
	{ "mail.smarthost_ca", NULL, NULL },
	{ "mail.smarthosts", NULL, NULL },
	{ "mail.protocols", "ipv6", N_("Exim goes on to use IPv4: all or ipv4") },
	{ "mail.synchronous", NULL, NULL },
	{ "backup_mx.domains", NULL, NULL },
	{ "backup_mx.queue_lifetime", NULL, NULL },
	{ "backup_mx.etrn", NULL, NULL },
	{ "backup_mx.backups", NULL, NULL },
	{ "backup_mx.networks", NULL,
	  N_("that is permit_mx_backup, which is Postfix's: name the domains in "
	     "backup_mx.domains") },
	{ "limits.connections", NULL, NULL },
	{ "limits.messages", NULL, NULL },
	{ "limits.recipients", NULL, NULL },
	{ "tls.certificate", NULL, NULL },
	{ "tls.key", NULL, NULL },
	{ "tls.incoming", NULL, NULL },
	{ "tls.outgoing", "dane-only",
	  N_("where DNS names no certificate Exim sends the mail back, and does not wait: dane") },
	{ "tls.outgoing", "secure",
	  N_("Exim compares a certificate with the name of the server alone, not with the mail "
	     "domain: verify, or dane") },
	{ "restrictions.policy_service", NULL, NULL },
	{ "restrictions.policy_down", NULL, NULL },
	{ "restrictions.helo", NULL, NULL },
	{ "restrictions.client_name", NULL, NULL },
	{ "restrictions.sender_domain", NULL, NULL },
	{ "restrictions.own_senders", NULL, NULL },
	{ "dsn.offer", NULL, NULL },
	{ "dsn.postmaster", "true",
	  N_("Exim has no reports of sessions and delays for the postmaster: look into "
	     "/var/log/exim4") },
	{ "postscreen.enabled", "true",
	  N_("postscreen is a part of Postfix: Exim has nothing like it") },
	/* Without it they count for nothing with Postfix, too. */
	{ "postscreen.greet_wait", NULL, NULL },
	{ "postscreen.dnsbl", NULL, NULL },
	{ "postscreen.threshold", NULL, NULL },
	{ "postscreen.deep", NULL, NULL },
	{ "submission.hide_client", NULL, NULL },
	{ "submission.hide_program", NULL, NULL },
	{ "submission.logins", NULL, NULL },
	/* Dovecot's affair. */
	{ "login.delay", NULL, NULL },
	{ "login.connections", NULL, NULL },
};

static bool says(const struct mr_value *value, const char *word)
{
	switch (value->kind) {
	case MR_VALUE_STRING:
		return strcmp(value->string ? value->string : "", word) == 0;
	case MR_VALUE_BOOL:
		return value->boolean == (strcmp(word, "true") == 0);
	default:
		return false;
	}
}

static bool is_refused(const struct row *row, const struct mr_value *value)
{
	bool nothing = value->kind == MR_VALUE_LIST && value->count == 0;

	return row->why && !nothing && (!row->word || says(value, row->word));
}

static int check(const struct mr_config *config, const char *setting, const struct mr_value *value,
		 struct mr_error *err)
{
	bool known = false;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *row = &rows[i];

		if (strcmp(row->setting, setting) != 0)
			continue;
		known = true;
		if (is_refused(row, value))
			return mr_fail(err, MR_E_CONFIG, _("%s: mail.mta = \"exim\": %s%s%s: %s"),
				       config->path, setting, row->word ? " = " : "",
				       row->word ? row->word : "", _(row->why));
	}
	return known ? 0
		     : mr_fail(err, MR_E_CONFIG,
			       _("%s: mail.mta = \"exim\": the setting %s is for Postfix alone"),
			       config->path, setting);
}

static int check_smarthosts(const struct mr_config *config, const struct mr_topology *topology,
			    struct mr_error *err)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_smarthosts servers;

	mr_smarthosts_list(arena, config, topology, &servers);
	for (size_t i = 0; i < servers.count; i++) {
		const struct mr_smarthost *one = &servers.items[i];

		if (one->user && strcmp(one->tls, "none") == 0)
			return mr_fail(err, MR_E_CONFIG,
				       _("%s: %s: %s: Exim sends no password without TLS"),
				       config->path, one->setting, one->nexthop);
		if (one->by_mx && config->mail_dns && strcmp(one->tls, "secure") == 0)
			return mr_fail(err, MR_E_CONFIG,
				       _("%s: %s: %s: with Exim, tls = \"secure\" is for a "
					 "server that is named itself, [%s]"),
				       config->path, one->setting, one->nexthop,
				       one->hosts.items[0]);
	}
	return 0;
}

int mr_mta_settings_check(const struct mr_config *config, const struct mr_topology *topology,
			  struct mr_error *err)
{
	const struct mr_value *others = config->others;

	if (mr_mta(config) != MR_SERVICE_EXIM)
		return 0;
	for (size_t i = 0; others && i < others->count; i++)
		if (check(config, others->keys[i], others->items[i], err) < 0)
			return -1;
	return check_smarthosts(config, topology, err);
}
