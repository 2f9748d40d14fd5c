#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

/* The calls that base/file.c makes pass through here (ld --wrap), so that each can be made to fail.
 */
static struct {
	const char *call; /* which one fails, NULL: none */
	int number;
	size_t most;    /* bytes that one write takes, 0: all */
	bool interrupt; /* the next write fails with EINTR */
	mode_t mode_at_write;
} fault;

static bool faulty(const char *call)
{
	if (!fault.call || strcmp(fault.call, call) != 0)
		return false;
	errno = fault.number;
	return true;
}

ssize_t __real_write(int fd, const void *data, size_t len);
ssize_t __wrap_write(int fd, const void *data, size_t len);
int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __real_fchmod(int fd, mode_t mode);
int __wrap_fchmod(int fd, mode_t mode);
int __real_fchown(int fd, uid_t uid, gid_t gid);
int __wrap_fchown(int fd, uid_t uid, gid_t gid);
int __real_rename(const char *from, const char *to);
int __wrap_rename(const char *from, const char *to);

ssize_t __wrap_write(int fd, const void *data, size_t len)
{
	struct stat st;

	if (fault.interrupt) {
		fault.interrupt = false;
		errno = EINTR;
		return -1;
	}
	if (fault.mode_at_write == 0 && fstat(fd, &st) == 0)
		fault.mode_at_write = st.st_mode & 07777;
	if (faulty("write"))
		return -1;
	return __real_write(fd, data, fault.most && fault.most < len ? fault.most : len);
}

int __wrap_fsync(int fd)
{
	return faulty("fsync") ? -1 : __real_fsync(fd);
}

int __wrap_fchmod(int fd, mode_t mode)
{
	return faulty("fchmod") ? -1 : __real_fchmod(fd, mode);
}

int __wrap_fchown(int fd, uid_t uid, gid_t gid)
{
	return faulty("fchown") ? -1 : __real_fchown(fd, uid, gid);
}

int __wrap_rename(const char *from, const char *to)
{
	return faulty("rename") ? -1 : __real_rename(from, to);
}

static char path[512];

static int setup(void **state)
{
	memset(&fault, 0, sizeof(fault));
	if (folder_setup(state) < 0)
		return -1;
	snprintf(path, sizeof(path), "%s/main.cf", (const char *)*state);
	return 0;
}

static void replace(const char *text, struct mr_file_attrs attrs)
{
	struct mr_error err;

	assert_ok(mr_file_replace(path, text, strlen(text), attrs, &err), err);
}

static void assert_content(const char *want)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_error err;
	char *got;

	assert_ok(mr_file_read(arena, path, 1 << 20, &got, NULL, &err), err);
	assert_string_equal(got, want);
}

static void assert_only_file(const char *folder)
{
	char command[600];

	snprintf(command, sizeof(command), "test \"$(ls -A %s)\" = main.cf", folder);
	assert_int_equal(system(command), 0);
}

static void a_replaced_file_has_content_and_mode_and_stands_alone(void **state)
{
	replace("old\n", MR_FILE_PUBLIC);
	replace("new\n", (struct mr_file_attrs){ 0640, (uid_t)-1, (gid_t)-1 });
	assert_content("new\n");
	assert_true(mr_file_same(path, "new\n", 4,
				 (struct mr_file_attrs){ 0640, geteuid(), getegid() }));
	assert_only_file(*state);
}

