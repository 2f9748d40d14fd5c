#include "test.h"

#include <fcntl.h>
#include <sys/mman.h>

#include "adapters/age.h"
#include "base/process.h"

#define QUICK 10 /* scrypt's work: tests need no strong passphrase */
#define CHUNK 65536

static struct mr_arena *arena;
static struct mr_secret key, other_key;
static const char *recipient, *other_recipient;

static int make_keys(void **state)
{
	(void)state;
	arena = mr_arena_open();
	mr_age_key_create(arena, 1767323045, &key, &recipient);
	mr_age_key_create(arena, 0, &other_key, &other_recipient);
	return 0;
}

static int close_keys(void **state)
{
	(void)state;
	mr_secret_close(&key);
	mr_secret_close(&other_key);
	mr_arena_close(arena);
	return 0;
}

/* A file in memory with `len` bytes that are not all alike. */
static int plain_file(size_t len)
{
	int fd = memfd_create("plain", MFD_CLOEXEC);
	char *data = malloc(len + 1);
	struct mr_error err;

	for (size_t i = 0; i < len; i++)
		data[i] = (char)(i * 7 + i / 251);
	assert_ok(mr_write_all(fd, data, len, &err), err);
	free(data);
	return fd;
}

static int empty_file(void)
{
	return memfd_create("file", MFD_CLOEXEC);
}

static void assert_same_file(int a, int b)
{
	off_t size = lseek(a, 0, SEEK_END);
	char left[4096], right[4096];

	assert_int_equal(lseek(b, 0, SEEK_END), size);
	for (off_t at = 0; at < size; at += (off_t)sizeof(left)) {
		ssize_t n = pread(a, left, sizeof(left), at);

		assert_int_equal(pread(b, right, sizeof(right), at), n);
		assert_memory_equal(left, right, (size_t)n);
	}
}

static struct mr_list one(const char *text)
{
	struct mr_list list = { 0 };

	mr_list_add(arena, &list, text);
	return list;
}

static int sealed_to(const char *to, int plain)
{
	struct mr_list list = one(to);
	struct mr_age_seal seal = { .recipients = &list };
	int sealed = empty_file();
	struct mr_error err;

	assert_ok(mr_age_seal(&seal, plain, sealed, NULL, &err), err);
	return sealed;
}

static struct mr_secret secret(const char *text)
{
	struct mr_secret out = { 0 };

	mr_secret_set(&out, text, strlen(text));
	return out;
}

static int open_with_key(const struct mr_secret *identity, int sealed, int out,
			 struct mr_error *err)
{
	struct mr_age_keys with = { .identities = identity };

	return mr_age_open(&with, sealed, out, err);
}

static void what_was_sealed_is_opened_whatever_its_length(void **state)
{
	static const size_t lengths[] = { 0,         1,         CHUNK - 1,     CHUNK,
					  CHUNK + 1, 2 * CHUNK, 3 * CHUNK + 5, 1000000 };

	(void)state;
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		int plain = plain_file(lengths[i]), sealed = sealed_to(recipient, plain),
		    out = empty_file();
		struct mr_error err;

		assert_ok(open_with_key(&key, sealed, out, &err), err);
		assert_same_file(plain, out);
		close(plain);
		close(sealed);
		close(out);
	}
}

static void each_recipient_opens_it_and_nobody_else(void **state)
{
	int plain = plain_file(100), sealed = empty_file(), out = empty_file();
	struct mr_list both = { 0 };
	struct mr_age_seal to = { .recipients = &both };
	MR_SECRET third = { 0 };
	const char *unused;
	struct mr_error err;

	(void)state;
	mr_list_add(arena, &both, recipient);
	mr_list_add(arena, &both, other_recipient);
	mr_age_key_create(arena, 0, &third, &unused);
	assert_ok(mr_age_seal(&to, plain, sealed, NULL, &err), err);
	assert_ok(open_with_key(&key, sealed, out, &err), err);
	assert_ok(open_with_key(&other_key, sealed, out, &err), err);
	assert_same_file(plain, out);
	assert_fails(open_with_key(&third, sealed, out, &err), MR_E_DENIED, err);
	assert_fails(open_with_key(NULL, sealed, out, &err), MR_E_DENIED, err);
	close(plain);
	close(sealed);
	close(out);
}

