/* What the model writes is accepted by the real slapd with the schema that we install. */
#include "test.h"

#include "adapters/ldif.h"
#include "base/process.h"
#include "model/mailbox.h"
#include "model/topology.h"

#define MAIL1 "cn=mail1.lan,ou=Mail,ou=Owned,dc=mailrepl"
#define UNIX1 "cn=mail1.lan,ou=Unix,ou=Owned,dc=mailrepl"
#define PRINT                                                                                      \
	"00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:"  \
	"DD:EE:FF"

static const char config_head[] = "dn: cn=config\n"
				  "objectClass: olcGlobal\n"
				  "cn: config\n"
				  "\n"
				  "dn: cn=schema,cn=config\n"
				  "objectClass: olcSchemaConfig\n"
				  "cn: schema\n"
				  "\n"
				  "include: file:///etc/ldap/schema/core.ldif\n\n"
				  "include: file:///etc/ldap/schema/cosine.ldif\n\n"
				  "include: file:///etc/ldap/schema/inetorgperson.ldif\n\n"
				  "include: file:///etc/ldap/schema/nis.ldif\n\n";

static void write_file(const char *path, const char *text)
{
	struct mr_error err;

	assert_ok(mr_file_replace(path, text, strlen(text), MR_FILE_PRIVATE, &err), err);
}

static int run(struct mr_arena *arena, const char *const *argv, const char **output)
{
	struct mr_process_result result = { 0 };
	struct mr_error err;
	int status;

	assert_ok(mr_process_run(&(struct mr_process){ .argv = argv }, &result, &err), err);
	*output = mr_strdup(arena, mr_buf_text(&result.output));
	status = result.status;
	mr_buf_close(&result.output);
	return status;
}

static void add_database(struct mr_arena *arena, struct mr_buf *config, const char *folder,
			 int number, const char *suffix)
{
	struct mr_error err;
	const char *path = mr_printf(arena, "%s/db%d", folder, number);

	assert_ok(mr_folder_make(path, (struct mr_file_attrs){ 0700, (uid_t)-1, (gid_t)-1 }, &err),
		  err);
	mr_buf_printf(config,
		      "dn: olcDatabase={%d}mdb,cn=config\n"
		      "objectClass: olcDatabaseConfig\n"
		      "objectClass: olcMdbConfig\n"
		      "olcDatabase: {%d}mdb\n"
		      "olcSuffix: %s\n"
		      "olcDbDirectory: %s\n\n",
		      number, number, suffix, path);
}

/* Loads a configuration with our schema and a database for each suffix into <folder>/slapd.d. */
static void load_config(struct mr_arena *arena, const char *folder)
{
	const char *schema = mr_printf(arena, "file://%s/schema", getenv("MAILREPL_TEST_SOURCE"));
	const char *ldif = mr_printf(arena, "%s/config.ldif", folder);
	const char *loaded = mr_printf(arena, "%s/slapd.d", folder), *output;
	const char *load[] = { "slapadd", "-n0", "-F", loaded, "-l", ldif, NULL };
	/* -u: the databases are not there yet */
	const char *test[] = { "slaptest", "-u", "-Q", "-F", loaded, NULL };
	MR_BUF config = { 0 };
	struct mr_error err;

	mr_buf_puts(&config, config_head);
	mr_buf_printf(&config, "include: %s/inetlocalmail.ldif\n\ninclude: %s/mailrepl.ldif\n\n",
		      schema, schema);
	mr_buf_puts(&config,
		    "dn: cn=module{0},cn=config\nobjectClass: olcModuleList\ncn: module{0}\n"
		    "olcModulePath: /usr/lib/ldap\nolcModuleLoad: back_mdb\n\n");
	add_database(arena, &config, folder, 1, MAIL1);
	add_database(arena, &config, folder, 2, UNIX1);
	add_database(arena, &config, folder, 3, "ou=Mail,dc=mailrepl");
	add_database(arena, &config, folder, 4, MR_DIT_STATUS);
	write_file(ldif, mr_buf_text(&config));
	assert_ok(
		mr_folder_make(loaded, (struct mr_file_attrs){ 0700, (uid_t)-1, (gid_t)-1 }, &err),
		err);
	if (run(arena, load, &output) != 0)
		fail_msg("slapadd -n0: %s", output);
	if (run(arena, test, &output) != 0)
		fail_msg("slaptest: %s", output);
}

