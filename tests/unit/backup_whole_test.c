#include "test.h"

#include <sys/mman.h>

#include "archive_fixture.h"
#include "base/process.h"
#include "features/backup.h"

/* Every byte of an archive of format 2 counts: nothing that is done to one goes unnoticed, and nothing is left behind. */

struct bench {
	struct mr_arena *arena;
	char *folder;
	int file;
	const char *path; /* of it */
	struct fx fx;
	struct mr_buf whole;
};

static int setup(void **state)
{
	struct mr_arena *arena = mr_arena_open();
	struct bench *bench = MR_NEW(arena, struct bench);

	bench->arena = arena;
	if (folder_setup((void **)&bench->folder) < 0)
		return -1;
	bench->file = memfd_create("archive", MFD_CLOEXEC);
	bench->path = mr_printf(arena, "/proc/%d/fd/%d", (int)getpid(), bench->file);
	fx_init(&bench->fx, arena);
	fx_whole(&bench->fx, &bench->whole);
	*state = bench;
	return 0;
}

static int teardown(void **state)
{
	struct bench *bench = *state;
	void *folder = bench->folder;
	int rc = folder_teardown(&folder);

	close(bench->file);
	mr_secret_close(&bench->fx.key);
	mr_buf_close(&bench->whole);
	mr_arena_close(bench->arena);
	return rc;
}

/* In memory: some disks write a file out each time that it is replaced. */
static const char *put(const struct bench *bench, const void *data, size_t len)
{
	assert_int_equal(ftruncate(bench->file, 0), 0);
	assert_int_equal(pwrite(bench->file, data, len, 0), (ssize_t)len);
	return bench->path;
}

/* Reads what was put with the key or without one. */
static int take(struct bench *bench, bool keyed, const struct mr_buf *file,
		struct mr_manifest *manifest, struct mr_error *err)
{
	MR_ARENA arena = mr_arena_open();
	const char *folder = mr_printf(arena, "%s/out", bench->folder);
	const struct mr_backup_reading reading = { .path = put(bench, file->data, file->len),
						   .folder = folder,
						   .key = keyed ? &bench->fx.key : NULL,
						   .entries = true };
	struct mr_error ignored;
	int rc = mr_backup_read(arena, &reading, manifest, err);

	/* What it points to is gone with the arena. */
	manifest->members = NULL;
	if (mr_path_exists(folder) != (rc == 0))
		fail_msg("%s", rc == 0 ? "nothing was left" : "something was left behind");
	if (rc == 0)
		assert_int_equal(mr_tree_remove(folder, &ignored), 0);
	return rc;
}

/* It is refused with and without the key; the first message is left. */
static void refused(struct bench *bench, const struct mr_buf *file, const char *want)
{
	for (int keyed = 1; keyed >= 0; keyed--) {
		struct mr_manifest manifest;
		struct mr_error err = { 0 };

		assert_fails(take(bench, keyed, file, &manifest, &err), MR_E_ARCHIVE, err);
		assert_contains(err.message, want);
	}
}

static void a_whole_one_is_read(void **state)
{
	struct bench *bench = *state;
	struct mr_manifest manifest;
	struct mr_error err = { 0 };

	assert_ok(take(bench, true, &bench->whole, &manifest, &err), err);
	assert_int_equal(manifest.trust, MR_TRUST_KEY);
	assert_ok(take(bench, false, &bench->whole, &manifest, &err), err);
	assert_int_equal(manifest.trust, MR_TRUST_SELF);
}

static void tar_and_bzip2_read_it_too(void **state)
{
	struct bench *bench = *state;
	const char *path = put(bench, bench->whole.data, bench->whole.len);
	const char *const test[] = { "bzip2", "-t", path, NULL };
	const char *const list[] = { "tar", "-tjf", path, NULL };
	struct mr_process process = { .argv = list };
	struct mr_process_result result;
	struct mr_error err = { 0 };

	assert_ok(mr_process_check(&(struct mr_process){ .argv = test }, &err), err);
	assert_ok(mr_process_run(&process, &result, &err), err);
	assert_int_equal(result.status, 0);
	assert_contains(mr_buf_text(&result.output), "MANIFEST.json\ntopology.ldif\ntls/ca.crt\n");
	mr_buf_close(&result.output);
}