static void a_passphrase_opens_and_another_does_not(void **state)
{
	MR_SECRET right = secret("correct horse"), wrong = secret("correct house");
	struct mr_age_seal to = { .passphrase = &right, .work = QUICK };
	struct mr_age_keys with = { .passphrase = &right };
	int plain = plain_file(100000), sealed = empty_file(), out = empty_file();
	enum mr_age_kind kind;
	struct mr_error err;

	(void)state;
	assert_ok(mr_age_seal(&to, plain, sealed, NULL, &err), err);
	assert_ok(mr_age_kind(sealed, &kind, &err), err);
	assert_int_equal(kind, MR_AGE_PASSPHRASE);
	assert_ok(mr_age_open(&with, sealed, out, &err), err);
	assert_same_file(plain, out);
	with.passphrase = &wrong;
	assert_fails(mr_age_open(&with, sealed, out, &err), MR_E_DENIED, err);
	close(plain);
	close(sealed);
	close(out);
}

static void a_passphrase_is_not_combined_with_keys(void **state)
{
	MR_SECRET passphrase = secret("secret");
	struct mr_list list = one(recipient);
	struct mr_age_seal to = { .recipients = &list, .passphrase = &passphrase, .work = QUICK };
	int plain = plain_file(1), sealed = empty_file();
	struct mr_error err;

	(void)state;
	assert_fails(mr_age_seal(&to, plain, sealed, NULL, &err), MR_E_INVALID, err);
	close(plain);
	close(sealed);
}

static int copy_of(int fd, off_t size)
{
	int copy = empty_file();
	char *data = malloc((size_t)size + 1);
	struct mr_error err;

	assert_int_equal(pread(fd, data, (size_t)size, 0), size);
	assert_ok(mr_write_all(copy, data, (size_t)size, &err), err);
	free(data);
	return copy;
}

/* Of a file of `size` bytes: at all places near its ends, and at some in between. */
static off_t next_place(off_t at, off_t size)
{
	return at < 400 || at > size - 100 ? at + 1 : at + 997;
}

static void every_changed_byte_is_noticed(void **state)
{
	int plain = plain_file(CHUNK + 1000), sealed = sealed_to(recipient, plain);
	off_t size = lseek(sealed, 0, SEEK_END);
	int out = empty_file();

	(void)state;
	for (off_t at = 0; at < size; at = next_place(at, size)) {
		struct mr_error err;
		char byte, changed;

		assert_int_equal(pread(sealed, &byte, 1, at), 1);
		changed = (char)(byte ^ 1);
		assert_int_equal(pwrite(sealed, &changed, 1, at), 1);
		if (open_with_key(&key, sealed, out, &err) == 0)
			fail_msg("a change at %ld was not noticed", (long)at);
		assert_int_equal(pwrite(sealed, &byte, 1, at), 1);
	}
	close(plain);
	close(sealed);
	close(out);
}

static void every_prefix_is_noticed(void **state)
{
	int plain = plain_file(2 * CHUNK), sealed = sealed_to(recipient, plain);
	off_t size = lseek(sealed, 0, SEEK_END);
	int out = empty_file();

	(void)state;
	for (off_t at = 0; at < size; at = next_place(at, size)) {
		int cut = copy_of(sealed, at);
		struct mr_error err;

		if (open_with_key(&key, cut, out, &err) == 0)
			fail_msg("that only %ld bytes are left was not noticed", (long)at);
		close(cut);
	}
	close(plain);
	close(sealed);
	close(out);
}

/* Between two chunks, where a simple format would not see it: 2 chunks and their tags follow header and salt. */
static void a_file_cut_between_two_chunks_is_noticed(void **state)
{
	int plain = plain_file(2 * CHUNK), sealed = sealed_to(recipient, plain);
	off_t size = lseek(sealed, 0, SEEK_END);
	int out = empty_file(), cut = copy_of(sealed, size - CHUNK - 16);
	struct mr_error err;

	(void)state;
	assert_fails(open_with_key(&key, cut, out, &err), MR_E_ARCHIVE, err);
	close(cut);
	close(plain);
	close(sealed);
	close(out);
}

