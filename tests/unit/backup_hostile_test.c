#include "test.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>

#include "archive_fixture.h"
#include "base/process.h"
#include "features/backup.h"

/* Archives that somebody has made to hurt whoever reads them: refused in bounded memory, time and disk. Each is read by a process of
 * its own, so that what is measured is the reader's. */

#define MOST_MS 60000 /* machines are noisy */
#define MOST_FILE ((rlim_t)16 << 20)
#if defined(__SANITIZE_ADDRESS__)
#define MOST_KB (1024L * 1024)
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define MOST_KB (1024L * 1024)
#endif
#endif
#ifndef MOST_KB
#define MOST_KB (256L * 1024)
#endif

/* --- the process that reads: PATH FOLDER */

/* ru_maxrss would be that of the parent, if it was larger. */
static long most_memory(void)
{
	FILE *status = fopen("/proc/self/status", "re");
	char line[256];
	long kb = -1;

	while (status && fgets(line, sizeof(line), status))
		if (sscanf(line, "VmHWM: %ld kB", &kb) == 1)
			break;
	if (status)
		fclose(status);
	return kb;
}

static int read_it(const char *path, const char *folder)
{
	const struct rlimit disk = { MOST_FILE, MOST_FILE };
	const struct mr_backup_reading reading = { .path = path,
						   .folder = folder,
						   .entries = true };
	MR_ARENA arena = mr_arena_open();
	struct mr_manifest manifest = { 0 };
	struct rusage children;
	struct timespec begin, end;
	struct mr_error err = { 0 };
	int rc = 0;

	setrlimit(RLIMIT_FSIZE, &disk);
	clock_gettime(CLOCK_MONOTONIC, &begin);
	rc = mr_backup_read(arena, &reading, &manifest, &err);
	clock_gettime(CLOCK_MONOTONIC, &end);
	getrusage(RUSAGE_CHILDREN, &children);
	printf("%d %ld %ld %ld %s\n", rc, most_memory(), children.ru_maxrss,
	       (end.tv_sec - begin.tv_sec) * 1000 + (end.tv_nsec - begin.tv_nsec) / 1000000,
	       rc < 0 ? mr_error_word(err.code) : "ok");
	printf("%s\n", rc < 0 ? err.message : "");
	return 0;
}

/* --- */

struct bench {
	struct mr_arena *arena;
	char *folder;
	struct fx fx;
};

static int setup(void **state)
{
	struct mr_arena *arena = mr_arena_open();
	struct bench *bench = MR_NEW(arena, struct bench);

	bench->arena = arena;
	if (folder_setup((void **)&bench->folder) < 0)
		return -1;
	fx_init(&bench->fx, arena);
	*state = bench;
	return 0;
}

static int teardown(void **state)
{
	struct bench *bench = *state;
	void *folder = bench->folder;
	int rc = folder_teardown(&folder);

	mr_secret_close(&bench->fx.key);
	mr_arena_close(bench->arena);
	return rc;
}

static const char *put(const struct bench *bench, const struct mr_buf *file)
{
	const char *path = mr_printf(bench->arena, "%s/a.tar.bz2", bench->folder);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	for (size_t done = 0; done < file->len;) {
		ssize_t n = write(fd, file->data + done, file->len - done);

		assert_true(n > 0);
		done += (size_t)n;
	}
	close(fd);
	return path;
}

