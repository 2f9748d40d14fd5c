#include "test.h"

#include "features/verify.h"

#define OWNED "cn=mail1.lan,ou=Mail,ou=Owned,dc=mailrepl"
#define COPY "cn=mail1.lan,ou=Mail,dc=mailrepl"
#define CSN(second) "202611211951" second ".000000Z#000000#001#000000"
#define USER(base, csn, more) "dn: uid=a," base "\nuid: a\nentryCSN: " csn "\n" more "\n"
#define CONTAINER(base, more) "dn: " base "\ncn: x\n" more "\n"
#define ALL(csn) "dn: ou=Mail,dc=mailrepl\nou: Mail\ncontextCSN: " csn "\n\n"

static const struct mr_host mail1 = { .name = "mail1.lan", .services = MR_MAIL, .server_id = 1 };
static const struct mr_host relay = { .name = "relay.lan", .services = MR_MAIL, .server_id = 2 };

/* Gives each entry the object class that it cannot be without. */
static struct mr_directory *open_text(const char *ldif)
{
	struct mr_directory *dir;
	struct mr_error err;
	MR_BUF text = { 0 };

	for (const char *end; (end = strchr(ldif, '\n')); ldif = end + 1) {
		mr_buf_add(&text, ldif, (size_t)(end + 1 - ldif));
		if (strncmp(ldif, "dn: ", 4) == 0)
			mr_buf_puts(&text, "objectClass: top\n");
	}
	assert_ok(mr_directory_open_memory(mr_buf_text(&text), &dir, &err), err);
	return dir;
}

/* The owner is at second 30; what the copy claims and lacks decides. */
static void a_difference_that_the_copy_claims_not_to_have_is_told_from_one_on_its_way(void **state)
{
	static const char owner_all[] = CONTAINER(OWNED, "contextCSN: " CSN("30") "\n")
		USER(OWNED, CSN("20"), "mail: 1\n");
	static const struct {
		const char *copy;
		enum mr_copy_state want;
	} cases[] = {
		{ ALL(CSN("30")) CONTAINER(COPY, "") USER(COPY, CSN("20"), "mail: 1\n"), MR_COPY_EQUAL },
		{ ALL(CSN("20")) CONTAINER(COPY, "") USER(COPY, CSN("20"), "mail: 1\n"), MR_COPY_EQUAL },
		{ ALL(CSN("30")) CONTAINER(COPY, "") USER(COPY, CSN("20"), "mail: 2\n"), MR_COPY_DIFFERS },
		{ ALL(CSN("20")) CONTAINER(COPY, "") USER(COPY, CSN("20"), "mail: 2\n"), MR_COPY_DIFFERS },
		{ ALL(CSN("10")) CONTAINER(COPY, "") USER(COPY, CSN("05"), "mail: 2\n"), MR_COPY_BEHIND },
		{ ALL(CSN("30")) CONTAINER(COPY, ""), MR_COPY_DIFFERS },
		{ ALL(CSN("10")) CONTAINER(COPY, ""), MR_COPY_BEHIND },
		{ ALL(CSN("30")), MR_COPY_DIFFERS },
		{ "dn: ou=Mail,dc=mailrepl\nou: Mail\n\n", MR_COPY_BEHIND },
		{ "", MR_COPY_BEHIND },
		{ "dn: ou=Mail,dc=mailrepl\nou: Mail\n\n" CONTAINER(COPY, "")
		  USER(COPY, CSN("20"), "mail: 1\n"), MR_COPY_BEHIND },
		{ ALL(CSN("30")) CONTAINER(COPY, "") USER(COPY, CSN("20"), "mail: 1\n")
		  "dn: uid=b," COPY "\nuid: b\n\n", MR_COPY_DIFFERS },
		{ ALL(CSN("25")) CONTAINER(COPY, "") USER(COPY, CSN("20"), "mail: 1\n")
		  "dn: uid=b," COPY "\nuid: b\n\n", MR_COPY_BEHIND },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		MR_ARENA arena = mr_arena_open();
		MR_DIRECTORY owner = open_text(owner_all);
		MR_DIRECTORY holder = open_text(cases[i].copy);
		struct mr_copy_check check = { .owner = &mail1, .holder = &relay, .service = MR_MAIL };
		struct mr_error err;

		assert_ok(mr_verify_copy(arena, owner, holder, &check, &err), err);
		if (check.state != cases[i].want)
			fail_msg("case %zu: %s, not %s", i, mr_copy_state_word(check.state),
				 mr_copy_state_word(cases[i].want));
		assert_int_equal(check.owner_entries, 2);
	}
}

