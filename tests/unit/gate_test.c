#include "test.h"

#include <sys/stat.h>

#include "base/paths.h"
#include "features/gate.h"

#define NOW 1000000
#define DOUBT 300

struct decision {
	const char *name;
	struct mr_gate before;
	struct mr_provider_seen seen[2]; /* name NULL: not there */
	int64_t own_directory;
	bool stale;
	int64_t doubt;
	const char *want; /* NULL: open */
	int64_t since;
};

static const struct decision decisions[] = {
	{ "all is well",
	  { 0 },
	  { { "a", true, NOW }, { "b", true, NOW - 2 } },
	  NOW,
	  false,
	  DOUBT,
	  NULL,
	  NOW },
	{ "no other provider", { 0 }, { { 0 } }, NOW, false, DOUBT, NULL, NOW },
	{ "open as before",
	  { false, NULL, 7 },
	  { { "a", true, NOW } },
	  NOW,
	  false,
	  DOUBT,
	  NULL,
	  7 },
	{ "not in step",
	  { 0 },
	  { { "a", true, NOW }, { "b", false, NOW } },
	  NOW,
	  false,
	  DOUBT,
	  "not in step with b",
	  NOW },
	{ "two not in step",
	  { 0 },
	  { { "a", false, NOW }, { "b", false, NOW } },
	  NOW,
	  false,
	  DOUBT,
	  "not in step with a, b",
	  NOW },
	{ "not in step has no end",
	  { true, "x", 1 },
	  { { "a", false, NOW } },
	  NOW,
	  false,
	  DOUBT,
	  "not in step with a",
	  1 },
	{ "a short silence",
	  { 0 },
	  { { "a", true, NOW - MR_GATE_GRACE } },
	  NOW,
	  false,
	  DOUBT,
	  NULL,
	  NOW },
	{ "not reached",
	  { 0 },
	  { { "a", true, NOW - MR_GATE_GRACE - 1 } },
	  NOW,
	  false,
	  DOUBT,
	  "not reached, and may know more users: a",
	  NOW },
	{ "not reached, and not in step when it was",
	  { 0 },
	  { { "a", false, NOW - 60 } },
	  NOW,
	  false,
	  DOUBT,
	  "not reached, and may know more users: a",
	  NOW },
	{ "the last second of doubt",
	  { true, "x", NOW - 290 },
	  { { "a", true, NOW - DOUBT + 1 } },
	  NOW,
	  false,
	  DOUBT,
	  "not reached, and may know more users: a",
	  NOW - 290 },
	{ "doubt is over",
	  { true, "x", NOW - 295 },
	  { { "a", true, NOW - DOUBT } },
	  NOW,
	  false,
	  DOUBT,
	  NULL,
	  NOW },
	{ "doubt is over, and it was not in step",
	  { true, "x", 5 },
	  { { "a", false, NOW - DOUBT } },
	  NOW,
	  false,
	  DOUBT,
	  NULL,
	  NOW },
	{ "never doubt", { 0 }, { { "a", true, NOW - 60 } }, NOW, false, 0, NULL, NOW },
	{ "never doubt, but be in step",
	  { 0 },
	  { { "a", false, NOW } },
	  NOW,
	  false,
	  0,
	  "not in step with a",
	  NOW },
	{ "never reached, now",
	  { 0 },
	  { { "a", false, 0 } },
	  NOW,
	  false,
	  DOUBT,
	  "not reached, and may know more users: a",
	  NOW },
	{ "never reached, since it was closed",
	  { true, "x", NOW - 200 },
	  { { "a", false, 0 } },
	  NOW,
	  false,
	  DOUBT,
	  "not reached, and may know more users: a",
	  NOW - 200 },
	{ "never reached, for too long",
	  { true, "x", NOW - DOUBT },
	  { { "a", false, 0 } },
	  NOW,
	  false,
	  DOUBT,
	  NULL,
	  NOW },
	{ "old topology",
	  { 0 },
	  { { "a", true, NOW } },
	  NOW,
	  true,
	  DOUBT,
	  "the rendered configuration is older than the directory's topology",
	  NOW },
	{ "old topology without doubt",
	  { 0 },
	  { { "a", true, NOW } },
	  NOW,
	  true,
	  0,
	  "the rendered configuration is older than the directory's topology",
	  NOW },
	{ "our own directory is away",
	  { 0 },
	  { { "a", true, NOW } },
	  NOW - MR_GATE_GRACE - 1,
	  false,
	  DOUBT,
	  "this host's directory does not answer",
	  NOW },
	{ "our own directory is away for long",
	  { true, "x", 1 },
	  { { "a", true, 1 } },
	  1,
	  false,
	  0,
	  "this host's directory does not answer",
	  1 },
	{ "our own directory restarts",
	  { 0 },
	  { { "a", true, NOW } },
	  NOW - MR_GATE_GRACE,
	  false,
	  DOUBT,
	  NULL,
	  NOW },
	{ "a clock that was set back",
	  { 0 },
	  { { "a", true, NOW + 500 } },
	  NOW + 500,
	  false,
	  DOUBT,
	  NULL,
	  NOW },
};

