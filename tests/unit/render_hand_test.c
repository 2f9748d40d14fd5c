#include "test.h"

#include "base/paths.h"
#include "features/apply.h"
#include "features/render.h"
#include "features/render_blame.h"
#include "features/render_change.h"
#include "features/render_hand.h"
#include "features/render_own.h"

#define LINES "one = 1\ntwo = 2\nthree = 3\nfour = 4\nfive = 5\nsix = 6\n"

static struct mr_error err;

static struct mr_config config_in(void **state)
{
	return (struct mr_config){ .root = *state, .host = "mail1.lan", .mail_manage = true };
}

static const char *at(struct mr_arena *arena, const struct mr_config *config, const char *path)
{
	return mr_path(arena, config->root, path);
}

static const char *text_at(struct mr_arena *arena, const struct mr_config *config, const char *path)
{
	char *text;

	assert_ok(mr_file_read(arena, at(arena, config, path), 1 << 20, &text, NULL, &err), err);
	return text;
}

static void write_at(struct mr_arena *arena, const struct mr_config *config, const char *path,
		     const char *text)
{
	assert_ok(
		mr_file_replace(at(arena, config, path), text, strlen(text), MR_FILE_PUBLIC, &err),
		err);
}

/* main.cf with this text, as cl-rebuild would render it. */
static int render(struct mr_arena *arena, const struct mr_config *config, const char *text,
		  bool give_up)
{
	struct mr_rendered file = { .path = at(arena, config, "/etc/postfix/main.cf"),
				    .content = text,
				    .len = strlen(text),
				    .attrs = MR_FILE_PUBLIC,
				    .service = MR_SERVICE_POSTFIX };
	struct mr_rendering rendering = { .files = &file, .count = 1, .size = 1 };
	struct mr_plan plan = { 0 };

	if (mr_render_hand_plan(arena, config, false, give_up, &rendering, &plan, &err) < 0)
		return -1;
	assert_ok(mr_render_plan(arena, config, &rendering, MR_SERVICE_POSTFIX, &plan, &err), err);
	assert_ok(mr_plan_apply(&plan, config, NULL, &err), err);
	return (int)plan.count;
}

static void assert_main_cf(struct mr_arena *arena, const struct mr_config *config, const char *want)
{
	assert_string_equal(text_at(arena, config, "/etc/postfix/main.cf"), want);
}

static void a_change_by_hand_survives_the_next_renderings(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_config config = config_in(state);

	render(arena, &config, LINES, false);
	write_at(arena, &config, "/etc/postfix/main.cf",
		 "one = 1\ntwo = mine\nthree = 3\nfour = 4\nfive = 5\nsix = 6\n");
	assert_int_not_equal(render(arena, &config, LINES, false), 0);
	assert_main_cf(arena, &config,
		       "one = 1\ntwo = mine\nthree = 3\nfour = 4\nfive = 5\nsix = 6\n");
	assert_int_equal(render(arena, &config, LINES, false), 0);
	render(arena, &config, "one = 1\ntwo = 2\nthree = 3\nfour = 4\nfive = 5\nsix = new\n",
	       false);
	assert_main_cf(arena, &config,
		       "one = 1\ntwo = mine\nthree = 3\nfour = 4\nfive = 5\nsix = new\n");
	/* A second one beside the first. */
	write_at(arena, &config, "/etc/postfix/main.cf",
		 "zero = mine\none = 1\ntwo = mine\nthree = 3\nfour = 4\nfive = 5\nsix = new\n");
	render(arena, &config, LINES, false);
	assert_main_cf(
		arena, &config,
		"zero = mine\none = 1\ntwo = mine\nthree = 3\nfour = 4\nfive = 5\nsix = 6\n");
	render(arena, &config, LINES, true);
	assert_main_cf(arena, &config, LINES);
	assert_int_equal(render(arena, &config, LINES, false), 0);
}

static void what_is_put_back_by_hand_is_forgotten(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_config config = config_in(state);
	const char *record = at(arena, &config, MR_PATH_CHANGES "/etc/postfix/main.cf.json");

	render(arena, &config, LINES, false);
	write_at(arena, &config, "/etc/postfix/main.cf", LINES "seven = mine\n");
	render(arena, &config, LINES, false);
	assert_true(mr_path_exists(record));
	write_at(arena, &config, "/etc/postfix/main.cf", LINES);
	render(arena, &config, LINES, false);
	assert_false(mr_path_exists(record));
	assert_main_cf(arena, &config, LINES);
}

static void the_same_lines_changed_by_both_are_an_error_and_nothing_is_written(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_config config = config_in(state);

	render(arena, &config, "one = 1\n", false);
	write_at(arena, &config, "/etc/postfix/main.cf", "one = mine\n");
	assert_fails(render(arena, &config, "one = 2\n", false), MR_E_CONFIG, err);
	assert_contains(err.message, "main.cf was changed by hand");
	assert_main_cf(arena, &config, "one = mine\n");
}

