#include "adapters/config_rows.h"

#define AT(member) offsetof(struct mr_config, member)
#define NONE MR_CONFIG_NO_FIELD

#define NUMBER(name_, field_, least_, most_, preset, unit_, help_)                                 \
	{                                                                                          \
		.name = name_, .kind = MR_CONFIG_NUMBER, .field = field_, .least = least_,         \
		.most = most_, .number = preset, .unit = unit_, .help = help_                      \
	}
#define FLAG(name_, field_, preset, help_)                                                         \
	{                                                                                          \
		.name = name_, .kind = MR_CONFIG_FLAG, .field = field_, .number = preset,          \
		.help = help_                                                                      \
	}
#define CHOICE(name_, field_, preset, words, help_)                                                \
	{                                                                                          \
		.name = name_, .kind = MR_CONFIG_CHOICE, .field = field_, .text = preset,          \
		.unit = words, .help = help_                                                       \
	}
#define TEXT(name_, field_, kind_, preset, help_)                                                  \
	{                                                                                          \
		.name = name_, .kind = MR_CONFIG_##kind_, .field = field_, .text = preset,         \
		.help = help_                                                                      \
	}
#define LIST(name_, element_, help_)                                                               \
	{                                                                                          \
		.name = name_, .kind = MR_CONFIG_LIST, .field = NONE,                              \
		.element = MR_CONFIG_##element_, .help = help_                                     \
	}
#define TABLE(name_, columns_, help_)                                                              \
	{                                                                                          \
		.name = name_, .kind = MR_CONFIG_TABLE, .field = NONE, .columns = columns_,        \
		.help = help_                                                                      \
	}
/* A column that must be given. */
#define NEEDED(name_, kind_, help_)                                                                \
	{                                                                                          \
		.name = name_, .kind = MR_CONFIG_##kind_, .field = NONE, .help = help_,            \
		.needed = true                                                                     \
	}

#define TLS_LEVELS "auto|none|may|encrypt|verify|secure"

static const struct mr_config_row smarthost_columns[] = {
	NEEDED("domain", DOMAINS, N_("Whose mail; with a leading dot: that of what lies below it.")),
	NEEDED("smarthost", NEXTHOP, N_("To which server.")),
	TEXT("user", NONE, LABEL, "", N_("Whom this host logs in as there; nothing: it does not.")),
	CHOICE("tls", NONE, "auto", TLS_LEVELS, N_("As mail.smarthost_tls.")),
	{ .name = NULL },
};

static const struct mr_config_row backup_mx_columns[] = {
	NEEDED("domain", DOMAIN, N_("The domain.")),
	TEXT("primary", NONE, NEXTHOP, NULL,
	     N_("Where its mail goes; nothing: as its MX records say.")),
	CHOICE("recipients", NONE, "verify", "verify|list",
	       N_("How its recipients are known: its primary is asked, or they are in a list.")),
	TEXT("list", NONE, FOLDER, NULL, N_("The file with the list: an address a line.")),
	{ .name = NULL },
};

static const struct mr_config_row dnsbl_columns[] = {
	NEEDED("site", DOMAIN, N_("The zone that is asked.")),
	NUMBER("weight", NONE, -100, 100, 1, NULL,
	       N_("What being listed counts; less than 0: a list of those who are welcome.")),
	TEXT("shown", NONE, DOMAIN, "",
	     N_("What who is refused is told instead of the zone, if that has a key in it.")),
	{ .name = NULL },
};