static void every_prefix_is_refused(void **state)
{
	struct bench *bench = *state;
	struct mr_manifest manifest;
	size_t count = 0;

	for (size_t len = 0; len < bench->whole.len; len++) {
		const struct mr_buf cut = { .data = bench->whole.data, .len = len };
		struct mr_error err = { 0 };

		if (take(bench, false, &cut, &manifest, &err) != -1 || err.code != MR_E_ARCHIVE)
			fail_msg("%zu of %zu bytes were taken: %s", len, bench->whole.len,
				 err.message);
		count++;
	}
	print_message("%zu prefixes of an archive of %zu bytes, all refused\n", count,
		      bench->whole.len);
}

static void every_changed_byte_is_noticed(void **state)
{
	static const unsigned char changes[] = { 1, 16, 128, 255 };
	struct bench *bench = *state;
	struct mr_manifest manifest;
	size_t count = 0;

	for (size_t i = 0; i < bench->whole.len; i++) {
		for (size_t j = 0; j < sizeof(changes); j++) {
			struct mr_error err = { 0 };
			int rc;

			bench->whole.data[i] = (char)(bench->whole.data[i] ^ changes[j]);
			rc = take(bench, false, &bench->whole, &manifest, &err);
			bench->whole.data[i] = (char)(bench->whole.data[i] ^ changes[j]);
			if (rc != -1 || err.code != MR_E_ARCHIVE)
				fail_msg("byte %zu of %zu, changed by %02x: %s", i,
					 bench->whole.len, changes[j], rc ? err.message : "taken");
			count++;
		}
	}
	print_message("%zu changes of single bytes of %zu, all noticed\n", count, bench->whole.len);
}

static void every_dropped_and_inserted_byte_is_noticed(void **state)
{
	struct bench *bench = *state;

	for (size_t i = 0; i <= bench->whole.len; i += i < 64 ? 1 : 7) {
		MR_BUF file = { 0 };
		struct mr_manifest manifest;
		struct mr_error err = { 0 };

		mr_buf_add(&file, bench->whole.data, i);
		mr_buf_putc(&file, i % 2 ? '\0' : 'x');
		mr_buf_add(&file, bench->whole.data + i, bench->whole.len - i);
		assert_fails(take(bench, false, &file, &manifest, &err), MR_E_ARCHIVE, err);
		if (i == bench->whole.len)
			break;
		file.len = i;
		mr_buf_add(&file, bench->whole.data + i + 1, bench->whole.len - i - 1);
		assert_fails(take(bench, false, &file, &manifest, &err), MR_E_ARCHIVE, err);
	}
}

static void what_follows_it_is_refused(void **state)
{
	struct bench *bench = *state;
	MR_BUF file = { 0 }, empty = { 0 };

	mr_bzip2_compress(&empty, "", 0);
	mr_buf_add(&file, bench->whole.data, bench->whole.len);
	mr_buf_add(&file, empty.data, empty.len);
	refused(bench, &file, "something follows");
	file.len = bench->whole.len;
	mr_buf_add(&file, bench->whole.data, bench->whole.len);
	refused(bench, &file, "something follows");
}

/* Somebody repacks it with all sums right, but with the manifest saying what was before. */
static void members_that_are_dropped_doubled_renamed_or_moved_are_noticed(void **state)
{
	struct bench *bench = *state;
	size_t count = 0;

	for (size_t i = 0; i < bench->fx.count; i++) {
		for (int how = 0; how < 5; how++) {
			struct fx fx = bench->fx;
			size_t held = fx.count, after = fx.count - i - 1;
			MR_BUF tar = { 0 }, file = { 0 };

			fx.manifest.members = fx.listed;
			if (how == 0) {
				memmove(&fx.held[i], &fx.held[i + 1], after * sizeof(*fx.held));
				held--;
			} else if (how == 1) {
				memmove(&fx.held[i + 1], &fx.held[i],
					(after + 1) * sizeof(*fx.held));
				held++;
			} else if (how == 2) {
				fx.held[i].name = "templates/other";
			} else if (how == 3) {
				struct fx_member moved = fx.held[i];

				fx.held[i] = fx.held[(i + 1) % fx.count];
				fx.held[(i + 1) % fx.count] = moved;
			} else {
				fx.held[held++] = fx.held[i];
			}
			fx_tar(&fx, held, &tar);
			fx_file(&fx, &tar, &file);
			refused(bench, &file, "");
			count++;
		}
	}
	print_message("%zu ways to drop, double, rename or move a member, all noticed\n", count);
}

