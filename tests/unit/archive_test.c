#include "test.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "adapters/archive.h"
#include "base/process.h"

static char *path_in(void **state, const char *name)
{
	static char path[4096];

	snprintf(path, sizeof(path), "%s/%s", (const char *)*state, name);
	return path;
}

static int create_file(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd > 2);
	return fd;
}

static void write_file(const char *path, const void *data, size_t len)
{
	int fd = create_file(path);

	assert_int_equal(write(fd, data, len), (ssize_t)len);
	close(fd);
}

static char *read_whole(struct mr_arena *arena, const char *path, size_t *len)
{
	struct mr_error err = { 0 };
	char *data;

	assert_ok(mr_file_read(arena, path, (size_t)64 << 20, &data, len, &err), err);
	return data;
}

/* A tar that is made by hand, since the adapter would not make these; compressed by bzip2
 * itself. */
static void compress(const char *path, const void *tar, size_t len)
{
	static const char *const argv[] = { "bzip2", "-c", NULL };
	struct mr_process bzip2 = { .argv = argv, .out_fd = create_file(path) };
	struct mr_error err = { 0 };
	struct mr_child *child;
	int fd;

	assert_ok(mr_process_write_to(&bzip2, &child, &fd, &err), err);
	for (size_t done = 0; done < len;) {
		ssize_t n = write(fd, (const char *)tar + done, len - done);

		assert_true(n > 0);
		done += (size_t)n;
	}
	assert_ok(mr_process_end(child, &err), err);
	close(bzip2.out_fd);
}

static void finish_header(unsigned char header[512])
{
	unsigned sum = 0;

	memset(header + 148, ' ', 8);
	for (int i = 0; i < 512; i++)
		sum += header[i];
	snprintf((char *)header + 148, 8, "%06o", sum);
}

static void put_octal(unsigned char field[12], size_t number)
{
	for (int i = 10; i >= 0; i--, number >>= 3)
		field[i] = (unsigned char)('0' + (number & 7));
}

struct member {
	const char *name;
	char type;
	unsigned mode;
	const char *link, *data;
};

static void add_member(struct mr_buf *tar, const struct member *member)
{
	static const char zeros[512];
	unsigned char header[512] = { 0 };
	size_t len = member->data ? strlen(member->data) : 0;

	memcpy(header, member->name, strnlen(member->name, 100));
	snprintf((char *)header + 100, 8, "%07o", (member->mode ? member->mode : 0600) & 07777);
	memcpy(header + 108, "0000000\0000000000", 16);
	put_octal(header + 124, len);
	memcpy(header + 136, "00000000000", 12);
	header[156] = (unsigned char)member->type;
	if (member->link)
		memcpy(header + 157, member->link, strlen(member->link));
	memcpy(header + 257, "ustar\00000", 8);
	finish_header(header);
	mr_buf_add(tar, header, 512);
	if (len > 0)
		mr_buf_add(tar, member->data, len);
	mr_buf_add(tar, zeros, (512 - len % 512) % 512);
}

static void end_tar(struct mr_buf *tar)
{
	static const char zeros[1024];

	mr_buf_add(tar, zeros, sizeof(zeros));
}

/* Grows with every byte that read_all has read, each in its place. */
static unsigned long content_sum;

static void sum_content(const char *data, size_t len)
{
	for (size_t i = 0; i < len; i++)
		content_sum = content_sum * 31 + (unsigned char)data[i];
}

/* Reads everything: the number of members, or -1 with *err. */
static int read_all(const char *path, struct mr_error *err)
{
	struct mr_archive_reader *reader;
	struct mr_archive_member member;
	char block[3000];
	int count = 0, rc = mr_archive_open(path, &reader, err);
	long n = 0;

	content_sum = 0;
	if (rc < 0)
		return -1;
	while (n >= 0 && (rc = mr_archive_next(reader, &member, err)) == 1) {
		while ((n = mr_archive_read(reader, block, sizeof(block), err)) > 0)
			sum_content(block, (size_t)n);
		sum_content(member.name, strlen(member.name));
		count++;
	}
	mr_archive_close(reader);
	return rc < 0 || n < 0 ? -1 : count;
}

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