static void whether_postfix_defers_is_no_change_by_hand(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_config config = config_in(state);

	render(arena, &config, "one = 1\nsoft_bounce = no\n", false);
	write_at(arena, &config, "/etc/postfix/main.cf", "one = 1\nsoft_bounce = yes\n");
	render(arena, &config, "one = 1\nsoft_bounce = no\n", false);
	assert_main_cf(arena, &config, "one = 1\nsoft_bounce = no\n");
	assert_false(mr_path_exists(at(arena, &config, MR_PATH_CHANGES)));
}

static void what_a_killed_run_has_written_is_no_change_by_hand(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_config config = config_in(state);
	struct mr_rendered file = { .path = at(arena, &config, "/etc/postfix/main.cf"),
				    .content = "one = 2\n",
				    .len = 8,
				    .attrs = MR_FILE_PUBLIC,
				    .service = MR_SERVICE_POSTFIX };
	struct mr_rendering rendering = { .files = &file, .count = 1, .size = 1 };
	struct mr_change *change;

	render(arena, &config, "one = 1\n", false);
	assert_ok(mr_change_new(arena, &config, &rendering, MR_SERVICE_POSTFIX, &change, &err),
		  err);
	assert_ok(mr_change_begin(change, &err), err);
	write_at(arena, &config, "/etc/postfix/main.cf", "one = 2\n");
	/* Killed here, and once more in the next run. */
	file.content = "one = 3\n";
	assert_ok(mr_change_begin(change, &err), err);
	render(arena, &config, "one = 4\n", false);
	assert_main_cf(arena, &config, "one = 4\n");
	assert_false(mr_path_exists(at(arena, &config, MR_PATH_CHANGES)));
}

static void what_a_killed_first_run_has_not_replaced_yet_is_no_change_by_hand(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_config config = config_in(state);
	struct mr_rendered file = { .path = at(arena, &config, "/etc/postfix/main.cf"),
				    .content = "one = 1\n",
				    .len = 8,
				    .attrs = MR_FILE_PUBLIC,
				    .service = MR_SERVICE_POSTFIX };
	struct mr_rendering rendering = { .files = &file, .count = 1, .size = 1 };
	struct mr_change *change;

	assert_ok(mr_folder_make(at(arena, &config, "/etc/postfix"), MR_FILE_PUBLIC_FOLDER, &err),
		  err);
	write_at(arena, &config, "/etc/postfix/main.cf", "one = the distribution's\n");
	assert_ok(mr_change_new(arena, &config, &rendering, MR_SERVICE_POSTFIX, &change, &err),
		  err);
	assert_ok(mr_change_begin(change, &err), err);
	/* Killed here. */
	render(arena, &config, "one = 1\n", false);
	assert_main_cf(arena, &config, "one = 1\n");
	assert_false(mr_path_exists(at(arena, &config, MR_PATH_CHANGES)));
}

static void one_step_back_and_forth(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_config config = config_in(state);

	assert_int_equal(setenv("MAILREPL_DATA", getenv("MAILREPL_TEST_SOURCE"), 1), 0);
	render(arena, &config, "one = 1\n", false);
	render(arena, &config, "one = 2\n", false);
	for (int i = 0; i < 3; i++) {
		struct mr_plan plan = { 0 };

		assert_ok(mr_render_step_back_plan(arena, &config, &plan, &err), err);
		assert_int_equal(plan.count, 2); /* put back, record */
		assert_ok(mr_plan_apply(&plan, &config, NULL, &err), err);
		assert_main_cf(arena, &config, i % 2 ? "one = 2\n" : "one = 1\n");
	}
	/* It is what mailrepl wrote: no change by hand. */
	render(arena, &config, "one = 3\n", false);
	assert_main_cf(arena, &config, "one = 3\n");
	assert_false(mr_path_exists(at(arena, &config, MR_PATH_CHANGES)));
}

static void own_parameters_take_the_place_of_ours(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_config config = config_in(state);
	const char *out;

	assert_ok(mr_folder_make(at(arena, &config, MR_PATH_OWN "/postfix"), MR_FILE_PUBLIC_FOLDER,
				 &err),
		  err);
	write_at(arena, &config, MR_PATH_OWN "/postfix/main.cf",
		 "# ours\ntwo = own\n\tand more\nsix=7");
	assert_ok(mr_render_own(
			  arena, &config, "/etc/postfix/main.cf",
			  "one = 1\n# about two\ntwo =\n    a\n# in it\n    b\nthree = two = 3\n",
			  &out, &err),
		  err);
	assert_contains(out, "one = 1\n# about two\n");
	assert_contains(out, "three = two = 3\n");
	assert_null(strstr(out, "    a\n"));
	assert_null(strstr(out, "    b\n"));
	assert_true(mr_ends_with(out, "/postfix/main.cf\n# ours\ntwo = own\n\tand more\nsix=7\n"));
	assert_ok(mr_render_own(arena, &config, "/etc/postfix/master.cf", "x\n", &out, &err), err);
	assert_string_equal(out, "x\n");
}

