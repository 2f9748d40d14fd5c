#include "features/queue_flags.h"
#include "test.h"

static void a_folder_is_written_at_once_where_the_file_system_can(void **state)
{
	struct mr_error err;

	if (mr_folder_is_synchronous(*state) < 0)
		return;
	assert_ok(mr_folder_set_synchronous(*state, true, &err), err);
	assert_int_equal(mr_folder_is_synchronous(*state), 1);
	assert_ok(mr_folder_set_synchronous(*state, false, &err), err);
	assert_int_equal(mr_folder_is_synchronous(*state), 0);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, folder_setup, folder_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_FOLDER(a_folder_is_written_at_once_where_the_file_system_can),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
