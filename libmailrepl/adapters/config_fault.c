#include <arpa/inet.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/age.h"
#include "adapters/config_rows.h"

#define NAME_CHARACTERS "abcdefghijklmnopqrstuvwxyz0123456789.-"

static bool is_name(const char *text)
{
	size_t len = strlen(text);

	return len > 0 && len <= 253 && strspn(text, NAME_CHARACTERS) == len && *text != '.' &&
	       *text != '-' && text[len - 1] != '.' && text[len - 1] != '-' && !strstr(text, "..");
}

static const char *host_fault(const char *text)
{
	size_t len = strlen(text);

	if (strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789.-") != len || len > 253)
		return _("must be a host name in lower case, as `hostname -f` prints it");
	if (!strchr(text, '.') || *text == '.' || text[len - 1] == '.' || strstr(text, ".."))
		return _("must be a fully qualified host name, as `hostname -f` prints it");
	return NULL;
}

static const char *folder_fault(const char *text)
{
	if (*text != '/')
		return _("must be a path that begins with /");
	for (const char *part = text; part; part = strchr(part, '/')) {
		part += strspn(part, "/");
		if (strncmp(part, "..", 2) == 0 && (part[2] == '/' || part[2] == '\0'))
			return _("must be a path without \"..\"");
	}
	return NULL;
}

static const char *address_fault(const char *text)
{
	const char *at = strchr(text, '@');

	if (!at || at == text || !at[1] || strchr(at + 1, '@') || strpbrk(text, " \",;:<>()[]\\"))
		return _("must be a mail address");
	return NULL;
}

static const char *choice_fault(const struct mr_config_row *row, const char *text)
{
	size_t len = strlen(text);

	for (const char *word = row->unit; *word; word += strcspn(word, "|"), word += *word == '|')
		if (strcspn(word, "|") == len && memcmp(word, text, len) == 0)
			return NULL;
	return _("must be one of the words that mailrepl.conf(5) lists");
}

/* What the words are, model/keep.h knows. */
static const char *keep_fault(const char *text)
{
	return text[strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789=,")]
		       ? _("must be as in daily=7,weekly=4,monthly=12")
		       : NULL;
}

static const char *keys_fault(const char *text)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_list keys = mr_list_split(arena, text, ' ');
	struct mr_error err;

	for (size_t i = 0; i < keys.count; i++)
		if (*keys.items[i] && mr_age_recipient_check(keys.items[i], &err) < 0)
			return _("must be public keys of age (age1...), divided by blanks");
	return NULL;
}

static const char *domain_fault(const char *text)
{
	return is_name(text) ? NULL
			     : _("must be a domain in lower case; an international one as A-labels "
				 "(xn--...)");
}

static const char *network_fault(const char *text)
{
	unsigned char bytes[16];
	char address[INET6_ADDRSTRLEN];
	const char *slash = strchr(text, '/');
	size_t len = slash ? (size_t)(slash - text) : strlen(text);
	int family, bits, least;

	if (len == 0 || len >= sizeof(address))
		return _("must be an IP address, or a network as in 192.0.2.0/24 or 2001:db8::/32");
	memcpy(address, text, len);
	address[len] = '\0';
	family = strchr(address, ':') ? AF_INET6 : AF_INET;
	if (inet_pton(family, address, bytes) != 1)
		return _("must be an IP address, or a network as in 192.0.2.0/24 or 2001:db8::/32");
	if (!slash)
		return NULL;
	bits = family == AF_INET ? 32 : 128;
	least = atoi(slash + 1);
	if (!slash[1] || slash[1 + strspn(slash + 1, "0123456789")] || least > bits ||
	    strlen(slash) > 4)
		return _("must be an IP address, or a network as in 192.0.2.0/24 or 2001:db8::/32");
	if (least < (family == AF_INET ? 8 : 7))
		return _("must not be the whole internet, nor a large part of it: /8 at most, or "
			 "/7 with IPv6");
	for (int i = least; i < bits; i++)
		if (bytes[i / 8] & (0x80 >> i % 8))
			return _("has bits behind those that count: 192.0.2.0/24, not "
				 "192.0.2.1/24");
	return NULL;
}

/* host or [host] or [address], then :port or nothing */
static const char *nexthop_fault(const char *text)
{
	static const char wrong[] = N_("must be a host, with a port or without: smtp.example.org, "
				       "[smtp.example.org]:587, [192.0.2.1]");
	char name[256];
	unsigned char bytes[16];
	bool bracket = *text == '[';
	size_t len = strcspn(text + bracket, bracket ? "]" : ":");
	const char *rest = text + bracket + len;

	if (len == 0 || len >= sizeof(name) || (bracket && *rest != ']'))
		return _(wrong);
	memcpy(name, text + bracket, len);
	name[len] = '\0';
	rest += bracket;
	if (!is_name(name) && !(bracket && inet_pton(AF_INET6, name, bytes) == 1))
		return _(wrong);
	if (*rest == '\0')
		return NULL;
	if (*rest != ':' || !isdigit((unsigned char)rest[1]) ||
	    rest[1 + strspn(rest + 1, "0123456789")] || strlen(rest) > 6 || atoi(rest + 1) < 1 ||
	    atoi(rest + 1) > 65535)
		return _(wrong);
	return NULL;
}

static const char *label_fault(const char *text)
{
	for (const char *c = text; *c; c++)
		if (*c <= ' ' || *c > '~' || *c == '"' || *c == '\\')
			return _("must be printable ASCII without blanks, quotes and backslashes");
	return *text ? NULL : _("must not be empty");
}

/* inet:host:port or unix:path, which may lie below Postfix's queue */
static const char *service_fault(const char *text)
{
	static const char wrong[] =
		N_("must be inet:host:port or unix:path, as in inet:127.0.0.1:10023");
	const char *port = strrchr(text, ':');
	size_t len = strlen(text);

	if (strncmp(text, "unix:", 5) == 0)
		return len > 5 && text[5 + strspn(text + 5, NAME_CHARACTERS
						  "ABCDEFGHIJKLMNOPQRSTUVWXYZ_/")] == '\0'
			       ? NULL
			       : _(wrong);
	if (strncmp(text, "inet:", 5) != 0 || port == text + 4 || port == text + 5 ||
	    !isdigit((unsigned char)port[1]) || port[1 + strspn(port + 1, "0123456789")] ||
	    strlen(port) > 6 || atoi(port + 1) < 1 || atoi(port + 1) > 65535)
		return _(wrong);
	return strspn(text + 5, NAME_CHARACTERS ":[]") == len - 5 ? NULL : _(wrong);
}

const char *mr_config_fault(const struct mr_config_row *row, enum mr_config_kind kind,
			    const char *text)
{
	for (const char *c = text; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			return _("must not contain control characters");
	switch (kind) {
	case MR_CONFIG_CHOICE:
		return choice_fault(row, text);
	case MR_CONFIG_HOST:
		return host_fault(text);
	case MR_CONFIG_FOLDER:
		return folder_fault(text);
	case MR_CONFIG_KEEP:
		return keep_fault(text);
	case MR_CONFIG_KEYS:
		return keys_fault(text);
	case MR_CONFIG_DOMAIN:
		return domain_fault(text);
	case MR_CONFIG_DOMAINS:
		return domain_fault(text + (*text == '.'));
	case MR_CONFIG_NETWORK:
		return network_fault(text);
	case MR_CONFIG_NEXTHOP:
		return nexthop_fault(text);
	case MR_CONFIG_LABEL:
		return label_fault(text);
	case MR_CONFIG_SERVICE:
		return service_fault(text);
	default:
		return address_fault(text);
	}
}

const char *mr_config_sample(const struct mr_config_row *row, enum mr_config_kind kind)
{
	switch (kind) {
	case MR_CONFIG_FOLDER:
		return "/sample";
	case MR_CONFIG_ADDRESS:
		return "sample@host.example";
	case MR_CONFIG_NETWORK:
		return "192.0.2.0/24";
	case MR_CONFIG_NEXTHOP:
		return "[host.example]:25";
	case MR_CONFIG_SERVICE:
		return "inet:127.0.0.1:10023";
	case MR_CONFIG_CHOICE:
	case MR_CONFIG_KEEP:
	case MR_CONFIG_KEYS:
		return row->text;
	default:
		return "host.example";
	}
}
