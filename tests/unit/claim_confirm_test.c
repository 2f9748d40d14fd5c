#include "features/claim_confirm.h"
#include "peers_fixture.h"

#define MAIL(host) "cn=" host ",ou=Mail,ou=Owned,dc=mailrepl"
#define UNIX(host) "cn=" host ",ou=Unix,ou=Owned,dc=mailrepl"
#define CONTAINER(dn, host) "dn: " dn "\nobjectClass: mailReplContainer\ncn: " host "\n\n"
#define CONTAINERS(host) CONTAINER(MAIL(host), host) CONTAINER(UNIX(host), host)
#define MAIL_GROUP(name, host)                                                                     \
	"dn: cn=" name "," MAIL(host) "\nobjectClass: nisMailAlias\n"                              \
				      "objectClass: inetLocalMailRecipient\ncn: " name "\n"        \
				      "mailLocalAddress: " name "@maildomain.org\nmailHost: " host \
				      "\n"                                                         \
				      "mailRoutingAddress: " name "@" host                         \
				      "\nrfc822MailMember: anna@mail1.lan\n\n"
#define UNIX_GROUP(name, host)                                                                     \
	"dn: cn=" name "," UNIX(host) "\nobjectClass: posixGroup\ncn: " name                       \
				      "\ngidNumber: 1100007\n\n"
#define ROUTE(name, host)                                                                          \
	"dn: uid=" name "," MAIL(host) "\nobjectClass: account\n"                                  \
				       "objectClass: inetLocalMailRecipient\nuid: " name "\n"      \
				       "mailLocalAddress: " name                                   \
				       "@maildomain.org\nmailHost: " host "\n"                     \
				       "mailRoutingAddress: " name "@" host "\n\n"
#define ACCOUNT(name, host)                                                                        \
	"dn: uid=" name "," UNIX(host) "\nobjectClass: account\nobjectClass: posixAccount\n"       \
				       "uid: " name "\ncn: " name                                  \
				       "\nuidNumber: 1100009\ngidNumber: 1100009\n"                \
				       "homeDirectory: /home/" name "\n\n"

int __wrap_mr_instance_open(struct mr_arena *arena, const struct mr_config *config,
			    struct mr_directory **out, struct mr_error *err);
int __wrap_mr_instance_open(struct mr_arena *arena, const struct mr_config *config,
			    struct mr_directory **out, struct mr_error *err)
{
	(void)arena;
	(void)config;
	return mr_directory_open_memory(mail1, out, err);
}

static struct mr_host hosts[] = {
	{ .name = "mail1.lan", .services = MR_MAIL | MR_UNIX, .server_id = 1, .state = MR_JOINED },
	{ .name = "mail2.lan", .services = MR_MAIL | MR_UNIX, .server_id = 2, .state = MR_JOINED },
};
static const struct mr_topology topology = { .home = "mail1.lan", .hosts = hosts, .count = 2 };
static const struct mr_config config = {
	.root = "", .host = "mail1.lan", .directory_port = 636, .directory_deadline = 3
};

static int claim(struct mr_arena *arena, const struct mr_given *given, struct mr_error *err)
{
	MR_CLAIM claimed = mr_claim_open(arena, &config, &topology, given);

	return mr_claim_confirm(claimed, err);
}

/* The group sales of mail1.lan has just been written. */
static int confirm(enum mr_service service, const char *own, const char *other,
		   struct mr_error *err)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_given given = {
		.owner = "mail1.lan", .group = "sales", .service = service, .name = true
	};

	if (service == MR_MAIL)
		mr_list_add(arena, &given.addresses, "sales@maildomain.org");
	mail1 = own;
	mail2 = other;
	return claim(arena, &given, err);
}

#define OWN                                                                                        \
	CONTAINERS("mail1.lan") MAIL_GROUP("sales", "mail1.lan") UNIX_GROUP("sales", "mail1.lan")
#define OTHER CONTAINERS("mail2.lan")

static void a_group_is_no_rival_of_itself(void **state)
{
	struct mr_error err = { 0 };

	(void)state;
	assert_ok(confirm(MR_MAIL, OWN, OTHER, &err), err);
	assert_ok(confirm(MR_UNIX, OWN, OTHER, &err), err);
}