/* The same, manifest and all sums right: but who has no key has no HMAC. */
static void whoever_has_no_key_can_change_nothing(void **state)
{
	struct bench *bench = *state;
	struct fx fx = bench->fx;
	struct mr_manifest manifest;
	struct mr_error err = { 0 };
	MR_BUF file = { 0 }, none = { 0 };

	fx.manifest.members = fx.listed;
	fx.key = (struct mr_secret){ 0 };
	mr_secret_set(&fx.key, FX_KEY, strlen(FX_KEY));
	fx.key.data[0] = 'f';
	fx.held[1].data = "another CA's cert!!!\n";
	fx_list(&fx, 1);
	fx_whole(&fx, &file);
	assert_fails(take(bench, true, &file, &manifest, &err), MR_E_ARCHIVE, err);
	assert_contains(err.message, "does not fit the backup key of this host");
	/* Not even with his own key beside a HMAC that is another's. */
	assert_fails(take(bench, false, &file, &manifest, &err), MR_E_ARCHIVE, err);
	assert_contains(err.message, "tls/backup.key");
	/* Nor without any. */
	mr_secret_close(&fx.key);
	memmove(&fx.held[2], &fx.held[3], (fx.count - 3) * sizeof(*fx.held));
	memmove(&fx.listed[2], &fx.listed[3], (fx.count - 3) * sizeof(*fx.listed));
	fx.manifest.count = --fx.count;
	fx_whole(&fx, &none);
	assert_fails(take(bench, true, &none, &manifest, &err), MR_E_ARCHIVE, err);
	assert_contains(err.message, "carries none");
	assert_ok(take(bench, false, &none, &manifest, &err), err);
	assert_int_equal(manifest.trust, MR_TRUST_NONE);
}

/* A tar that is not what the manifest says, in one byte of what is not a member's content. */
static void what_lies_between_members_is_compared(void **state)
{
	static const struct {
		const char *want;
		size_t at;
	} rows[] = {
		{ "its header", 100 }, /* mode */
		{ "its header", 345 }, /* prefix */
		{ "its header", 500 }, /* what nobody reads */
		{ "tls/ca.crt: its header",
		  512 }, /* of the second member: + what the first one takes */
	};
	struct bench *bench = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		size_t first = (bench->fx.held[0].len + MR_ARCHIVE_BLOCK - 1) &
			       ~(size_t)(MR_ARCHIVE_BLOCK - 1);
		MR_BUF tar = { 0 }, file = { 0 };

		fx_tar(&bench->fx, bench->fx.count, &tar);
		tar.data[rows[i].at < 512 ? rows[i].at : rows[i].at + first] = '7';
		fx_file(&bench->fx, &tar, &file);
		refused(bench, &file, rows[i].want);
	}
}

static void padding_and_end_are_zeros(void **state)
{
	struct bench *bench = *state;
	size_t padding = MR_ARCHIVE_BLOCK + bench->fx.held[0].len;
	MR_BUF whole = { 0 };

	fx_tar(&bench->fx, bench->fx.count, &whole);
	for (int i = 0; i < 5; i++) {
		MR_BUF tar = { 0 }, file = { 0 };
		static const char zeros[MR_ARCHIVE_BLOCK];

		mr_buf_add(&tar, whole.data, whole.len);
		if (i == 0)
			tar.data[padding] = 1;
		else if (i == 1)
			tar.data[tar.len - 1] = 1;
		else if (i == 2)
			tar.data[tar.len - 1024] = 1;
		else if (i == 3)
			mr_buf_add(&tar, zeros, sizeof(zeros));
		else
			tar.len -= MR_ARCHIVE_BLOCK;
		fx_file(&bench->fx, &tar, &file);
		refused(bench, &file, "");
	}
}

