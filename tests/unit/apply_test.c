#include "test.h"

#include <sys/stat.h>
#include <time.h>

#include "adapters/directory_backend.h"
#include "features/apply.h"
#include "features/csn.h"
#include "features/instance.h"
#include "features/skew.h"

static const char facts[] =
	"dn: ou=Mail,dc=mailrepl\nobjectClass: organizationalUnit\nou: Mail\n\n"
	"dn: uid=old,ou=Mail,dc=mailrepl\nobjectClass: Account\nuid: old\nhost: a\n";

/* What instance.h's openers give instead of a connection; they are wrapped (ld --wrap). */
static struct {
	struct mr_directory *own, *peer;
	int own_opened, peer_opened;
} world;

int __wrap_mr_instance_open(struct mr_arena *arena, const struct mr_config *config,
			    struct mr_directory **out, struct mr_error *err);
int __wrap_mr_instance_open_peer(struct mr_arena *arena, const struct mr_config *config,
				 const char *folder, const char *host, struct mr_directory **out,
				 struct mr_error *err);

int __wrap_mr_instance_open(struct mr_arena *arena, const struct mr_config *config,
			    struct mr_directory **out, struct mr_error *err)
{
	(void)arena, (void)config;
	world.own_opened++;
	*out = world.own;
	world.own = NULL;
	return *out ? 0 : mr_fail(err, MR_E_UNAVAILABLE, "nobody answers");
}

int __wrap_mr_instance_open_peer(struct mr_arena *arena, const struct mr_config *config,
				 const char *folder, const char *host, struct mr_directory **out,
				 struct mr_error *err)
{
	(void)arena, (void)config, (void)folder, (void)err;
	assert_string_equal(host, "mail2.lan");
	world.peer_opened++;
	*out = world.peer;
	return 0;
}

/* The memory directory, whose close is the applier's affair, must outlive it to be looked at. */
static int closed;
static void count_close(struct mr_directory *dir)
{
	(void)dir;
	closed++;
}

struct fixture {
	struct mr_arena *arena;
	struct mr_directory *dir;
	struct mr_config config;
	struct mr_plan plan;
	struct mr_error err;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	memset(&world, 0, sizeof(world));
	closed = 0;
	f->arena = mr_arena_open();
	f->config = (struct mr_config){ .root = "", .host = "mail1.lan" };
	*state = f;
	return mr_directory_open_memory(facts, &f->dir, &f->err);
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	mr_directory_close(f->dir);
	mr_arena_close(f->arena);
	free(f);
	return 0;
}

static struct mr_entry *account(struct fixture *f, const char *uid, const char *host)
{
	struct mr_entry *entry =
		mr_entry_new(f->arena, mr_dn(f->arena, "uid", uid, "ou=Mail,dc=mailrepl"));

	mr_entry_add(f->arena, entry, "objectClass", "account");
	mr_entry_add(f->arena, entry, "uid", uid);
	mr_entry_add(f->arena, entry, "host", host);
	return entry;
}

static const char *host_of(struct fixture *f, struct mr_directory *dir, const char *uid)
{
	struct mr_entry *entry;

	assert_ok(mr_directory_read(dir, f->arena,
				    mr_dn(f->arena, "uid", uid, "ou=Mail,dc=mailrepl"), NULL,
				    &entry, &f->err),
		  f->err);
	return entry ? mr_entry_value(entry, "host") : NULL;
}

static int apply(struct fixture *f)
{
	return mr_plan_apply(&f->plan, &f->config, f->dir, &f->err);
}

static int count_run(void *argument, struct mr_error *err)
{
	(void)err;
	++*(int *)argument;
	return 0;
}

static int fail_run(void *argument, struct mr_error *err)
{
	(void)argument;
	return mr_fail(err, MR_E_IO, "the disk is full");
}

static void add_modify_and_delete_reach_the_directory(void **state)
{
	struct fixture *f = *state;
	struct mr_entry *gone = account(f, "gone", "a"), *old = account(f, "old", "a"),
			*wanted = account(f, "old", "b");

	mr_plan_add_entry(f->arena, &f->plan, NULL, account(f, "new", "x"), "add new");
	mr_plan_add_entry(f->arena, &f->plan, "mail1.lan", gone, "add gone");
	mr_plan_update_entry(f->arena, &f->plan, NULL, old, wanted, NULL, "change old");
	mr_plan_delete_entry(f->arena, &f->plan, NULL, gone->dn, "delete gone");
	assert_ok(apply(f), f->err);
	assert_string_equal(host_of(f, f->dir, "new"), "x");
	assert_string_equal(host_of(f, f->dir, "old"), "b");
	assert_null(host_of(f, f->dir, "gone"));
	assert_int_equal(world.own_opened + world.peer_opened, 0);
}

