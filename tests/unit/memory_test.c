#include "test.h"

#include <fcntl.h>

static void blocks_are_zeroed_aligned_and_apart(void **state)
{
	MR_ARENA arena = mr_arena_open();
	unsigned char *blocks[500];

	(void)state;
	for (size_t i = 0; i < 500; i++) {
		blocks[i] = mr_alloc(arena, i);
		assert_int_equal((uintptr_t)blocks[i] % _Alignof(max_align_t), 0);
		for (size_t k = 0; k < i; k++)
			assert_int_equal(blocks[i][k], 0);
		memset(blocks[i], (int)(i % 251), i);
	}
	for (size_t i = 0; i < 500; i++)
		for (size_t k = 0; k < i; k++)
			assert_int_equal(blocks[i][k], i % 251);
}

static void large_blocks_leave_the_small_ones_alone(void **state)
{
	MR_ARENA arena = mr_arena_open();
	char *before = mr_strdup(arena, "before"), *large = mr_alloc(arena, 1 << 20);
	char *after = mr_strdup(arena, "after");

	(void)state;
	memset(large, 'x', 1 << 20);
	assert_string_equal(before, "before");
	assert_string_equal(after, "after");
}

static void an_arena_can_be_used_again_after_reset(void **state)
{
	MR_ARENA arena = mr_arena_open();

	(void)state;
	mr_alloc(arena, 100);
	mr_arena_reset(arena);
	assert_string_equal(mr_strdup(arena, "again"), "again");
	mr_arena_close(NULL);
}

static void strings_are_copied_cut_and_formatted(void **state)
{
	MR_ARENA arena = mr_arena_open();

	(void)state;
	assert_null(mr_strdup(arena, NULL));
	assert_string_equal(mr_strndup(arena, "abcdef", 3), "abc");
	assert_string_equal(mr_strndup(arena, "ab", 30), "ab");
	assert_string_equal(mr_printf(arena, "%s@%s", "user1", "mail1.lan"), "user1@mail1.lan");
	assert_int_equal(strlen(mr_printf(arena, "%70000d", 1)), 70000);
}

static void a_secret_is_replaced_and_closed(void **state)
{
	MR_SECRET secret = { 0 };

	(void)state;
	mr_secret_set(&secret, "first", 5);
	mr_secret_set(&secret, secret.data + 1, 3);
	assert_string_equal(secret.data, "irs");
	assert_int_equal(secret.len, 3);
	mr_secret_close(&secret);
	assert_null(secret.data);
	mr_secret_close(NULL);
}

static int give(const char *data, size_t len)
{
	int ends[2];

	assert_int_equal(pipe(ends), 0);
	assert_int_equal(write(ends[1], data, len), len);
	close(ends[1]);
	return ends[0];
}

static void a_secret_line_ends_at_its_newline_or_at_the_end(void **state)
{
	static const struct {
		const char *input;
		const char *want; /* NULL: MR_E_INVALID */
		size_t len;
	} rows[] = {
		{ "secret\nrest", "secret", 11 },
		{ "secret", "secret", 6 },
		{ "\n", "", 1 },
		{ "", NULL, 0 },
		{ "a\0b\n", NULL, 4 },
		{ "12345678\n", "12345678", 9 },
		{ "123456789\n", NULL, 10 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int fd = give(rows[i].input, rows[i].len);
		struct mr_error err = { 0 };
		MR_SECRET secret = { 0 };

		if (rows[i].want) {
			assert_ok(mr_secret_read_line(&secret, fd, 8, &err), err);
			assert_string_equal(secret.data, rows[i].want);
		} else {
			assert_fails(mr_secret_read_line(&secret, fd, 8, &err), MR_E_INVALID, err);
			assert_null(secret.data);
		}
		close(fd);
	}
}

static void what_follows_a_secret_line_stays_in_the_pipe(void **state)
{
	int fd = give("one\ntwo\n", 8);
	struct mr_error err;
	MR_SECRET secret = { 0 };

	(void)state;
	assert_ok(mr_secret_read_line(&secret, fd, 100, &err), err);
	assert_ok(mr_secret_read_line(&secret, fd, 100, &err), err);
	assert_string_equal(secret.data, "two");
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(blocks_are_zeroed_aligned_and_apart),
		cmocka_unit_test(large_blocks_leave_the_small_ones_alone),
		cmocka_unit_test(an_arena_can_be_used_again_after_reset),
		cmocka_unit_test(strings_are_copied_cut_and_formatted),
		cmocka_unit_test(a_secret_is_replaced_and_closed),
		cmocka_unit_test(a_secret_line_ends_at_its_newline_or_at_the_end),
		cmocka_unit_test(what_follows_a_secret_line_stays_in_the_pipe),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