static void refused(const struct bench *bench, const char *what, const struct mr_buf *file,
		    const char *want)
{
	const char *folder = mr_printf(bench->arena, "%s/out", bench->folder);
	char self[4096] = "";
	const char *const argv[] = { self, put(bench, file), folder, NULL };
	struct mr_process process = { .argv = argv, .timeout_ms = 2 * MOST_MS };
	struct mr_process_result result;
	struct mr_error err = { 0 };
	long kb = 0, child_kb = 0, ms = 0;
	char word[64];
	int rc = 0;

	assert_true(readlink("/proc/self/exe", self, sizeof(self) - 1) > 0);
	assert_ok(mr_process_run(&process, &result, &err), err);
	if (result.status != 0 || sscanf(mr_buf_text(&result.output), "%d %ld %ld %ld %63s", &rc,
					 &kb, &child_kb, &ms, word) != 5)
		fail_msg("%s: status %d: %s", what, result.status, mr_buf_text(&result.output));
	print_message("%s: file %zu bytes, %ld ms, %ld KiB and decompressor %ld KiB\n", what,
		      file->len, ms, kb, child_kb);
	assert_int_equal(rc, -1);
	assert_string_equal(word, mr_error_word(MR_E_ARCHIVE));
	assert_contains(mr_buf_text(&result.output), want);
	assert_true(kb < MOST_KB);
	assert_true(child_kb < MOST_KB);
	assert_true(ms < MOST_MS);
	assert_false(mr_path_exists(folder));
	mr_buf_close(&result.output);
}

/* The same data so many times, each as a stream of its own. */
static void add_streams(struct mr_buf *out, const void *data, size_t len, size_t times)
{
	MR_BUF one = { 0 };

	mr_bzip2_compress(&one, data, len);
	for (size_t i = 0; i < times; i++)
		mr_buf_add(out, one.data, one.len);
}

/* Zeros, each 8 MiB in 45 bytes. */
static void add_zeros(struct mr_buf *out, size_t len)
{
	static const char zeros[(size_t)8 << 20];

	add_streams(out, zeros, sizeof(zeros), len / sizeof(zeros));
}

/* --- behind a manifest that is all right */

static void data_without_end_behind_the_members(void **state)
{
	struct bench *bench = *state;
	MR_BUF tar = { 0 }, rest = { 0 }, file = { 0 };

	fx_tar(&bench->fx, bench->fx.count, &tar);
	mr_bzip2_compress(&rest, tar.data, tar.len);
	add_zeros(&rest, (size_t)64 << 30);
	fx_seal(&bench->fx, rest.data, rest.len, &file);
	refused(bench, "64 GiB behind the end", &file, "something follows the archive's end");
}

static void a_member_that_is_larger_than_it_says(void **state)
{
	struct bench *bench = *state;
	MR_BUF tar = { 0 }, rest = { 0 }, file = { 0 };

	fx_tar(&bench->fx, bench->fx.count - 1, &tar);
	mr_bzip2_compress(&rest, tar.data, tar.len - 1024);
	add_zeros(&rest, (size_t)64 << 30);
	fx_seal(&bench->fx, rest.data, rest.len, &file);
	refused(bench, "64 GiB instead of a member", &file, "its header is not");
}

static void a_million_members(void **state)
{
	struct bench *bench = *state;
	MR_BUF tar = { 0 }, rest = { 0 }, file = { 0 };
	char header[MR_ARCHIVE_BLOCK];
	struct mr_error err;

	assert_ok(mr_archive_header("templates/x", 0, FX_TIME, header, &err), err);
	for (int i = 0; i < 10000; i++)
		mr_buf_add(&tar, header, sizeof(header));
	add_streams(&rest, tar.data, tar.len, 100);
	fx_seal(&bench->fx, rest.data, rest.len, &file);
	refused(bench, "a million members behind a manifest", &file, "its header is not");
	refused(bench, "a million members without one", &rest, "MANIFEST.json");
}

static void a_million_streams_that_hold_nothing(void **state)
{
	struct bench *bench = *state;
	MR_BUF rest = { 0 }, file = { 0 };

	add_streams(&rest, "", 0, 1000000);
	fx_seal(&bench->fx, rest.data, rest.len, &file);
	refused(bench, "a million empty streams behind a manifest", &file, "cut");
	refused(bench, "a million empty streams", &rest, "");
}

/* --- manifests that claim much */

