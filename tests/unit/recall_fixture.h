/* What the tests of recall and heard share: this host is mail2.lan, the others are what the test
 * says. */
#ifndef MR_TESTS_UNIT_RECALL_FIXTURE_H
#define MR_TESTS_UNIT_RECALL_FIXTURE_H

#include "test.h"

#include "base/log.h"
#include "features/instance.h"

#define CSN(second, sid) "202611211951" second ".000000Z#000000#" sid "#000000"
#define OWNED(service, csn)                                                                        \
	"dn: cn=mail2.lan,ou=" service ",ou=Owned,dc=mailrepl\nobjectClass: mailReplContainer\n"   \
	"cn: mail2.lan\ncontextCSN: " csn "\n\n"
#define COPY(service, csn)                                                                         \
	"dn: ou=" service ",dc=mailrepl\nobjectClass: organizationalUnit\nou: " service            \
	"\ncontextCSN: " csn "\n\n"                                                                \
	"dn: cn=mail2.lan,ou=" service ",dc=mailrepl\nobjectClass: mailReplContainer\n"            \
	"cn: mail2.lan\n\n"

/* What the slapds of the other hosts hold; NULL: nobody answers. */
static const char *mail1, *relay;

int __wrap_mr_instance_open_peer(struct mr_arena *arena, const struct mr_config *config,
				 const char *tls_folder, const char *host,
				 struct mr_directory **out, struct mr_error *err);
int __wrap_mr_instance_open_peer(struct mr_arena *arena, const struct mr_config *config,
				 const char *tls_folder, const char *host,
				 struct mr_directory **out, struct mr_error *err)
{
	const char *ldif = strcmp(host, "mail1.lan") == 0 ? mail1 : relay;

	(void)arena, (void)config, (void)tls_folder;
	if (!ldif)
		return mr_fail(err, MR_E_UNAVAILABLE, "%s: nobody answers", host);
	return mr_directory_open_memory(ldif, out, err);
}

static struct mr_host hosts[] = {
	{ .name = "mail1.lan", .services = MR_MAIL | MR_UNIX, .server_id = 1, .state = MR_JOINED },
	{ .name = "mail2.lan", .services = MR_MAIL | MR_UNIX, .server_id = 2, .state = MR_JOINED },
	{ .name = "relay.lan", .services = MR_MAIL, .server_id = 3, .state = MR_JOINED },
};
static const struct mr_topology topology = { .home = "mail1.lan", .hosts = hosts, .count = 3 };

#endif
