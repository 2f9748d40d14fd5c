#include "test.h"

#include "features/restore_changes.h"
#include "features/restore_claims.h"
#include "features/restore_topology.h"

#define MAIL "cn=mail1.lan,ou=Mail,ou=Owned,dc=mailrepl"
#define UNIX "cn=mail1.lan,ou=Unix,ou=Owned,dc=mailrepl"
#define ROUTE(user, address)                                                                       \
	"dn: uid=" user "," MAIL "\nobjectClass: account\nuid: " user                              \
	"\nmailLocalAddress: " address "\n\n"
#define ACCOUNT(user, more)                                                                        \
	"dn: uid=" user "," UNIX "\nobjectClass: posixAccount\nuid: " user "\n" more "\n"
#define TOPS "dn: " MAIL "\nobjectClass: mailReplContainer\ncn: mail1.lan\n\n"
#define UNIX_TOP                                                                                   \
	"dn: " UNIX "\nobjectClass: mailReplContainer\ncn: mail1.lan\nmailReplUidHighWater: 9\n\n"

static void put(struct mr_arena *arena, const char *root, const char *path, const char *text)
{
	char *full = mr_printf(arena, "%s/%s", root, path), *slash = strrchr(full, '/');
	struct mr_error err;

	*slash = '\0';
	assert_ok(mr_folder_make(full, (struct mr_file_attrs){ 0755, (uid_t)-1, (gid_t)-1 }, &err),
		  err);
	*slash = '/';
	assert_ok(mr_file_replace(full, text, strlen(text), MR_FILE_PUBLIC, &err), err);
}

/* What the archive and the directory hold. */
struct scene {
	const char *live, *mail, *accounts; /* LDIF; the last two of the archive */
	const char *only;                   /* NULL: all */
};

static struct mr_restore *restore_of(void **state, struct mr_arena *arena,
				     const struct scene *scene)
{
	struct mr_restore *restore = MR_NEW(arena, struct mr_restore);
	struct mr_error err;

	restore->config = (struct mr_config){ .root = *state, .host = "mail1.lan" };
	restore->folder = mr_printf(arena, "%s/archive", (const char *)*state);
	restore->archive.path = "the archive";
	if (scene->only)
		mr_list_add(arena, &restore->request.only, scene->only);
	put(arena, *state, "archive/mail-owned.ldif", scene->mail);
	put(arena, *state, "archive/unix-owned.ldif", scene->accounts);
	put(arena, *state, "var/lib/mailrepl/db/mail-owned/data.mdb", "");
	put(arena, *state, "var/lib/mailrepl/db/unix-owned/data.mdb", "");
	assert_ok(mr_directory_open_memory(scene->live, &restore->dir, &err), err);
	return restore;
}

/* The plan that turns what is live into what the archive says. */
static const char *plan_of(struct mr_arena *arena, struct mr_restore *restore)
{
	struct mr_restore_differences differences;
	struct mr_restore_only chosen, *only = NULL;
	struct mr_plan plan = { 0 };
	MR_BUF text = { 0 };
	struct mr_error err;

	if (restore->request.only.count) {
		only = &chosen;
		assert_ok(mr_restore_only_find(arena, restore, only, &err), err);
	}
	assert_ok(mr_restore_compare(arena, restore, only, !only, &differences, &err), err);
	assert_ok(mr_restore_claims(arena, restore, only != NULL, &differences, &err), err);
	assert_ok(mr_restore_changes(arena, restore, &differences, &plan, &err), err);
	mr_restore_name_differences(arena, restore, &differences);
	mr_directory_close(restore->dir);
	mr_plan_format(&plan, true, &text);
	return mr_strdup(arena, mr_buf_text(&text));
}

static const char *planned(void **state, struct mr_arena *arena, const char *live, const char *mail,
			   const char *accounts)
{
	return plan_of(arena,
		       restore_of(state, arena, &(struct scene){ live, mail, accounts, NULL }));
}

static void what_is_as_in_the_archive_needs_no_step(void **state)
{
	MR_ARENA arena = mr_arena_open();

	assert_contains(
		planned(state, arena,
			TOPS UNIX_TOP ROUTE("a", "a@d.org") ACCOUNT("a", "userPassword: x\n"),
			TOPS ROUTE("a", "a@d.org"),
			UNIX_TOP ACCOUNT("a", "entryUUID: 1\nentryCSN: 2\nuserPassword: x\n")),
		"nothing to do");
}

static void accounts_come_before_routes_and_go_after_them(void **state)
{
	MR_ARENA arena = mr_arena_open();
	const char *text =
		planned(state, arena, TOPS UNIX_TOP ROUTE("b", "b@d.org") ACCOUNT("b", ""),
			TOPS ROUTE("a", "a@d.org"), UNIX_TOP ACCOUNT("a", ""));

	assert_contains(text, "1. add uid=a," UNIX);
	assert_contains(text, "2. add uid=a," MAIL);
	assert_contains(text, "3. remove uid=b," MAIL);
	assert_contains(text, "4. remove uid=b," UNIX);
}

static void an_entry_is_changed_back_whole(void **state)
{
	MR_ARENA arena = mr_arena_open();
	const char *text = planned(state, arena,
				   TOPS UNIX_TOP
				   "dn: uid=a," MAIL
				   "\nobjectClass: account\nuid: a\nmailLocalAddress: new@d.org\n"
				   "description: later\n\n",
				   TOPS ROUTE("a", "a@d.org"), UNIX_TOP);

	assert_contains(text, "mailLocalAddress: a@d.org");
	assert_contains(text, "description");
	assert_null(strstr(text, "new@d.org"));
}