/* A folder of that name in PATH is found and cannot be executed. */
static void hide_lbzip2(void **state)
{
	char *path = strdup(path_in(state, "bin")), *blocker = strdup(path_in(state, "bin/lbzip2"));
	char *search = NULL;

	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(mkdir(blocker, 0700), 0);
	assert_true(asprintf(&search, "%s:/usr/bin:/bin", path) > 0);
	setenv("PATH", search, 1);
	free(search);
	free(blocker);
	free(path);
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

static int path_teardown(void **state)
{
	setenv("PATH", "/usr/bin:/bin", 1);
	return folder_teardown(state);
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

static void a_stream_in_two_parts_is_whole(void **state)
{
	MR_BUF tar = { 0 };
	MR_ARENA arena = mr_arena_open();
	struct mr_error err = { 0 };
	size_t first, second;
	char *a, *b, *both;

	add_member(&tar, &(struct member){ "x", '0', 0, NULL, "data" });
	end_tar(&tar);
	compress(path_in(state, "a"), tar.data, 700);
	compress(path_in(state, "b"), tar.data + 700, tar.len - 700);
	a = read_whole(arena, path_in(state, "a"), &first);
	b = read_whole(arena, path_in(state, "b"), &second);
	both = mr_alloc(arena, first + second);
	memcpy(both, a, first);
	memcpy(both + first, b, second);
	write_file(path_in(state, "both"), both, first + second);
	assert_int_equal(read_all(path_in(state, "both"), &err), 1);
	hide_lbzip2(state);
	assert_int_equal(read_all(path_in(state, "both"), &err), 1);
}

static void a_tar_without_its_end_is_refused_wherever_it_was_cut(void **state)
{
	MR_BUF tar = { 0 };
	char text[1800];
	struct mr_error err = { 0 };

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	for (int i = 0; i < 4; i++)
		add_member(&tar, &(struct member){ (const char[]){ (char)('a' + i), 0 }, '0', 0,
						   NULL, text });
	end_tar(&tar);
	for (size_t cut = 0; cut < tar.len; cut += 512) {
		compress(path_in(state, "cut"), tar.data, cut);
		assert_fails(read_all(path_in(state, "cut"), &err), MR_E_ARCHIVE, err);
	}
	compress(path_in(state, "whole"), tar.data, tar.len);
	assert_int_equal(read_all(path_in(state, "whole"), &err), 4);
}

static void what_follows_the_end_mark_is_refused(void **state)
{
	MR_BUF tar = { 0 };
	struct mr_error err = { 0 };

	add_member(&tar, &(struct member){ "a", '0', 0, NULL, "x" });
	end_tar(&tar);
	add_member(&tar, &(struct member){ "b", '0', 0, NULL, "x" });
	end_tar(&tar);
	compress(path_in(state, "a"), tar.data, tar.len);
	assert_fails(read_all(path_in(state, "a"), &err), MR_E_ARCHIVE, err);
	assert_contains(err.message, "something follows");
}

static void endless_zeros_after_the_end_mark_are_refused(void **state)
{
	MR_BUF tar = { 0 };
	struct mr_error err = { 0 };
	char *zeros = calloc(1, 3 << 20);

	add_member(&tar, &(struct member){ "a", '0', 0, NULL, "x" });
	end_tar(&tar);
	mr_buf_add(&tar, zeros, 3 << 20);
	compress(path_in(state, "a"), tar.data, tar.len);
	assert_fails(read_all(path_in(state, "a"), &err), MR_E_ARCHIVE, err);
	free(zeros);
}

static void hostile_members_are_refused(void **state)
{
	static const struct {
		struct member member;
		const char *want;
	} cases[] = {
		{ { "/etc/passwd", '0', 0, NULL, "x" }, "/etc/passwd: this name is not allowed" },
		{ { "../x", '0', 0, NULL, "x" }, "../x: this name is not allowed" },
		{ { "a/../../x", '0', 0, NULL, "x" }, "this name is not allowed" },
		{ { "a/..", '0', 0, NULL, "x" }, "this name is not allowed" },
		{ { "./x", '0', 0, NULL, "x" }, "this name is not allowed" },
		{ { "a//x", '0', 0, NULL, "x" }, "this name is not allowed" },
		{ { "a b", '0', 0, NULL, "x" }, "this name is not allowed" },
		{ { "a\033[2J", '0', 0, NULL, "x" }, "this name is not allowed" },
		{ { "a\nb", '0', 0, NULL, "x" }, "this name is not allowed" },
		{ { "\xff", '0', 0, NULL, "x" }, ": " },
		{ { "", '0', 0, NULL, "x" }, ": " },
		{ { "link", '2', 0777, "/etc/passwd", NULL }, "link: is not a plain file" },
		{ { "hard", '1', 0, "/etc/passwd", NULL }, "hard: is not a plain file" },
		{ { "char", '3', 0, NULL, NULL }, "char: is not a plain file" },
		{ { "block", '4', 0, NULL, NULL }, "block: is not a plain file" },
		{ { "folder/", '5', 0, NULL, NULL }, "is not a plain file" },
		{ { "folder", '5', 0, NULL, NULL }, "is not a plain file" },
		{ { "fifo", '6', 0, NULL, NULL }, "fifo: is not a plain file" },
		{ { "suid", '0', 04755, NULL, "x" }, "suid: has the setuid" },
		{ { "sgid", '0', 02755, NULL, "x" }, "sgid: has the setuid" },
		{ { "first", '0', 0, NULL, "x" }, "first: is there twice" },
	};
	struct mr_error err = { 0 };

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		MR_BUF tar = { 0 };

		add_member(&tar, &(struct member){ "first", '0', 0, NULL, "x" });
		add_member(&tar, &cases[i].member);
		end_tar(&tar);
		compress(path_in(state, "a"), tar.data, tar.len);
		assert_fails(read_all(path_in(state, "a"), &err), MR_E_ARCHIVE, err);
		assert_contains(err.message, cases[i].want);
		for (const char *c = err.message; *c; c++)
			assert_true((unsigned char)*c >= ' ');
	}
}

/* One pax record: "<length of all> <key>=<value>\n". */
static char *pax_record(struct mr_arena *arena, const char *key, const char *value)
{
	size_t len = strlen(key) + strlen(value) + 3, all = len + 1;

	while (all != len + strlen(mr_printf(arena, "%zu", all)))
		all++;
	return mr_printf(arena, "%zu %s=%s\n", all, key, value);
}

static void hostile_pax_headers_are_refused(void **state)
{
	static const struct {
		const char *key, *value, *want;
	} cases[] = {
		{ "path", "/etc/passwd", "/etc/passwd: this name is not allowed" },
		{ "path", "../../x", "this name is not allowed" },
		{ "path", "nul\xc3\xa9", "" },
		{ "size", "99999999999999999999", "" },
		{ "size", "-1", "" },
		{ "size", "4611686018427387904", "x: has no possible size" },
		{ "GNU.sparse.major", "1", "" },
		{ "linkpath", "/etc/passwd", "x: is not a plain file" },
		{ "SCHILY.xattr.security.capability", "x", "x: has extended attributes" },
		{ "SCHILY.acl.access", "user::rwx,group::rwx,other::rwx,user:root:rwx",
		  "x: has extended attributes" },
	};
	struct mr_error err = { 0 };

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		MR_BUF tar = { 0 };
		MR_ARENA arena = mr_arena_open();
		char *text = pax_record(arena, cases[i].key, cases[i].value);

		add_member(&tar, &(struct member){ "pax", 'x', 0, NULL, text });
		if (strcmp(cases[i].key, "linkpath") == 0)
			add_member(&tar, &(struct member){ "x", '1', 0, NULL, NULL });
		else
			add_member(&tar, &(struct member){ "x", '0', 0, NULL, "x" });
		end_tar(&tar);
		compress(path_in(state, "a"), tar.data, tar.len);
		if (read_all(path_in(state, "a"), &err) != -1)
			fail_msg("%s=%s was accepted", cases[i].key, cases[i].value);
		assert_string_equal(mr_error_word(err.code), mr_error_word(MR_E_ARCHIVE));
		assert_contains(err.message, cases[i].want);
	}
}