static void what_is_done_already_is_done_again_without_complaint(void **state)
{
	struct fixture *f = *state;

	/* the server's "Account" is our "account" */
	mr_plan_add_entry(f->arena, &f->plan, NULL, account(f, "old", "a"), "add old");
	mr_plan_delete_entry(f->arena, &f->plan, NULL, account(f, "never", "a")->dn,
			     "delete never");
	assert_ok(apply(f), f->err);
}

static void an_add_onto_another_entry_stops_the_plan_there(void **state)
{
	struct fixture *f = *state;
	int runs = 0;

	mr_plan_action(f->arena, &f->plan, count_run, &runs, "before");
	mr_plan_add_entry(f->arena, &f->plan, NULL, account(f, "old", "other"), "add old");
	mr_plan_action(f->arena, &f->plan, count_run, &runs, "after");
	assert_fails(apply(f), MR_E_EXISTS, f->err);
	assert_contains(f->err.message, "add old: ");
	assert_int_equal(runs, 1);
	assert_string_equal(host_of(f, f->dir, "old"), "a");
}

static void an_action_that_fails_stops_the_plan(void **state)
{
	struct fixture *f = *state;
	int runs = 0;

	mr_plan_action(f->arena, &f->plan, fail_run, NULL, "write it");
	mr_plan_action(f->arena, &f->plan, count_run, &runs, "after");
	assert_fails(apply(f), MR_E_IO, f->err);
	assert_string_equal(f->err.message, "write it: the disk is full");
	assert_int_equal(runs, 0);
}

static void a_file_gets_its_folder_content_and_mode(void **state)
{
	struct fixture *f = *state;
	char folder[] = "/tmp/mailrepl-test-XXXXXX", *text;
	MR_SECRET secret = { 0 };
	struct mr_step *step;
	struct stat st;
	const char *path;

	assert_non_null(mkdtemp(folder));
	path = mr_printf(f->arena, "%s/a/b/key", folder);
	mr_plan_file(f->arena, &f->plan, path, "text", MR_FILE_PUBLIC, "write text");
	assert_ok(apply(f), f->err);
	assert_ok(mr_file_read(f->arena, path, 100, &text, NULL, &f->err), f->err);
	assert_string_equal(text, "text");

	mr_secret_set(&secret, "key", 3);
	f->plan.count = 0;
	step = mr_plan_step(f->arena, &f->plan, MR_STEP_FILE, "write key");
	step->path = path;
	step->secret_content = &secret;
	step->attrs = MR_FILE_PRIVATE;
	assert_ok(apply(f), f->err);
	assert_ok(mr_file_read(f->arena, path, 100, &text, NULL, &f->err), f->err);
	assert_string_equal(text, "key");
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_ok(mr_tree_remove(folder, &f->err), f->err);
}

static void tell_what_was_taken_back(void *argument, struct mr_error *why)
{
	(*(int *)argument)++;
	mr_fail(why, why->code, "%s; taken back", why->message);
}

static void a_file_that_cannot_be_written_has_those_before_it_taken_back(void **state)
{
	struct fixture *f = *state;
	char folder[] = "/tmp/mailrepl-test-XXXXXX";
	int taken_back = 0;

	assert_non_null(mkdtemp(folder));
	mr_plan_file(f->arena, &f->plan, mr_printf(f->arena, "%s/one", folder), "1", MR_FILE_PUBLIC,
		     "write one");
	mr_plan_take_back(&f->plan, tell_what_was_taken_back, &taken_back);
	mr_plan_file(f->arena, &f->plan, mr_printf(f->arena, "%s/one/two", folder), "2",
		     MR_FILE_PUBLIC, "write two");
	mr_plan_take_back(&f->plan, tell_what_was_taken_back, &taken_back);
	assert_int_equal(apply(f), -1);
	assert_int_equal(taken_back, 1);
	assert_contains(f->err.message, "write two: ");
	assert_contains(f->err.message, "; taken back");
	assert_ok(mr_tree_remove(folder, &f->err), f->err);
}

static void a_step_at_another_host_goes_through_that_hosts_slapd_opened_once(void **state)
{
	struct fixture *f = *state;
	struct mr_directory_backend backend;
	struct mr_directory *peer;

	assert_ok(mr_directory_open_memory(facts, &peer, &f->err), f->err);
	backend = *peer->backend;
	backend.close = count_close;
	peer->backend = &backend;
	world.peer = peer;
	mr_plan_add_entry(f->arena, &f->plan, "mail2.lan", account(f, "new", "x"), "add new");
	mr_plan_add_entry(f->arena, &f->plan, "mail2.lan", account(f, "newer", "y"), "add newer");
	assert_ok(apply(f), f->err);
	assert_string_equal(host_of(f, peer, "newer"), "y");
	assert_null(host_of(f, f->dir, "new"));
	assert_int_equal(world.peer_opened, 1);
	assert_int_equal(closed, 1);
	peer->backend = f->dir->backend;
	mr_directory_close(peer);
}