const struct mr_config_row mr_config_rows[] = {
	TEXT("host", AT(host), HOST, NULL,
	     N_("This host's fully qualified name; written by cl-setup or when the host joins.")),
	TEXT("home", AT(home), HOST, NULL,
	     N_("The home of the mail domain, whose list of hosts this host obeys and no other's; "
		"written by cl-setup or when the host joins.")),
	NUMBER("directory.port", AT(directory_port), 0, 65535, 3890, NULL,
	       N_("TCP port on which the other hosts reach this host's directory; 0: none.")),
	NUMBER("directory.deadline", AT(directory_deadline), 1, 3600, 10, "seconds",
	       N_("How long one call to a directory may take.")),
	NUMBER("directory.max_size", AT(directory_max_size), 16, 1048576, 4096, "MiB",
	       N_("Most that each database of the directory may grow to.")),
	NUMBER("directory.join_deadline", AT(join_deadline), 5, 604800, 600, "seconds",
	       N_("How long a host that joins waits until it is in step with the others.")),
	TEXT("backup.folder", AT(backup_folder), FOLDER, "/var/calculate/server-backup/ldap",
	     N_("Where archives are written and looked for.")),
	TEXT("backup.keep", AT(backup_keep), KEEP, "",
	     N_("Which archives stay when cl-backup has made new ones, as in "
		"daily=7,weekly=4,monthly=12; nothing: all.")),
	TEXT("backup.recipients", AT(backup_recipients), KEYS, "",
	     N_("Public keys of age (age1...), divided by blanks, to which archives are sealed; "
		"none: they are not sealed.")),
	FLAG("mail.dns", AT(mail_dns), true,
	     N_("false on an intranet whose names are in /etc/hosts only: mail asks no DNS.")),
	CHOICE("mail.mta", AT(mail_mta), "postfix", "postfix|exim",
	       N_("Which program carries the mail; Exim on relays only.")),
	LIST("mail.networks", NETWORK,
	     N_("Networks whose hosts may send mail anywhere through this host without a login, "
		"beside "
		"itself.")),
	LIST("mail.intranet", NETWORK,
	     N_("In the scheme intranet: networks that belong to it beside the private ones; all "
		"others are outside, from where no mail is taken.")),
	LIST("mail.destinations", DOMAIN,
	     N_("Further domains whose mail is for the users of this system, not for mailboxes.")),
	TEXT("mail.name", NONE, DOMAIN, "",
	     N_("The domain that local users' mail gets as its sender's when it leaves this host; "
		"nothing: this host's name.")),
	TEXT("mail.smarthost", NONE, NEXTHOP, "",
	     N_("In the modes smarthost and satellite: the server that mail for the outside is "
		"handed to.")),
	TEXT("mail.smarthost_user", NONE, LABEL, "",
	     N_("Whom this host logs in as there; nothing: it does not. The password: cl-setup "
		"--smarthost-password.")),
	CHOICE("mail.smarthost_tls", NONE, "auto", TLS_LEVELS,
	       N_("TLS to that server; auto: encrypt with a login or on port 465, otherwise may.")),
	TEXT("mail.smarthost_ca", NONE, FOLDER, "/etc/ssl/certs/ca-certificates.crt",
	     N_("The file with the authorities whose certificates count for verify and secure.")),
	TABLE("mail.smarthosts", smarthost_columns,
	      N_("Servers that mail for certain domains is handed to.")),
	NUMBER("mail.mailbox_size_limit", NONE, 0, 102400, 0, "MiB",
	       N_("Most that a mailbox of a user of this system may hold (/var/mail, not "
		  "mailrepl's); 0: no limit.")),
	NUMBER("mail.message_size_limit", NONE, 1, 102400, 50, "MiB",
	       N_("The largest message that this host takes; the same on all hosts.")),
	CHOICE("mail.protocols", NONE, "all", "all|ipv4|ipv6",
	       N_("The internet protocols that mail uses.")),
	FLAG("mail.synchronous", NONE, false,
	     N_("true: the mail queue is written at once, file by file (chattr +S).")),
	TEXT("mail.postmaster", AT(mail_postmaster), ADDRESS, "root@localhost",
	     N_("Where mail for postmaster, abuse, root and mailer-daemon of this host goes, and "
		"of "
		"the mail domains that have no postmaster of their own.")),
	FLAG("mail.manage", AT(mail_manage), true,
	     N_("false: Postfix and Dovecot are configured, but neither started nor reloaded.")),
	NUMBER("mail.doubt", AT(mail_doubt), 0, 2592000, 300, "seconds",
	       N_("How long an unknown recipient is told to try again later because a host that "
		  "may "
		  "know it cannot be reached; "
		  "0: not at all.")),
	NUMBER("mail.quota", AT(mail_quota), 0, 1048576, 0, "MiB",
	       N_("How much a mailbox may hold that has no limit of its own; 0: as much as there "
		  "is "
		  "room.")),
	CHOICE("mail.quota_full", AT(mail_quota_full), "defer", "defer|reject",
	       N_("What happens to mail for a mailbox that is full: it waits in the queue, or it "
		  "goes "
		  "back.")),
	TABLE("backup_mx.domains", backup_mx_columns,
	      N_("Domains of other primaries, whose mail this host takes and keeps while they are "
		 "down.")),
	NUMBER("backup_mx.queue_lifetime", NONE, 1, 100, 10, "days",
	       N_("How long this host keeps mail if it is a backup for other primaries.")),
	LIST("backup_mx.etrn", NETWORK,
	     N_("Who may ask for the mail that waits here (ETRN); none: nobody.")),
	LIST("backup_mx.networks", NETWORK,
	     N_("Take mail for every domain that DNS names this host a backup MX of and whose "
		"primaries are in these networks; before Postfix 3.9 only.")),
	LIST("backup_mx.backups", HOST,
	     N_("Hosts that keep mail for our domains while we are down, and are asked for it "
		"when "
		"we are back.")),
	NUMBER("limits.connections", NONE, 0, 1000000, 0, "per minute",
	       N_("How often one stranger may connect; 0: no limit.")),
	NUMBER("limits.messages", NONE, 0, 1000000, 0, "per minute",
	       N_("How many messages one stranger may send; 0: no limit.")),
	NUMBER("limits.recipients", NONE, 0, 1000000, 0, "per minute",
	       N_("How many recipients one stranger may name; 0: no limit.")),
	TEXT("tls.certificate", NONE, FOLDER, "",
	     N_("The file with the certificate that strangers and mail programs are shown, and "
		"those of its issuers; nothing: the domain's own.")),
	TEXT("tls.key", NONE, FOLDER, "", N_("The file with its key.")),
	CHOICE("tls.incoming", NONE, "may", "may|encrypt",
	       N_("TLS of strangers who bring mail: as they like, or always.")),
	CHOICE("tls.outgoing", NONE, "may", "may|encrypt|dane|dane-only|verify|secure",
	       N_("TLS to servers outside.")),
	TEXT("restrictions.policy_service", NONE, SERVICE, "",
	     N_("A policy service that is asked last about mail of strangers, as greylisting; "
		"nothing: none.")),
	CHOICE("restrictions.policy_down", NONE, "accept", "accept|defer",
	       N_("What happens to mail while it does not answer.")),
	CHOICE("restrictions.helo", NONE, "fqdn", "none|syntax|fqdn|known",
	       N_("What the name must be that a stranger says it has.")),
	FLAG("restrictions.client_name", NONE, false,
	     N_("true: strangers without a name in DNS (PTR) are refused.")),
	FLAG("restrictions.sender_domain", NONE, true,
	     N_("true: mail of senders whose domain is not in DNS is refused.")),
	CHOICE("restrictions.own_senders", NONE, "known", "any|known|login",
	       N_("Which senders of our own mail domains strangers may use: any, those there are, "
		  "or none without a login.")),
	CHOICE("dsn.offer", NONE, "inside", "nobody|inside|everybody",
	       N_("Who may ask for delivery status notifications.")),
	FLAG("dsn.postmaster", NONE, false,
	     N_("true: the postmaster gets a copy of the headers of what comes back, is late or was "
		"refused.")),
	FLAG("submission.hide_client", NONE, true,
	     N_("true: mail that is sent with a login does not say from which address.")),
	FLAG("submission.hide_program", NONE, false,
	     N_("true: nor with which program.")),
	NUMBER("submission.logins", NONE, 0, 1000000, 60, "per minute",
	       N_("How often one address may log in to send; 0: no limit.")),
	NUMBER("login.delay", NONE, 0, 60, 2, "seconds",
	       N_("How long the answer to a login that fails is kept back.")),
	NUMBER("login.connections", NONE, 1, 100000, 20, NULL,
	       N_("Most connections for reading that one user has from one address.")),
	FLAG("postscreen.enabled", NONE, false,
	     N_("true: strangers are looked at before they may talk to a mail server.")),
	NUMBER("postscreen.greet_wait", NONE, 1, 60, 6, "seconds",
	       N_("How long a stranger must wait for the greeting.")),
	TABLE("postscreen.dnsbl", dnsbl_columns,
	      N_("Lists in DNS of addresses that are not welcome, or are.")),
	NUMBER("postscreen.threshold", NONE, 1, 10000, 1, NULL,
	       N_("From which sum of weights on a stranger is refused.")),
	FLAG("postscreen.deep", NONE, false,
	     N_("true: also what a stranger says is looked at; who is new must come twice.")),
	NUMBER("watch.interval", AT(watch_interval), 1, 3600, 2, "seconds",
	       N_("How often mailrepl-watch looks whether this host is in step.")),
	NUMBER("watch.patience", AT(watch_patience), 10, 86400, 60, "seconds",
	       N_("How long the directory may hang or stay behind before mailrepl-watch restarts "
		  "it.")),
	NUMBER("watch.verify", AT(watch_verify), 0, 2592000, 21600, "seconds",
	       N_("How often mailrepl-watch compares the copies with their owners, beside after "
		  "restarts; 0: never.")),
	NUMBER("certificates.days", AT(certificate_days), 1, 10950, 3650, "days",
	       N_("How long the certificates that this host issues are valid.")),
	NUMBER("password.min_length", AT(password_length), 1, 256, 8, "characters",
	       N_("Fewest characters of a password that is set on this host.")),
	NUMBER("password.min_classes", AT(password_classes), 1, 4, 1, NULL,
	       N_("Of how many kinds its characters must be: small letters, capital letters, "
		  "digits, "
		  "others.")),
	{ .name = NULL },
};

