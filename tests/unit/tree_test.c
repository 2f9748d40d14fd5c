#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

static struct {
	int calls, fail_at; /* the call of fsync that fails with EIO, 0: none */
} syncs;

int __real_fsync(int fd);
int __wrap_fsync(int fd);

int __wrap_fsync(int fd)
{
	if (++syncs.calls == syncs.fail_at) {
		errno = EIO;
		return -1;
	}
	return __real_fsync(fd);
}

static char tree[512], outside[512], copy[512];

static const char *in(struct mr_arena *arena, const char *folder, const char *name)
{
	return mr_printf(arena, "%s/%s", folder, name);
}

static void put(const char *path, const char *text, mode_t mode)
{
	struct mr_error err;

	assert_ok(mr_file_replace(path, text, strlen(text),
				  (struct mr_file_attrs){ mode, (uid_t)-1, (gid_t)-1 }, &err),
		  err);
}

/* tree/{file, sub/deep/file, sub/link -> ../../outside}, outside/kept */
static int setup(void **state)
{
	MR_ARENA arena = mr_arena_open();

	if (folder_setup(state) < 0)
		return -1;
	snprintf(tree, sizeof(tree), "%s/tree", (const char *)*state);
	snprintf(outside, sizeof(outside), "%s/outside", (const char *)*state);
	snprintf(copy, sizeof(copy), "%s/copy", (const char *)*state);
	mkdir(tree, 0755);
	mkdir(outside, 0755);
	mkdir(in(arena, tree, "sub"), 0750);
	mkdir(in(arena, tree, "sub/deep"), 0700);
	put(in(arena, tree, "file"), "one\n", 0640);
	put(in(arena, tree, "sub/deep/file"), "two\n", 0400);
	put(in(arena, outside, "kept"), "kept\n", 0600);
	syncs.calls = syncs.fail_at = 0;
	return symlink("../../outside", in(arena, tree, "sub/link"));
}

static void measuring_counts_the_files_of_certain_folders_and_follows_no_link(void **state)
{
	static const char *const folders[] = { "deep", "other", NULL };
	unsigned long long bytes = 0, files = 0;
	struct mr_error err;

	(void)state;
	assert_ok(mr_tree_measure(tree, folders, &bytes, &files, &err), err);
	assert_int_equal(bytes, 8);
	assert_int_equal(files, 1);
}

static void removing_does_not_follow_links_and_absence_is_no_error(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_error err;

	(void)state;
	for (int i = 0; i < 2; i++)
		assert_ok(mr_tree_remove(tree, &err), err);
	assert_false(mr_path_exists(tree));
	assert_true(mr_path_exists(in(arena, outside, "kept")));
}

static void removing_a_link_leaves_its_target(void **state)
{
	MR_ARENA arena = mr_arena_open();
	const char *link = in(arena, tree, "sub/link");
	struct mr_error err;

	(void)state;
	assert_ok(mr_tree_remove(link, &err), err);
	assert_false(mr_path_exists(link));
	assert_true(mr_path_exists(in(arena, outside, "kept")));
}

static void a_copy_has_the_same_content_modes_and_links(void **state)
{
	MR_ARENA arena = mr_arena_open();
	char target[64] = "";
	struct mr_error err;
	struct stat st;

	(void)state;
	assert_ok(mr_tree_copy(tree, copy, &err), err);
	assert_true(mr_file_same(in(arena, copy, "file"), "one\n", 4,
				 (struct mr_file_attrs){ 0640, geteuid(), getegid() }));
	assert_true(mr_file_same(in(arena, copy, "sub/deep/file"), "two\n", 4,
				 (struct mr_file_attrs){ 0400, geteuid(), getegid() }));
	assert_int_equal(lstat(in(arena, copy, "sub"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0750);
	assert_int_equal(readlink(in(arena, copy, "sub/link"), target, sizeof(target) - 1), 13);
	assert_string_equal(target, "../../outside");
}

static void a_copy_is_not_made_over_something(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_error err = { 0 };

	(void)state;
	assert_fails(mr_tree_copy(tree, outside, &err), MR_E_EXISTS, err);
	assert_true(mr_path_exists(in(arena, outside, "kept")));
}

static void a_failed_copy_leaves_nothing(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_error err = { 0 };
	const char *fifo = in(arena, tree, "sub/fifo");

	(void)state;
	assert_int_equal(mkfifo(fifo, 0600), 0);
	assert_fails(mr_tree_copy(tree, copy, &err), MR_E_INVALID, err);
	assert_contains(err.message, fifo);
	assert_false(mr_path_exists(copy));
}

static void every_file_and_folder_is_synced_and_a_failure_is_named(void **state)
{
	struct mr_error err = { 0 };

	(void)state;
	assert_ok(mr_tree_sync(tree, &err), err);
	assert_int_equal(syncs.calls, 6); /* two files, three folders, the parent */
	for (int i = 1; i <= 6; i++) {
		syncs.calls = 0;
		syncs.fail_at = i;
		assert_fails(mr_tree_sync(tree, &err), MR_E_IO, err);
		assert_contains(err.message, "durable: Input/output error");
	}
}

static void owning_reaches_everything_inside_and_nothing_outside(void **state)
{
	MR_ARENA arena = mr_arena_open();
	const char *const inside[] = { tree, in(arena, tree, "file"),
				       in(arena, tree, "sub/deep/file"),
				       in(arena, tree, "sub/link") };
	uid_t uid = geteuid() == 0 ? 12345 : geteuid(); /* only root can give files away */
	struct mr_error err;
	struct stat st;

	(void)state;
	assert_ok(mr_tree_own(tree, uid, (gid_t)-1, &err), err);
	for (size_t i = 0; i < sizeof(inside) / sizeof(inside[0]); i++) {
		assert_int_equal(lstat(inside[i], &st), 0);
		assert_int_equal(st.st_uid, uid);
		assert_int_equal(st.st_gid, getegid());
	}
	assert_int_equal(stat(in(arena, outside, "kept"), &st), 0);
	assert_int_equal(st.st_uid, geteuid());
	assert_int_equal(stat(outside, &st), 0);
	assert_int_equal(st.st_uid, geteuid());
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, folder_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(measuring_counts_the_files_of_certain_folders_and_follows_no_link),
		TEST(removing_does_not_follow_links_and_absence_is_no_error),
		TEST(removing_a_link_leaves_its_target),
		TEST(a_copy_has_the_same_content_modes_and_links),
		TEST(a_copy_is_not_made_over_something),
		TEST(a_failed_copy_leaves_nothing),
		TEST(every_file_and_folder_is_synced_and_a_failure_is_named),
		TEST(owning_reaches_everything_inside_and_nothing_outside),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
