#include "sample_domain.h"

#include <pthread.h>
#include <sys/stat.h>
#include <time.h>

#include "base/paths.h"
#include "features/gate.h"
#include "features/render_check.h"
#include "features/render_keep.h"
#include "features/render_probe.h"

static struct mr_error err;

static void apply(const struct mr_plan *plan)
{
	for (size_t i = 0; i < plan->count; i++) {
		const struct mr_step *step = &plan->steps[i];

		if (step->kind == MR_STEP_ACTION) {
			assert_ok(step->run(step->argument, &err), err);
			continue;
		}
		assert_int_equal(step->kind, MR_STEP_FILE);
		put_file(step->path, "");
		assert_ok(mr_file_replace(step->path, step->content, step->content_len, step->attrs,
					  &err),
			  err);
	}
}

static size_t plan_and_apply(struct mr_arena *arena, const struct mr_config *config,
			     const struct mr_rendering *rendering)
{
	struct mr_plan plan = { 0 };

	assert_ok(mr_render_plan(arena, config, rendering, MR_SERVICE_POSTFIX, &plan, &err), err);
	assert_ok(mr_render_plan(arena, config, rendering, MR_SERVICE_DOVECOT, &plan, &err), err);
	apply(&plan);
	return plan.count;
}

static void a_second_plan_is_empty(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_topology topology = topology_of(arena, MR_SCHEME_INTRANET);
	struct mr_config config = config_of(*state, "mail1.lan");
	struct mr_rendering rendering = { 0 };

	render(arena, &config, &topology, false, &rendering);
	assert_int_not_equal(plan_and_apply(arena, &config, &rendering), 0);
	assert_int_equal(plan_and_apply(arena, &config, &rendering), 0);
}

static void only_what_differs_is_written(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_topology topology = topology_of(arena, MR_SCHEME_INTRANET);
	struct mr_config config = config_of(*state, "mail1.lan");
	struct mr_rendering open = { 0 }, closed = { 0 };
	struct mr_plan plan = { 0 };

	render(arena, &config, &topology, false, &open);
	render(arena, &config, &topology, true, &closed);
	plan_and_apply(arena, &config, &open);
	assert_ok(mr_render_plan(arena, &config, &closed, MR_SERVICE_POSTFIX, &plan, &err), err);
	assert_int_equal(plan.count, 3); /* keep what is there, main.cf, record it */
	assert_true(mr_ends_with(plan.steps[1].path, "/etc/postfix/main.cf"));
}

static void what_a_killed_run_did_not_record_is_recorded_by_the_next_one(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_topology topology = topology_of(arena, MR_SCHEME_INTRANET);
	struct mr_config config = config_of(*state, "mail1.lan");
	struct mr_rendering rendering = { 0 };
	struct mr_plan plan = { 0 }, again = { 0 };
	const char *roles = mr_printf(arena, "%s/etc/postfix/mailrepl/roles", config.root);

	render(arena, &config, &topology, false, &rendering);
	assert_ok(mr_render_plan(arena, &config, &rendering, MR_SERVICE_POSTFIX, &plan, &err), err);
	plan.count--; /* all but the last step, which records it */
	apply(&plan);
	assert_null(mr_kept_text(arena, &config, MR_PATH_WRITTEN, roles));
	assert_ok(mr_render_plan(arena, &config, &rendering, MR_SERVICE_POSTFIX, &again, &err),
		  err);
	assert_int_equal(again.count, 1);
	apply(&again);
	assert_non_null(mr_kept_text(arena, &config, MR_PATH_WRITTEN, roles));
	assert_int_equal(plan_and_apply(arena, &config, &rendering) > 0, true); /* dovecot's */
	assert_int_equal(plan_and_apply(arena, &config, &rendering), 0);
}

struct gate_change {
	const char *due;
	int lock;
};

static void *end_gate_change(void *argument)
{
	const struct timespec while_it_is_planned = { 0, 200000000 };
	const struct gate_change *change = argument;

	nanosleep(&while_it_is_planned, NULL);
	assert_int_equal(unlink(change->due), 0);
	mr_lock_close(change->lock);
	return NULL;
}