static void claims(struct bench *bench, const char *what, size_t member, int64_t size,
		   const char *want)
{
	MR_BUF file = { 0 };

	bench->fx.listed[member].size = size;
	fx_whole(&bench->fx, &file);
	refused(bench, what, &file, want);
}

static void members_that_claim_to_be_huge(void **state)
{
	struct bench *bench = *state;
	size_t last = bench->fx.count - 1;

	claims(bench, "a database of 2^62 bytes", last, (int64_t)1 << 62, "claims to hold");
	claims(bench, "a database of 1 TiB", last, (int64_t)1 << 40, "claims to hold");
	claims(bench, "a database of 65 MiB", last, (int64_t)65 << 20, "claims to hold");
	claims(bench, "a database of 63 MiB", last, (int64_t)63 << 20, "its header");
	claims(bench, "a key of 1 GiB", 4, (int64_t)1 << 30, "too long");
	claims(bench, "a topology of 1 GiB", 0, (int64_t)1 << 30, "too long");
}

static void pack_text(const char *text, size_t len, int64_t size, struct mr_buf *out)
{
	static const char zeros[2 * MR_ARCHIVE_BLOCK];
	char header[MR_ARCHIVE_BLOCK];
	struct mr_error err;
	MR_BUF tar = { 0 };

	assert_ok(mr_archive_header(MR_MANIFEST_NAME, size, FX_TIME, header, &err), err);
	mr_buf_add(&tar, header, sizeof(header));
	mr_buf_add(&tar, text, len);
	mr_buf_add(&tar, zeros, -len & (MR_ARCHIVE_BLOCK - 1));
	mr_buf_add(&tar, zeros, sizeof(zeros));
	mr_bzip2_compress(out, tar.data, tar.len);
}

static void repeat(struct mr_buf *out, const char *begin, const char *part, const char *end)
{
	mr_buf_puts(out, begin);
	while (out->len + strlen(part) + strlen(end) < MR_MANIFEST_MOST)
		mr_buf_puts(out, part);
	mr_buf_puts(out, end);
}

