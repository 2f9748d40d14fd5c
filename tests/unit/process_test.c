#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/process.h"

#define ARGV(...) ((const char *const[]){ __VA_ARGS__, NULL })
#define SHELL(script) ARGV("sh", "-c", script)

static struct mr_process_result run(struct mr_process process)
{
	struct mr_process_result result;
	struct mr_error err;

	assert_ok(mr_process_run(&process, &result, &err), err);
	return result;
}

static void assert_output(const char *const *argv, const char *want)
{
	struct mr_process_result result = run((struct mr_process){ .argv = argv });

	assert_string_equal(mr_buf_text(&result.output), want);
	mr_buf_close(&result.output);
}

static void statuses_and_signals_are_reported(void **state)
{
	static const struct {
		const char *script;
		int want;
	} rows[] = {
		{ "exit 0", 0 }, { "exit 3", 3 }, { "kill -TERM $$", 143 }, { "kill -9 $$", 137 }
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct mr_process_result result =
			run((struct mr_process){ .argv = SHELL(rows[i].script) });

		assert_int_equal(result.status, rows[i].want);
		mr_buf_close(&result.output);
	}
}

static void both_streams_are_captured_in_order(void **state)
{
	(void)state;
	assert_output(SHELL("echo one; echo two >&2; echo three"), "one\ntwo\nthree\n");
}

static void arguments_are_not_seen_by_a_shell(void **state)
{
	(void)state;
	assert_output(ARGV("echo", "$HOME; `id` *"), "$HOME; `id` *\n");
}

static void programs_in_sbin_are_found_without_it_in_path(void **state)
{
	const char *before = getenv("PATH");
	char *kept = strdup(before ? before : "");
	struct mr_process_result result;

	(void)state;
	setenv("PATH", "relative:/bin", 1);
	result = run((struct mr_process){ .argv = SHELL("echo $PATH") });
	setenv("PATH", kept, 1);
	free(kept);
	assert_string_equal(mr_buf_text(&result.output), "/bin:/usr/sbin:/usr/bin:/sbin\n");
	mr_buf_close(&result.output);
}

static void the_environment_is_only_what_was_given(void **state)
{
	struct mr_process_result result;

	(void)state;
	setenv("SURPRISE", "yes", 1);
	result = run((struct mr_process){
		.argv = ARGV("env"), .env = ARGV("LANG=C", "PATH=/usr/bin:/bin", "LDAPNOINIT=1") });
	unsetenv("SURPRISE");
	assert_string_equal(mr_buf_text(&result.output),
			    "LANG=C\nPATH=/usr/bin:/bin\nLDAPNOINIT=1\n");
	mr_buf_close(&result.output);
}

static void no_other_descriptor_of_ours_is_inherited(void **state)
{
	int leak = open("/dev/null", O_RDONLY); /* without close-on-exec, as a library might */

	(void)state;
	assert_true(leak >= 0 && dup2(leak, 77) == 77);
	/* 3 is the folder that ls itself has open. */
	assert_output(SHELL("exec ls /proc/self/fd"), "0\n1\n2\n3\n");
	close(77);
	close(leak);
}

static void the_child_has_default_signals_and_a_group_of_its_own(void **state)
{
	sigset_t usr1;

	(void)state;
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&usr1);
	sigaddset(&usr1, SIGUSR1);
	sigprocmask(SIG_BLOCK, &usr1, NULL);
	assert_output(ARGV("sed", "-n", "s/^Sig\\(Blk\\|Ign\\):\t//p", "/proc/self/status"),
		      "0000000000000000\n0000000000000000\n");
	sigprocmask(SIG_UNBLOCK, &usr1, NULL);
	signal(SIGPIPE, SIG_DFL);
	assert_output(SHELL("test $(cut -d' ' -f5 /proc/$$/stat) = $$ && echo own"), "own\n");
}

