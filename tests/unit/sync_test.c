#include "base/log.h"
#include "features/sync.h"
#include "peers_fixture.h"

#define CSN(second, sid) "202611211951" second ".000000Z#000000#" sid "#000000"
#define OWNED "dn: cn=mail1.lan,ou=Mail,ou=Owned,dc=mailrepl\nobjectClass: mailReplContainer\n"
#define ALL "dn: ou=Mail,dc=mailrepl\nobjectClass: organizationalUnit\n"
#define COPY                                                                                       \
	"dn: cn=mail2.lan,ou=Mail,dc=mailrepl\nobjectClass: mailReplContainer\ncn: mail2.lan\n"    \
	"entryCSN: " CSN("01", "002") "\nentryUUID: 8a6e0804-2bd0-4672-b79d-d97027f9071a\n"

/* mail1.lan is the home; this host is mail2.lan. */
static struct mr_host hosts[] = {
	{ .name = "mail1.lan", .services = MR_MAIL, .server_id = 1, .state = MR_JOINED },
	{ .name = "mail2.lan", .services = MR_MAIL, .server_id = 2, .state = MR_INVITED },
	{ .name = "relay.lan", .services = MR_MAIL, .server_id = 3, .state = MR_JOINED },
};
static const struct mr_topology topology = { .home = "mail1.lan", .hosts = hosts, .count = 3 };
/* One round of questions, and no wait. */
static const struct mr_config config = { .root = "", .host = "mail2.lan", .join_deadline = 0 };

static int wait_with(const char *provider, const char *own, struct mr_error *err)
{
	MR_ARENA arena = mr_arena_open();
	MR_DIRECTORY dir = NULL;

	mail1 = provider;
	assert_ok(mr_directory_open_memory(own, &dir, err), *err);
	return mr_sync_wait(arena, &config, dir, &topology, "mail1.lan", err);
}

static void in_step_is_who_has_what_the_provider_had(void **state)
{
	static const struct {
		const char *provider, *own;
		const char *message; /* NULL: in step */
	} rows[] = {
		{ OWNED "contextCSN: " CSN("05", "001") "\n",
		  ALL "contextCSN: " CSN("05", "001") "\n", NULL },
		{ OWNED "contextCSN: " CSN("05", "001") "\n",
		  ALL "contextCSN: " CSN("06", "001") "\n", NULL },
		{ OWNED "contextCSN: " CSN("05", "001") "\n",
		  ALL "contextCSN: " CSN("04", "001") "\n", "behind: mail1.lan" },
		/* Another's is newer, which tells nothing. */
		{ OWNED "contextCSN: " CSN("05", "001") "\n",
		  ALL "contextCSN: " CSN("09", "003") "\n", "behind: mail1.lan" },
		/* It has left and come back: it last wrote with the serverID of then. */
		{ OWNED "contextCSN: " CSN("05", "007") "\n",
		  ALL "contextCSN: " CSN("05", "007") "\n", NULL },
		{ NULL, ALL "contextCSN: " CSN("09", "001") "\n", "not reached: mail1.lan" },
		/* slapd hides what may not be read. */
		{ ALL, ALL "contextCSN: " CSN("09", "001") "\n",
		  "does not know this host, run cl-rebuild there: mail1.lan" },
	};

	(void)state;
	mr_log_init("test", MR_LOG_ERROR);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct mr_error err = { 0 };
		int result = wait_with(rows[i].provider, rows[i].own, &err);

		assert_int_equal(result, rows[i].message ? -1 : 0);
		if (rows[i].message) {
			assert_int_equal(err.code, MR_E_TEMPORARY);
			assert_contains(err.message, rows[i].message);
		}
	}
}

static void the_copy_that_knows_most_is_taken(void **state)
{
	static const struct {
		const char *mail1, *relay;
		const char *from, *csn;
	} rows[] = {
		{ ALL "contextCSN: " CSN("05", "002") "\n\n" COPY,
		  ALL "contextCSN: " CSN("06", "002") "\n\n" COPY, "relay.lan", CSN("06", "002") },
		{ ALL "contextCSN: " CSN("06", "002") "\n\n" COPY,
		  ALL "contextCSN: " CSN("05", "002") "\n\n" COPY, "mail1.lan", CSN("06", "002") },
		{ NULL, ALL "contextCSN: " CSN("05", "002") "\n\n" COPY, "relay.lan",
		  CSN("05", "002") },
		/* One that is just being filled: better than nothing is said by nobody here. */
		{ ALL "\n" COPY, ALL "contextCSN: " CSN("05", "002") "\n\n" COPY, "relay.lan",
		  CSN("05", "002") },
		{ ALL "contextCSN: " CSN("09", "001") "\n\n" COPY, NULL, "mail1.lan", NULL },
		{ ALL, ALL, NULL, NULL },
	};

	(void)state;
	mr_log_init("test", MR_LOG_ERROR);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		MR_ARENA arena = mr_arena_open();
		struct mr_sync_refill refill = { .config = &config,
						 .topology = &topology,
						 .service = MR_MAIL };
		struct mr_error err = { 0 };

		mail1 = rows[i].mail1;
		relay = rows[i].relay;
		assert_ok(mr_sync_find_refill(arena, &refill, &err), err);
		assert_string_equal(refill.from ? refill.from : "-",
				    rows[i].from ? rows[i].from : "-");
		assert_string_equal(refill.csn ? refill.csn : "-", rows[i].csn ? rows[i].csn : "-");
	}
}

static void without_any_answer_nothing_is_known(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_sync_refill refill = { .config = &config,
					 .topology = &topology,
					 .service = MR_MAIL };
	struct mr_error err = { 0 };

	(void)state;
	mail1 = relay = NULL;
	assert_fails(mr_sync_find_refill(arena, &refill, &err), MR_E_UNAVAILABLE, err);
}

static void what_is_refilled_keeps_its_identity_if_its_csn_is_known(void **state)
{
	(void)state;
	for (int known = 0; known < 2; known++) {
		MR_ARENA arena = mr_arena_open();
		const char *path = mr_printf(arena, "%s/refill.ldif", (const char *)*state);
		struct mr_sync_refill refill = { .config = &config,
						 .topology = &topology,
						 .service = MR_MAIL,
						 .from = "mail1.lan",
						 .csn = known ? CSN("05", "002") : NULL };
		FILE *file = fopen(path, "w");
		struct mr_error err = { 0 };
		char *text;

		mail1 = ALL "\n" COPY;
		assert_non_null(file);
		assert_ok(mr_sync_write_refill(&refill, fileno(file), &err), err);
		fclose(file);
		assert_ok(mr_file_read(arena, path, 4096, &text, NULL, &err), err);
		assert_contains(text, "dn: cn=mail2.lan,ou=Mail,ou=Owned,dc=mailrepl\n");
		assert_int_equal(strstr(text, "contextCSN: " CSN("05", "002")) != NULL, known);
		assert_int_equal(strstr(text, "entryUUID: ") != NULL, known);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(in_step_is_who_has_what_the_provider_had),
		cmocka_unit_test(the_copy_that_knows_most_is_taken),
		cmocka_unit_test(without_any_answer_nothing_is_known),
		cmocka_unit_test_setup_teardown(
			what_is_refilled_keeps_its_identity_if_its_csn_is_known, folder_setup,
			folder_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