static void a_byte_at_the_end_is_noticed(void **state)
{
	int plain = plain_file(10), sealed = sealed_to(recipient, plain), out = empty_file();
	struct mr_error err;

	(void)state;
	lseek(sealed, 0, SEEK_END);
	assert_ok(mr_write_all(sealed, "x", 1, &err), err);
	assert_fails(open_with_key(&key, sealed, out, &err), MR_E_ARCHIVE, err);
	close(plain);
	close(sealed);
	close(out);
}

static void what_was_written_is_compared(void **state)
{
	int plain = plain_file(CHUNK + 1), other = plain_file(CHUNK + 2), sealed = empty_file();
	struct mr_list list = one(recipient);
	struct mr_age_seal to = { .recipients = &list };
	MR_SECRET file_key = { 0 };
	struct mr_error err;

	(void)state;
	assert_ok(mr_age_seal(&to, plain, sealed, &file_key, &err), err);
	assert_ok(mr_age_compare(&file_key, sealed, plain, &err), err);
	assert_fails(mr_age_compare(&file_key, sealed, other, &err), MR_E_ARCHIVE, err);
	assert_int_equal(ftruncate(other, CHUNK), 0);
	assert_fails(mr_age_compare(&file_key, sealed, other, &err), MR_E_ARCHIVE, err);
	close(plain);
	close(other);
	close(sealed);
}

static int file_of(const char *text)
{
	int fd = empty_file();
	struct mr_error err;

	assert_ok(mr_write_all(fd, text, strlen(text), &err), err);
	return fd;
}

#define MAGIC "age-encryption.org/v1\n"
#define KEY43 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

static void a_header_that_is_none_is_refused(void **state)
{
	static const char *const headers[] = {
		MAGIC,
		MAGIC "--- " KEY43 "\n",
		MAGIC "-> \n" KEY43 "\n--- " KEY43 "\n",
		MAGIC "-> X25519\n" KEY43 "\n--- " KEY43 "\n",
		MAGIC "-> X25519 " KEY43 "\nAAAA\n--- " KEY43 "\n",
		MAGIC "-> X25519 " KEY43 " x\n" KEY43 "\n--- " KEY43 "\n",
		/* the same bytes in another form */
		MAGIC "-> X25519 AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB\n" KEY43 "\n--- " KEY43
		      "\n",
		MAGIC "-> X25519 " KEY43 "=\n" KEY43 "\n--- " KEY43 "\n",
		MAGIC "-> X25519 " KEY43 "\n" KEY43 "\n---" KEY43 "\n",
		MAGIC "-> X25519 " KEY43 "\n" KEY43 "\n--- AAAA\n",
		MAGIC "-> X25519 " KEY43 "\r\n" KEY43 "\n--- " KEY43 "\n",
		/* more than one with a passphrase, and more work than we do for a stranger */
		MAGIC "-> scrypt AAAAAAAAAAAAAAAAAAAAAA 10\n" KEY43 "\n-> X25519 " KEY43 "\n" KEY43
		      "\n--- " KEY43 "\n",
		MAGIC "-> scrypt AAAAAAAAAAAAAAAAAAAAAA 21\n" KEY43 "\n--- " KEY43 "\n",
		MAGIC "-> scrypt AAAAAAAAAAAAAAAAAAAAAA 010\n" KEY43 "\n--- " KEY43 "\n",
		MAGIC "-> scrypt AAAAAAAAAAAAAAAAAAAAAA -1\n" KEY43 "\n--- " KEY43 "\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
		MR_SECRET passphrase = secret("secret");
		struct mr_age_keys with = { &key, &passphrase };
		int sealed = file_of(headers[i]), out = empty_file();
		struct mr_error err = { 0 };

		if (mr_age_open(&with, sealed, out, &err) == 0 || err.code != MR_E_ARCHIVE)
			fail_msg("%s: %s", headers[i], err.message);
		close(sealed);
		close(out);
	}
}

static void a_header_without_end_takes_no_more_than_64_kib(void **state)
{
	MR_BUF text = { 0 };
	struct mr_age_keys with = { .identities = &key };
	int sealed, out = empty_file();
	struct mr_error err;

	(void)state;
	mr_buf_puts(&text, MAGIC);
	for (int i = 0; i < 2000; i++)
		mr_buf_puts(&text, "-> odd\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n");
	sealed = file_of(mr_buf_text(&text));
	assert_fails(mr_age_open(&with, sealed, out, &err), MR_E_ARCHIVE, err);
	close(sealed);
	close(out);
}