static void statuses_survive_an_ignored_sigchld(void **state)
{
	struct mr_process_result result;

	(void)state;
	signal(SIGCHLD, SIG_IGN);
	result = run((struct mr_process){ .argv = SHELL("exit 5") });
	signal(SIGCHLD, SIG_DFL);
	assert_int_equal(result.status, 5);
	mr_buf_close(&result.output);
}

static void input_is_empty_unless_given(void **state)
{
	int fd = open("/proc/self/comm", O_RDONLY);
	struct mr_process_result result;

	(void)state;
	assert_output(ARGV("cat"), "");
	result = run((struct mr_process){ .argv = ARGV("wc", "-l"), .in_fd = fd });
	assert_string_equal(mr_buf_text(&result.output), "1\n");
	mr_buf_close(&result.output);
	close(fd);
}

static void with_out_fd_only_stderr_is_captured(void **state)
{
	struct mr_process_result result;
	char text[16] = "";
	int ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	result = run(
		(struct mr_process){ .argv = SHELL("echo out; echo err >&2"), .out_fd = ends[1] });
	assert_string_equal(mr_buf_text(&result.output), "err\n");
	assert_int_equal(read(ends[0], text, sizeof(text) - 1), 4);
	assert_string_equal(text, "out\n");
	mr_buf_close(&result.output);
	close(ends[0]);
	close(ends[1]);
}

static void a_flood_of_output_is_capped_and_does_not_block(void **state)
{
	struct mr_process_result result =
		run((struct mr_process){ .argv = SHELL("yes | head -c 8000000") });

	(void)state;
	assert_int_equal(result.output.len, 65536);
	mr_buf_close(&result.output);
}

static void a_timeout_kills_the_whole_group(void **state)
{
	const struct mr_process process = {
		.argv = SHELL("sleep 1000 & echo $!; trap '' TERM; sleep 1000"), .timeout_ms = 300
	};
	struct mr_process_result result;
	struct mr_error err = { 0 };
	long long deadline;
	pid_t grandchild;

	(void)state;
	assert_fails(mr_process_run(&process, &result, &err), MR_E_TEMPORARY, err);
	assert_contains(err.message, "sh: did not end within 0.3 seconds");
	assert_int_equal(result.status, 137);
	grandchild = (pid_t)strtol(mr_buf_text(&result.output), NULL, 10);
	assert_true(grandchild > 1);
	mr_buf_close(&result.output);
	/* It becomes a zombie of whoever adopts it, or is gone: it must not run any more. */
	deadline = mr_now_ms() + 10000;
	while (kill(grandchild, 0) == 0 && mr_now_ms() < deadline) {
		MR_ARENA arena = mr_arena_open();
		char *stat;

		if (mr_file_read(arena, mr_printf(arena, "/proc/%d/stat", grandchild), 4096, &stat,
				 NULL, &err) < 0 ||
		    strstr(stat, ") Z "))
			return;
		poll(NULL, 0, 5);
	}
	assert_true(mr_now_ms() < deadline);
}

static void output_without_end_does_not_outlive_the_timeout(void **state)
{
	const struct mr_process process = { .argv = ARGV("yes"), .timeout_ms = 200 };
	struct mr_error err = { 0 };
	long long start = mr_now_ms();

	(void)state;
	assert_fails(mr_process_check(&process, &err), MR_E_TEMPORARY, err);
	assert_true(mr_now_ms() - start < 10000);
}

static void a_grandchild_that_holds_the_pipe_is_not_waited_for(void **state)
{
	long long start = mr_now_ms();
	struct mr_process_result result = run(
		(struct mr_process){ .argv = SHELL("sleep 30 & echo $!"), .timeout_ms = 20000 });

	(void)state;
	assert_true(mr_now_ms() - start < 10000);
	kill((pid_t)strtol(mr_buf_text(&result.output), NULL, 10), SIGKILL);
	mr_buf_close(&result.output);
}

