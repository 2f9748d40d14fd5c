#include "recall_fixture.h"

#include "base/paths.h"
#include "features/heard.h"

#define OWN(second) OWNED("Mail", CSN(second, "002")) OWNED("Unix", CSN("01", "002"))
#define TOPOLOGY(state)                                                                            \
	COPY("Mail", CSN("05", "001"))                                                             \
	"dn: cn=mail1.lan,ou=Mail,dc=mailrepl\nobjectClass: mailReplContainer\ncn: mail1.lan\n\n"  \
	"dn: ou=Hosts,cn=mail1.lan,ou=Mail,dc=mailrepl\nobjectClass: mailReplTopology\n"           \
	"ou: Hosts\nmailReplDomainId: 8a6e0804-2bd0-4672-b79d-d97027f9071a\n"                      \
	"mailReplHome: mail1.lan\nmailReplEpoch: 1\nmailReplGeneration: 1\n"                       \
	"mailReplServerIDHighWater: 2\nmailReplScheme: intranet\n\n"                               \
	"dn: cn=mail1.lan,ou=Hosts,cn=mail1.lan,ou=Mail,dc=mailrepl\nobjectClass: mailReplHost\n"  \
	"cn: mail1.lan\nmailReplService: mail\nmailReplService: unix\nmailReplServerID: 1\n"       \
	"mailReplState: " state "\n\n"                                                             \
	"dn: cn=mail2.lan,ou=Hosts,cn=mail1.lan,ou=Mail,dc=mailrepl\nobjectClass: mailReplHost\n"  \
	"cn: mail2.lan\nmailReplService: mail\nmailReplService: unix\nmailReplServerID: 2\n"       \
	"mailReplState: joined\n"

static void put(const char *root, const char *path, const char *text)
{
	MR_ARENA arena = mr_arena_open();

	put_file(mr_path(arena, root, path), text);
}

static int setup(void **state)
{
	mail1 = relay = NULL;
	mr_log_init("test", MR_LOG_ERROR);
	if (folder_setup(state) < 0)
		return -1;
	put(*state, MR_PATH_DB "/mail/data.mdb", "");
	put(*state, MR_PATH_RUN "/stopped", "");
	return 0;
}

static int check(const char *root, const char *own, struct mr_error *err)
{
	const struct mr_config config = { .root = root, .host = "mail2.lan" };
	MR_DIRECTORY dir = NULL;

	assert_ok(mr_directory_open_memory(own, &dir, err), *err);
	return mr_heard_check(&config, dir, err);
}

static void nobody_writes_before_another_host_has_answered(void **state)
{
	struct mr_error err;

	assert_fails(check(*state, OWN("05") TOPOLOGY("joined"), &err), MR_E_TEMPORARY, err);
	assert_contains(err.message, "cl-rebuild --alone");
	mail1 = COPY("Mail", CSN("05", "002"));
	assert_ok(check(*state, OWN("05") TOPOLOGY("joined"), &err), err);
}

static void who_has_heard_one_may_write_when_it_has_gone(void **state)
{
	struct mr_error err;

	mail1 = COPY("Mail", CSN("05", "002"));
	assert_ok(check(*state, OWN("05") TOPOLOGY("joined"), &err), err);
	mail1 = NULL;
	assert_ok(check(*state, OWN("05") TOPOLOGY("joined"), &err), err);
	assert_ok(check(*state, OWN("07") TOPOLOGY("joined"), &err), err);
}

static void a_database_that_was_put_back_since_must_hear_again(void **state)
{
	struct mr_error err;

	mail1 = COPY("Mail", CSN("05", "002"));
	assert_ok(check(*state, OWN("05") TOPOLOGY("joined"), &err), err);
	mail1 = NULL;
	assert_ok(check(*state, OWN("07") TOPOLOGY("joined"), &err), err);
	assert_fails(check(*state, OWN("06") TOPOLOGY("joined"), &err), MR_E_TEMPORARY, err);
}

static void who_is_older_than_a_copy_does_not_write_and_is_told_the_cure(void **state)
{
	struct mr_error err;

	mail1 = COPY("Mail", CSN("06", "002"));
	assert_fails(check(*state, OWN("05") TOPOLOGY("joined"), &err), MR_E_TEMPORARY, err);
	assert_contains(err.message, "mail1.lan knows newer changes");
	assert_contains(err.message, "cl-rebuild --repl");
	/* The accounts alone, too. */
	mail1 = COPY("Mail", CSN("05", "002")) COPY("Unix", CSN("02", "002"));
	assert_fails(check(*state, OWN("05") TOPOLOGY("joined"), &err), MR_E_TEMPORARY, err);
}

static void a_host_that_nobody_copies_or_that_owns_nothing_is_never_in_doubt(void **state)
{
	struct mr_error err;

	assert_ok(check(*state, OWN("05") TOPOLOGY("invited"), &err), err);
	assert_ok(check(*state, TOPOLOGY("joined"), &err), err);
}

static void a_host_that_is_alone_notes_it_and_asks_no_more(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_error err;
	char *alone = mr_strdup(arena, OWN("05") TOPOLOGY("joined"));
	const char *home = "dn: cn=mail1.lan,ou=Mail,dc=mailrepl", *after = "\n\ndn: ou=Hosts";
	char *twice = strstr(alone, home);

	*strstr(alone, "dn: cn=mail2.lan,ou=Hosts") = '\0';
	memmove(twice, strstr(twice, after) + 2, strlen(strstr(twice, after)) - 1);
	/* The one that is left is this one. */
	for (char *name = twice; (name = strstr(name, "mail1")) != NULL;)
		memcpy(name, "mail2", 5);
	assert_ok(check(*state, alone, &err), err);
	/* Without a topology to read. */
	assert_ok(check(*state, OWN("05"), &err), err);
}

