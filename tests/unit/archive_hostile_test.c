#include "archive_files.h"
#include "base/process.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
