#include "features/restore_record.h"
#include "test.h"

static void put(struct mr_arena *arena, const char *root, const char *path, const char *text)
{
	put_file(mr_printf(arena, "%s/%s", root, path), text);
}

static struct mr_restore_record recorded(void **state, struct mr_arena *arena, const char *text)
{
	const struct mr_config config = { .root = *state, .host = "mail1.lan" };
	struct mr_restore_record record;
	struct mr_error err;

	put(arena, *state, "var/lib/mailrepl/restoring", text);
	assert_ok(mr_restore_record_read(arena, &config, &record, &err), err);
	return record;
}

static void a_record_of_a_restore_is_read_and_one_that_makes_no_sense_is_none(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_restore_record record = recorded(state, arena, "changes /a b\n2026-mail1.lan\n");

	assert_string_equal(record.word, "changes");
	assert_string_equal(record.archive, "/a b");
	assert_string_equal(record.newest, "2026-mail1.lan");
	/* As earlier releases wrote it. */
	record = recorded(state, arena, "bare /a\n");
	assert_string_equal(record.word, "bare");
	assert_null(record.newest);
	assert_null(recorded(state, arena, "changes /a\n-\n").newest);
	assert_null(recorded(state, arena, "").word);
	assert_null(recorded(state, arena, "x").word);
}

#define FOLDER "backup/"
#define OLD "20260101T000000Z-mail1.lan.tar.bz2"
#define BEFORE "20260102T000000Z-mail1.lan.tar.bz2"
#define LATER "20260103T000000Z-mail1.lan.tar.bz2"

static const char *undone(void **state, struct mr_arena *arena)
{
	const struct mr_config config = { .root = *state,
					  .host = "mail1.lan",
					  .backup_folder = "/backup" };
	struct mr_error err;
	const char *path;

	if (mr_restore_undo_find(arena, &config, &path, &err) < 0)
		return err.code == MR_E_NOT_FOUND ? "none" : "another error";
	return strrchr(path, '/') + 1;
}

static void
undo_takes_the_archive_before_the_last_restore_or_that_of_the_interrupted_one(void **state)
{
	MR_ARENA arena = mr_arena_open();
	const char *root = *state;

	assert_string_equal(undone(state, arena), "none");
	put(arena, root, FOLDER OLD, "");
	put(arena, root, "var/lib/mailrepl/restored",
	    mr_printf(arena, "%s/backup/gone\n%s/backup/" OLD "\n", root, root));
	assert_string_equal(undone(state, arena), OLD);
	/* Begun, and nothing changed yet: what was restored before that is not meant. */
	put(arena, root, "var/lib/mailrepl/restoring", "changes /a\n" OLD "\n");
	assert_string_equal(undone(state, arena), "none");
	put(arena, root, FOLDER BEFORE, "");
	put(arena, root, FOLDER LATER, "");
	put(arena, root, FOLDER "20260101T120000Z-mail1.lan-for-mail2.lan.tar.bz2", "");
	assert_string_equal(undone(state, arena), BEFORE);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, folder_setup, folder_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_FOLDER(a_record_of_a_restore_is_read_and_one_that_makes_no_sense_is_none),
		IN_FOLDER(
			undo_takes_the_archive_before_the_last_restore_or_that_of_the_interrupted_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