/* slapadd with checks of schema and, which it leaves out by default, of syntax; its exit status. */
static int add(struct mr_arena *arena, const char *folder, const char *suffix, const char *ldif,
	       const char **output)
{
	const char *file = mr_printf(arena, "%s/entries.ldif", folder);
	const char *loaded = mr_printf(arena, "%s/slapd.d", folder);
	const char *argv[] = { "slapadd", "-o", "value-check=yes", "-F", loaded, "-b", suffix, "-l",
			       file,	  NULL };

	write_file(file, ldif);
	return run(arena, argv, output);
}

static struct mr_entry *container(struct mr_arena *arena, const char *dn)
{
	struct mr_entry *entry = mr_entry_new(arena, dn);

	mr_entry_add(arena, entry, "objectClass", "mailReplContainer");
	mr_entry_add(arena, entry, "cn", "mail1.lan");
	mr_entry_add(arena, entry, "mailReplUidHighWater", "7");
	return entry;
}

static void accept_all(struct mr_arena *arena, const char *folder, const char *suffix,
		       const struct mr_entries *entries)
{
	MR_BUF ldif = { 0 };
	const char *output;

	for (size_t i = 0; i < entries->count; i++)
		mr_ldif_format(&ldif, entries->items[i]);
	if (add(arena, folder, suffix, mr_buf_text(&ldif), &output) != 0)
		fail_msg("slapadd of\n%s%s", mr_buf_text(&ldif), output);
}

static void the_mail_database_takes_topology_domains_and_routes(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_topology topology;
	struct mr_list hosts = mr_list_split(arena, "mail1.lan,mail2.lan,relay.lan", ',');
	struct mr_entries entries = { 0 };
	struct mr_entry *domain =
		mr_entry_new(arena, mr_dit_domain(arena, "maildomain.org", MAIL1));
	struct mr_route route = {
		.user = "user1",
		.addresses = mr_list_split(arena,
					   "user1@maildomain.org,first@xn--bcher-kva.example", ','),
		.owner = "mail1.lan",
		.routing_address = "user1@mail1.lan",
	};
	struct mr_error err;

	load_config(arena, *state);
	mr_topology_init(arena, "9b2f6a0e-0f0e-4c57-8a3b-0c2d6e1f7a11", "mail1.lan", &topology);
	assert_ok(mr_topology_set(arena, &topology, MR_MAIL, &hosts, &topology, &err), err);
	topology.mx = hosts;
	mr_list_add(arena, &topology.hosts[1].fingerprints, PRINT);
	mr_entry_add(arena, domain, "objectClass", "mailReplDomain");
	mr_entry_add(arena, domain, "associatedDomain", "maildomain.org");
	mr_entries_add(arena, &entries, container(arena, MAIL1));
	mr_topology_format(arena, &topology, MAIL1, &entries);
	mr_entries_add(arena, &entries, domain);
	mr_entries_add(arena, &entries, mr_route_format(arena, &route, MAIL1));
	assert_int_equal(entries.count, 7);
	accept_all(arena, *state, MAIL1, &entries);
}

