#include "adapters/directory.h"
#include "test.h"

static void filters_are_escaped(void **state)
{
	static const struct {
		const char *input, *want;
	} rows[] = {
		{ "user1", "(uid=user1)" }, { "*", "(uid=\\2A)" }, { "a(b)c", "(uid=a\\28b\\29c)" },
		{ "\\", "(uid=\\5C)" },     { "", "(uid=)" },      { "%s", "(uid=%s)" }
	};
	MR_ARENA arena = mr_arena_open();

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_string_equal(mr_filter(arena, "(uid=%s)", rows[i].input), rows[i].want);
	assert_string_equal(mr_filter(arena, "(|(a=%s)(b=%s))", "x", "y"), "(|(a=x)(b=y))");
}

static void dns_are_escaped_and_their_values_read_back(void **state)
{
	static const char *const values[] = { "user1", "a,b",      " a ",  "#a", "a+b=c", "\\",
					      "\"",    "\xc3\xbc", "a\nb", "",   "\xff" };
	MR_ARENA arena = mr_arena_open();

	(void)state;
	for (size_t i = 0; i + 1 < sizeof(values) / sizeof(values[0]); i++)
		assert_string_equal(mr_dn_value(arena, mr_dn(arena, "uid", values[i], "ou=x,o=y")),
				    values[i]);
	assert_string_equal(mr_dn(arena, "uid", "user1", "ou=x"), "uid=user1,ou=x");
	assert_string_equal(mr_dn(arena, "uid", "user1", ""), "uid=user1");
	assert_string_equal(mr_dn(arena, "uid", "\xff", "ou=x"), "uid=\\FF,ou=x");
	assert_null(mr_dn_value(arena, ""));
	assert_null(mr_dn_value(arena, "uid"));
	assert_null(mr_dn_value(arena, "uid=a,,o=x"));
	assert_null(mr_dn_value(arena, "uid=#0401"));
}

static void dns_are_compared_by_meaning(void **state)
{
	static const struct {
		const char *a, *b;
		bool want;
	} rows[] = {
		{ "uid=a,o=x", "UID=A, O=X", true },
		{ "cn=a\\2cb,o=x", "cn=a\\,b,o=x", true },
		{ "cn=a  b,o=x", "cn=A b,o=x", true },
		{ "cn=a+uid=b,o=x", "uid=b+cn=a,o=x", true },
		{ "", "", true },
		{ "uid=a,o=x", "uid=b,o=x", false },
		{ "uid=a,o=x", "uid=a", false },
		{ "cn=a\\,o=x", "cn=a,o=x", false },
		{ "uid=a,,o=x", "uid=a,,o=x", false },
		{ "cn=#6162", "cn=ab", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (mr_dn_equal(rows[i].a, rows[i].b) != rows[i].want)
			fail_msg("%s and %s", rows[i].a, rows[i].b);
}

static void socket_paths_are_percent_encoded(void **state)
{
	MR_ARENA arena = mr_arena_open();

	(void)state;
	assert_string_equal(mr_directory_socket_uri(arena, "/run/a b/l-d_a.pI\xc3\xbc%"),
			    "ldapi://%2Frun%2Fa%20b%2Fl-d_a.pI%C3%BC%25");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(filters_are_escaped),
		cmocka_unit_test(dns_are_escaped_and_their_values_read_back),
		cmocka_unit_test(dns_are_compared_by_meaning),
		cmocka_unit_test(socket_paths_are_percent_encoded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