static void a_key_is_checked_by_its_sum(void **state)
{
	static const char *const wrong[] = {
		"",
		"age1",
		"age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwk",
		"AGE1ZVKYG2LQZRAA2LNJVQEJ32NKUU0UES2S82HZRYE869XEEXVN73EQUNUJWJ",
		"age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwjj",
		"ssh-ed25519 AAAA",
	};
	struct mr_error err;

	(void)state;
	/* of the format's own examples */
	assert_ok(mr_age_recipient_check(
			  "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj", &err),
		  err);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		if (mr_age_recipient_check(wrong[i], &err) == 0)
			fail_msg("%s was taken for a key", wrong[i]);
}

static void a_secret_key_as_a_recipient_is_not_repeated_in_the_message(void **state)
{
	char *line = strstr(key.data, "AGE-SECRET-KEY-");
	char *text = mr_strndup(arena, line, strcspn(line, "\n"));
	struct mr_error err;

	(void)state;
	assert_fails(mr_age_recipient_check(text, &err), MR_E_INVALID, err);
	assert_null(strstr(err.message, text));
}

static void a_key_file_tells_its_public_part(void **state)
{
	struct mr_list list = { 0 };
	MR_SECRET broken = secret("# a comment\nnot a key\n"), none = secret("# a comment\n");
	struct mr_error err;

	(void)state;
	assert_ok(mr_age_key_recipients(arena, &key, &list, &err), err);
	assert_int_equal(list.count, 1);
	assert_string_equal(list.items[0], recipient);
	assert_contains(key.data, "# created: 2026-01-02T03:04:05Z\n# public key: age1");
	assert_fails(mr_age_key_recipients(arena, &broken, &list, &err), MR_E_INVALID, err);
	list = (struct mr_list){ 0 };
	assert_fails(mr_age_key_recipients(arena, &none, &list, &err), MR_E_INVALID, err);
}

static const char *save(void **state, const char *name, const void *data, size_t len)
{
	char *path = mr_printf(arena, "%s/%s", (const char *)*state, name);
	struct mr_error err;

	assert_ok(mr_file_replace(path, data, len, MR_FILE_PRIVATE, &err), err);
	return path;
}

static const char *output_of(const char *const argv[])
{
	struct mr_process process = { .argv = argv };
	struct mr_process_result result;
	struct mr_error err = { 0 };
	const char *text;

	assert_ok(mr_process_run(&process, &result, &err), err);
	text = mr_strdup(arena, mr_buf_text(&result.output));
	mr_buf_close(&result.output);
	if (result.status != 0)
		fail_msg("%s: status %d: %s", argv[0], result.status, text);
	return text;
}

static void copy_out(int from, const char *to)
{
	int fd = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	char block[4096];
	struct mr_error err;
	ssize_t n;

	for (off_t at = 0; (n = pread(from, block, sizeof(block), at)) > 0; at += n)
		assert_ok(mr_write_all(fd, block, (size_t)n, &err), err);
	close(fd);
}

static void age_opens_what_we_sealed_with_our_key_file(void **state)
{
	const char *identity = save(state, "key", key.data, key.len);
	const char *path = mr_printf(arena, "%s/sealed", (const char *)*state);
	const char *result = mr_printf(arena, "%s/result", (const char *)*state);
	int plain = plain_file(3 * CHUNK + 17), sealed = sealed_to(recipient, plain), out;

	copy_out(sealed, path);
	output_of((const char *const[]){ "age", "-d", "-i", identity, "-o", result, path, NULL });
	out = open(result, O_RDONLY | O_CLOEXEC);
	assert_same_file(plain, out);
	close(out);
	close(plain);
	close(sealed);
}

static void we_open_what_age_sealed_to_several_keys(void **state)
{
	const char *path = mr_printf(arena, "%s/plain", (const char *)*state);
	const char *result = mr_printf(arena, "%s/sealed", (const char *)*state);
	int plain = plain_file(2 * CHUNK), sealed, out = empty_file();
	struct mr_error err;

	copy_out(plain, path);
	output_of((const char *const[]){ "age", "-r", other_recipient, "-r", recipient, "-o",
					 result, path, NULL });
	sealed = open(result, O_RDONLY | O_CLOEXEC);
	assert_ok(open_with_key(&key, sealed, out, &err), err);
	assert_same_file(plain, out);
	close(sealed);
	close(plain);
	close(out);
}