static void no_step_shows_a_password(void **state)
{
	MR_ARENA arena = mr_arena_open();
	const char *text = planned(state, arena,
				   TOPS UNIX_TOP ACCOUNT("a", "userPassword: old-secret\n"), TOPS,
				   UNIX_TOP ACCOUNT("a", "userPassword: new-secret\n")
					   ACCOUNT("b", "userPassword: b-secret\n"));

	assert_contains(text, "passwords of 2 accounts");
	assert_null(strstr(text, "secret"));
}

static void counters_hosts_and_domains_are_left_alone(void **state)
{
	MR_ARENA arena = mr_arena_open();

	assert_contains(
		planned(state, arena,
			TOPS
			"dn: ou=Hosts," MAIL
			"\nobjectClass: organizationalUnit\nou: Hosts\nmailReplGeneration: 9\n\n"
			"dn: cn=mail3.lan,ou=Hosts," MAIL
			"\nobjectClass: mailReplHost\ncn: mail3.lan\n\n"
			"dn: associatedDomain=new.org," MAIL
			"\nobjectClass: mailReplDomain\nassociatedDomain: new.org\n\n" UNIX_TOP,
			TOPS
			"dn: ou=Hosts," MAIL
			"\nobjectClass: organizationalUnit\nou: Hosts\nmailReplGeneration: 2\n\n"
			"dn: cn=mail2.lan,ou=Hosts," MAIL
			"\nobjectClass: mailReplHost\ncn: mail2.lan\n\n"
			"dn: associatedDomain=old.org," MAIL
			"\nobjectClass: mailReplDomain\nassociatedDomain: old.org\n\n",
			"dn: " UNIX "\nobjectClass: mailReplContainer\ncn: "
				    "mail1.lan\nmailReplUidHighWater: 1\n\n"),
		"nothing to do");
}

static struct mr_topology topology(struct mr_arena *arena, struct mr_host *hosts, size_t count,
				   long long generation)
{
	struct mr_topology out = { .domain_id = "d",
				   .home = "mail1.lan",
				   .epoch = 2,
				   .generation = generation,
				   .server_id_high_water = 5,
				   .hosts = hosts,
				   .count = count };

	mr_list_add(arena, &out.domains, "d.org");
	return out;
}

#define SERVER (MR_MAIL | MR_UNIX)

static void a_topology_is_never_rolled_back(void **state)
{
	struct mr_host now[] = { { "mail1.lan", SERVER, 1, MR_JOINED, { 0 } },
				 { "mail2.lan", MR_MAIL, 2, MR_JOINED, { 0 } },
				 { "mail4.lan", SERVER, 4, MR_JOINED, { 0 } } };
	struct mr_host then[] = { { "mail1.lan", SERVER, 1, MR_INVITED, { 0 } },
				  { "mail2.lan", SERVER, 2, MR_INVITED, { 0 } },
				  { "mail3.lan", SERVER, 3, MR_JOINED, { 0 } } };
	MR_ARENA arena = mr_arena_open();
	struct mr_topology live = topology(arena, now, 3, 8), archive = topology(arena, then, 3, 4),
			   out;
	struct mr_error err;

	(void)state;
	mr_list_add(arena, &then[2].fingerprints, "AB:CD");
	assert_ok(mr_restore_topology(arena, &live, &archive, &out, &err), err);
	assert_int_equal(out.generation, 9);
	assert_int_equal(out.epoch, 2);
	assert_int_equal(out.count, 4);
	assert_int_equal(mr_topology_host(&out, "mail1.lan")->state, MR_JOINED);
	/* Its service comes back; a relay that becomes a server has to join again. */
	assert_int_equal(mr_topology_host(&out, "mail2.lan")->services, SERVER);
	assert_int_equal(mr_topology_host(&out, "mail2.lan")->state, MR_INVITED);
	/* Came later: stays. */
	assert_int_equal(mr_topology_host(&out, "mail4.lan")->services, SERVER);
	/* Is gone since: invited again, with a number that nobody had. */
	assert_int_equal(mr_topology_host(&out, "mail3.lan")->server_id, 6);
	assert_int_equal(mr_topology_host(&out, "mail3.lan")->state, MR_INVITED);
	assert_string_equal(mr_topology_host(&out, "mail3.lan")->fingerprints.items[0], "AB:CD");
}

static void an_equal_topology_keeps_its_generation(void **state)
{
	struct mr_host hosts[] = { { "mail1.lan", SERVER, 1, MR_JOINED, { 0 } },
				   { "mail2.lan", MR_MAIL, 2, MR_JOINED, { 0 } } };
	MR_ARENA arena = mr_arena_open();
	struct mr_topology live = topology(arena, hosts, 2, 8),
			   archive = topology(arena, hosts, 2, 4), out;
	struct mr_error err;

	(void)state;
	assert_ok(mr_restore_topology(arena, &live, &archive, &out, &err), err);
	assert_int_equal(out.generation, 8);
	archive.scheme = MR_SCHEME_SERVER_MX;
	assert_ok(mr_restore_topology(arena, &live, &archive, &out, &err), err);
	assert_int_equal(out.generation, 9);
	assert_int_equal(out.scheme, MR_SCHEME_SERVER_MX);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, folder_setup, folder_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_FOLDER(what_is_as_in_the_archive_needs_no_step),
		IN_FOLDER(accounts_come_before_routes_and_go_after_them),
		IN_FOLDER(an_entry_is_changed_back_whole),
		IN_FOLDER(no_step_shows_a_password),
		IN_FOLDER(counters_hosts_and_domains_are_left_alone),
		cmocka_unit_test(a_topology_is_never_rolled_back),
		cmocka_unit_test(an_equal_topology_keeps_its_generation),
	};

	return cmocka_run_group_tests_name("restore", tests, NULL, NULL);
}
