#include "adapters/dns.h"

#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <netdb.h>
#include <netinet/in.h>
#include <resolv.h>
#include <stdlib.h>
#include <string.h>

#define MOST_ANSWER 65535

struct mr_dns {
	struct __res_state state;
	unsigned char answer[MOST_ANSWER] __attribute__((aligned(8))); /* the last one */
};

static bool point_at(struct __res_state *state, const char *server)
{
	const char *colon = strrchr(server, ':');
	struct sockaddr_in to = { .sin_family = AF_INET };
	char address[INET_ADDRSTRLEN];
	long port;

	if (!colon || (size_t)(colon - server) >= sizeof(address))
		return false;
	memcpy(address, server, (size_t)(colon - server));
	address[colon - server] = '\0';
	port = strtol(colon + 1, NULL, 10);
	if (inet_pton(AF_INET, address, &to.sin_addr) != 1 || port < 1 || port > 65535)
		return false;
	to.sin_port = htons((uint16_t)port);
	state->nsaddr_list[0] = to;
	state->nscount = 1;
	return true;
}

struct mr_dns *mr_dns_open(struct mr_arena *arena, const char *server)
{
	struct mr_dns *dns = MR_NEW(arena, struct mr_dns);

	if (res_ninit(&dns->state) != 0)
		return NULL;
	if (server && !point_at(&dns->state, server)) {
		mr_dns_close(dns);
		return NULL;
	}
	/* Over TCP the library would wait for as long as the kernel does, so larger datagrams instead. */
	dns->state.options |= RES_USE_EDNS0 | RES_IGNTC;
	/* Each server is asked once; what resolv.conf says may be minutes. */
	dns->state.retry = 1;
	dns->state.retrans = MR_DNS_SECONDS / (dns->state.nscount > 1 ? dns->state.nscount : 1);
	return dns;
}

void mr_dns_close(struct mr_dns *dns)
{
	if (dns)
		res_nclose(&dns->state);
}

void mr_dns_cleanup(struct mr_dns **dns)
{
	mr_dns_close(*dns);
}

static const char *name_at(struct mr_arena *arena, const ns_msg *message, const unsigned char *at)
{
	char name[NS_MAXDNAME];

	if (dn_expand(ns_msg_base(*message), ns_msg_end(*message), at, name, sizeof(name)) < 0)
		return NULL;
	mr_printable(name);
	return mr_lower(arena, name);
}

/* What the library says when it has no answer to give. */
static enum mr_dns_answer without_answer(const struct mr_dns *dns, const char *name,
					 struct mr_arena *arena, const char **why)
{
	switch (dns->state.res_h_errno) {
	case HOST_NOT_FOUND:
	case NO_DATA:
		return MR_DNS_NONE;
	case TRY_AGAIN:
		*why = mr_printf(arena, _("DNS does not answer for %s at the moment"), name);
		break;
	default:
		*why = mr_printf(arena, _("DNS refuses to answer for %s"), name);
	}
	return MR_DNS_SILENT;
}

static enum mr_dns_answer ask(struct mr_arena *arena, struct mr_dns *dns, const char *name,
			      int type, ns_msg *message, const char **why)
{
	int len;

	if (!dns) {
		*why = _("there is no DNS server to ask");
		return MR_DNS_SILENT;
	}
	memset(dns->answer, 0, NS_HFIXEDSZ);
	len = res_nquery(&dns->state, name, ns_c_in, type, dns->answer, MOST_ANSWER);
	/* Nothing of an answer that was cut off is certain, nor that there is nothing. */
	if (((const HEADER *)dns->answer)->tc)
		*why = mr_printf(arena, _("the answer of DNS for %s is too long"), name);
	else if (len < 0)
		return without_answer(dns, name, arena, why);
	else if (ns_initparse(dns->answer, len < MOST_ANSWER ? len : MOST_ANSWER, message) < 0)
		*why = mr_printf(arena, _("DNS answers nonsense for %s"), name);
	else
		return MR_DNS_FOUND;
	return MR_DNS_SILENT;
}

static int by_preference(const void *a, const void *b)
{
	const struct mr_mx *one = a, *other = b;

	if (one->preference != other->preference)
		return one->preference < other->preference ? -1 : 1;
	return strcmp(one->host, other->host);
}

enum mr_dns_answer mr_dns_mx(struct mr_arena *arena, struct mr_dns *dns, const char *domain,
			     struct mr_mx **out, size_t *count, const char **why)
{
	enum mr_dns_answer result;
	ns_msg message;
	ns_rr record;

	*out = NULL;
	*count = 0;
	result = ask(arena, dns, domain, ns_t_mx, &message, why);
	if (result != MR_DNS_FOUND)
		return result;
	*out = MR_NEW_ARRAY(arena, struct mr_mx, ns_msg_count(message, ns_s_an) + 1);
	for (int i = 0; i < ns_msg_count(message, ns_s_an); i++) {
		const char *host;

		if (ns_parserr(&message, ns_s_an, i, &record) < 0)
			break;
		if (ns_rr_type(record) != ns_t_mx || ns_rr_rdlen(record) < 3)
			continue;
		host = name_at(arena, &message, ns_rr_rdata(record) + 2);
		if (host)
			(*out)[(*count)++] = (struct mr_mx){ ns_get16(ns_rr_rdata(record)), host };
	}
	if (!*count)
		return MR_DNS_NONE;
	qsort(*out, *count, sizeof(**out), by_preference);
	return MR_DNS_FOUND;
}

static void add_address(struct mr_arena *arena, const ns_rr *record, struct mr_list *addresses)
{
	bool six = ns_rr_type(*record) == ns_t_aaaa;
	char text[INET6_ADDRSTRLEN];

	if (ns_rr_rdlen(*record) == (six ? 16 : 4) &&
	    inet_ntop(six ? AF_INET6 : AF_INET, ns_rr_rdata(*record), text, sizeof(text)) &&
	    !mr_list_has(addresses, text))
		mr_list_add(arena, addresses, text);
}

static enum mr_dns_answer ask_addresses(struct mr_arena *arena, struct mr_dns *dns,
					const char *host, int type, const char **alias,
					struct mr_list *addresses, const char **why)
{
	ns_msg message;
	ns_rr record;
	enum mr_dns_answer result = ask(arena, dns, host, type, &message, why);

	if (result != MR_DNS_FOUND)
		return result;
	for (int i = 0; i < ns_msg_count(message, ns_s_an); i++) {
		if (ns_parserr(&message, ns_s_an, i, &record) < 0)
			break;
		/* Of a chain the first link is what the name says. */
		if (ns_rr_type(record) == ns_t_cname && !*alias)
			*alias = name_at(arena, &message, ns_rr_rdata(record));
		else if (ns_rr_type(record) == (ns_type)type)
			add_address(arena, &record, addresses);
	}
	return MR_DNS_FOUND;
}

enum mr_dns_answer mr_dns_host(struct mr_arena *arena, struct mr_dns *dns, const char *host,
			       const char **alias, struct mr_list *addresses, const char **why)
{
	static const int types[] = { ns_t_cname, ns_t_a, ns_t_aaaa };
	enum mr_dns_answer result;

	*alias = NULL;
	*addresses = (struct mr_list){ 0 };
	/* The alias alone first: where what it points at does not exist, that is all the other answers would say. */
	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
		result = ask_addresses(arena, dns, host, types[i], alias, addresses, why);
		if (result == MR_DNS_SILENT && !addresses->count)
			return MR_DNS_SILENT;
	}
	mr_list_sort(addresses);
	return addresses->count ? MR_DNS_FOUND : MR_DNS_NONE;
}
