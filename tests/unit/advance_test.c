#include "features/advance.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define CONTAINER "cn=mail1.lan,ou=Mail,ou=Owned,dc=mailrepl"

/* A container and a route in it; `cn: marked` is there until the container is written. */
static bool written(const char *context_csn, const char *entry_csn, bool always, bool *failed)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_error err = { 0 };
	MR_DIRECTORY dir = NULL;
	struct mr_entry *entry;
	const char *ldif =
		mr_printf(arena,
			  "dn: " CONTAINER "\nobjectClass: mailReplContainer\ncn: mail1.lan\n"
			  "cn: marked\nentryCSN: 20200101000000.000000Z#000000#001#000000\n%s%s\n\n"
			  "dn: uid=user1," CONTAINER "\nobjectClass: account\nuid: user1\n"
			  "entryCSN: %s\n",
			  *context_csn ? "contextCSN: " : "", context_csn, entry_csn);

	assert_int_equal(mr_directory_open_memory(ldif, &dir, &err), 0);
	*failed = mr_advance(dir, "mail1.lan", always, &err) < 0;
	if (*failed)
		assert_int_equal(err.code, MR_E_TEMPORARY);
	assert_int_equal(mr_directory_read(dir, arena, CONTAINER, NULL, &entry, &err), 0);
	assert_non_null(entry);
	return !mr_entry_has(entry, "cn", "marked");
}

#define OLD "20200101000000.000001Z#000000#001#000000"
#define NEW "20200101000000.000002Z#000000#001#000000"
#define FUTURE "29990101000000.000000Z#000000#001#000000"

static void test_a_container_is_written_when_its_context_csn_may_be_too_old(void **state)
{
	static const struct {
		const char *context_csn, *entry_csn;
		bool always, want, fails;
	} rows[] = {
		{ NEW, OLD, false, false, false },  { NEW, NEW, false, false, false },
		{ OLD, NEW, false, true, false },   { NEW, OLD, true, true, false },
		{ FUTURE, OLD, true, false, true }, { FUTURE, OLD, false, false, false },
		{ "", NEW, true, false, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		bool failed, got = written(rows[i].context_csn, rows[i].entry_csn, rows[i].always,
					   &failed);

		if (got != rows[i].want || failed != rows[i].fails)
			fail_msg("row %zu: written %d, want %d; failed %d, want %d", i, got,
				 rows[i].want, failed, rows[i].fails);
	}
}

static void test_a_host_that_owns_nothing_has_nothing_to_write(void **state)
{
	struct mr_error err = { 0 };
	MR_DIRECTORY dir = NULL;

	(void)state;
	assert_int_equal(mr_directory_open_memory("", &dir, &err), 0);
	assert_int_equal(mr_advance(dir, "relay.lan", true, &err), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_container_is_written_when_its_context_csn_may_be_too_old),
		cmocka_unit_test(test_a_host_that_owns_nothing_has_nothing_to_write),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