static void entries_are_counted_and_lie_below_their_base(void **state)
{
	static const struct {
		const char *copies, *want;
		int64_t entries;
	} rows[] = {
		{ FX_COPIES, "it has 3 entries, and the manifest says 4", 4 },
		{ FX_COPIES "dn: cn=x,ou=Unix,dc=mailrepl\ncn: x\n\n", "does not belong here", 4 },
		{ "dn: cn=mail2.lan,ou=Mail,dc=mailrepl\ncn: x\n\n", "the first entry is not", 1 },
		{ FX_COPIES "dn: cn\ncn: x\n\n", "malformed DN", 4 },
		{ FX_COPIES "cn: x\n\n", "must begin with", 4 },
		{ FX_COPIES "dn: cn=x,ou=Mail,dc=mailrepl\ncn:: *\n\n", "not base64", 4 },
		{ FX_COPIES "dn: cn=x,ou=Mail,dc=mailrepl\n\n", "without attributes", 4 },
	};
	struct bench *bench = *state;
	size_t last = bench->fx.count - 1;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct fx fx = bench->fx;
		MR_BUF file = { 0 };

		fx.manifest.members = fx.listed;
		fx.held[last] = (struct fx_member){ "mail-copies.ldif", rows[i].copies,
						    strlen(rows[i].copies), rows[i].entries };
		fx_list(&fx, last);
		fx_whole(&fx, &file);
		refused(bench, &file, rows[i].want);
	}
}

/* What a library of another version has compressed cannot be compared; its content can. */
static void a_manifest_that_another_bzip2_has_compressed_is_read(void **state)
{
	struct bench *bench = *state;
	struct fx fx = bench->fx;
	struct mr_manifest manifest;
	struct mr_error err = { 0 };
	MR_BUF file = { 0 };

	fx.manifest.members = fx.listed;
	fx.manifest.bzip2 = "9.9.9";
	fx_whole(&fx, &file);
	/* The digit of the block size, which changes nothing in what comes out. */
	file.data[3] = '8';
	assert_ok(take(bench, true, &file, &manifest, &err), err);
	fx.manifest.bzip2 = mr_bzip2_version();
	file.len = 0;
	fx_whole(&fx, &file);
	file.data[3] = '8';
	refused(bench, &file, "MANIFEST.json: altered");
}

static void fingerprints_are_compared_as_people_type_them(void **state)
{
	MR_ARENA arena = mr_arena_open();
	MR_SECRET key = { 0 };
	char *text;

	(void)state;
	mr_secret_set(&key, FX_KEY, strlen(FX_KEY));
	text = mr_backup_key_fingerprint(arena, "a certificate\n", &key);
	assert_int_equal(strlen(text), 19);
	/* printf 'a certificate\n%s\n' 001122… | sha256sum, the first 20 digits in base32 */
	assert_string_equal(text, "DQOB-WSYT-DKXL-PQVF");
	assert_true(mr_backup_key_matches(text, text));
	assert_true(mr_backup_key_matches(text, mr_lower(arena, text)));
	assert_true(mr_backup_key_matches("ABCD-EFGH", "abcd efgh"));
	assert_false(mr_backup_key_matches("ABCD-EFGH", "ABCD-EFG"));
	assert_false(mr_backup_key_matches("ABCD-EFGH", "ABCD-EFGHI"));
	assert_false(mr_backup_key_matches("ABCD-EFGH", ""));
}

#define EACH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		EACH(a_whole_one_is_read),
		EACH(tar_and_bzip2_read_it_too),
		EACH(every_prefix_is_refused),
		EACH(every_changed_byte_is_noticed),
		EACH(every_dropped_and_inserted_byte_is_noticed),
		EACH(what_follows_it_is_refused),
		EACH(members_that_are_dropped_doubled_renamed_or_moved_are_noticed),
		EACH(whoever_has_no_key_can_change_nothing),
		EACH(what_lies_between_members_is_compared),
		EACH(padding_and_end_are_zeros),
		EACH(entries_are_counted_and_lie_below_their_base),
		EACH(a_manifest_that_another_bzip2_has_compressed_is_read),
		cmocka_unit_test(fingerprints_are_compared_as_people_type_them),
	};

	return cmocka_run_group_tests_name("backup_whole", tests, NULL, NULL);
}
