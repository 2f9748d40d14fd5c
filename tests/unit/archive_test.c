#include "archive_files.h"
#include "base/process.h"

static void make_archive(const char *path, const char *const names[], size_t size)
{
	struct mr_archive_writer *writer;
	struct mr_error err = { 0 };
	int fd = create_file(path);
	char *data = malloc(size + 1);

	/* Hard to compress, so that a cut hits data. */
	for (size_t i = 0; i < size; i++)
		data[i] = (char)(i * i * 2654435761U >> 13);
	assert_ok(mr_archive_create(fd, &writer, &err), err);
	for (; *names; names++)
		assert_ok(mr_archive_put(writer, *names, data, size, &err), err);
	assert_ok(mr_archive_finish(writer, &err), err);
	close(fd);
	free(data);
}

static void check_round_trip(void **state)
{
	struct mr_archive_writer *writer;
	struct mr_archive_reader *reader;
	struct mr_archive_member member;
	struct mr_error err = { 0 };
	char data[100] = "";
	int fd = create_file(path_in(state, "a.tar.bz2")), from;

	write_file(path_in(state, "source"), "from a file, and more", 21);
	from = open(path_in(state, "source"), O_RDONLY | O_CLOEXEC);
	assert_ok(mr_archive_create(fd, &writer, &err), err);
	assert_ok(mr_archive_put(writer, "manifest.json", "{}\n", 3, &err), err);
	assert_ok(mr_archive_put(writer, "empty", "", 0, &err), err);
	assert_ok(mr_archive_put_fd(writer, "ldif/mail-owned.ldif", from, 11, &err), err);
	assert_ok(mr_archive_finish(writer, &err), err);
	close(fd);
	close(from);

	assert_ok(mr_archive_open(path_in(state, "a.tar.bz2"), &reader, &err), err);
	assert_int_equal(mr_archive_next(reader, &member, &err), 1);
	assert_string_equal(member.name, "manifest.json");
	assert_int_equal(member.size, 3);
	assert_int_equal(mr_archive_read(reader, data, 2, &err), 2);
	assert_int_equal(mr_archive_next(reader, &member, &err), 1);
	assert_string_equal(member.name, "empty");
	assert_int_equal(mr_archive_read(reader, data, 2, &err), 0);
	assert_int_equal(mr_archive_next(reader, &member, &err), 1);
	assert_string_equal(member.name, "ldif/mail-owned.ldif");
	assert_int_equal(mr_archive_read(reader, data, sizeof(data), &err), 11);
	assert_memory_equal(data, "from a file", 11);
	assert_int_equal(mr_archive_next(reader, &member, &err), 0);
	assert_int_equal(mr_archive_next(reader, &member, &err), 0);
	mr_archive_close(reader);
}

static void members_come_back_as_they_were_put(void **state)
{
	check_round_trip(state);
}

static void place_lbzip2(void **state, const char *script)
{
	char *search = NULL;

	assert_int_equal(mkdir(path_in(state, "bin"), 0700), 0);
	write_file(path_in(state, "bin/lbzip2"), script, strlen(script));
	assert_int_equal(chmod(path_in(state, "bin/lbzip2"), 0700), 0);
	assert_true(asprintf(&search, "%s:/usr/bin:/bin", path_in(state, "bin")) > 0);
	setenv("PATH", search, 1);
	free(search);
}

static void without_lbzip2_the_library_does_the_work(void **state)
{
	hide_lbzip2(state);
	check_round_trip(state);
}

static void each_way_reads_what_the_other_wrote(void **state)
{
	static const char *const names[] = { "one", "two", NULL };
	struct mr_error err = { 0 };

	make_archive(path_in(state, "fast"), names, 2000000);
	hide_lbzip2(state);
	make_archive(path_in(state, "slow"), names, 2000000);
	assert_int_equal(read_all(path_in(state, "fast"), &err), 2);
	setenv("PATH", "/usr/bin:/bin", 1);
	assert_int_equal(read_all(path_in(state, "slow"), &err), 2);
}

static void tar_itself_reads_what_we_wrote(void **state)
{
	static const char *const names[] = { "one", "two/three", NULL };
	char *path = path_in(state, "a.tar.bz2");
	const char *const argv[] = { "tar", "--numeric-owner", "-tvjf", path, NULL };
	struct mr_process process = { .argv = argv };
	struct mr_process_result result;
	struct mr_error err = { 0 };

	make_archive(path, names, 10);
	assert_ok(mr_process_run(&process, &result, &err), err);
	assert_int_equal(result.status, 0);
	assert_contains(mr_buf_text(&result.output), "-rw------- 0/0");
	assert_contains(mr_buf_text(&result.output), "two/three");
	mr_buf_close(&result.output);
}