static void who_does_not_answer_has_nothing(void **state)
{
	struct mr_error err = { 0 };

	(void)state;
	assert_ok(confirm(MR_MAIL, OWN, NULL, &err), err);
}

static void a_group_of_the_other_service_may_have_the_name(void **state)
{
	struct mr_error err = { 0 };

	(void)state;
	assert_ok(confirm(MR_UNIX, OWN, OTHER MAIL_GROUP("sales", "mail2.lan"), &err), err);
}

static void who_has_the_same_is_named(void **state)
{
	static const struct {
		enum mr_service service;
		const char *own, *other, *message;
	} rows[] = {
		{ MR_MAIL, OWN, OTHER MAIL_GROUP("sales", "mail2.lan"), "mail2.lan has given" },
		{ MR_UNIX, OWN, OTHER UNIX_GROUP("sales", "mail2.lan"), "mail2.lan has given" },
		{ MR_MAIL, OWN, OTHER ROUTE("sales", "mail2.lan"), "(to sales)" },
		{ MR_UNIX, OWN, OTHER ROUTE("sales", "mail2.lan"), "mail2.lan has given" },
		{ MR_MAIL, OWN, OTHER ACCOUNT("sales", "mail2.lan"), "mail2.lan has given" },
		{ MR_UNIX, OWN ACCOUNT("sales", "mail1.lan"), OTHER, "mail1.lan has given" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct mr_error err = { 0 };

		assert_fails(confirm(rows[i].service, rows[i].own, rows[i].other, &err),
			     MR_E_TEMPORARY, err);
		assert_contains(err.message, rows[i].message);
	}
}

static void an_address_of_another_name_is_a_rival(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_given user = { .owner = "mail2.lan", .user = "bert" };
	struct mr_error err = { 0 };

	(void)state;
	mr_list_add(arena, &user.addresses, "sales@maildomain.org");
	mail1 = OWN;
	mail2 = OTHER;
	assert_fails(claim(arena, &user, &err), MR_E_TEMPORARY, err);
	assert_contains(err.message, "mail1.lan has given out the same");
}

static void a_user_is_no_rival_of_themselves(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_given user = { .owner = "mail1.lan", .user = "anna", .name = true };
	struct mr_error err = { 0 };

	(void)state;
	mr_list_add(arena, &user.addresses, "anna@maildomain.org");
	mail1 = CONTAINERS("mail1.lan") ROUTE("anna", "mail1.lan") ACCOUNT("anna", "mail1.lan");
	mail2 = OTHER;
	assert_ok(claim(arena, &user, &err), err);
	mail2 = OTHER ACCOUNT("anna", "mail2.lan");
	assert_fails(claim(arena, &user, &err), MR_E_TEMPORARY, err);
}

static void what_comes_while_it_is_written_is_seen(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_given user = { .owner = "mail1.lan", .user = "anna", .name = true };
	struct mr_claim *claimed;
	struct mr_error err = { 0 };

	(void)state;
	mail1 = CONTAINERS("mail1.lan");
	mail2 = NULL;
	claimed = mr_claim_open(arena, &config, &topology, &user);
	mail2 = OTHER ACCOUNT("anna", "mail2.lan");
	assert_fails(mr_claim_confirm(claimed, &err), MR_E_TEMPORARY, err);
	mr_claim_close(claimed);
}

static void who_gives_out_nothing_asks_nobody(void **state)
{
	MR_ARENA arena = mr_arena_open();
	const struct mr_given nothing = { .owner = "mail1.lan", .user = "anna" };
	struct mr_error err = { 0 };

	(void)state;
	mail1 = mail2 = "not even LDIF";
	assert_ok(claim(arena, &nothing, &err), err);
	assert_ok(mr_claim_confirm(NULL, &err), err);
	mr_claim_close(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_group_is_no_rival_of_itself),
		cmocka_unit_test(who_does_not_answer_has_nothing),
		cmocka_unit_test(a_group_of_the_other_service_may_have_the_name),
		cmocka_unit_test(who_has_the_same_is_named),
		cmocka_unit_test(an_address_of_another_name_is_a_rival),
		cmocka_unit_test(a_user_is_no_rival_of_themselves),
		cmocka_unit_test(what_comes_while_it_is_written_is_seen),
		cmocka_unit_test(who_gives_out_nothing_asks_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
