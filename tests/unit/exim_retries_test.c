#include "test.h"

#include "features/exim_retries.h"

static const char hints[] = "  T:mx.outside.example:10.72.131.13 111 65 Connection refused\n"
			    "22-Nov-2026 09:47:22  22-Nov-2026 09:47:22  22-Nov-2026 09:52:22 \n"
			    "  T:mail1.lan:[2001:db8::1]:25 110 77 Connection timed out\n"
			    "22-Nov-2026 09:40:00  22-Nov-2026 09:45:00  22-Nov-2026 09:50:00 *\n"
			    "  R:user1@mail3.lan -1 0 host lookup did not complete\n"
			    "22-Nov-2026 09:40:00  22-Nov-2026 09:45:00  22-Nov-2026 09:50:00 \n"
			    "  T:Mail1.lan:10.72.131.10 111 65 Connection refused\n"
			    "22-Nov-2026 09:40:00  22-Nov-2026 09:46:00  22-Nov-2026 09:51:00 \n";

static void a_host_waits_that_could_not_be_reached(void **state)
{
	(void)state;
	assert_true(mr_exim_retries_of(hints, "mx.outside.example") > 0);
	assert_true(mr_exim_retries_of(hints, "mail1.lan") > 0);
	assert_int_equal(mr_exim_retries_of(hints, "mail1"), 0);
	assert_int_equal(mr_exim_retries_of(hints, "mail3.lan"), 0);
	assert_int_equal(mr_exim_retries_of("", "mail1.lan"), 0);
	assert_int_equal(mr_exim_retries_of("  T:mail1.lan:1 1", "mail1.lan"), 0);
}

static void another_attempt_is_another_number(void **state)
{
	MR_ARENA arena = mr_arena_open();
	char *later = mr_strdup(arena, hints);

	(void)state;
	memcpy(strstr(later, "09:46:00"), "09:51:01", 8);
	assert_true(mr_exim_retries_of(later, "mail1.lan") !=
		    mr_exim_retries_of(hints, "mail1.lan"));
	assert_true(mr_exim_retries_of(later, "mx.outside.example") ==
		    mr_exim_retries_of(hints, "mx.outside.example"));
}

static void all_addresses_of_a_host_are_forgotten(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_list keys = { 0 };

	(void)state;
	mr_exim_retries_keys(arena, hints, "mail1.lan", &keys);
	assert_string_equal(mr_list_join(arena, &keys, " "),
			    "T:mail1.lan:[2001:db8::1]:25 T:Mail1.lan:10.72.131.10");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_host_waits_that_could_not_be_reached),
		cmocka_unit_test(another_attempt_is_another_number),
		cmocka_unit_test(all_addresses_of_a_host_are_forgotten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
