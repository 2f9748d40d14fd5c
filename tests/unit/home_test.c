/* Who is the home, and what a home that has lost something must not begin anew. */
#include "test.h"

#include "base/log.h"
#include "base/paths.h"
#include "features/identity.h"
#include "features/instance.h"
#include "features/setup.h"

#define HEAD(host, epoch)                                                                          \
	"dn: ou=Hosts,cn=" host ",ou=Mail,dc=mailrepl\nobjectClass: organizationalUnit\n"          \
	"objectClass: mailReplTopology\nou: Hosts\nmailReplHome: " host "\nmailReplEpoch: " epoch  \
	"\nmailReplDomainId: 8a6e0804-2bd0-4672-b79d-d97027f9071a\nmailReplGeneration: 3\n"        \
	"mailReplServerIDHighWater: 2\nmailReplScheme: intranet\n\n"
#define HOST(host, home, id)                                                                       \
	"dn: cn=" host ",ou=Hosts,cn=" home ",ou=Mail,dc=mailrepl\nobjectClass: mailReplHost\n"    \
	"cn: " host "\nmailReplService: mail\nmailReplServerID: " id "\nmailReplState: joined\n\n"
#define DOMAIN(name, host)                                                                         \
	"dn: associatedDomain=" name ",cn=" host ",ou=Mail,dc=mailrepl\n"                          \
	"objectClass: mailReplDomain\nassociatedDomain: " name "\n\n"
#define CONTAINER(host)                                                                            \
	"dn: cn=" host ",ou=Mail,dc=mailrepl\nobjectClass: mailReplContainer\ncn: " host "\n\n"

static const char two_homes[] =
	"dn: ou=Mail,dc=mailrepl\nobjectClass: organizationalUnit\nou: Mail\n\n" CONTAINER(
		"mail1.lan") CONTAINER("mail2.lan") HEAD("mail1.lan", "1") HEAD("mail2.lan", "99")
		HOST("mail1.lan", "mail1.lan", "1") HOST("mail2.lan", "mail1.lan", "2")
			HOST("mail2.lan", "mail2.lan", "2") DOMAIN("maildomain.org", "mail1.lan")
				DOMAIN("bank.example", "mail2.lan");

static void put(const char *root, const char *path, const char *text)
{
	MR_ARENA arena = mr_arena_open();

	put_file(mr_path(arena, root, path), text);
}

static void only_the_accepted_home_is_obeyed(void **state)
{
	static const struct {
		const char *accepted, *home, *domain;
		size_t count;
	} rows[] = {
		{ "mail1.lan", "mail1.lan", "maildomain.org", 2 },
		{ "mail2.lan", "mail2.lan", "bank.example", 1 },
	};

	put(*state, MR_PATH_DB "/mail/data.mdb", "");
	mr_log_init("test", MR_LOG_ERROR);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		MR_ARENA arena = mr_arena_open();
		struct mr_config config = { .root = *state,
					    .host = "relay.lan",
					    .home = rows[i].accepted,
					    .path = "mailrepl.conf" };
		struct mr_topology topology;
		struct mr_error err = { 0 };
		MR_DIRECTORY dir = NULL;

		assert_ok(mr_directory_open_memory(two_homes, &dir, &err), err);
		assert_ok(mr_instance_topology(arena, dir, &config, &topology, &err), err);
		assert_string_equal(topology.home, rows[i].home);
		assert_int_equal(topology.count, rows[i].count);
		assert_int_equal(topology.domains.count, 1);
		assert_string_equal(topology.domains.items[0], rows[i].domain);
	}
}

static void a_home_whose_database_is_gone_is_not_begun_anew(void **state)
{
	static const char *const traces[] = { MR_PATH_SLAPD_LDIF, MR_PATH_PEERS "/mail2.lan.key" };

	for (size_t i = 0; i < sizeof(traces) / sizeof(traces[0]); i++) {
		MR_ARENA arena = mr_arena_open();
		const char *root = mr_printf(arena, "%s/%zu", (const char *)*state, i);
		struct mr_config config = { .root = root, .host = "mail1.lan", .path = "" };
		struct mr_setup_request request = { .service = MR_MAIL,
						    .domain = "maildomain.org" };
		struct mr_setup setup = { 0 };
		struct mr_plan plan = { 0 };
		struct mr_error err = { 0 };

		put(root, traces[i], "");
		assert_fails(mr_setup_plan(arena, &config, &request, &setup, &plan, &err),
			     MR_E_CONFIG, err);
		assert_contains(err.message, "cl-backup -r");
		assert_int_equal(plan.count, 0);
		mr_setup_close(&setup);
	}
}

static void a_certification_authority_without_its_key_is_not_replaced(void **state)
{
	MR_ARENA arena = mr_arena_open();
	const struct mr_config config = { .root = *state };
	struct mr_identity made = { 0 }, ca = { 0 };
	struct mr_error err = { 0 };

	assert_ok(mr_tls_make_ca(arena, "8a6e0804-2bd0-4672-b79d-d97027f9071a", &made, &err), err);
	put(*state, MR_PATH_CA_CERT, made.cert);
	assert_fails(mr_identity_ca_read(arena, &config, &ca, &err), MR_E_CONFIG, err);
	put(*state, MR_PATH_CA_KEY, made.key.data);
	assert_ok(mr_identity_ca_read(arena, &config, &ca, &err), err);
	mr_identity_close(&ca);
	mr_identity_close(&made);
}

static void a_name_that_is_no_host_name_is_refused(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_config config = { .path = "mailrepl.conf" };
	struct mr_error err = { 0 };

	(void)state;
	assert_fails(mr_identity_name(arena, "mail_1.lan", &config, &err), MR_E_INVALID, err);
	assert_ok(mr_identity_name(arena, "Mail1.LAN", &config, &err), err);
	assert_string_equal(config.host, "mail1.lan");
	assert_fails(mr_identity_name(arena, "mail2.lan", &config, &err), MR_E_CONFIG, err);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(only_the_accepted_home_is_obeyed, folder_setup,
						folder_teardown),
		cmocka_unit_test_setup_teardown(a_home_whose_database_is_gone_is_not_begun_anew,
						folder_setup, folder_teardown),
		cmocka_unit_test_setup_teardown(
			a_certification_authority_without_its_key_is_not_replaced, folder_setup,
			folder_teardown),
		cmocka_unit_test(a_name_that_is_no_host_name_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