static void the_unix_database_takes_accounts(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_entries entries = { 0 };
	struct mr_account bare = {
		.user = "user2", .uid_number = 1100002, .owner = "mail1.lan", .home = "/x"
	};
	struct mr_account account = {
		.user = "user1",
		.full_name = "J\xc3\xbcrgen First",
		.uid_number = 1100001,
		.addresses = mr_list_split(arena, "user1@maildomain.org", ','),
		.owner = "mail1.lan",
		.routing_address = "user1@mail1.lan",
		.home = "/home/user1",
		.shell = "/bin/bash",
	};
	struct mr_entry *entry;

	load_config(arena, *state);
	entry = mr_account_format(arena, &account, UNIX1);
	mr_entry_add(arena, entry, "userPassword", "{CRYPT}$y$j9T$x");
	mr_entries_add(arena, &entries, container(arena, UNIX1));
	mr_entries_add(arena, &entries, entry);
	mr_entries_add(arena, &entries, mr_account_format(arena, &bare, UNIX1));
	accept_all(arena, *state, UNIX1, &entries);
}

static void the_copy_and_the_status_have_their_base_entries(void **state)
{
	MR_ARENA arena = mr_arena_open();
	const char *output;

	load_config(arena, *state);
	if (add(arena, *state, "ou=Mail,dc=mailrepl",
		"dn: ou=Mail,dc=mailrepl\nobjectClass: organizationalUnit\nou: Mail\n\n"
		"dn: cn=mail2.lan,ou=Mail,dc=mailrepl\nobjectClass: mailReplContainer\ncn: "
		"mail2.lan\n",
		&output) != 0)
		fail_msg("%s", output);
	if (add(arena, *state, MR_DIT_STATUS,
		"dn: cn=Status\nobjectClass: mailReplStatus\ncn: "
		"Status\nmailReplRenderedGeneration: 3\n"
		"mailReplVersion: 0.1.0\n",
		&output) != 0)
		fail_msg("%s", output);
}

#define HOST "dn: " MAIL1 "\nobjectClass: mailReplHost\ncn: mail1.lan\n"

static void slapd_refuses_entries_that_the_schema_forbids(void **state)
{
	static const struct {
		const char *ldif, *want;
	} rows[] = {
		{ HOST "mailReplServerID: 1\n", "requires attribute 'mailReplState'" },
		{ HOST "mailReplState: joined\n", "requires attribute 'mailReplServerID'" },
		{ HOST "mailReplState: joined\nmailReplServerID: 1\nmailReplServerID: 2\n",
		  "cannot have multiple values" },
		{ HOST "mailReplState: joined\nmailReplServerID: one\n", "invalid" },
		{ HOST "mailReplState: joined\nmailReplServerID: 1\nmailReplVersion: 1\n",
		  "not allowed" },
		{ HOST "mailReplState: joined\nmailReplServerID: 1\nmailReplService: mail\n"
		       "mailReplService: MAIL\n",
		  "provided more than once" },
		{ "dn: " MAIL1 "\nobjectClass: mailReplDomain\ncn: mail1.lan\n",
		  "associatedDomain" },
		{ "dn: " MAIL1 "\nobjectClass: mailReplTopology\ncn: mail1.lan\n",
		  "no structural object class" },
		{ "dn: " MAIL1 "\nobjectClass: mailReplContainer\nobjectClass: mailReplTopology\n"
		  "cn: mail1.lan\n",
		  "requires attribute 'mailReplDomainId'" },
		{ "dn: " MAIL1
		  "\nobjectClass: mailReplContainer\nobjectClass: inetLocalMailRecipient\n"
		  "cn: mail1.lan\nmailHost: a.lan\nmailHost: b.lan\n",
		  "cannot have multiple values" },
	};
	MR_ARENA arena = mr_arena_open();

	load_config(arena, *state);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *output;

		if (add(arena, *state, MAIL1, rows[i].ldif, &output) == 0)
			fail_msg("accepted:\n%s", rows[i].ldif);
		if (!strstr(output, rows[i].want))
			fail_msg("%s: want \"%s\", got \"%s\"", rows[i].ldif, rows[i].want, output);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, folder_setup, folder_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_mail_database_takes_topology_domains_and_routes),
		TEST(the_unix_database_takes_accounts),
		TEST(the_copy_and_the_status_have_their_base_entries),
		TEST(slapd_refuses_entries_that_the_schema_forbids),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
