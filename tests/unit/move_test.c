#include "test.h"

#include <sys/stat.h>

#include "base/paths.h"
#include "features/move_state.h"

static const struct {
	const char *text;
	struct mr_move move;
} moves[] = {
	{ "mail2.lan copying 7", { "mail2.lan", MR_MOVE_COPYING, 7, NULL, NULL } },
	{ "mail2.lan held 0", { "mail2.lan", MR_MOVE_HELD, 0, NULL, NULL } },
	{ "mail2.lan adopting 7 user1@mail2.lan",
	  { "mail2.lan", MR_MOVE_ADOPTING, 7, "user1@mail2.lan", NULL } },
	{ "mail2.lan moved 7 user1@mail2.lan",
	  { "mail2.lan", MR_MOVE_MOVED, 7, "user1@mail2.lan", NULL } },
	{ "mail2.lan kept 7 user1@mail2.lan 20261128120000Z",
	  { "mail2.lan", MR_MOVE_KEPT, 7, "user1@mail2.lan", "20261128120000Z" } },
	{ "mail2.lan aborting 7", { "mail2.lan", MR_MOVE_ABORTING, 7, NULL, NULL } },
};

static void assert_same(const char *a, const char *b)
{
	assert_int_equal(a == NULL, b == NULL);
	if (a)
		assert_string_equal(a, b);
}

static void each_phase_is_read_as_it_was_written(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_error err;
	struct mr_move move;

	(void)state;
	for (size_t i = 0; i < sizeof(moves) / sizeof(moves[0]); i++) {
		assert_string_equal(mr_move_format(arena, &moves[i].move), moves[i].text);
		assert_ok(mr_move_parse(arena, moves[i].text, &move, &err), err);
		assert_string_equal(move.host, moves[i].move.host);
		assert_int_equal(move.phase, moves[i].move.phase);
		assert_int_equal(move.days, moves[i].move.days);
		assert_same(move.mailbox, moves[i].move.mailbox);
		assert_same(move.until, moves[i].move.until);
	}
}

static void what_makes_no_sense_is_no_phase(void **state)
{
	static const char *const texts[] = { "",
					     "mail2.lan",
					     "mail2.lan copying",
					     "mail2.lan copying x",
					     "mail2.lan copying -1",
					     "mail2.lan copying 7 more",
					     "mail2.lan flying 7",
					     "mail2.lan adopting 7",
					     "mail2.lan kept 7 user1@mail2.lan" };
	MR_ARENA arena = mr_arena_open();
	struct mr_error err;
	struct mr_move move;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_fails(mr_move_parse(arena, texts[i], &move, &err), MR_E_PROTOCOL, err);
}

static void entries_are_left_alone_from_held_until_it_has_arrived(void **state)
{
	(void)state;
	assert_false(mr_move_is_fixed(MR_MOVE_COPYING));
	assert_true(mr_move_is_fixed(MR_MOVE_HELD));
	assert_true(mr_move_is_fixed(MR_MOVE_ADOPTING));
	assert_true(mr_move_is_fixed(MR_MOVE_ABORTING));
	assert_false(mr_move_is_fixed(MR_MOVE_MOVED));
	assert_false(mr_move_is_fixed(MR_MOVE_KEPT));
}

/* --- the folders, below *state */

static struct mr_config config;

static int folders_setup(void **state)
{
	static char root[64];
	MR_ARENA arena = mr_arena_open();
	struct mr_error err;

	if (folder_setup(state) != 0)
		return -1;
	snprintf(root, sizeof(root), "%s", (const char *)*state);
	config = (struct mr_config){ .root = root };
	return mr_folder_make(mr_path(arena, root, MR_PATH_MAILBOXES "/user1/Maildir"),
			      MR_FILE_PRIVATE_FOLDER, &err);
}

static const char *mailbox(struct mr_arena *arena, const char *name)
{
	return mr_path(arena, config.root, mr_printf(arena, MR_PATH_MAILBOXES "/%s", name));
}

static bool is_folder(const char *name)
{
	MR_ARENA arena = mr_arena_open();
	struct stat st;

	return lstat(mailbox(arena, name), &st) == 0 && S_ISDIR(st.st_mode);
}

static bool is_absent(const char *name)
{
	MR_ARENA arena = mr_arena_open();

	return !mr_path_exists(mailbox(arena, name));
}

static void a_held_mailbox_is_a_file_and_comes_back_whole(void **state)
{
	struct mr_error err;

	(void)state;
	for (int i = 0; i < 2; i++)
		assert_ok(mr_move_folder_hold(&config, "user1", &err), err);
	assert_true(mr_move_folder_is_held(&config, "user1"));
	assert_true(is_folder("=user1.old/Maildir"));
	for (int i = 0; i < 2; i++)
		assert_ok(mr_move_folder_release(&config, "user1", &err), err);
	assert_true(is_folder("user1/Maildir"));
	assert_true(is_absent("=user1.old"));
}