static void a_failing_step_leaves_the_old_text_and_no_temporary_file(void **state)
{
	static const struct {
		const char *call;
		int number;
		const char *code, *message;
	} rows[] = {
		{ "write", ENOSPC, "io", "main.cf: No space left on device" },
		{ "write", EIO, "io", "main.cf: Input/output error" },
		{ "write", EDQUOT, "io", "main.cf: Disk quota exceeded" },
		{ "fsync", EIO, "io", "main.cf: Input/output error" },
		{ "fchown", EPERM, "denied", "main.cf: Operation not permitted" },
		{ "fchmod", EPERM, "denied", "main.cf: Operation not permitted" },
		{ "rename", EROFS, "io", "main.cf: Read-only file system" },
	};

	replace("old\n", MR_FILE_PUBLIC);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct mr_error err = { 0 };

		fault.call = rows[i].call;
		fault.number = rows[i].number;
		assert_int_equal(mr_file_replace(path, "new\n", 4, MR_FILE_PUBLIC, &err), -1);
		assert_string_equal(mr_error_word(err.code), rows[i].code);
		assert_contains(err.message, rows[i].message);
		fault.call = NULL;
		assert_content("old\n");
		assert_only_file(*state);
	}
}

static void short_and_interrupted_writes_are_continued(void **state)
{
	(void)state;
	fault.most = 3;
	fault.interrupt = true;
	replace("more than three bytes\n", MR_FILE_PRIVATE);
	assert_content("more than three bytes\n");
}

static void the_mode_is_final_before_the_first_byte(void **state)
{
	(void)state;
	replace("secret\n", (struct mr_file_attrs){ 0440, (uid_t)-1, (gid_t)-1 });
	assert_int_equal(fault.mode_at_write, 0440);
}

static void a_link_is_replaced_and_not_followed(void **state)
{
	MR_ARENA arena = mr_arena_open();
	const char *target = mr_printf(arena, "%s/target", (const char *)*state);
	struct stat st;

	assert_int_equal(close(creat(target, 0644)), 0);
	assert_int_equal(symlink(target, path), 0);
	replace("text", MR_FILE_PUBLIC);
	assert_int_equal(lstat(path, &st), 0);
	assert_true(S_ISREG(st.st_mode));
	assert_int_equal(stat(target, &st), 0);
	assert_int_equal(st.st_size, 0);
}

static void what_a_killed_writer_left_is_removed(void **state)
{
	MR_ARENA arena = mr_arena_open();

	close(creat(mr_printf(arena, "%s/.main.cf.mailrepl-abc123", (const char *)*state), 0600));
	replace("text", MR_FILE_PUBLIC);
	assert_only_file(*state);
}

static void what_a_living_writer_holds_stays(void **state)
{
	MR_ARENA arena = mr_arena_open();
	const char *other = mr_printf(arena, "%s/.main.cf.mailrepl-abc123", (const char *)*state);
	int fd = creat(other, 0600);

	assert_int_equal(flock(fd, LOCK_EX), 0);
	replace("text", MR_FILE_PUBLIC);
	assert_true(mr_path_exists(other));
	close(fd);
}

static void a_file_that_merely_looks_similar_stays(void **state)
{
	MR_ARENA arena = mr_arena_open();
	const char *other =
		mr_printf(arena, "%s/.main.cf.mailrepl-notes.txt", (const char *)*state);

	close(creat(other, 0600));
	replace("text", MR_FILE_PUBLIC);
	assert_true(mr_path_exists(other));
}

static void reading_refuses_what_is_no_reasonable_file(void **state)
{
	MR_ARENA arena = mr_arena_open();
	const char *fifo = mr_printf(arena, "%s/fifo", (const char *)*state);
	const struct {
		const char *path;
		size_t most;
		enum mr_error_code want;
	} rows[] = {
		{ mr_printf(arena, "%s/missing", (const char *)*state), 10, MR_E_NOT_FOUND },
		{ *state, 10, MR_E_INVALID },
		{ fifo, 10, MR_E_INVALID },
		{ path, 3, MR_E_INVALID },
		{ "/proc/self/status", 3, MR_E_INVALID },
	};

	assert_int_equal(mkfifo(fifo, 0600), 0);
	replace("four", MR_FILE_PUBLIC);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct mr_error err = { 0 };
		char *text;

		assert_fails(mr_file_read(arena, rows[i].path, rows[i].most, &text, NULL, &err),
			     rows[i].want, err);
		assert_contains(err.message, rows[i].path);
	}
}