static void a_daemon_lives_on_and_may_write_after_we_have_gone(void **state)
{
	MR_ARENA arena = mr_arena_open();
	const char *done = mr_printf(arena, "%s/done", (const char *)*state);
	const char *script = mr_printf(arena,
				       "(i=0; while test $i -lt 200; do i=$((i+1)); echo line $i "
				       ">&2; done; echo ok >%s) & "
				       "echo started; exit 0",
				       done);
	struct mr_process_result result =
		run((struct mr_process){ .argv = SHELL(script), .daemon = true });
	long long deadline = mr_now_ms() + 10000;

	assert_true(mr_starts_with(mr_buf_text(&result.output), "started\n") ||
		    strstr(mr_buf_text(&result.output), "started\n"));
	mr_buf_close(&result.output);
	while (!mr_path_exists(done) && mr_now_ms() < deadline)
		poll(NULL, 0, 5);
	assert_true(mr_path_exists(done));
}

static int open_descriptors(void)
{
	int count = 0;

	for (int fd = 0; fd < 256; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

static void a_daemon_that_was_left_lives_on(void **state)
{
	MR_ARENA arena = mr_arena_open();
	const char *go = mr_printf(arena, "%s/go", (const char *)*state);
	const char *done = mr_printf(arena, "%s/done", (const char *)*state);
	const char *script = mr_printf(arena, "until test -e %s; do echo waiting >&2; done; echo >%s",
				       go, done);
	struct mr_process process = { .argv = SHELL(script), .daemon = true };
	long long deadline = mr_now_ms() + 10000;
	int before = open_descriptors(), fd;
	struct mr_child *child;
	struct mr_error err;

	assert_ok(mr_process_read_from(&process, &child, &fd, &err), err);
	mr_process_leave(child);
	assert_int_equal(open_descriptors(), before);
	assert_ok(mr_file_replace(go, "", 0, MR_FILE_PUBLIC, &err), err);
	while (!mr_path_exists(done) && mr_now_ms() < deadline)
		poll(NULL, 0, 5);
	assert_true(mr_path_exists(done));
	/* Still our child, though nobody's any more whom it was left by. */
	assert_true(waitpid(-1, NULL, 0) > 0);
}

static void children_die_with_their_parent(void **state)
{
	MR_ARENA arena = mr_arena_open();
	const char *file = mr_printf(arena, "%s/pid", (const char *)*state);
	const char *script = mr_printf(arena, "echo $$ >%s.new; mv %s.new %s; exec sleep 1000",
				       file, file, file);
	long long deadline = mr_now_ms() + 10000;
	struct mr_error err;
	pid_t middle = fork(), child;
	char *text;

	if (middle == 0) {
		struct mr_process_result result;

		_exit(mr_process_run(&(struct mr_process){ .argv = SHELL(script) }, &result, &err));
	}
	while (!mr_path_exists(file) && mr_now_ms() < deadline)
		poll(NULL, 0, 5);
	assert_ok(mr_file_read(arena, file, 100, &text, NULL, &err), err);
	child = (pid_t)strtol(text, NULL, 10);
	kill(middle, SIGKILL);
	waitpid(middle, NULL, 0);
	for (;;) {
		char *stat;

		if (mr_file_read(arena, mr_printf(arena, "/proc/%d/stat", child), 4096, &stat, NULL,
				 &err) < 0 ||
		    strstr(stat, ") Z "))
			return;
		assert_true(mr_now_ms() < deadline);
		poll(NULL, 0, 5);
	}
}

static void check_fails_with_the_last_line_that_says_something(void **state)
{
	static const struct {
		const char *script, *want;
	} rows[] = {
		{ "echo first; echo 'the cause' >&2; echo; echo '  '; exit 1", "sh: the cause" },
		{ "exit 3", "sh: failed with status 3 and said nothing" },
		{ "kill -SEGV $$", "sh: ended by signal 11 (Segmentation fault)" },
		{ "yes | head -c 300000; echo; echo 'after all that'; exit 1",
		  "sh: after all that" },
		{ "{ yes | head -c 60000; echo; echo 'in one go'; } | dd obs=100000 2>/dev/null; "
		  "exit 1",
		  "sh: in one go" },
		{ "printf 'no newline'; exit 1", "sh: no newline" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct mr_process process = { .argv = SHELL(rows[i].script) };
		struct mr_error err = { 0 };

		assert_fails(mr_process_check(&process, &err), MR_E_SYSTEM, err);
		assert_string_equal(err.message, rows[i].want);
	}
}

static void what_cannot_be_started_is_named(void **state)
{
	MR_ARENA arena = mr_arena_open();
	const char *broken = mr_printf(arena, "%s/broken", (const char *)*state);
	struct mr_process process = { .argv = ARGV("no-such-program") };
	struct mr_process_result result;
	struct mr_error err = { 0 };

	assert_fails(mr_process_run(&process, &result, &err), MR_E_SYSTEM, err);
	assert_contains(err.message, "no-such-program: no such program in /");
	mr_buf_close(&result.output);
	assert_ok(mr_file_replace(broken, "#!/nowhere/interpreter\n", 23,
				  (struct mr_file_attrs){ 0755, (uid_t)-1, (gid_t)-1 }, &err),
		  err);
	process.argv = ARGV(broken);
	assert_fails(mr_process_check(&process, &err), MR_E_SYSTEM, err);
	assert_contains(err.message, "cannot be started: No such file or directory");
}

static void a_program_is_read_from_to_its_end(void **state)
{
	struct mr_process process = { .argv = SHELL("head -c 500000 /dev/zero; echo note >&2") };
	struct mr_child *child;
	struct mr_error err;
	char block[4096];
	size_t total = 0;
	ssize_t n;
	int fd;

	(void)state;
	assert_ok(mr_process_read_from(&process, &child, &fd, &err), err);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	while ((n = read(fd, block, sizeof(block))) > 0)
		total += (size_t)n;
	assert_ok(mr_process_end(child, &err), err);
	assert_int_equal(total, 500000);
}

static void a_flood_on_stderr_does_not_block_who_reads_stdout(void **state)
{
	struct mr_process process = {
		.argv = SHELL("yes oops 2>/dev/null | head -c 4000000 >&2; echo done; exit 2")
	};
	struct mr_child *child;
	struct mr_error err = { 0 };
	char text[16] = "";
	int fd;

	(void)state;
	assert_ok(mr_process_read_from(&process, &child, &fd, &err), err);
	assert_int_equal(read(fd, text, sizeof(text) - 1), 5);
	assert_fails(mr_process_end(child, &err), MR_E_SYSTEM, err);
	assert_true(mr_starts_with(err.message, "sh: "));
}

static void a_program_is_written_to_and_sees_the_end(void **state)
{
	MR_ARENA arena = mr_arena_open();
	const char *copy = mr_printf(arena, "%s/copy", (const char *)*state);
	struct mr_process process = { .argv = ARGV("tee", copy) };
	struct mr_child *child;
	struct mr_error err;
	char *text;
	int fd;

	assert_ok(mr_process_write_to(&process, &child, &fd, &err), err);
	assert_int_equal(write(fd, "dn: cn=x\n", 9), 9);
	assert_ok(mr_process_end(child, &err), err);
	assert_ok(mr_file_read(arena, copy, 100, &text, NULL, &err), err);
	assert_string_equal(text, "dn: cn=x\n");
}

static void writing_to_a_program_that_has_ended_is_an_error_and_not_our_death(void **state)
{
	struct mr_process process = { .argv = SHELL("echo 'bad line 1' >&2; exit 1") };
	struct mr_child *child;
	struct mr_error err = { 0 };
	ssize_t n;
	int fd;

	(void)state;
	assert_ok(mr_process_write_to(&process, &child, &fd, &err), err);
	do {
		n = write(fd, "x", 1);
	} while (n == 1);
	assert_int_equal(errno, EPIPE);
	assert_fails(mr_process_end(child, &err), MR_E_SYSTEM, err);
	assert_string_equal(err.message, "sh: bad line 1");
}

static void ending_a_program_that_hangs_kills_it(void **state)
{
	struct mr_process process = { .argv = ARGV("sleep", "1000"), .timeout_ms = 200 };
	struct mr_child *child;
	struct mr_error err = { 0 };
	int fd;

	(void)state;
	assert_ok(mr_process_read_from(&process, &child, &fd, &err), err);
	assert_fails(mr_process_end(child, &err), MR_E_TEMPORARY, err);
}

static void no_descriptor_and_no_zombie_stays_behind(void **state)
{
	int before = open_descriptors(), fd;
	struct mr_process bad = { .argv = ARGV("/nowhere/program") };
	struct mr_process slow = { .argv = ARGV("sleep", "1000"), .timeout_ms = 1 };
	struct mr_process service = { .argv = ARGV("true"), .daemon = true };
	struct mr_error err;
	struct mr_child *child;

	(void)state;
	assert_int_equal(mr_process_check(&bad, &err), -1);
	assert_int_equal(mr_process_check(&slow, &err), -1);
	assert_ok(mr_process_check(&service, &err), err);
	assert_int_equal(mr_process_read_from(&bad, &child, &fd, &err), -1);
	assert_int_equal(mr_process_write_to(&bad, &child, &fd, &err), -1);
	assert_ok(mr_process_read_from(&slow, &child, &fd, &err), err);
	mr_process_kill(child);
	mr_process_kill(NULL);
	assert_int_equal(open_descriptors(), before);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}

#define IN_FOLDER(f) cmocka_unit_test_setup_teardown(f, folder_setup, folder_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(statuses_and_signals_are_reported),
		cmocka_unit_test(both_streams_are_captured_in_order),
		cmocka_unit_test(arguments_are_not_seen_by_a_shell),
		cmocka_unit_test(programs_in_sbin_are_found_without_it_in_path),
		cmocka_unit_test(the_environment_is_only_what_was_given),
		cmocka_unit_test(no_other_descriptor_of_ours_is_inherited),
		cmocka_unit_test(the_child_has_default_signals_and_a_group_of_its_own),
		cmocka_unit_test(statuses_survive_an_ignored_sigchld),
		cmocka_unit_test(input_is_empty_unless_given),
		cmocka_unit_test(with_out_fd_only_stderr_is_captured),
		cmocka_unit_test(a_flood_of_output_is_capped_and_does_not_block),
		cmocka_unit_test(a_timeout_kills_the_whole_group),
		cmocka_unit_test(output_without_end_does_not_outlive_the_timeout),
		cmocka_unit_test(a_grandchild_that_holds_the_pipe_is_not_waited_for),
		IN_FOLDER(a_daemon_lives_on_and_may_write_after_we_have_gone),
		IN_FOLDER(a_daemon_that_was_left_lives_on),
		IN_FOLDER(children_die_with_their_parent),
		cmocka_unit_test(check_fails_with_the_last_line_that_says_something),
		IN_FOLDER(what_cannot_be_started_is_named),
		cmocka_unit_test(a_program_is_read_from_to_its_end),
		cmocka_unit_test(a_flood_on_stderr_does_not_block_who_reads_stdout),
		IN_FOLDER(a_program_is_written_to_and_sees_the_end),
		cmocka_unit_test(writing_to_a_program_that_has_ended_is_an_error_and_not_our_death),
		cmocka_unit_test(ending_a_program_that_hangs_kills_it),
		cmocka_unit_test(no_descriptor_and_no_zombie_stays_behind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