static void the_key_of_age_keygen_is_ours(void **state)
{
	const char *path = mr_printf(arena, "%s/key", (const char *)*state);
	const char *text;
	struct mr_list list = { 0 };
	MR_SECRET file = { 0 };
	struct mr_error err;

	output_of((const char *const[]){ "age-keygen", "-o", path, NULL });
	text = output_of((const char *const[]){ "cat", path, NULL });
	mr_secret_set(&file, text, strlen(text));
	assert_ok(mr_age_key_recipients(arena, &file, &list, &err), err);
	assert_contains(text, list.items[0]);
}

/* age asks on its terminal: script(1) makes one. */
static const char *with_terminal(const char *command, const char *answers)
{
	return output_of((const char *const[]){
		"sh", "-c",
		mr_printf(arena, "printf '%s' | script -qefc \"%s\" /dev/null", answers, command),
		NULL });
}

static void age_opens_what_we_sealed_with_a_passphrase(void **state)
{
	const char *path = mr_printf(arena, "%s/sealed", (const char *)*state);
	const char *result = mr_printf(arena, "%s/result", (const char *)*state);
	MR_SECRET passphrase = secret("correct horse battery");
	struct mr_age_seal to = { .passphrase = &passphrase, .work = QUICK };
	int plain = plain_file(CHUNK + 9), sealed = empty_file(), out;
	struct mr_error err;

	assert_ok(mr_age_seal(&to, plain, sealed, NULL, &err), err);
	copy_out(sealed, path);
	with_terminal(mr_printf(arena, "age -d -o %s %s", result, path),
		      "correct horse battery\\n");
	out = open(result, O_RDONLY | O_CLOEXEC);
	assert_same_file(plain, out);
	close(out);
	close(plain);
	close(sealed);
}

static void we_open_what_age_sealed_with_a_passphrase(void **state)
{
	const char *path = mr_printf(arena, "%s/plain", (const char *)*state);
	const char *result = mr_printf(arena, "%s/sealed", (const char *)*state);
	MR_SECRET passphrase = secret("correct horse battery");
	struct mr_age_keys with = { .passphrase = &passphrase };
	int plain = plain_file(100), sealed, out = empty_file();
	struct mr_error err;

	copy_out(plain, path);
	with_terminal(mr_printf(arena, "age -p -o %s %s", result, path),
		      "correct horse battery\\ncorrect horse battery\\n");
	sealed = open(result, O_RDONLY | O_CLOEXEC);
	assert_ok(mr_age_open(&with, sealed, out, &err), err);
	assert_same_file(plain, out);
	close(sealed);
	close(plain);
	close(out);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, folder_setup, folder_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_sealed_is_opened_whatever_its_length),
		cmocka_unit_test(each_recipient_opens_it_and_nobody_else),
		cmocka_unit_test(a_passphrase_opens_and_another_does_not),
		cmocka_unit_test(a_passphrase_is_not_combined_with_keys),
		cmocka_unit_test(every_changed_byte_is_noticed),
		cmocka_unit_test(every_prefix_is_noticed),
		cmocka_unit_test(a_file_cut_between_two_chunks_is_noticed),
		cmocka_unit_test(a_byte_at_the_end_is_noticed),
		cmocka_unit_test(what_was_written_is_compared),
		cmocka_unit_test(a_header_that_is_none_is_refused),
		cmocka_unit_test(a_header_without_end_takes_no_more_than_64_kib),
		cmocka_unit_test(a_key_is_checked_by_its_sum),
		cmocka_unit_test(a_secret_key_as_a_recipient_is_not_repeated_in_the_message),
		cmocka_unit_test(a_key_file_tells_its_public_part),
		IN_FOLDER(age_opens_what_we_sealed_with_our_key_file),
		IN_FOLDER(we_open_what_age_sealed_to_several_keys),
		IN_FOLDER(the_key_of_age_keygen_is_ours),
		IN_FOLDER(age_opens_what_we_sealed_with_a_passphrase),
		IN_FOLDER(we_open_what_age_sealed_with_a_passphrase),
	};

	return cmocka_run_group_tests(tests, make_keys, close_keys);
}