static void a_file_of_just_the_limit_is_read(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_error err;
	char *text;
	size_t len;

	(void)state;
	replace("four", MR_FILE_PUBLIC);
	assert_ok(mr_file_read(arena, path, 4, &text, &len, &err), err);
	assert_int_equal(len, 4);
	assert_string_equal(text, "four");
}

static void a_file_that_states_no_size_is_read_whole(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_error err;
	char *text;
	size_t len;

	(void)state;
	assert_ok(mr_file_read(arena, "/proc/self/status", 1 << 20, &text, &len, &err), err);
	assert_true(len > 100 && strlen(text) == len);
	assert_contains(text, "nonvoluntary_ctxt_switches");
}

static void same_looks_at_content_mode_and_kind(void **state)
{
	MR_ARENA arena = mr_arena_open();
	const char *link = mr_printf(arena, "%s/link", (const char *)*state);
	const struct {
		const char *path, *text;
		struct mr_file_attrs attrs;
		bool want;
	} rows[] = {
		{ path, "text", { 0644, (uid_t)-1, (gid_t)-1 }, true },
		{ path, "text", { 0644, geteuid(), getegid() }, true },
		{ path, "texT", { 0644, (uid_t)-1, (gid_t)-1 }, false },
		{ path, "text ", { 0644, (uid_t)-1, (gid_t)-1 }, false },
		{ path, "tex", { 0644, (uid_t)-1, (gid_t)-1 }, false },
		{ path, "text", { 0640, (uid_t)-1, (gid_t)-1 }, false },
		{ path, "text", { 0644, geteuid() + 1, (gid_t)-1 }, false },
		{ path, "text", { 0644, (uid_t)-1, getegid() + 1 }, false },
		{ link, "text", { 0644, (uid_t)-1, (gid_t)-1 }, false },
		{ "/nowhere/file", "text", { 0644, (uid_t)-1, (gid_t)-1 }, false },
	};

	replace("text", MR_FILE_PUBLIC);
	assert_int_equal(symlink(path, link), 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (mr_file_same(rows[i].path, rows[i].text, strlen(rows[i].text), rows[i].attrs) !=
		    rows[i].want)
			fail_msg("row %zu: want %d", i, rows[i].want);
}

static void absent_users_are_named_with_their_package(void **state)
{
	struct mr_error err = { 0 };
	uid_t uid;
	gid_t gid;

	(void)state;
	assert_ok(mr_user_id("root", &uid, &gid, &err), err);
	assert_int_equal(uid, 0);
	assert_ok(mr_user_id(NULL, &uid, &gid, &err), err);
	assert_true(uid == (uid_t)-1 && gid == (gid_t)-1);
	assert_fails(mr_user_id("nobody-of-this-name", &uid, &gid, &err), MR_E_CONFIG, err);
	assert_contains(err.message, "nobody-of-this-name");
	assert_fails(mr_group_id("nobody-of-this-name", &gid, &err), MR_E_CONFIG, err);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, folder_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_replaced_file_has_content_and_mode_and_stands_alone),
		TEST(a_failing_step_leaves_the_old_text_and_no_temporary_file),
		TEST(short_and_interrupted_writes_are_continued),
		TEST(the_mode_is_final_before_the_first_byte),
		TEST(a_link_is_replaced_and_not_followed),
		TEST(what_a_killed_writer_left_is_removed),
		TEST(what_a_living_writer_holds_stays),
		TEST(a_file_that_merely_looks_similar_stays),
		TEST(reading_refuses_what_is_no_reasonable_file),
		TEST(a_file_of_just_the_limit_is_read),
		TEST(a_file_that_states_no_size_is_read_whole),
		TEST(same_looks_at_content_mode_and_kind),
		TEST(absent_users_are_named_with_their_package),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
