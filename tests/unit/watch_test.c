#include "test.h"

#include "base/paths.h"
#include "features/watch_decide.h"
#include "features/watch_status.h"

#define OLD "20261121195135.000001Z#000000#001#000000"
#define NEW "20261121195136.000001Z#000000#001#000000"
#define NEWER "20261121195137.000001Z#000000#001#000000"

struct look {
	const char *want, *have;
	bool in_step;
	int64_t stuck_since;
};

/* Looks at 100, 101, 102, … */
static const struct {
	const char *name;
	struct look looks[4]; /* in_step and stuck_since: after it */
	size_t count;
} courses[] = {
	{ "equal", { { OLD, OLD, true, 0 } }, 1 },
	{ "nothing there yet", { { "", "", true, 0 } }, 1 },
	{ "the first look is strict", { { NEW, OLD, false, 100 } }, 1 },
	{ "an empty copy", { { OLD, "", false, 100 }, { OLD, OLD, true, 0 } }, 2 },
	{ "a write just now may be on its way",
	  { { OLD, OLD, true, 0 }, { NEW, OLD, true, 101 }, { NEW, NEW, true, 0 } },
	  3 },
	{ "that does not come",
	  { { OLD, OLD, true, 0 },
	    { NEW, OLD, true, 101 },
	    { NEW, OLD, false, 101 },
	    { NEW, OLD, false, 101 } },
	  4 },
	{ "behind, but moving",
	  { { NEWER, OLD, false, 100 }, { NEWER, NEW, false, 101 }, { NEWER, NEWER, true, 0 } },
	  3 },
	{ "many writes in a row",
	  { { OLD, OLD, true, 0 }, { NEW, OLD, true, 101 }, { NEWER, NEW, true, 102 } },
	  3 },
	{ "strict again after a silence",
	  { { OLD, OLD, true, 0 }, { NULL, "", true, 0 }, { NEW, OLD, false, 102 } },
	  3 },
};

static void a_copy_is_judged_look_by_look(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(courses) / sizeof(courses[0]); i++) {
		struct mr_watch_copy copy = { 0 };

		for (size_t n = 0; n < courses[i].count; n++) {
			const struct look *look = &courses[i].looks[n];

			mr_watch_copy_seen(&copy, look->want, look->have, (int64_t)(100 + n));
			if (copy.in_step != look->in_step || copy.stuck_since != look->stuck_since)
				fail_msg("%s, look %zu: got %d, %lld, want %d, %lld",
					 courses[i].name, n, copy.in_step,
					 (long long)copy.stuck_since, look->in_step,
					 (long long)look->stuck_since);
		}
	}
}

