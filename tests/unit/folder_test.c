#include "test.h"

#include <fcntl.h>
#include <sys/stat.h>

static mode_t mode_of(const char *path)
{
	struct stat st;

	assert_int_equal(lstat(path, &st), 0);
	return st.st_mode & 07777;
}

static void parents_are_made_open_and_the_last_as_asked(void **state)
{
	MR_ARENA arena = mr_arena_open();
	const char *top = mr_printf(arena, "%s/a", (const char *)*state);
	const char *path = mr_printf(arena, "%s//b/c/", top);
	mode_t before = umask(077);
	struct mr_error err;

	assert_ok(mr_folder_make(path, (struct mr_file_attrs){ 02750, (uid_t)-1, (gid_t)-1 }, &err),
		  err);
	umask(before);
	assert_int_equal(mode_of(top), 0755);
	assert_int_equal(mode_of(mr_printf(arena, "%s/b", top)), 0755);
	assert_int_equal(mode_of(path), 02750);
}

static void an_existing_folder_gets_the_mode_and_its_parents_do_not(void **state)
{
	MR_ARENA arena = mr_arena_open();
	const char *path = mr_printf(arena, "%s/there", (const char *)*state);
	struct mr_error err;

	assert_int_equal(mkdir(path, 0755), 0);
	for (int i = 0; i < 2; i++)
		assert_ok(mr_folder_make(path, (struct mr_file_attrs){ 0700, geteuid(), getegid() },
					 &err),
			  err);
	assert_int_equal(mode_of(path), 0700);
	assert_int_equal(mode_of(*state), 0700);
}

static void a_file_in_the_way_is_named(void **state)
{
	MR_ARENA arena = mr_arena_open();
	const char *file = mr_printf(arena, "%s/file", (const char *)*state);
	const char *const paths[] = { file, mr_printf(arena, "%s/below", file) };

	close(creat(file, 0600));
	for (size_t i = 0; i < 2; i++) {
		struct mr_error err = { 0 };

		assert_fails(mr_folder_make(paths[i], MR_FILE_PUBLIC, &err), MR_E_EXISTS, err);
		assert_contains(err.message, file);
	}
}

static void only_a_link_of_root_or_ours_is_followed(void **state)
{
	MR_ARENA arena = mr_arena_open();
	const char *link = mr_printf(arena, "%s/link", (const char *)*state);
	const char *target = mr_printf(arena, "%s/target", (const char *)*state);
	struct mr_error err = { 0 };

	assert_int_equal(mkdir(target, 0755), 0);
	assert_int_equal(symlink(target, link), 0);
	assert_ok(mr_folder_make(link, (struct mr_file_attrs){ 0711, (uid_t)-1, (gid_t)-1 }, &err),
		  err);
	assert_int_equal(mode_of(target), 0711);
	if (geteuid() != 0)
		return; /* only root can make a link that belongs to somebody else */
	assert_int_equal(lchown(link, 12345, 12345), 0);
	assert_fails(
		mr_folder_make(link, (struct mr_file_attrs){ 0777, (uid_t)-1, (gid_t)-1 }, &err),
		MR_E_DENIED, err);
	assert_int_equal(mode_of(target), 0711);
}

static void swapping_exchanges_and_the_old_remains_at_the_other_name(void **state)
{
	MR_ARENA arena = mr_arena_open();
	const char *path = mr_printf(arena, "%s/slapd.d", (const char *)*state);
	const char *fresh = mr_printf(arena, "%s/slapd.d.new", (const char *)*state);
	struct mr_error err;

	assert_int_equal(mkdir(path, 0755), 0);
	assert_int_equal(mkdir(fresh, 0700), 0);
	assert_ok(mr_folder_swap(fresh, path, &err), err);
	assert_int_equal(mode_of(path), 0700);
	assert_int_equal(mode_of(fresh), 0755);
}

static void swapping_with_nothing_moves(void **state)
{
	MR_ARENA arena = mr_arena_open();
	const char *path = mr_printf(arena, "%s/slapd.d", (const char *)*state);
	const char *fresh = mr_printf(arena, "%s/slapd.d.new", (const char *)*state);
	struct mr_error err = { 0 };

	assert_fails(mr_folder_swap(fresh, path, &err), MR_E_NOT_FOUND, err);
	assert_int_equal(mkdir(fresh, 0700), 0);
	assert_ok(mr_folder_swap(fresh, path, &err), err);
	assert_true(mr_path_exists(path) && !mr_path_exists(fresh));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, folder_setup, folder_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(parents_are_made_open_and_the_last_as_asked),
		TEST(an_existing_folder_gets_the_mode_and_its_parents_do_not),
		TEST(a_file_in_the_way_is_named),
		TEST(only_a_link_of_root_or_ours_is_followed),
		TEST(swapping_exchanges_and_the_old_remains_at_the_other_name),
		TEST(swapping_with_nothing_moves),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
