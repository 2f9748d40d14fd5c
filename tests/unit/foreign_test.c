#include "test.h"

#include "features/foreign.h"

static struct mr_error err;

static void a_primary_is_a_host_or_its_mx_records(void **state)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
		{ "mail.partner.org", "[mail.partner.org]" },
		{ "[mail.partner.org]:2525", "[mail.partner.org]:2525" },
		{ "Mail.Partner.org:25", "[mail.partner.org]:25" },
		{ "192.0.2.1", "[192.0.2.1]" },
		{ "[192.0.2.1]:26", "[192.0.2.1]:26" },
		{ "[2001:db8::1]", "[2001:db8::1]" },
		{ "dns", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		MR_ARENA arena = mr_arena_open();
		const char *got;

		assert_ok(mr_foreign_primary_parse(arena, cases[i].text, &got, &err), err);
		if (cases[i].want)
			assert_string_equal(got, cases[i].want);
		else
			assert_null(got);
	}
}

static void what_is_no_host_is_refused_as_a_primary(void **state)
{
	static const char *const cases[] = { "",
					     "mail",
					     "[mail.partner.org",
					     "mail.partner.org:",
					     "mail.partner.org:0",
					     "mail.partner.org:70000",
					     "mail.partner.org x",
					     "mail.partner.org\nsmtp:",
					     "[a.org]b",
					     "2001:db8::1" };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		MR_ARENA arena = mr_arena_open();
		const char *got;

		assert_fails(mr_foreign_primary_parse(arena, cases[i], &got, &err), MR_E_INVALID,
			     err);
	}
}

/* The rest would be unknown, and refused for good. */
static void a_list_with_a_nul_byte_is_refused(void **state)
{
	static const char list[] = "a@partner.org\nb\0@partner.org\nc@partner.org\n";
	MR_ARENA arena = mr_arena_open();
	const char *path = mr_printf(arena, "%s/list", (const char *)*state);
	struct mr_list got = { 0 };

	assert_ok(mr_file_replace(path, list, sizeof(list) - 1, MR_FILE_PUBLIC, &err), err);
	assert_fails(mr_foreign_list_read(arena, path, "partner.org", &got, &err), MR_E_INVALID, err);
	assert_contains(err.message, "NUL");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_list_with_a_nul_byte_is_refused, folder_setup,
						folder_teardown),
		cmocka_unit_test(a_primary_is_a_host_or_its_mx_records),
		cmocka_unit_test(what_is_no_host_is_refused_as_a_primary),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