static void the_gate_is_decided_from_what_was_seen(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(decisions) / sizeof(decisions[0]); i++) {
		const struct decision *row = &decisions[i];
		struct mr_gate_view view = { row->seen,  0,          row->own_directory,
					     row->stale, row->doubt, NOW };
		MR_ARENA arena = mr_arena_open();
		struct mr_gate got;

		while (view.count < 2 && row->seen[view.count].name)
			view.count++;
		mr_gate_decide(arena, &row->before, &view, &got);
		if (got.closed != (row->want != NULL) ||
		    (got.why && strcmp(got.why, row->want) != 0) || got.since != row->since)
			fail_msg("%s: got %s since %lld, want %s since %lld", row->name,
				 got.closed ? got.why : "open", (long long)got.since,
				 row->want ? row->want : "open", (long long)row->since);
	}
}

static struct mr_config config_below(void **state)
{
	return (struct mr_config){ .root = *state, .mail_manage = false };
}

static void without_a_file_the_gate_is_open(void **state)
{
	struct mr_config config = config_below(state);
	MR_ARENA arena = mr_arena_open();
	struct mr_gate gate;
	struct mr_error err;

	assert_ok(mr_gate_read(arena, &config, &gate, &err), err);
	assert_false(gate.closed);
	assert_null(gate.why);
}

static void save(void **state, const char *path, const char *text)
{
	MR_ARENA arena = mr_arena_open();
	const char *file = mr_path(arena, *state, path);
	struct mr_error err;

	assert_ok(mr_folder_make(mr_strndup(arena, file, (size_t)(strrchr(file, '/') - file)),
				 MR_FILE_PUBLIC_FOLDER, &err),
		  err);
	assert_ok(mr_file_replace(file, text, strlen(text), MR_FILE_PUBLIC, &err), err);
}

static void what_is_written_is_read_again(void **state)
{
	static const struct mr_gate gates[] = { { true, "not in step with a", 17 },
						{ false, NULL, 18 } };
	struct mr_config config = config_below(state);
	MR_ARENA arena = mr_arena_open();
	struct mr_gate gate;
	struct mr_error err;

	save(state, MR_PATH_STATE "/x", "");
	for (size_t i = 0; i < 2; i++) {
		assert_ok(mr_gate_write(&config, &gates[i], &err), err);
		assert_ok(mr_gate_read(arena, &config, &gate, &err), err);
		assert_int_equal(gate.closed, gates[i].closed);
		assert_int_equal(gate.since, gates[i].since);
		if (gates[i].why)
			assert_string_equal(gate.why, gates[i].why);
	}
}

static void a_file_that_makes_no_sense_is_an_error(void **state)
{
	struct mr_config config = config_below(state);
	MR_ARENA arena = mr_arena_open();
	struct mr_gate gate;
	struct mr_error err;

	save(state, MR_PATH_GATE, "ajar\n");
	assert_fails(mr_gate_read(arena, &config, &gate, &err), MR_E_CONFIG, err);
	assert_contains(err.message, MR_PATH_GATE);
}

static const char *main_cf(struct mr_arena *arena, void **state)
{
	struct mr_error err;
	char *text;

	assert_ok(mr_file_read(arena, mr_path(arena, *state, MR_PATH_POSTFIX "/main.cf"), 4096,
			       &text, NULL, &err),
		  err);
	return text;
}

static void one_word_of_main_cf_follows_the_gate(void **state)
{
	struct mr_config config = config_below(state);
	MR_ARENA arena = mr_arena_open();
	struct mr_error err;
	bool changed;

	save(state, MR_PATH_POSTFIX "/mailrepl/routes.cf", "");
	save(state, MR_PATH_POSTFIX "/main.cf", "a = 1\nsoft_bounce = no\nb = 2\n");
	assert_ok(mr_gate_apply(&config, true, &changed, &err), err);
	assert_true(changed);
	assert_string_equal(main_cf(arena, state), "a = 1\nsoft_bounce = yes\nb = 2\n");
	assert_ok(mr_gate_apply(&config, true, &changed, &err), err);
	assert_false(changed);
	assert_ok(mr_gate_apply(&config, false, &changed, &err), err);
	assert_true(changed);
	assert_string_equal(main_cf(arena, state), "a = 1\nsoft_bounce = no\nb = 2\n");
}