static void own_parameters_that_are_none_are_named_with_their_line(void **state)
{
	static const struct {
		const char *own, *fault; /* NULL: none */
	} rows[] = {
		{ "# c\n\na = b\n  # in it\n  c\n", NULL },
		{ "", NULL },
		{ "  # c\na=b", NULL },
		{ "a = b\nnonsense\n", "/postfix/main.cf:2: is no parameter" },
		{ "# c\n  a = b\n", "/postfix/main.cf:2: begins with a blank" },
		{ "= b\n", "/postfix/main.cf:1: is no parameter" },
	};
	MR_ARENA arena = mr_arena_open();
	struct mr_config config = config_in(state);
	const char *out;

	assert_ok(mr_folder_make(at(arena, &config, MR_PATH_OWN "/postfix"), MR_FILE_PUBLIC_FOLDER,
				 &err),
		  err);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int rc;

		write_at(arena, &config, MR_PATH_OWN "/postfix/main.cf", rows[i].own);
		rc = mr_render_own(arena, &config, "/etc/postfix/main.cf", "one = 1\n", &out, &err);
		assert_int_equal(rc, rows[i].fault ? -1 : 0);
		if (rows[i].fault)
			assert_contains(err.message, rows[i].fault);
	}
}

static void what_a_checker_complains_of_is_where_it_was_written(void **state)
{
	static const struct {
		const char *own, *template, *said, *where;
	} rows[] = {
		{ "a = 1\nb = 2\n", "/usr/x", "postconf: warning: /s/main.cf: unused parameter: b=2",
		  "/etc/postfix/main.cf: unused parameter: b=2 (OWN:2)" },
		{ "a = 1\nb = x\n", "/usr/x", "postmap: fatal: bad numerical configuration: b = x",
		  "configuration: b = x (OWN:2)" },
		{ "a = 1\nb\n", "/usr/x", "postconf: fatal: /s/main.cf, line 6: missing '='",
		  "/etc/postfix/main.cf, line 6: missing '=' (OWN:2)" },
		{ "a = 1\n", "/usr/x", "postconf: fatal: /s/main.cf, line 2: missing '='",
		  "/etc/postfix/main.cf, line 2: missing '='" },
		{ "a = 1\n", "OVER", "postconf: fatal: /s/main.cf, line 2: missing '='",
		  "missing '=' (OVER)" },
		{ NULL, "OVER", "postconf: warning: /s/main.cf: unused parameter: one=1",
		  "one=1 (OVER)" },
		{ NULL, "/usr/x", "postmap: /s/mailrepl/x: cannot be asked",
		  "postmap: /s/mailrepl/x: cannot be asked" },
	};
	MR_ARENA arena = mr_arena_open();
	struct mr_config config = config_in(state);
	const char *own = at(arena, &config, MR_PATH_OWN "/postfix/main.cf"),
		   *over = at(arena, &config, MR_PATH_OVERRIDES "/postfix/main.cf");

	assert_ok(mr_folder_make(at(arena, &config, MR_PATH_OWN "/postfix"), MR_FILE_PUBLIC_FOLDER,
				 &err),
		  err);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct mr_rendered file = {
			.path = at(arena, &config, "/etc/postfix/main.cf"),
			.template = strcmp(rows[i].template, "OVER") == 0 ? over : rows[i].template,
			.service = MR_SERVICE_POSTFIX,
		};
		const struct mr_rendering rendering = { .files = &file, .count = 1 };
		const char *where = rows[i].where, *mark = strchr(where, '('), *got;

		if (rows[i].own)
			write_at(arena, &config, MR_PATH_OWN "/postfix/main.cf", rows[i].own);
		else
			assert_ok(mr_tree_remove(own, &err), err);
		/* The mark is in line 4. */
		file.content = mr_printf(arena, "one = 1\ntwo = 2\n%s%s", mr_render_own_mark(arena, own),
					 rows[i].own ? rows[i].own : "");
		got = mr_render_blame(arena, &config, &rendering, MR_SERVICE_POSTFIX, "/s",
				      at(arena, &config, "/etc/postfix"), rows[i].said);
		if (mark)
			where = mr_printf(arena, "%.*s(%s", (int)(mark - where), where,
					  mark[2] == 'W' ? mr_printf(arena, "%s%s", own, mark + 4)
							 : mr_printf(arena, "%s)", over));
		if (!mark && strchr(got, '('))
			fail_msg("%s", got);
		assert_contains(got, where);
	}
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, folder_setup, folder_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_FOLDER(a_change_by_hand_survives_the_next_renderings),
		IN_FOLDER(what_is_put_back_by_hand_is_forgotten),
		IN_FOLDER(the_same_lines_changed_by_both_are_an_error_and_nothing_is_written),
		IN_FOLDER(whether_postfix_defers_is_no_change_by_hand),
		IN_FOLDER(what_a_killed_run_has_written_is_no_change_by_hand),
		IN_FOLDER(what_a_killed_first_run_has_not_replaced_yet_is_no_change_by_hand),
		IN_FOLDER(one_step_back_and_forth),
		IN_FOLDER(own_parameters_take_the_place_of_ours),
		IN_FOLDER(own_parameters_that_are_none_are_named_with_their_line),
		IN_FOLDER(what_a_checker_complains_of_is_where_it_was_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
