#include "test.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/clock.h"

static char path[512];

static int setup(void **state)
{
	if (folder_setup(state) < 0)
		return -1;
	snprintf(path, sizeof(path), "%s/lock", (const char *)*state);
	return 0;
}

/* A process that holds the lock for `ms`; returns when it has it. */
static pid_t holder(int ms)
{
	int ready[2], fd;
	struct mr_error err;
	char c;
	pid_t pid;

	assert_int_equal(pipe(ready), 0);
	pid = fork();
	if (pid == 0) {
		if (mr_lock_open(path, 0, &fd, &err) == 0 && write(ready[1], "x", 1) == 1)
			poll(NULL, 0, ms);
		mr_lock_close(fd);
		_exit(0);
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &c, 1), 1);
	close(ready[0]);
	return pid;
}

static void whoever_waits_too_long_learns_who_holds_it(void **state)
{
	pid_t pid = holder(60000);
	struct mr_error err = { 0 };
	long long start = mr_now_ms();
	char want[64];
	int fd;

	(void)state;
	assert_fails(mr_lock_open(path, 100, &fd, &err), MR_E_TEMPORARY, err);
	assert_true(mr_now_ms() - start >= 100);
	assert_int_equal(fd, -1);
	snprintf(want, sizeof(want), "process %d (lock", (int)pid);
	assert_contains(err.message, path);
	assert_contains(err.message, want);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void a_lock_that_is_released_in_time_is_got(void **state)
{
	pid_t pid = holder(100);
	struct mr_error err;
	int fd;

	(void)state;
	assert_ok(mr_lock_open(path, 30000, &fd, &err), err);
	mr_lock_close(fd);
	waitpid(pid, NULL, 0);
}

static void a_lock_dies_with_its_holder(void **state)
{
	pid_t pid = holder(60000);
	struct mr_error err;
	int fd;

	(void)state;
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	assert_ok(mr_lock_open(path, 0, &fd, &err), err);
	mr_lock_close(fd);
}

static void a_lock_is_private_and_not_inherited_by_programs(void **state)
{
	struct mr_error err;
	struct stat st;
	int fd;

	(void)state;
	assert_ok(mr_lock_open(path, 0, &fd, &err), err);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	mr_lock_close(fd);
	mr_lock_close(-1);
}

static void a_folder_that_is_missing_is_an_error_at_once(void **state)
{
	MR_ARENA arena = mr_arena_open();
	const char *missing = mr_printf(arena, "%s/missing/lock", (const char *)*state);
	struct mr_error err = { 0 };
	int fd;

	assert_fails(mr_lock_open(missing, 30000, &fd, &err), MR_E_NOT_FOUND, err);
	assert_contains(err.message, missing);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, folder_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(whoever_waits_too_long_learns_who_holds_it),
		TEST(a_lock_that_is_released_in_time_is_got),
		TEST(a_lock_dies_with_its_holder),
		TEST(a_lock_is_private_and_not_inherited_by_programs),
		TEST(a_folder_that_is_missing_is_an_error_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
