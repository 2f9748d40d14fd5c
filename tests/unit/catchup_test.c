#include "test.h"

#include "base/paths.h"
#include "features/catchup.h"

#define SNAPSHOT MR_PATH_DB "/.catchup/mail.ldif"

static struct mr_config config_of(void **state)
{
	return (struct mr_config){ .root = *state, .host = "mail2.lan" };
}

static void write_snapshot(struct mr_arena *arena, const char *root, const char *text)
{
	struct mr_error err;

	assert_ok(mr_folder_make(mr_path(arena, root, MR_PATH_DB "/.catchup"),
				 MR_FILE_PRIVATE_FOLDER, &err),
		  err);
	assert_ok(mr_file_replace(mr_path(arena, root, SNAPSHOT), text, strlen(text),
				  MR_FILE_PRIVATE, &err),
		  err);
}

static void without_a_snapshot_there_is_nothing_to_recover(void **state)
{
	const struct mr_config config = config_of(state);
	struct mr_error err;

	assert_false(mr_catchup_running(&config, MR_MAIL));
	assert_ok(mr_catchup_recover(&config, &err), err);
}

static void a_snapshot_of_this_boot_stays(void **state)
{
	const struct mr_config config = config_of(state);
	MR_ARENA arena = mr_arena_open();
	struct mr_error err;
	char *id;

	assert_ok(mr_file_read(arena, "/proc/sys/kernel/random/boot_id", 128, &id, NULL, &err),
		  err);
	write_snapshot(arena, config.root, mr_printf(arena, "# boot %s", id));
	assert_ok(mr_catchup_recover(&config, &err), err);
	assert_true(mr_catchup_running(&config, MR_MAIL));
	assert_false(mr_catchup_running(&config, MR_UNIX));
}

static void a_snapshot_of_a_copy_that_is_not_wanted_any_more_goes(void **state)
{
	const struct mr_config config = config_of(state);
	MR_ARENA arena = mr_arena_open();
	struct mr_error err;

	write_snapshot(arena, config.root, "# boot 00000000-0000-0000-0000-000000000000\n");
	assert_ok(mr_catchup_recover(&config, &err), err);
	assert_false(mr_catchup_running(&config, MR_MAIL));
}

static void what_is_no_snapshot_is_an_error(void **state)
{
	const struct mr_config config = config_of(state);
	MR_ARENA arena = mr_arena_open();
	struct mr_error err;

	write_snapshot(arena, config.root, "# boot 0000\n");
	assert_fails(mr_catchup_recover(&config, &err), MR_E_PROTOCOL, err);
	assert_contains(err.message, SNAPSHOT);
}

static void a_thousand_changes_are_many_for_a_small_copy(void **state)
{
	const struct mr_config config = config_of(state);

	assert_int_equal(mr_catchup_many(&config, MR_MAIL), MR_CATCHUP_MANY);
}

static void for_a_large_copy_a_hundredth_of_it_is_many(void **state)
{
	const struct mr_config config = config_of(state);
	MR_ARENA arena = mr_arena_open();
	const size_t len = (size_t)128 * 1024 * 1024, entries = len / 900;
	const char *folder = mr_path(arena, config.root, MR_PATH_DB "/mail");
	char *data = mr_alloc(arena, len);
	struct mr_error err;

	memset(data, 1, len);
	assert_ok(mr_folder_make(folder, MR_FILE_PRIVATE_FOLDER, &err), err);
	assert_ok(mr_file_replace(mr_printf(arena, "%s/data.mdb", folder), data, len,
				  MR_FILE_PRIVATE, &err),
		  err);
	assert_in_range(mr_catchup_many(&config, MR_MAIL), entries / 100, entries / 90);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(without_a_snapshot_there_is_nothing_to_recover,
						folder_setup, folder_teardown),
		cmocka_unit_test_setup_teardown(a_snapshot_of_this_boot_stays, folder_setup,
						folder_teardown),
		cmocka_unit_test_setup_teardown(
			a_snapshot_of_a_copy_that_is_not_wanted_any_more_goes, folder_setup,
			folder_teardown),
		cmocka_unit_test_setup_teardown(what_is_no_snapshot_is_an_error, folder_setup,
						folder_teardown),
		cmocka_unit_test_setup_teardown(a_thousand_changes_are_many_for_a_small_copy,
						folder_setup, folder_teardown),
		cmocka_unit_test_setup_teardown(for_a_large_copy_a_hundredth_of_it_is_many,
						folder_setup, folder_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
