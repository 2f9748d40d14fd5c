#include "test.h"

#include "features/password_rules.h"

static int check(const char *password, const char *user, long long length, long long classes,
		 struct mr_error *err)
{
	const struct mr_config config = { .password_length = length, .password_classes = classes };
	MR_SECRET secret = { NULL, 0 };

	mr_secret_set(&secret, password, strlen(password));
	return mr_password_check(&config, user, &secret, err);
}

static void a_password_that_keeps_all_rules_is_taken(void **state)
{
	struct mr_error err;

	(void)state;
	assert_ok(check("correct-horse", "anna", 8, 1, &err), err);
	assert_ok(check("aA1-aA1-", "anna", 8, 4, &err), err);
	/* A name of two characters is in many words. */
	assert_ok(check("aldehyde", "al", 8, 1, &err), err);
}

static void characters_are_counted_not_bytes(void **state)
{
	struct mr_error err;

	(void)state;
	assert_ok(check("\xc3\xa4\xc3\xb6\xc3\xbc\xc3\x9f", "anna", 4, 1, &err), err);
	assert_fails(check("\xc3\xa4\xc3\xb6\xc3\xbc\xc3\x9f", "anna", 5, 1, &err), MR_E_INVALID,
		     err);
}

static void the_rule_that_is_broken_is_named_and_the_password_is_not(void **state)
{
	static const struct {
		const char *password, *want;
	} rows[] = {
		{ "sevench", "7 characters: it needs 8" },
		{ "abcdefgh1", "2 of the four kinds" },
		{ "xx-ANNA-99", "holds the user's name" },
		{ "", "empty" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct mr_error err;

		assert_fails(check(rows[i].password, "anna", 8, 3, &err), MR_E_INVALID, err);
		assert_contains(err.message, rows[i].want);
		if (*rows[i].password)
			assert_null(strstr(err.message, rows[i].password));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_password_that_keeps_all_rules_is_taken),
		cmocka_unit_test(characters_are_counted_not_bytes),
		cmocka_unit_test(the_rule_that_is_broken_is_named_and_the_password_is_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