static void a_gate_that_is_just_being_put_in_force_is_waited_for_and_not_made_up_for(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_topology topology = topology_of(arena, MR_SCHEME_INTRANET);
	struct mr_config config = config_of(*state, "mail1.lan");
	struct mr_rendering rendering = { 0 };
	struct gate_change change = { mr_path(arena, config.root, MR_PATH_DUE_GATE), -1 };
	pthread_t watch;

	render(arena, &config, &topology, false, &rendering);
	plan_and_apply(arena, &config, &rendering);
	put_file(mr_path(arena, config.root, MR_PATH_GATE_LOCK), "");
	put_file(change.due, "reload");
	change.lock = mr_gate_lock(&config);
	assert_true(change.lock >= 0);
	assert_int_equal(pthread_create(&watch, NULL, end_gate_change, &change), 0);
	assert_int_equal(plan_and_apply(arena, &config, &rendering), 0);
	assert_int_equal(pthread_join(watch, NULL), 0);
	/* One that was left is. */
	put_file(change.due, "reload");
	assert_int_equal(plan_and_apply(arena, &config, &rendering), 1);
	assert_int_equal(plan_and_apply(arena, &config, &rendering), 0);
}

static void a_relay_neither_writes_nor_starts_dovecot(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_topology topology = topology_of(arena, MR_SCHEME_INTRANET);
	struct mr_config config = config_of("", "relay.lan");
	struct mr_rendering rendering = { 0 };
	struct mr_plan plan = { 0 };

	(void)state;
	render(arena, &config, &topology, false, &rendering);
	assert_ok(mr_render_plan(arena, &config, &rendering, MR_SERVICE_DOVECOT, &plan, &err), err);
	assert_int_equal(plan.count, 0);
}