static void texts_that_take_much_to_parse(void **state)
{
	struct bench *bench = *state;
	static const struct {
		const char *what, *begin, *part, *end;
	} rows[] = {
		{ "2 MiB of lists", "[0", ",[]", "]" },
		{ "2 MiB of numbers", "{\"format\":2,\"members\":[0", ",1", "]}" },
		{ "2 MiB of brackets", "", "[", "" },
		{ "2 MiB of a number", "1", "0", "" },
		{ "2 MiB of a text", "\"", "\\u0000", "\"" },
		{ "2 MiB of members", "{\"format\":2,\"members\":[0",
		  ",{\"name\":\"topology.ldif\",\"size\":1}", "]}" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		MR_BUF text = { 0 }, file = { 0 };

		repeat(&text, rows[i].begin, rows[i].part, rows[i].end);
		pack_text(text.data, text.len, (int64_t)text.len, &file);
		refused(bench, rows[i].what, &file, "MANIFEST.json");
	}
}

static void an_object_with_very_many_members(void **state)
{
	struct bench *bench = *state;
	MR_BUF text = { 0 }, file = { 0 };

	mr_buf_puts(&text, "{\"format\":2");
	for (int i = 0; text.len < MR_MANIFEST_MOST - 100; i++)
		mr_buf_printf(&text, ",\"%d\":1", i);
	mr_buf_puts(&text, "}");
	pack_text(text.data, text.len, (int64_t)text.len, &file);
	refused(bench, "2 MiB of one object", &file, "MANIFEST.json");
}

static void a_manifest_without_end(void **state)
{
	struct bench *bench = *state;
	MR_BUF file = { 0 }, first = { 0 }, zeros = { 0 };

	pack_text("{", 1, (int64_t)1 << 40, &first);
	mr_buf_add(&file, first.data, first.len);
	add_zeros(&file, (size_t)64 << 30);
	refused(bench, "a manifest of 1 TiB", &file, "MANIFEST.json");
	add_zeros(&zeros, (size_t)64 << 30);
	refused(bench, "64 GiB of zeros", &zeros, "");
}

/* --- headers that other programs believe, in front of the manifest or in its place */

static void headers_that_announce_huge_ones(void **state)
{
	static const char types[] = { 'x', 'g', 'L', 'K', 'S', 'D', 'V', '5', '7' };
	struct bench *bench = *state;

	for (size_t i = 0; i < sizeof(types); i++) {
		char header[MR_ARCHIVE_BLOCK];
		struct mr_error err;
		MR_BUF file = { 0 };
		unsigned sum = 0;

		assert_ok(mr_archive_header("a", (int64_t)7 << 30, FX_TIME, header, &err), err);
		header[156] = types[i];
		memset(header + 148, ' ', 8);
		for (size_t j = 0; j < sizeof(header); j++)
			sum += (unsigned char)header[j];
		snprintf(header + 148, 8, "%06o", sum);
		mr_bzip2_compress(&file, header, sizeof(header));
		add_zeros(&file, (size_t)8 << 30);
		refused(bench, mr_printf(bench->arena, "a header '%c' of 7 GiB", types[i]), &file,
			"");
	}
}

/* --- databases and topologies that take much to read */

static void replaced(struct bench *bench, const char *what, size_t member,
		     const struct mr_buf *text, const char *want)
{
	struct fx fx = bench->fx;
	MR_BUF file = { 0 };

	fx.manifest.members = fx.listed;
	fx.held[member].data = text->data;
	fx.held[member].len = text->len;
	fx_list(&fx, member);
	fx_whole(&fx, &file);
	refused(bench, what, &file, want);
}

static void records_that_take_much_to_read(void **state)
{
	struct bench *bench = *state;
	size_t last = bench->fx.count - 1;

	for (int how = 0; how < 5; how++) {
		static const char *const names[] = { "many attributes", "many values",
						     "a long value", "a long DN", "many RDNs" };
		MR_BUF text = { 0 };

		mr_buf_puts(&text, how < 3 ? "dn: ou=Mail,dc=mailrepl\n" : "dn: ");
		for (int i = 0; text.len < ((size_t)4 << 20) - 100; i++) {
			if (how == 0)
				mr_buf_printf(&text, "a%d: 1\n", i);
			else if (how == 1)
				mr_buf_puts(&text, "a: 1\n");
			else if (how == 2)
				mr_buf_puts(&text, i ? "1234567890" : "a: 1");
			else
				mr_buf_puts(&text,
					    how == 3 ? (i ? "aaaaaaaaaa" : "ou=a") : "ou=a,");
		}
		mr_buf_puts(&text, how < 3 ? "\n\nx\n" : ",ou=Mail,dc=mailrepl\nou: a\n\n");
		replaced(bench, names[how], last, &text, "mail-copies.ldif");
	}
}

static void a_topology_of_very_many_entries(void **state)
{
	struct bench *bench = *state;
	MR_BUF text = { 0 };

	while (text.len < (size_t)15 << 20)
		mr_buf_puts(&text, "dn: o=a\no: a\n\n");
	replaced(bench, "a topology of a million entries", 0, &text, "more than 10000 entries");
}

#define EACH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		EACH(data_without_end_behind_the_members),
		EACH(a_member_that_is_larger_than_it_says),
		EACH(a_million_members),
		EACH(a_million_streams_that_hold_nothing),
		EACH(members_that_claim_to_be_huge),
		EACH(texts_that_take_much_to_parse),
		EACH(an_object_with_very_many_members),
		EACH(a_manifest_without_end),
		EACH(headers_that_announce_huge_ones),
		EACH(records_that_take_much_to_read),
		EACH(a_topology_of_very_many_entries),
	};

	if (argc == 3)
		return read_it(argv[1], argv[2]);
	return cmocka_run_group_tests_name("backup_hostile", tests, NULL, NULL);
}
