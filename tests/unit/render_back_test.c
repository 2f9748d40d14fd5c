#include "test.h"

#include "base/paths.h"
#include "features/apply.h"
#include "features/render_back.h"
#include "features/render_hand.h"

#define MAIN_CF "/etc/postfix/main.cf"
#define ROLES "/etc/postfix/mailrepl/roles"
#define DOVECOT "/etc/dovecot/dovecot.conf"

static struct mr_error err;

/* What lies at those three; "" where nothing does. */
struct texts {
	const char *main_cf, *roles, *dovecot;
};

static const struct texts a = { "main = a\nsoft_bounce = no\n", "roles a\n", "dovecot a\n" };
static const struct texts b = { "main = b\nsoft_bounce = no\n", "roles a\n", "dovecot b\n" };
static const struct texts c = { "main = c\nsoft_bounce = no\n", "roles c\n", "dovecot c\n" };

static struct mr_config config_in(void **state)
{
	return (struct mr_config){ .root = *state, .host = "mail1.lan", .mail_manage = true };
}

static void add_file(struct mr_arena *arena, const struct mr_config *config, const char *path,
		     const char *text, enum mr_service_name service, struct mr_rendering *out)
{
	out->files[out->count++] = (struct mr_rendered){ .path = mr_path(arena, config->root, path),
							 .content = text,
							 .len = strlen(text),
							 .attrs = MR_FILE_PUBLIC,
							 .service = service };
}

static struct mr_plan render_plan(struct mr_arena *arena, const struct mr_config *config,
				  const struct texts *texts)
{
	struct mr_rendering *rendering = MR_NEW(arena, struct mr_rendering);
	struct mr_plan plan = { 0 };

	rendering->files = MR_NEW_ARRAY(arena, struct mr_rendered, 3);
	add_file(arena, config, ROLES, texts->roles, MR_SERVICE_POSTFIX, rendering);
	add_file(arena, config, MAIN_CF, texts->main_cf, MR_SERVICE_POSTFIX, rendering);
	add_file(arena, config, DOVECOT, texts->dovecot, MR_SERVICE_DOVECOT, rendering);
	assert_ok(mr_render_hand_plan(arena, config, false, false, rendering, &plan, &err), err);
	assert_ok(mr_render_plan(arena, config, rendering, MR_SERVICE_POSTFIX, &plan, &err), err);
	assert_ok(mr_render_plan(arena, config, rendering, MR_SERVICE_DOVECOT, &plan, &err), err);
	return plan;
}

static struct mr_plan back_plan(struct mr_arena *arena, const struct mr_config *config)
{
	struct mr_plan plan = { 0 };

	assert_ok(mr_render_step_back_plan(arena, config, &plan, &err), err);
	return plan;
}

static void apply(const struct mr_config *config, const struct mr_plan *plan)
{
	assert_ok(mr_plan_apply(plan, config, NULL, &err), err);
}

static void render(const struct mr_config *config, const struct texts *texts)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_plan plan = render_plan(arena, config, texts);

	apply(config, &plan);
}

static void back(const struct mr_config *config)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_plan plan = back_plan(arena, config);

	apply(config, &plan);
}

static const char *text_at(struct mr_arena *arena, const struct mr_config *config, const char *path)
{
	char *text;

	return mr_file_read(arena, mr_path(arena, config->root, path), 4096, &text, NULL, &err) < 0
		       ? ""
		       : text;
}

static void assert_texts(const struct mr_config *config, const struct texts *want, size_t step)
{
	MR_ARENA arena = mr_arena_open();
	const char *got = mr_printf(arena, "after step %zu: %s%s%s", step,
				    text_at(arena, config, MAIN_CF), text_at(arena, config, ROLES),
				    text_at(arena, config, DOVECOT));

	assert_string_equal(got, mr_printf(arena, "after step %zu: %s%s%s", step, want->main_cf,
					   want->roles, want->dovecot));
}

static void assert_nothing_left(const struct mr_config *config, const char *service)
{
	static const char *const parts[] = { ".pending", ".undone", ".redo", ".over", ".new" };
	MR_ARENA arena = mr_arena_open();

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		assert_false(mr_path_exists(mr_printf(arena, "%s%s/%s%s", config->root,
						      MR_PATH_BEFORE, service, parts[i])));
	assert_false(mr_path_exists(mr_printf(arena, "%s%s/.due-%s", config->root, MR_PATH_STATE,
					      service)));
	assert_false(mr_path_exists(mr_path(arena, config->root, MR_PATH_UNDOING)));
}

/* Every step is its own: what a kill between two of them leaves. */
static size_t begin(const struct mr_config *config, struct mr_plan plan, size_t steps)
{
	size_t count = plan.count;

	plan.count = steps < count ? steps : count;
	apply(config, &plan);
	return count;
}