static void a_huge_pax_header_takes_no_memory(void **state)
{
	MR_BUF tar = { 0 };
	MR_ARENA arena = mr_arena_open();
	struct mr_error err = { 0 };
	char *value = mr_alloc(arena, (8 << 20) + 1);

	memset(value, 'x', 8 << 20);
	add_member(&tar,
		   &(struct member){ "pax", 'x', 0, NULL, pax_record(arena, "comment", value) });
	add_member(&tar, &(struct member){ "x", '0', 0, NULL, "x" });
	end_tar(&tar);
	compress(path_in(state, "a"), tar.data, tar.len);
	assert_fails(read_all(path_in(state, "a"), &err), MR_E_ARCHIVE, err);
}

static void a_file_with_holes_is_refused(void **state)
{
	char *folder = *state, *archive = strdup(path_in(state, "a.tar.bz2"));
	const char *const make[] = { "truncate", "-s", "1M", path_in(state, "hole"), NULL };
	const char *const pack[] = { "tar", "-C", folder, "-Scjf", archive, "hole", NULL };
	struct mr_error err = { 0 };

	assert_ok(mr_process_check(&(struct mr_process){ .argv = make }, &err), err);
	assert_ok(mr_process_check(&(struct mr_process){ .argv = pack }, &err), err);
	assert_fails(read_all(archive, &err), MR_E_ARCHIVE, err);
	assert_contains(err.message, "hole: is a file with holes");
	free(archive);
}