static void a_mailbox_that_never_had_mail_is_held_and_released_too(void **state)
{
	struct mr_error err;

	(void)state;
	assert_ok(mr_move_folder_hold(&config, "empty", &err), err);
	assert_true(mr_move_folder_is_held(&config, "empty"));
	assert_ok(mr_move_folder_release(&config, "empty", &err), err);
	assert_true(is_absent("empty"));
}

static void a_release_that_was_cut_off_is_completed(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_error err;

	(void)state;
	assert_ok(mr_move_folder_hold(&config, "user1", &err), err);
	/* Exchanged, and the file not yet removed. */
	assert_ok(mr_folder_swap(mailbox(arena, "=user1.old"), mailbox(arena, "user1"), &err), err);
	assert_ok(mr_move_folder_release(&config, "user1", &err), err);
	assert_true(is_folder("user1/Maildir"));
	assert_true(is_absent("=user1.old"));
}

static void stage(const char *name)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_error err;

	assert_ok(mr_folder_make(mr_printf(arena, "%s/Maildir/staged", mailbox(arena, name)),
				 MR_FILE_PRIVATE_FOLDER, &err),
		  err);
}

static void what_was_staged_takes_the_place_of_a_held_mailbox(void **state)
{
	struct mr_error err;

	(void)state;
	assert_ok(mr_move_folder_hold(&config, "user1", &err), err);
	stage("=user1.new");
	for (int i = 0; i < 2; i++)
		assert_ok(mr_move_folder_adopt(&config, "user1", "user1", &err), err);
	assert_true(is_folder("user1/Maildir/staged"));
	assert_true(is_absent("=user1.new"));
	assert_true(is_absent("=user1.old"));
}

static void what_was_staged_never_takes_the_place_of_mail(void **state)
{
	struct mr_error err;

	(void)state;
	stage("=user1.new");
	assert_fails(mr_move_folder_adopt(&config, "user1", "user1", &err), MR_E_EXISTS, err);
	assert_true(is_folder("user1/Maildir"));
	assert_true(is_folder("=user1.new"));
}

static void nothing_is_adopted_that_is_not_there(void **state)
{
	struct mr_error err;

	(void)state;
	assert_fails(mr_move_folder_adopt(&config, "user2", "user2", &err), MR_E_NOT_FOUND, err);
}

static void what_is_staged_for_nobody_is_swept_away(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_list wanted = { 0 };
	struct mr_error err;

	(void)state;
	stage("=user1.new");
	stage("=user2.new");
	mr_list_add(arena, &wanted, "user2");
	assert_ok(mr_move_folder_sweep(&config, &wanted, &err), err);
	assert_true(is_absent("=user1.new"));
	assert_true(is_folder("=user2.new"));
	assert_true(is_folder("user1/Maildir"));
}

#define WITH_FOLDERS(test) cmocka_unit_test_setup_teardown(test, folders_setup, folder_teardown)

static void exim_is_asked_for_what_waits_for_an_address(void **state)
{
	static const char queue[] =
		" 4m   312 1xV44q-0000Xm-1g <someone@outside.test>\n"
		"          user1@maildomain.org\n"
		"        D user1@mail1.lan\n"
		"\n"
		" 3h  2.1K 1xV44q-0000Xt-2c <user1@mail1.lan> *** frozen ***\n"
		"          USER1@mail1.lan\n"
		"          user10@mail1.lan\n";
	static const struct {
		const char *address;
		size_t want;
		bool any;
	} rows[] = {
		{ "user1@mail1.lan", 1, true },
		{ "user1@mail2.lan", 0, true },
		{ "user10@mail1.lan", 1, true },
		{ "someone@outside.test", 0, false },
	};
	bool any;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		MR_ARENA arena = mr_arena_open();

		assert_int_equal(mr_move_exim_waiting(mr_strdup(arena, queue), rows[i].address,
						      &any),
				 rows[i].want);
		assert_int_equal(any, rows[i].any);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_phase_is_read_as_it_was_written),
		cmocka_unit_test(what_makes_no_sense_is_no_phase),
		cmocka_unit_test(entries_are_left_alone_from_held_until_it_has_arrived),
		cmocka_unit_test(exim_is_asked_for_what_waits_for_an_address),
		WITH_FOLDERS(a_held_mailbox_is_a_file_and_comes_back_whole),
		WITH_FOLDERS(a_mailbox_that_never_had_mail_is_held_and_released_too),
		WITH_FOLDERS(a_release_that_was_cut_off_is_completed),
		WITH_FOLDERS(what_was_staged_takes_the_place_of_a_held_mailbox),
		WITH_FOLDERS(what_was_staged_never_takes_the_place_of_mail),
		WITH_FOLDERS(nothing_is_adopted_that_is_not_there),
		WITH_FOLDERS(what_is_staged_for_nobody_is_swept_away),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