static void a_copy_is_stuck_after_patience_and_not_while_it_is_written(void **state)
{
	static const struct {
		int64_t stuck_since, written, now;
		bool want;
	} rows[] = {
		{ 0, 0, 100000, false },    { 1000, 0, 1059, false },
		{ 1000, 0, 1060, true },    { 1000, 1030, 1060, false },
		{ 1000, 1000, 1060, true }, { 1000, 1590, 1599, false },
		{ 1000, 1600, 1600, true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct mr_watch_copy copy = { .stuck_since = rows[i].stuck_since };

		if (mr_watch_copy_stuck(&copy, rows[i].written, 60, rows[i].now) != rows[i].want)
			fail_msg("row %zu: want %d", i, rows[i].want);
	}
}

static void pauses_double_and_end_when_all_is_well(void **state)
{
	struct mr_watch_pause pause = { .first = 600, .most = 2000 };

	(void)state;
	assert_true(mr_watch_pause_over(&pause, 5000));
	mr_watch_pause_begin(&pause, 5000);
	assert_false(mr_watch_pause_over(&pause, 5599));
	assert_true(mr_watch_pause_over(&pause, 5600));
	mr_watch_pause_begin(&pause, 5600);
	assert_false(mr_watch_pause_over(&pause, 6799));
	assert_true(mr_watch_pause_over(&pause, 6800));
	mr_watch_pause_begin(&pause, 6800);
	assert_false(mr_watch_pause_over(&pause, 8799));
	mr_watch_pause_calm(&pause, 8799);
	assert_int_equal(pause.length, 2000);
	mr_watch_pause_calm(&pause, 8800);
	mr_watch_pause_begin(&pause, 8801);
	assert_int_equal(pause.length, 600);
}

static void a_clock_that_is_set_back_ends_a_pause(void **state)
{
	struct mr_watch_pause pause = { .first = 600, .most = 600 };

	(void)state;
	mr_watch_pause_begin(&pause, 5000);
	assert_true(mr_watch_pause_over(&pause, 4000));
}

static void slapd_is_cured_of_what_it_has_after_a_while(void **state)
{
	static const struct {
		enum mr_watch_slapd slapd;
		int64_t away;
		enum mr_watch_cure want;
	} rows[] = {
		{ MR_SLAPD_ANSWERS, 100000, MR_CURE_NONE },
		{ MR_SLAPD_HANGS, 59, MR_CURE_NONE },
		{ MR_SLAPD_HANGS, 60, MR_CURE_RESTART },
		{ MR_SLAPD_GONE, 14, MR_CURE_NONE },
		{ MR_SLAPD_GONE, 15, MR_CURE_START },
		{ MR_SLAPD_STOPPED, 100000, MR_CURE_NONE },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(mr_watch_cure(rows[i].slapd, 5000, 60, 5000 + rows[i].away),
				 rows[i].want);
}

static void touch(struct mr_arena *arena, void **state, const char *path)
{
	const char *file = mr_printf(arena, "%s/%s", (const char *)*state, path);
	struct mr_error err;

	assert_ok(mr_folder_make(mr_strndup(arena, file, (size_t)(strrchr(file, '/') - file)),
				 MR_FILE_PUBLIC_FOLDER, &err),
		  err);
	assert_ok(mr_file_replace(file, "", 0, MR_FILE_PUBLIC, &err), err);
}

static void a_queue_is_counted_by_its_files(void **state)
{
	static const char *const files[] = { "active/A",   "deferred/1/A", "deferred/2/B",
					     "incoming/C", "maildrop/D",   "hold/E",
					     "bounce/X",   "defer/1/A" };
	MR_ARENA arena = mr_arena_open();

	assert_int_equal(mr_watch_queue_length(*state), -1);
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		touch(arena, state, files[i]);
	assert_int_equal(mr_watch_queue_length(*state), 6);
}

static void only_what_has_changed_is_written(void **state)
{
	static const struct mr_watch_value values[] = {
		{ "same", "1" },  { "other", "2" },  { "fresh", "3" },
		{ "gone", NULL }, { "never", NULL },
	};
	MR_ARENA arena = mr_arena_open();
	struct mr_entry *entry = mr_entry_new(arena, "cn=Status");
	struct mr_mod *mods;

	(void)state;
	mr_entry_add(arena, entry, "same", "1");
	mr_entry_add(arena, entry, "other", "1");
	mr_entry_add(arena, entry, "gone", "1");
	assert_int_equal(mr_watch_status_mods(arena, entry, values, 5, &mods), 3);
	assert_string_equal(mods[0].attr.name, "other");
	assert_string_equal(mods[0].attr.values.items[0], "2");
	assert_string_equal(mods[1].attr.name, "fresh");
	assert_string_equal(mods[2].attr.name, "gone");
	assert_int_equal(mods[2].attr.values.count, 0);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(mods[i].op, MR_MOD_REPLACE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_copy_is_judged_look_by_look),
		cmocka_unit_test(a_copy_is_stuck_after_patience_and_not_while_it_is_written),
		cmocka_unit_test(pauses_double_and_end_when_all_is_well),
		cmocka_unit_test(a_clock_that_is_set_back_ends_a_pause),
		cmocka_unit_test(slapd_is_cured_of_what_it_has_after_a_while),
		cmocka_unit_test_setup_teardown(a_queue_is_counted_by_its_files, folder_setup,
						folder_teardown),
		cmocka_unit_test(only_what_has_changed_is_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
