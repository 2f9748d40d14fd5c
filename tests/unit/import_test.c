#include "test.h"

#include "features/import.h"
#include "features/userlist.h"

/* The facts of the plan tests: anna at mail1.lan, bert at mail2.lan; mail1.lan is the home. */
struct world {
	struct mr_arena *arena;
	struct mr_config config;
	struct mr_directory *dir;
	struct mr_topology topology;
};

static int open_world(void **state)
{
	struct world *world = calloc(1, sizeof(*world));
	const struct mr_search find = { .base = mr_dit_all(MR_MAIL), .filter = MR_TOPOLOGY_FILTER };
	struct mr_entries found = { 0 };
	struct mr_error err = { 0 };
	char *ldif;

	world->arena = mr_arena_open();
	world->config = (struct mr_config){ .root = "/nonexistent", .host = "mail1.lan" };
	assert_ok(mr_file_read(world->arena,
			       mr_printf(world->arena, "%s/tests/plan/three-hosts.ldif",
					 getenv("MAILREPL_TEST_SOURCE")),
			       1 << 20, &ldif, NULL, &err),
		  err);
	assert_ok(mr_directory_open_memory(ldif, &world->dir, &err), err);
	assert_ok(mr_directory_list(world->dir, world->arena, &find, &found, &err), err);
	assert_ok(mr_topology_parse(world->arena, &found, &world->topology, &err), err);
	*state = world;
	return 0;
}

static int close_world(void **state)
{
	struct world *world = *state;

	mr_directory_close(world->dir);
	mr_arena_close(world->arena);
	free(world);
	return 0;
}

/* "line: problem" lines, then the plan's, as text. */
static void import_text(struct world *world, const char *text, struct mr_import_file *file,
			struct mr_import *import, struct mr_buf *out)
{
	struct mr_error err = { 0 };
	struct mr_plan plan = { 0 };

	mr_import_file_parse(world->arena, "users", text, strlen(text), file);
	assert_ok(mr_import_check(world->arena, &world->config, world->dir, &world->topology, NULL,
				  file, import, &err),
		  err);
	for (size_t i = 0; i < file->problem_count; i++)
		mr_buf_printf(out, "%lu: %s\n", file->problems[i].line, file->problems[i].text);
	mr_import_plan(import, &plan);
	mr_plan_format(&plan, false, out);
}

static void assert_import(struct world *world, const char *text, const char *want)
{
	struct mr_import_file file;
	struct mr_import import;
	MR_BUF got = { 0 };

	import_text(world, text, &file, &import, &got);
	assert_string_equal(mr_buf_text(&got), want);
	mr_import_close(&import);
	mr_import_file_close(&file);
}

static void few_users_are_added_at_their_owners(void **state)
{
	assert_import(*state,
		      "user,addresses,host\nc1,c1@maildomain.org,\nc2,c2@maildomain.org,mail2.lan\n"
		      "c3,,\n",
		      "  1. take 2 uidNumbers of mail1.lan\n  2. add 2 users at mail1.lan\n"
		      "  3. take 1 uidNumbers of mail2.lan\n  4. add 1 users at mail2.lan\n");
}

static void many_users_of_this_host_are_appended_beside(void **state)
{
	MR_BUF text = { 0 };

	mr_buf_puts(&text, "user,addresses\n");
	for (int i = 0; i < MR_IMPORT_MANY; i++)
		mr_buf_printf(&text, "c%d,c%d@maildomain.org\n", i, i);
	assert_import(
		*state, mr_buf_text(&text),
		"  1. take 500 uidNumbers of mail1.lan\n"
		"  2. append 500 users to copies of the databases of mail1.lan, and put these "
		"in their place (slapd is away for a moment)\n");
}

static void who_is_there_just_so_is_left_out(void **state)
{
	assert_import(*state, "user,addresses\nanna,Anna@maildomain.org a.smith@maildomain.org\n",
		      "nothing to do\n");
}

static void whose_route_is_missing_gets_it(void **state)
{
	struct world *world = *state;
	struct mr_error err = { 0 };

	assert_ok(mr_directory_delete(world->dir,
				      "uid=anna,cn=mail1.lan,ou=Mail,ou=Owned,dc=mailrepl", &err),
		  err);
	assert_import(world, "user,addresses\nanna,anna@maildomain.org a.smith@maildomain.org\n",
		      "  1. add 1 users at mail1.lan\n");
}

static void what_is_taken_is_named_with_its_line(void **state)
{
	assert_import(
		*state,
		"user,addresses,host\n"
		"c1,bert@maildomain.org,\n"
		"bert,c2@maildomain.org,\n"
		"anna,other@maildomain.org,\n"
		"c3,c3@elsewhere.test,\n"
		"c4,c4@maildomain.org,relay.lan\n"
		"c5,c5@maildomain.org c4@maildomain.org,\n"
		"c5,postmaster@maildomain.org,\n",
		"2: bert@maildomain.org: already owned by mail2.lan (mailbox bert)\n"
		"3: user bert: already owned by mail2.lan\n"
		"4: user anna exists with other addresses (anna@maildomain.org, "
		"a.smith@maildomain.org); cl-useradd only adds users, nothing was changed\n"
		"5: c3@elsewhere.test: unknown mail domain elsewhere.test (known: "
		"maildomain.org)\n"
		"6: relay.lan is a relay, it holds no mailboxes and no accounts: run this on a "
		"mail server (mail1.lan, mail2.lan, mail4.lan)\n"
		"7: c4@maildomain.org: also in line 6\n"
		"8: postmaster@maildomain.org: a role address belongs to nobody; \"cl-setup "
		"--postmaster\" says where its mail goes\n"
		"8: c5: also in line 7\n"
		"nothing to do\n");
}