/* From a to b, and `steps` steps of the way back. */
static size_t begin_back(const struct mr_config *config, size_t steps)
{
	MR_ARENA arena = mr_arena_open();

	render(config, &a);
	render(config, &b);
	return begin(config, back_plan(arena, config), steps);
}

static void fresh(void **state, struct mr_config *config, size_t run)
{
	MR_ARENA arena = mr_arena_open();

	*config = config_in(state);
	config->root = mr_printf(arena, "%s/%zu", (const char *)*state, run);
	config->root = strdup(config->root);
	assert_int_equal(setenv("MAILREPL_DATA", getenv("MAILREPL_TEST_SOURCE"), 1), 0);
}

static void a_way_back_that_was_cut_off_comes_to_its_end_and_is_not_undone_again(void **state)
{
	struct mr_config config;

	for (size_t steps = 0, count = 1; steps < count; steps++) {
		fresh(state, &config, steps);
		count = begin_back(&config, steps);
		assert_int_equal(count, 4); /* postfix: put back, record; dovecot, too */
		back(&config);
		assert_texts(&config, &a, steps);
		assert_nothing_left(&config, "postfix");
		assert_nothing_left(&config, "dovecot");
		back(&config);
		assert_texts(&config, &b, steps);
		free((void *)config.root);
	}
}

/* Of the first file it is known that it will be ours, and it does not lie there yet. */
static void a_way_back_that_has_only_begun_changes_nothing_when_it_is_given_up(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_config config;
	const char *main_cf;

	fresh(state, &config, 0);
	main_cf = mr_path(arena, config.root, MAIN_CF);
	begin_back(&config, 1);
	assert_ok(mr_file_replace(main_cf, b.main_cf, strlen(b.main_cf), MR_FILE_PUBLIC, &err), err);
	render(&config, &b);
	assert_texts(&config, &b, 1);
	free((void *)config.root);
}

static void a_way_back_that_was_cut_off_and_given_up_can_be_gone_later(void **state)
{
	struct mr_config config;

	for (size_t steps = 0, count = 1; steps < count; steps++) {
		fresh(state, &config, steps);
		count = begin_back(&config, steps);
		render(&config, &b);
		assert_texts(&config, &b, steps);
		back(&config);
		assert_texts(&config, &a, steps);
		assert_nothing_left(&config, "postfix");
		assert_nothing_left(&config, "dovecot");
		free((void *)config.root);
	}
}

static void what_was_there_before_a_way_back_that_was_cut_off_is_what_is_put_back_after_it(void **state)
{
	struct mr_config config;

	/* Of Postfix all files, of Dovecot none yet. */
	fresh(state, &config, 0);
	begin_back(&config, 1);
	render(&config, &c);
	assert_texts(&config, &c, 1);
	back(&config);
	assert_texts(&config, &b, 1);
	assert_nothing_left(&config, "postfix");
	free((void *)config.root);
}

static void a_rendering_that_was_cut_off_is_taken_back(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_config config;

	/* The first step keeps what is there. */
	for (size_t steps = 1; steps < 4; steps++) {
		fresh(state, &config, steps);
		render(&config, &a);
		render(&config, &b);
		begin(&config, render_plan(arena, &config, &c), steps);
		back(&config);
		assert_texts(&config, &b, steps);
		assert_nothing_left(&config, "postfix");
		/* And what it would have been is no change by hand. */
		render(&config, &c);
		assert_texts(&config, &c, steps);
		assert_nothing_left(&config, "postfix");
		free((void *)config.root);
	}
}

static void another_rendering_after_one_that_was_cut_off_is_undone_as_a_whole(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_config config;

	for (size_t steps = 1; steps < 3; steps++) {
		fresh(state, &config, steps);
		render(&config, &a);
		begin(&config, render_plan(arena, &config, &b), steps);
		render(&config, &c);
		assert_texts(&config, &c, steps);
		back(&config);
		assert_texts(&config, &a, steps);
		free((void *)config.root);
	}
}

static void a_change_that_was_given_up_half_way_is_none(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_config config;

	fresh(state, &config, 0);
	render(&config, &a);
	render(&config, &b);
	begin(&config, render_plan(arena, &config, &c), 2);
	render(&config, &b);
	assert_nothing_left(&config, "postfix");
	back(&config);
	assert_texts(&config, &a, 2);
	free((void *)config.root);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, folder_setup, folder_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_FOLDER(a_way_back_that_was_cut_off_comes_to_its_end_and_is_not_undone_again),
		IN_FOLDER(a_way_back_that_has_only_begun_changes_nothing_when_it_is_given_up),
		IN_FOLDER(a_way_back_that_was_cut_off_and_given_up_can_be_gone_later),
		IN_FOLDER(what_was_there_before_a_way_back_that_was_cut_off_is_what_is_put_back_after_it),
		IN_FOLDER(a_rendering_that_was_cut_off_is_taken_back),
		IN_FOLDER(another_rendering_after_one_that_was_cut_off_is_undone_as_a_whole),
		IN_FOLDER(a_change_that_was_given_up_half_way_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