static void too_many_members_are_refused(void **state)
{
	MR_BUF tar = { 0 };
	MR_ARENA arena = mr_arena_open();
	struct mr_error err = { 0 };

	for (int i = 0; i < 10001; i++) {
		if (i == 10000) {
			size_t len = tar.len;

			end_tar(&tar);
			compress(path_in(state, "a"), tar.data, tar.len);
			assert_int_equal(read_all(path_in(state, "a"), &err), 10000);
			tar.len = len;
		}
		add_member(&tar,
			   &(struct member){ mr_printf(arena, "m%d", i), '0', 0, NULL, NULL });
	}
	end_tar(&tar);
	compress(path_in(state, "a"), tar.data, tar.len);
	assert_fails(read_all(path_in(state, "a"), &err), MR_E_ARCHIVE, err);
	assert_contains(err.message, "too many members");
}

static void what_is_no_archive_is_refused(void **state)
{
	static const char *const texts[] = { "",
					     "B",
					     "BZh9",
					     "BZh91AY&SY",
					     "not an archive but some text",
					     "\x1f\x8b\x08 a gzip file, it seems, with more" };
	struct mr_error err = { 0 };

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		write_file(path_in(state, "a"), texts[i], strlen(texts[i]));
		assert_fails(read_all(path_in(state, "a"), &err), MR_E_ARCHIVE, err);
	}
	compress(path_in(state, "a"), "text, but no tar", 16);
	assert_fails(read_all(path_in(state, "a"), &err), MR_E_ARCHIVE, err);
	compress(path_in(state, "a"), "", 0);
	assert_fails(read_all(path_in(state, "a"), &err), MR_E_ARCHIVE, err);
	assert_fails(read_all(*state, &err), MR_E_ARCHIVE, err);
	assert_fails(read_all(path_in(state, "absent"), &err), MR_E_NOT_FOUND, err);
	assert_int_equal(mkfifo(path_in(state, "fifo"), 0600), 0);
	assert_fails(read_all(path_in(state, "fifo"), &err), MR_E_ARCHIVE, err);
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

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, folder_setup, path_teardown)

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
		IN_FOLDER(a_stream_in_two_parts_is_whole),
		IN_FOLDER(a_tar_without_its_end_is_refused_wherever_it_was_cut),
		IN_FOLDER(what_follows_the_end_mark_is_refused),
		IN_FOLDER(endless_zeros_after_the_end_mark_are_refused),
		IN_FOLDER(hostile_members_are_refused),
		IN_FOLDER(hostile_pax_headers_are_refused),
		IN_FOLDER(a_huge_pax_header_takes_no_memory),
		IN_FOLDER(a_file_with_holes_is_refused),
		IN_FOLDER(too_many_members_are_refused),
		IN_FOLDER(what_is_no_archive_is_refused),
		IN_FOLDER(an_archive_can_be_closed_in_the_middle),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