static void check_short_source(void **state)
{
	struct mr_archive_writer *writer;
	struct mr_error err = { 0 };
	int fd = create_file(path_in(state, "a.tar.bz2")), from;

	write_file(path_in(state, "source"), "short", 5);
	from = open(path_in(state, "source"), O_RDONLY | O_CLOEXEC);
	assert_ok(mr_archive_create(fd, &writer, &err), err);
	assert_fails(mr_archive_put_fd(writer, "x", from, 6, &err), MR_E_IO, err);
	assert_contains(err.message, "x ended 1 bytes too early");
	mr_archive_abandon(writer);
	close(from);
	close(fd);
	assert_fails(read_all(path_in(state, "a.tar.bz2"), &err), MR_E_ARCHIVE, err);
}

static void a_source_that_ends_too_early_is_an_error(void **state)
{
	check_short_source(state);
}

static void what_was_abandoned_without_lbzip2_is_no_archive_either(void **state)
{
	hide_lbzip2(state);
	check_short_source(state);
}

static void names_that_could_not_be_read_back_are_not_written(void **state)
{
	static const char *const names[] = { "", "/x", "a//b", "../x", "a/..", ".", "a b", "é" };
	struct mr_archive_writer *writer;
	struct mr_error err = { 0 };
	int fd = create_file(path_in(state, "a.tar.bz2"));

	assert_ok(mr_archive_create(fd, &writer, &err), err);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_fails(mr_archive_put(writer, names[i], "", 0, &err), MR_E_INVALID, err);
	mr_archive_abandon(writer);
	close(fd);
}

static void a_full_disk_is_an_error(void **state)
{
	struct mr_archive_writer *writer;
	struct mr_error err = { 0 };
	char *data = calloc(1, 4 << 20);
	int rc, fd = open("/dev/full", O_WRONLY | O_CLOEXEC);

	(void)state;
	for (size_t i = 0; i < 4 << 20; i++)
		data[i] = (char)rand();
	assert_ok(mr_archive_create(fd, &writer, &err), err);
	rc = 0;
	for (int i = 0; i < 40 && rc == 0; i++)
		rc = mr_archive_put(writer, i % 2 ? "b" : "a", data, 4 << 20, &err);
	if (rc == 0)
		rc = mr_archive_finish(writer, &err);
	else
		mr_archive_abandon(writer);
	assert_int_equal(rc, -1);
	assert_contains(err.message, "No space left on device");
	close(fd);
	free(data);
}

static void an_lbzip2_that_fails_is_an_error(void **state)
{
	static const char *const names[] = { "one", NULL };
	struct mr_archive_writer *writer;
	struct mr_error err = { 0 };
	int fd;

	make_archive(path_in(state, "good"), names, 1000);
	place_lbzip2(state, "#!/bin/sh\n/usr/bin/lbzip2 \"$@\"\necho 'disk on fire' >&2\nexit 4\n");
	assert_fails(read_all(path_in(state, "good"), &err), MR_E_ARCHIVE, err);
	assert_contains(err.message, "disk on fire");
	fd = create_file(path_in(state, "new"));
	assert_ok(mr_archive_create(fd, &writer, &err), err);
	assert_ok(mr_archive_put(writer, "x", "y", 1, &err), err);
	assert_fails(mr_archive_finish(writer, &err), MR_E_SYSTEM, err);
	assert_contains(err.message, "disk on fire");
	close(fd);
}

/* In a file that is too large for one buffer and in one that fits, cut at many places. */
static void check_cuts(void **state)
{
	static const char *const names[] = { "one", "two", NULL };
	static const size_t sizes[] = { 100, 300000 };
	struct mr_error err = { 0 };

	for (size_t i = 0; i < 2; i++) {
		MR_ARENA arena = mr_arena_open();
		size_t len, step;
		char *data;

		make_archive(path_in(state, "whole"), names, sizes[i]);
		data = read_whole(arena, path_in(state, "whole"), &len);
		step = len / 60 + 1;
		for (size_t cut = 0; cut<len; cut += cut + 20> len ? 1 : step) {
			write_file(path_in(state, "cut"), data, cut);
			assert_fails(read_all(path_in(state, "cut"), &err), MR_E_ARCHIVE, err);
		}
	}
}