static void a_main_cf_that_is_not_ours_is_left_alone(void **state)
{
	struct mr_config config = config_below(state);
	MR_ARENA arena = mr_arena_open();
	struct mr_error err;
	bool changed;

	save(state, MR_PATH_POSTFIX "/main.cf", "a = 1\nsoft_bounce = no\n");
	assert_ok(mr_gate_apply(&config, true, &changed, &err), err);
	assert_false(changed);
	assert_string_equal(main_cf(arena, state), "a = 1\nsoft_bounce = no\n");
}

static void what_a_killed_call_has_left_is_made_up_for(void **state)
{
	struct mr_config config = config_below(state);
	MR_ARENA arena = mr_arena_open();
	struct mr_error err;
	bool changed;

	save(state, MR_PATH_POSTFIX "/mailrepl/routes.cf", "");
	save(state, MR_PATH_POSTFIX "/main.cf", "a = 1\nsoft_bounce = no\n");
	save(state, MR_PATH_DUE_GATE, "");
	assert_true(mr_gate_is_due(&config));
	assert_ok(mr_gate_apply(&config, false, &changed, &err), err);
	assert_true(changed);
	assert_false(mr_gate_is_due(&config));
	assert_ok(mr_gate_apply(&config, false, &changed, &err), err);
	assert_false(changed);
	assert_string_equal(main_cf(arena, state), "a = 1\nsoft_bounce = no\n");
}

static void a_rendering_that_was_crossed_takes_the_gate_over(void **state)
{
	struct mr_config config = config_below(state);
	MR_ARENA arena = mr_arena_open();
	struct mr_error err;
	const char *due = mr_path(arena, *state, "/var/lib/mailrepl/.due-postfix");
	const char *old = "a = 1\nsoft_bounce = no\n", *new = "a = 2\nsoft_bounce = no\n";

	save(state, MR_PATH_POSTFIX "/mailrepl/routes.cf", "");
	save(state, MR_PATH_GATE, "closed 1700000000 not in step\n");
	/* The gate was closed after main.cf was rendered. */
	save(state, MR_PATH_POSTFIX "/main.cf", "a = 2\nsoft_bounce = no\n");
	assert_ok(mr_gate_take_over(&config, old, new, due, &err), err);
	assert_string_equal(main_cf(arena, state), "a = 2\nsoft_bounce = yes\n");
	assert_true(mr_path_exists(due));
	/* The text from before the rendering was written over it, and whoever did so was killed. */
	save(state, MR_PATH_POSTFIX "/main.cf", "a = 1\nsoft_bounce = yes\n");
	save(state, MR_PATH_DUE_GATE, "");
	assert_ok(mr_gate_take_over(&config, old, new, due, &err), err);
	assert_string_equal(main_cf(arena, state), "a = 2\nsoft_bounce = yes\n");
	assert_false(mr_gate_is_due(&config));
	/* What an administrator has just written is neither. */
	save(state, MR_PATH_POSTFIX "/main.cf", "a = mine\nsoft_bounce = no\n");
	assert_ok(mr_gate_take_over(&config, old, new, due, &err), err);
	assert_string_equal(main_cf(arena, state), "a = mine\nsoft_bounce = yes\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_gate_is_decided_from_what_was_seen),
		cmocka_unit_test_setup_teardown(without_a_file_the_gate_is_open, folder_setup,
						folder_teardown),
		cmocka_unit_test_setup_teardown(what_is_written_is_read_again, folder_setup,
						folder_teardown),
		cmocka_unit_test_setup_teardown(a_file_that_makes_no_sense_is_an_error,
						folder_setup, folder_teardown),
		cmocka_unit_test_setup_teardown(one_word_of_main_cf_follows_the_gate, folder_setup,
						folder_teardown),
		cmocka_unit_test_setup_teardown(what_a_killed_call_has_left_is_made_up_for,
						folder_setup, folder_teardown),
		cmocka_unit_test_setup_teardown(a_rendering_that_was_crossed_takes_the_gate_over,
						folder_setup, folder_teardown),
		cmocka_unit_test_setup_teardown(a_main_cf_that_is_not_ours_is_left_alone,
						folder_setup, folder_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