static const char *const kind_words[] = {
	[MR_CONFIG_NUMBER] = "number",
	[MR_CONFIG_FLAG] = "true or false",
	[MR_CONFIG_HOST] = "host name",
	[MR_CONFIG_FOLDER] = "folder",
	[MR_CONFIG_ADDRESS] = "mail address",
	[MR_CONFIG_CHOICE] = "word",
	[MR_CONFIG_KEEP] = "list of numbers",
	[MR_CONFIG_KEYS] = "list of keys",
	[MR_CONFIG_DOMAIN] = "domain",
	[MR_CONFIG_DOMAINS] = "domain, with a leading dot or without",
	[MR_CONFIG_NETWORK] = "address or network",
	[MR_CONFIG_NEXTHOP] = "host, with port or without",
	[MR_CONFIG_LABEL] = "text",
	[MR_CONFIG_SERVICE] = "inet:host:port or unix:path",
	[MR_CONFIG_LIST] = "list",
	[MR_CONFIG_TABLE] = "list of groups",
};

const char *mr_config_kind_word(enum mr_config_kind kind)
{
	return kind_words[kind];
}

struct mr_value *mr_config_default(struct mr_arena *arena, const struct mr_config_row *row)
{
	switch (row->kind) {
	case MR_CONFIG_NUMBER:
		return mr_value_int(arena, row->number);
	case MR_CONFIG_FLAG:
		return mr_value_bool(arena, row->number != 0);
	case MR_CONFIG_LIST:
	case MR_CONFIG_TABLE:
		return mr_value_list(arena);
	default:
		return mr_value_string(arena, row->text && *row->text ? row->text : NULL);
	}
}

struct mr_value *mr_config_field(struct mr_arena *arena, const struct mr_config_row *row,
				 const struct mr_config *config)
{
	const void *field = (const char *)config + row->field;
	const char *text;

	switch (row->kind) {
	case MR_CONFIG_NUMBER:
		return mr_value_int(arena, *(const long long *)field);
	case MR_CONFIG_FLAG:
		return mr_value_bool(arena, *(const bool *)field);
	default:
		text = *(const char *const *)field;
		return mr_value_string(arena, text && *text ? text : NULL);
	}
}