static void containers_that_nobody_owns_are_surplus(void **state)
{
	struct mr_host hosts[] = { mail1, relay };
	const struct mr_topology topology = { .home = "mail1.lan", .hosts = hosts, .count = 2 };
	MR_DIRECTORY holder = open_text("dn: ou=Mail,dc=mailrepl\nou: Mail\n\n"
					"dn: cn=MAIL1.lan,ou=Mail,dc=mailrepl\ncn: x\n\n"
					"dn: cn=relay.lan,ou=Mail,dc=mailrepl\ncn: x\n\n"
					"dn: uid=u,cn=relay.lan,ou=Mail,dc=mailrepl\nuid: u\n\n"
					"dn: cn=gone.lan,ou=Mail,dc=mailrepl\ncn: x\n\n");
	MR_ARENA arena = mr_arena_open();
	struct mr_differences found;
	struct mr_error err;

	(void)state;
	assert_ok(mr_verify_strays(arena, holder, MR_MAIL, &topology, &found, &err), err);
	assert_int_equal(found.count, 2);
	assert_string_equal(found.items[0].dn, "cn=relay.lan,ou=Mail,dc=mailrepl");
	assert_string_equal(found.items[1].dn, "cn=gone.lan,ou=Mail,dc=mailrepl");
}

static void a_copy_that_is_absent_has_no_strays(void **state)
{
	const struct mr_topology topology = { .home = "mail1.lan" };
	MR_DIRECTORY holder = open_text("");
	MR_ARENA arena = mr_arena_open();
	struct mr_differences found;
	struct mr_error err;

	(void)state;
	assert_ok(mr_verify_strays(arena, holder, MR_MAIL, &topology, &found, &err), err);
	assert_int_equal(found.count, 0);
}

static void the_worst_copy_is_the_outcome(void **state)
{
	static const struct {
		enum mr_copy_state copies[3], want;
	} cases[] = {
		{ { MR_COPY_EQUAL, MR_COPY_EQUAL, MR_COPY_EQUAL }, MR_COPY_EQUAL },
		{ { MR_COPY_EQUAL, MR_COPY_BEHIND, MR_COPY_EQUAL }, MR_COPY_BEHIND },
		{ { MR_COPY_UNKNOWN, MR_COPY_BEHIND, MR_COPY_EQUAL }, MR_COPY_UNKNOWN },
		{ { MR_COPY_UNKNOWN, MR_COPY_BEHIND, MR_COPY_DIFFERS }, MR_COPY_DIFFERS },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct mr_copy_check checks[3] = { 0 };
		const struct mr_verification all = { checks, 3 };

		for (size_t k = 0; k < 3; k++)
			checks[k].state = cases[i].copies[k];
		assert_string_equal(mr_copy_state_word(mr_verification_state(&all)),
				    mr_copy_state_word(cases[i].want));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_difference_that_the_copy_claims_not_to_have_is_told_from_one_on_its_way),
		cmocka_unit_test(containers_that_nobody_owns_are_surplus),
		cmocka_unit_test(a_copy_that_is_absent_has_no_strays),
		cmocka_unit_test(the_worst_copy_is_the_outcome),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