static void an_account_alone_has_a_shell_and_no_address(void **state)
{
	struct world *world = *state;
	struct mr_import_file file;
	struct mr_import import;
	struct mr_error err = { 0 };
	struct mr_entry *entry;
	MR_BUF ignored = { 0 };

	import_text(world, "user\nc1\nc2\n", &file, &import, &ignored);
	/* Not through the plan: its steps look at a clock that memory does not have. */
	assert_int_equal(import.items[0].state, MR_IMPORT_NEW);
	entry = mr_import_account(world->arena, &import.items[0], "dc=x");
	assert_string_equal(mr_entry_value(entry, "loginShell"), "/bin/bash");
	assert_null(mr_entry_value(entry, "mail"));
	assert_int_equal(err.code, MR_E_OK);
	mr_import_close(&import);
	mr_import_file_close(&file);
}

static int show(void *context, const struct mr_userlist_row *row, struct mr_error *err)
{
	struct mr_buf *out = context;
	MR_ARENA arena = mr_arena_open();

	(void)err;
	mr_buf_printf(out, "%s %s %s %s [%s]\n", mr_user_kind_word(row->kind), row->name,
		      row->owner, mr_list_join(arena, &row->addresses, ","),
		      mr_userlist_state(arena, row));
	return 0;
}

static void assert_list(struct world *world, struct mr_userlist list, const char *want)
{
	struct mr_error err = { 0 };
	MR_BUF got = { 0 };

	list.users = list.groups = true;
	list.services = MR_MAIL | MR_UNIX;
	assert_ok(mr_userlist_visit(world->dir, &list, show, &got, &err), err);
	assert_string_equal(mr_buf_text(&got), want);
}

#define ANNA "user anna mail1.lan anna@maildomain.org,a.smith@maildomain.org []\n"
#define BERT "user bert mail2.lan bert@maildomain.org []\n"

static void users_are_listed_and_filtered(void **state)
{
	assert_list(*state, (struct mr_userlist){ 0 }, ANNA BERT);
	assert_list(*state, (struct mr_userlist){ .host = "mail2.lan" }, BERT);
	assert_list(*state, (struct mr_userlist){ .pattern = "A.*@*" }, ANNA);
	assert_list(*state, (struct mr_userlist){ .domain = "other.test" }, "");
	assert_list(*state, (struct mr_userlist){ .domain = "maildomain.org", .pattern = "bert" },
		    BERT);
}

static void who_is_half_there_is_said_to_be(void **state)
{
	struct world *world = *state;
	struct mr_error err = { 0 };

	assert_ok(
		mr_directory_delete(world->dir, "uid=anna,cn=mail1.lan,ou=Mail,dc=mailrepl", &err),
		err);
	assert_ok(
		mr_directory_delete(world->dir, "uid=bert,cn=mail2.lan,ou=Unix,dc=mailrepl", &err),
		err);
	assert_list(world, (struct mr_userlist){ 0 },
		    "user anna mail1.lan anna@maildomain.org,a.smith@maildomain.org [no route]\n"
		    "user bert mail2.lan bert@maildomain.org [no account]\n");
}

static void a_route_with_more_to_tell_tells_it(void **state)
{
	struct world *world = *state;
	struct mr_mod mods[] = { { .op = MR_MOD_ADD, .attr.name = "objectClass" },
				 { .op = MR_MOD_ADD, .attr.name = "mailReplForward" },
				 { .op = MR_MOD_ADD, .attr.name = "mailReplAccess" } };
	struct mr_error err = { 0 };

	mr_list_add(world->arena, &mods[0].attr.values, "mailReplRecipient");
	mr_list_add(world->arena, &mods[1].attr.values, "x@outside.test");
	mr_list_add(world->arena, &mods[2].attr.values, "deferred");
	assert_ok(mr_directory_modify(world->dir, "uid=bert,cn=mail2.lan,ou=Mail,dc=mailrepl", mods,
				      3, &err),
		  err);
	assert_list(world, (struct mr_userlist){ .host = "mail2.lan" },
		    "user bert mail2.lan bert@maildomain.org [deferred, forwarded]\n");
}

#define IN_WORLD(test) cmocka_unit_test_setup_teardown(test, open_world, close_world)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_WORLD(few_users_are_added_at_their_owners),
		IN_WORLD(many_users_of_this_host_are_appended_beside),
		IN_WORLD(who_is_there_just_so_is_left_out),
		IN_WORLD(whose_route_is_missing_gets_it),
		IN_WORLD(what_is_taken_is_named_with_its_line),
		IN_WORLD(an_account_alone_has_a_shell_and_no_address),
		IN_WORLD(users_are_listed_and_filtered),
		IN_WORLD(who_is_half_there_is_said_to_be),
		IN_WORLD(a_route_with_more_to_tell_tells_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
