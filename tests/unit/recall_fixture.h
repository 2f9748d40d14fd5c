/* What the tests of recall and heard share: this host is mail2.lan, the others are what the test
 * says. */
#ifndef MR_TESTS_UNIT_RECALL_FIXTURE_H
#define MR_TESTS_UNIT_RECALL_FIXTURE_H

#include "base/log.h"
#include "peers_fixture.h"

#define CSN(second, sid) "202611211951" second ".000000Z#000000#" sid "#000000"
#define OWNED(service, csn)                                                                        \
	"dn: cn=mail2.lan,ou=" service ",ou=Owned,dc=mailrepl\nobjectClass: mailReplContainer\n"   \
	"cn: mail2.lan\ncontextCSN: " csn "\n\n"
#define COPY(service, csn)                                                                         \
	"dn: ou=" service ",dc=mailrepl\nobjectClass: organizationalUnit\nou: " service            \
	"\ncontextCSN: " csn "\n\n"                                                                \
	"dn: cn=mail2.lan,ou=" service ",dc=mailrepl\nobjectClass: mailReplContainer\n"            \
	"cn: mail2.lan\n\n"

static struct mr_host hosts[] = {
	{ .name = "mail1.lan", .services = MR_MAIL | MR_UNIX, .server_id = 1, .state = MR_JOINED },
	{ .name = "mail2.lan", .services = MR_MAIL | MR_UNIX, .server_id = 2, .state = MR_JOINED },
	{ .name = "relay.lan", .services = MR_MAIL, .server_id = 3, .state = MR_JOINED },
};
static const struct mr_topology topology = { .home = "mail1.lan", .hosts = hosts, .count = 3 };

#endif
