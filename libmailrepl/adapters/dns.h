/* What DNS says, asked as Postfix asks it: of the servers in resolv.conf(5), without its search list, /etc/hosts left out.
 *
 *	MR_DNS dns = mr_dns_open(arena, NULL);
 *	if (mr_dns_mx(arena, dns, "maildomain.org", &mx, &count, &why) == MR_DNS_FOUND) ...
 */
#ifndef MR_ADAPTERS_DNS_H
#define MR_ADAPTERS_DNS_H

#include "base/strings.h"

struct mr_dns;

enum mr_dns_answer {
	MR_DNS_FOUND,
	MR_DNS_NONE,  /* there is no such name, or it has no such records: that is certain */
	MR_DNS_SILENT /* nobody has said anything, or only that he cannot tell (SERVFAIL, REFUSED), or nonsense: nothing is
			 known. The reason is in *why. */
};

/* One look-up takes at most so long, of how many servers ever. */
#define MR_DNS_SECONDS 6

/* `server`: "address:port" of the only one that is asked (IPv4), NULL: as resolv.conf says. NULL if there is nobody to ask or
 * `server` is malformed: every look-up is silent then. The caller closes it, before the arena; NULL is fine. */
struct mr_dns *mr_dns_open(struct mr_arena *arena, const char *server);
void mr_dns_close(struct mr_dns *dns);
void mr_dns_cleanup(struct mr_dns **dns);
#define MR_DNS __attribute__((cleanup(mr_dns_cleanup))) struct mr_dns *

struct mr_mx {
	unsigned preference; /* 0..65535, the smallest is tried first (RFC 5321 section 5.1) */
	const char *
		host; /* in lower case, without a dot at the end; "" is "this domain takes no mail" (RFC 7505) */
};

/* The MX records of a domain (A-labels), by preference, then by name. *why is set if SILENT. */
enum mr_dns_answer mr_dns_mx(struct mr_arena *arena, struct mr_dns *dns, const char *domain,
			     struct mr_mx **out, size_t *count, const char **why);
/* The addresses of a host (A and AAAA records, numeric, sorted), and what it is an alias of: *alias = where its CNAME record
 * points, or NULL. FOUND: it has an address, by way of the alias perhaps; NONE: no address (*alias is set nevertheless). */
enum mr_dns_answer mr_dns_host(struct mr_arena *arena, struct mr_dns *dns, const char *host,
			       const char **alias, struct mr_list *addresses, const char **why);

#endif