static void what_lay_there_is_kept_once_and_comes_back(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_topology topology = topology_of(arena, MR_SCHEME_INTRANET);
	struct mr_config config = config_of(*state, "mail1.lan");
	struct mr_rendering first = { 0 }, second = { 0 };
	struct mr_plan undo = { 0 }, again = { 0 };
	const char *main_cf = mr_printf(arena, "%s/etc/postfix/main.cf", config.root);
	const char *roles = mr_printf(arena, "%s/etc/postfix/mailrepl/roles", config.root);
	struct stat st;

	put_file(main_cf, "mine\n");
	assert_int_equal(chmod(main_cf, 0640), 0);
	render(arena, &config, &topology, false, &first);
	render(arena, &config, &topology, true, &second);
	plan_and_apply(arena, &config, &first);
	plan_and_apply(arena, &config, &second);
	assert_string_equal(
		text_at(arena, mr_kept_find(arena, &config, MR_PATH_ORIGINAL, main_cf).copy),
		"mine\n");
	assert_ok(mr_render_undo_plan(arena, &config, &undo, &err), err);
	apply(&undo);
	assert_string_equal(text_at(arena, main_cf), "mine\n");
	assert_int_equal(stat(main_cf, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0640);
	assert_false(mr_path_exists(roles));
	assert_ok(mr_render_undo_plan(arena, &config, &again, &err), err);
	assert_int_equal(again.count, 0);
}

/* doveconf reads certificates while it checks. */
static void a_service_refuses_its_staged_files_in_its_own_words(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_topology topology = topology_of(arena, MR_SCHEME_INTRANET);
	struct mr_config config = config_of(*state, "mail1.lan");
	struct mr_rendering good = { 0 }, bad = { 0 };

	put_file(mr_path(arena, config.root, MR_PATH_CA_CERT), "x\n");
	put_file(mr_path(arena, config.root, MR_PATH_HOST_CERT), "x\n");
	put_file(mr_path(arena, config.root, MR_PATH_HOST_KEY), "x\n");
	render(arena, &config, &topology, false, &good);
	assert_ok(mr_render_check(&config, &good, MR_SERVICE_DOVECOT, &err), err);
	put_file(mr_printf(arena, "%s%s/dovecot/dovecot.conf", config.root, MR_PATH_OVERRIDES),
		 "nonsense = 1\n");
	render(arena, &config, &topology, false, &bad);
	assert_fails(mr_render_check(&config, &bad, MR_SERVICE_DOVECOT, &err), MR_E_CONFIG, err);
	assert_contains(err.message, "nonsense");
	assert_false(mr_path_exists(
		mr_printf(arena, "%s/var/lib/mailrepl/.check-dovecot", config.root)));
	assert_false(mr_path_exists(mr_printf(arena, "%s/etc/dovecot", config.root)));
}

/* Where a test's folder holds what Postfix gets on mail1.lan. */
static const char *stage_postfix(struct mr_arena *arena, const char *folder)
{
	struct mr_topology topology = topology_of(arena, MR_SCHEME_SERVER_MX);
	struct mr_config config = config_of("", "mail1.lan");
	const char *staging = mr_printf(arena, "%s/staging", folder);
	struct mr_rendering rendering = { 0 };

	render(arena, &config, &topology, false, &rendering);
	for (size_t i = 0; i < rendering.count; i++)
		if (rendering.files[i].service == MR_SERVICE_POSTFIX) {
			const char *path =
				mr_printf(arena, "%s%s", staging,
					  rendering.files[i].path + strlen(MR_PATH_POSTFIX));

			put_file(path, rendering.files[i].content);
			assert_ok(mr_render_age(path, &err), err);
		}
	return staging;
}

static void static_tables_are_tried_out_where_no_directory_answers(void **state)
{
	static const struct {
		const char *table, *text, *want;
	} cases[] = {
		{ "hosts", "mail1.lan peers_only\nmail2.lan\n", "find \"mail2.lan\"" },
		{ "open", "# none\nmaildomain.org OK\n continued\nother.org\tOK  \n", NULL },
		{ "open", "a.org OK\nA.org NO\na.org no\n", NULL },
		{ "roles", "postmaster@maildomain.org root@localhost\n",
		  "postmaster@other.org is in no" },
		{ "transport", "no-such-user.mailrepl-probe smtp:\n",
		  "\"no-such-user.mailrepl-probe\"" },
	};
	MR_ARENA arena = mr_arena_open();
	struct mr_config config = config_of(*state, "mail1.lan");
	const char *staging = stage_postfix(arena, *state);

	assert_ok(mr_render_probe(&config, staging, &err), err);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *path = mr_printf(arena, "%s/mailrepl/%s", staging, cases[i].table);
		const char *right = text_at(arena, path);

		put_file(path, cases[i].text);
		assert_ok(mr_render_age(path, &err), err);
		if (cases[i].want) {
			assert_fails(mr_render_probe(&config, staging, &err), MR_E_CONFIG, err);
			assert_contains(err.message, cases[i].want);
		} else {
			assert_ok(mr_render_probe(&config, staging, &err), err);
		}
		put_file(path, right);
		assert_ok(mr_render_age(path, &err), err);
	}
}

static void a_replaced_file_looks_old_enough_for_postfix(void **state)
{
	MR_ARENA arena = mr_arena_open();
	const char *path = mr_printf(arena, "%s/main.cf", *(char **)state);
	struct stat st;

	put_file(path, "x\n");
	assert_ok(mr_render_age(path, &err), err);
	assert_int_equal(stat(path, &st), 0);
	/* dict_load_file_xt(): st_mtime < now - 1, and a second may have passed since */
	assert_true(st.st_mtime < time(NULL) - 1);
	assert_string_equal(text_at(arena, path), "x\n");
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, folder_setup, folder_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_FOLDER(a_second_plan_is_empty),
		IN_FOLDER(only_what_differs_is_written),
		IN_FOLDER(what_a_killed_run_did_not_record_is_recorded_by_the_next_one),
		IN_FOLDER(a_gate_that_is_just_being_put_in_force_is_waited_for_and_not_made_up_for),
		cmocka_unit_test(a_relay_neither_writes_nor_starts_dovecot),
		IN_FOLDER(what_lay_there_is_kept_once_and_comes_back),
		IN_FOLDER(a_service_refuses_its_staged_files_in_its_own_words),
		IN_FOLDER(static_tables_are_tried_out_where_no_directory_answers),
		IN_FOLDER(a_replaced_file_looks_old_enough_for_postfix),
	};

	setenv("MAILREPL_DATA", source(), 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