static int dead_add(struct mr_directory *dir, const struct mr_entry *entry, struct mr_error *err)
{
	(void)dir, (void)entry;
	return mr_fail(err, MR_E_UNAVAILABLE, "the connection is gone");
}

/* As after an action that restarted slapd. */
static void a_connection_that_an_action_broke_is_opened_again(void **state)
{
	struct fixture *f = *state;
	const struct mr_directory_backend *good = f->dir->backend;
	struct mr_directory_backend dead = *good;
	struct mr_directory *fresh;
	int runs = 0;

	assert_ok(mr_directory_open_memory(facts, &fresh, &f->err), f->err);
	world.own = fresh;
	dead.add = dead_add;
	f->dir->backend = &dead;
	mr_plan_action(f->arena, &f->plan, count_run, &runs, "restart slapd");
	mr_plan_add_entry(f->arena, &f->plan, NULL, account(f, "new", "x"), "add new");
	assert_ok(apply(f), f->err);
	assert_int_equal(world.own_opened, 1);
	f->dir->backend = good;
}

static void a_connection_that_breaks_by_itself_is_an_error(void **state)
{
	struct fixture *f = *state;
	const struct mr_directory_backend *good = f->dir->backend;
	struct mr_directory_backend dead = *good;

	dead.add = dead_add;
	f->dir->backend = &dead;
	mr_plan_add_entry(f->arena, &f->plan, NULL, account(f, "new", "x"), "add new");
	assert_fails(apply(f), MR_E_UNAVAILABLE, f->err);
	assert_int_equal(world.own_opened, 0);
	f->dir->backend = good;
}

static void set_newest_change(struct fixture *f, long long ahead)
{
	time_t at = time(NULL) + ahead;
	struct mr_mod mod = { .op = MR_MOD_REPLACE, .attr.name = "contextCSN" };
	struct tm when;
	char text[80];

	gmtime_r(&at, &when);
	strftime(text, sizeof(text), "%Y%m%d%H%M%S.123456Z#000000#002#000000", &when);
	mr_list_add(f->arena, &mod.attr.values, "20200101000000.000000Z#000000#001#000000");
	mr_list_add(f->arena, &mod.attr.values, text);
	assert_ok(mr_directory_modify(f->dir, "ou=Mail,dc=mailrepl", &mod, 1, &f->err), f->err);
}

static void nothing_is_begun_while_the_clock_is_behind_the_directory(void **state)
{
	struct fixture *f = *state;
	int runs = 0;

	set_newest_change(f, 30);
	mr_plan_action(f->arena, &f->plan, count_run, &runs, "take a number");
	mr_plan_add_entry(f->arena, &f->plan, NULL, account(f, "new", "x"), "add new");
	assert_fails(apply(f), MR_E_TEMPORARY, f->err);
	assert_contains(f->err.message, "clock");
	assert_int_equal(runs, 0);
	assert_null(host_of(f, f->dir, "new"));
}

static void some_seconds_between_the_clocks_are_allowed(void **state)
{
	struct fixture *f = *state;

	set_newest_change(f, 4);
	mr_plan_add_entry(f->arena, &f->plan, NULL, account(f, "new", "x"), "add new");
	assert_ok(apply(f), f->err);
}

static void the_time_of_a_change_sequence_number_is_read(void **state)
{
	static const struct {
		const char *csn;
		long long want;
	} rows[] = {
		{ "19700101000001.000000Z#000000#001#000000", 1 },
		{ "20261121195135.123456Z#000000#00a#000000", 1795290695 },
		{ "20261121195135Z", 1795290695 },
		{ "20261121", -1 },
		{ "20261121195135+0100", -1 },
		{ "", -1 },
		{ "yesterday", -1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (mr_csn_time(rows[i].csn) != rows[i].want)
			fail_msg("%s: got %lld, want %lld", rows[i].csn,
				 mr_csn_time(rows[i].csn), rows[i].want);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(add_modify_and_delete_reach_the_directory),
		TEST(what_is_done_already_is_done_again_without_complaint),
		TEST(an_add_onto_another_entry_stops_the_plan_there),
		TEST(an_action_that_fails_stops_the_plan),
		TEST(a_file_gets_its_folder_content_and_mode),
		TEST(a_file_that_cannot_be_written_has_those_before_it_taken_back),
		TEST(a_step_at_another_host_goes_through_that_hosts_slapd_opened_once),
		TEST(a_connection_that_an_action_broke_is_opened_again),
		TEST(a_connection_that_breaks_by_itself_is_an_error),
		TEST(nothing_is_begun_while_the_clock_is_behind_the_directory),
		TEST(some_seconds_between_the_clocks_are_allowed),
		TEST(the_time_of_a_change_sequence_number_is_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