static void a_file_that_is_cut_short_is_refused(void **state)
{
	check_cuts(state);
}

/* bzip2 has bits that mean nothing; whatever else is altered, a checksum finds. */
static void check_flips(void **state)
{
	static const char *const names[] = { "one", "two", NULL };
	MR_ARENA arena = mr_arena_open();
	struct mr_error err = { 0 };
	unsigned long want;
	size_t len;
	char *data;

	make_archive(path_in(state, "whole"), names, 700);
	assert_int_equal(read_all(path_in(state, "whole"), &err), 2);
	want = content_sum;
	data = read_whole(arena, path_in(state, "whole"), &len);
	for (size_t i = 0; i < len; i += i < 20 || i + 20 > len ? 1 : 17) {
		int rc;

		data[i] = (char)(data[i] ^ 0x10);
		write_file(path_in(state, "altered"), data, len);
		data[i] = (char)(data[i] ^ 0x10);
		rc = read_all(path_in(state, "altered"), &err);
		if (rc != -1 && (rc != 2 || content_sum != want))
			fail_msg("byte %zu of %zu altered and %d members read", i, len, rc);
	}
}

static void an_altered_byte_is_found(void **state)
{
	check_flips(state);
}

static void an_altered_byte_is_found_without_lbzip2(void **state)
{
	hide_lbzip2(state);
	check_flips(state);
}

static void what_follows_the_stream_is_refused(void **state)
{
	static const char *const names[] = { "one", NULL };
	static const char *const tails[] = { "x", "garbage that is longer than a checksum", "BZh9",
					     "BZh9garbage" };
	MR_ARENA arena = mr_arena_open();
	struct mr_error err = { 0 };
	size_t len;
	char *data;

	make_archive(path_in(state, "whole"), names, 700);
	data = read_whole(arena, path_in(state, "whole"), &len);
	for (size_t i = 0; i < sizeof(tails) / sizeof(tails[0]); i++) {
		char *both = malloc(len + 64);

		memcpy(both, data, len);
		memcpy(both + len, tails[i], strlen(tails[i]));
		write_file(path_in(state, "longer"), both, len + strlen(tails[i]));
		assert_fails(read_all(path_in(state, "longer"), &err), MR_E_ARCHIVE, err);
		memset(both + len, 0, 64);
		write_file(path_in(state, "longer"), both, len + 1 + i * 20);
		assert_fails(read_all(path_in(state, "longer"), &err), MR_E_ARCHIVE, err);
		free(both);
	}
}

static void an_archive_can_be_closed_in_the_middle(void **state)
{
	static const char *const names[] = { "one", "two", NULL };
	struct mr_archive_reader *reader;
	struct mr_archive_member member;
	struct mr_error err = { 0 };
	char data[10];

	make_archive(path_in(state, "a"), names, 3000000);
	assert_ok(mr_archive_open(path_in(state, "a"), &reader, &err), err);
	assert_int_equal(mr_archive_next(reader, &member, &err), 1);
	assert_int_equal(mr_archive_read(reader, data, sizeof(data), &err), 10);
	mr_archive_close(reader);
	mr_archive_close(NULL);
	mr_archive_abandon(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_FOLDER(members_come_back_as_they_were_put),
		IN_FOLDER(without_lbzip2_the_library_does_the_work),
		IN_FOLDER(each_way_reads_what_the_other_wrote),
		IN_FOLDER(tar_itself_reads_what_we_wrote),
		IN_FOLDER(a_source_that_ends_too_early_is_an_error),
		IN_FOLDER(what_was_abandoned_without_lbzip2_is_no_archive_either),
		IN_FOLDER(names_that_could_not_be_read_back_are_not_written),
		IN_FOLDER(a_full_disk_is_an_error),
		IN_FOLDER(an_lbzip2_that_fails_is_an_error),
		IN_FOLDER(a_file_that_is_cut_short_is_refused),
		IN_FOLDER(an_altered_byte_is_found),
		IN_FOLDER(an_altered_byte_is_found_without_lbzip2),
		IN_FOLDER(what_follows_the_stream_is_refused),
		IN_FOLDER(an_archive_can_be_closed_in_the_middle),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
