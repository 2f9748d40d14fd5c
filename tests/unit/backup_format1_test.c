#include "test.h"

#include "archive_fixture.h"
#include "base/process.h"
#include "features/backup.h"

/* What mailrepl wrote before format 2, which backup_whole and backup_hostile are about. */

/* Written by mailrepl 0.1.0, when this was backup_test's home: do not make it anew. */
static const char *old_archive(struct mr_arena *arena)
{
	const char *source = getenv("MAILREPL_TEST_SOURCE");

	return mr_printf(arena, "%s/tests/unit/data/format1-full.tar.bz2", source ? source : ".");
}

static const char *text_of(struct mr_arena *arena, const char *folder, const char *name)
{
	struct mr_error err;
	char *text;

	assert_ok(mr_file_read(arena, mr_printf(arena, "%s/%s", folder, name), 1 << 20, &text, NULL,
			       &err),
		  err);
	return text;
}

static void an_archive_of_format_1_is_read(void **state)
{
	MR_ARENA arena = mr_arena_open();
	const char *folder = mr_printf(arena, "%s/old", (const char *)*state);
	MR_SECRET key = { 0 };
	const struct mr_backup_reading reading = {
		.path = old_archive(arena), .folder = folder, .key = &key, .entries = true
	};
	struct mr_manifest manifest;
	struct mr_error err;

	mr_secret_set(&key, FX_KEY, strlen(FX_KEY));
	assert_ok(mr_backup_read(arena, &reading, &manifest, &err), err);
	assert_int_equal(manifest.format, 1);
	assert_int_equal(manifest.trust, MR_TRUST_NONE);
	assert_null(manifest.fingerprint);
	assert_string_equal(text_of(arena, folder, "tls/host.key"), "mail1 key");
	assert_contains(text_of(arena, folder, "mail-owned.ldif"), "user1@maildomain.org");
	assert_false(mr_path_exists(mr_printf(arena, "%s/" MR_BACKUP_KEY_NAME, folder)));
}

/* Each script makes bad.tar.bz2 of the archive, "full", and of what it holds, by name in "list". */
static void a_damaged_old_archive_is_refused(void **state)
{
	static const struct {
		const char *script, *want;
	} rows[] = {
		{ "head -c 3000 full >bad.tar.bz2", "" },
		{ "bzip2 -dc full | head -c 5120 | bzip2 >bad.tar.bz2", "" },
		{ "tar cjf bad.tar.bz2 $(sed '$d' list)", "cut" },
		{ "tar cjf bad.tar.bz2 $(sed '1d' list)", "not the first" },
		{ "echo x >extra; tar cjf bad.tar.bz2 $(cat list) extra", "not in the manifest" },
		{ "sed -i 's/user1@/user9@/' mail-owned.ldif; tar cjf bad.tar.bz2 $(cat list)",
		  "altered" },
		{ "echo >>mail-owned.ldif; tar cjf bad.tar.bz2 $(cat list)", "size" },
		{ "tar cjf bad.tar.bz2 MANIFEST.json $(sed 1d list | sort -r)",
		  "not what the manifest names" },
		{ "ln -sf /etc/passwd topology.ldif; tar cjf bad.tar.bz2 $(cat list)", "" },
		{ "echo hello >bad.tar.bz2", "" },
		{ "tar cjf bad.tar.bz2 topology.ldif", "not the first" },
	};
	MR_ARENA arena = mr_arena_open();
	const char *root = *state, *folder = mr_printf(arena, "%s/refused", root);

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const char *script = mr_printf(
			arena,
			"cd \"$1\"; rm -rf work; mkdir work; cp \"$2\" work/full; cd work\n"
			"tar xjf full; tar tjf full >list; %s; mv bad.tar.bz2 ..",
			rows[i].script);
		const char *const argv[] = { "sh", "-euc", script, "sh", root, old_archive(arena),
					     NULL };
		struct mr_manifest manifest;
		struct mr_error err = { 0 };

		assert_ok(mr_process_check(&(struct mr_process){ .argv = argv }, &err), err);
		assert_fails(mr_backup_unpack(arena, mr_printf(arena, "%s/bad.tar.bz2", root),
					      folder, &manifest, &err),
			     MR_E_ARCHIVE, err);
		assert_contains(err.message, rows[i].want);
		assert_false(mr_path_exists(folder));
	}
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, folder_setup, folder_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_FOLDER(an_archive_of_format_1_is_read),
		IN_FOLDER(a_damaged_old_archive_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