static void who_is_silent_may_know_more_and_only_all_answers_are_noted_at_once(void **state)
{
	static const struct {
		const char *mail1, *relay;
		enum mr_heard want;
	} rows[] = {
		{ NULL, NULL, MR_HEARD_NOBODY },
		{ COPY("Mail", CSN("05", "002")), NULL, MR_HEARD_SOME },
		{ COPY("Mail", CSN("05", "002")), COPY("Mail", CSN("06", "002")), MR_HEARD_NEWER },
		{ NULL, COPY("Mail", CSN("05", "002")), MR_HEARD_SOME },
		{ COPY("Mail", CSN("05", "002")), COPY("Mail", CSN("04", "002")), MR_HEARD_ALL },
		{ NULL, COPY("Mail", CSN("06", "002")), MR_HEARD_NOTED },
	};
	const struct mr_config config = { .root = *state, .host = "mail2.lan" };

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		MR_ARENA arena = mr_arena_open();
		MR_DIRECTORY dir = NULL;
		enum mr_heard heard;
		const char *from;
		struct mr_error err;

		mail1 = rows[i].mail1;
		relay = rows[i].relay;
		assert_ok(mr_directory_open_memory(OWN("05"), &dir, &err), err);
		assert_ok(mr_heard_ask(arena, &config, dir, &topology, &heard, &from, &err), err);
		assert_int_equal(heard, rows[i].want);
		assert_string_equal(from ? from : "-", heard == MR_HEARD_NEWER ? "relay.lan" : "-");
	}
}

static struct mr_plan alone(struct mr_arena *arena, const char *root, const char *own, int *result,
			    struct mr_error *err)
{
	const struct mr_config config = { .root = root, .host = "mail2.lan" };
	struct mr_plan plan = { 0 };
	MR_DIRECTORY dir = NULL;

	assert_ok(mr_directory_open_memory(own, &dir, err), *err);
	*result = mr_heard_alone_plan(arena, &config, dir, &topology, &plan, err);
	return plan;
}

static void an_administrator_may_say_that_the_disk_is_the_right_one(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_plan plan;
	struct mr_error err;
	int result;

	plan = alone(arena, *state, OWN("05"), &result, &err);
	assert_ok(result, err);
	assert_int_equal(plan.count, 1);
	put(*state, MR_PATH_HEARD, plan.steps[0].content);
	assert_ok(check(*state, OWN("05") TOPOLOGY("joined"), &err), err);
	plan = alone(arena, *state, OWN("05"), &result, &err);
	assert_ok(result, err);
	assert_int_equal(plan.count, 0);
}

static void but_not_against_a_host_that_knows_better(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_error err;
	int result;

	relay = COPY("Mail", CSN("06", "002"));
	(void)alone(arena, *state, OWN("05"), &result, &err);
	assert_fails(result, MR_E_DENIED, err);
}

static void another_owner_whom_this_host_knows_better_is_not_written_to(void **state)
{
	static const struct {
		const char *copy, *owner;
		bool old;
	} rows[] = {
		{ COPY("Mail", CSN("05", "001")), CSN("05", "001"), false },
		{ COPY("Mail", CSN("04", "001")), CSN("05", "001"), false },
		{ COPY("Mail", CSN("06", "001")), CSN("05", "001"), true },
		{ COPY("Mail", CSN("09", "002")), CSN("05", "001"), false },
		{ "", CSN("05", "001"), false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		MR_ARENA arena = mr_arena_open();
		MR_DIRECTORY dir = NULL;
		MR_DIRECTORY remote = NULL;
		struct mr_error err;

		assert_ok(mr_directory_open_memory(rows[i].copy, &dir, &err), err);
		assert_ok(mr_directory_open_memory(
				  mr_printf(arena,
					    "dn: cn=mail1.lan,ou=Mail,ou=Owned,dc=mailrepl\n"
					    "objectClass: mailReplContainer\ncn: mail1.lan\n"
					    "contextCSN: %s\n",
					    rows[i].owner),
				  &remote, &err),
			  err);
		if (rows[i].old)
			assert_fails(mr_heard_check_owner(dir, remote, "mail1.lan", &err),
				     MR_E_TEMPORARY, err);
		else
			assert_ok(mr_heard_check_owner(dir, remote, "mail1.lan", &err), err);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(nobody_writes_before_another_host_has_answered,
						setup, folder_teardown),
		cmocka_unit_test_setup_teardown(who_has_heard_one_may_write_when_it_has_gone, setup,
						folder_teardown),
		cmocka_unit_test_setup_teardown(a_database_that_was_put_back_since_must_hear_again,
						setup, folder_teardown),
		cmocka_unit_test_setup_teardown(a_host_that_is_alone_notes_it_and_asks_no_more,
						setup, folder_teardown),
		cmocka_unit_test_setup_teardown(
			who_is_older_than_a_copy_does_not_write_and_is_told_the_cure, setup,
			folder_teardown),
		cmocka_unit_test_setup_teardown(
			a_host_that_nobody_copies_or_that_owns_nothing_is_never_in_doubt, setup,
			folder_teardown),
		cmocka_unit_test_setup_teardown(
			who_is_silent_may_know_more_and_only_all_answers_are_noted_at_once, setup,
			folder_teardown),
		cmocka_unit_test_setup_teardown(
			an_administrator_may_say_that_the_disk_is_the_right_one, setup,
			folder_teardown),
		cmocka_unit_test_setup_teardown(but_not_against_a_host_that_knows_better, setup,
						folder_teardown),
		cmocka_unit_test(another_owner_whom_this_host_knows_better_is_not_written_to),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
