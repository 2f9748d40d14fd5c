#include "test.h"

#include "features/restore_changes.h"
#include "features/restore_claims.h"

#define MAIL "cn=mail1.lan,ou=Mail,ou=Owned,dc=mailrepl"
#define UNIX "cn=mail1.lan,ou=Unix,ou=Owned,dc=mailrepl"
#define ROUTE(user, address)                                                                       \
	"dn: uid=" user "," MAIL "\nobjectClass: account\nuid: " user                              \
	"\nmailLocalAddress: " address "\n\n"
#define ACCOUNT(user, more)                                                                        \
	"dn: uid=" user "," UNIX "\nobjectClass: posixAccount\nuid: " user "\n" more "\n"
#define TOPS "dn: " MAIL "\nobjectClass: mailReplContainer\ncn: mail1.lan\n\n"
#define COPIES                                                                                     \
	"dn: ou=Mail,dc=mailrepl\nobjectClass: organizationalUnit\nou: Mail\n\n"                   \
	"dn: ou=Unix,dc=mailrepl\nobjectClass: organizationalUnit\nou: Unix\n\n"
#define UNIX_TOP                                                                                   \
	"dn: " UNIX "\nobjectClass: mailReplContainer\ncn: mail1.lan\nmailReplUidHighWater: 9\n\n"

static void put(struct mr_arena *arena, const char *root, const char *path, const char *text)
{
	put_file(mr_printf(arena, "%s/%s", root, path), text);
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

#define MAILBOX(host, user, address)                                                               \
	"dn: uid=" user ",cn=" host ",ou=Mail,dc=mailrepl\nobjectClass: account\nuid: " user       \
	"\nmailLocalAddress: " address "\nmailRoutingAddress: " user "@" host "\n\n"
#define OWN_MAILBOX(user, address)                                                                 \
	"dn: uid=" user "," MAIL "\nobjectClass: account\nuid: " user                              \
	"\nmailLocalAddress: " address "\nmailRoutingAddress: " user "@mail1.lan\n\n"
#define NUMBER(number) "uidNumber: " number "\ngidNumber: " number "\n"

/* What stays as it is, joined. */
static const char *kept(void **state, struct mr_arena *arena, const struct scene *scene)
{
	struct mr_restore *restore = restore_of(state, arena, scene);

	(void)plan_of(arena, restore);
	return mr_list_join(arena, &restore->kept, "|");
}

static void what_another_host_has_given_out_since_stays_there(void **state)
{
	MR_ARENA arena = mr_arena_open();
	const struct scene scene = {
		COPIES TOPS UNIX_TOP MAILBOX("mail2.lan", "b", "a@d.org") MAILBOX(
			"mail2.lan", "c",
			"c@d.org") "dn: uid=n,cn=mail2.lan,ou=Unix,dc=mailrepl\nobjectClass: "
				   "posixAccount\nuid: n\n" NUMBER("7") "\n",
		TOPS OWN_MAILBOX("a", "a@d.org") OWN_MAILBOX("c", "other@d.org")
			OWN_MAILBOX("e", "e@d.org"),
		UNIX_TOP ACCOUNT("m", NUMBER("7")) ACCOUNT("n", NUMBER("8"))
			ACCOUNT("e", NUMBER("9")),
		NULL
	};
	const char *text = kept(state, arena, &scene);

	assert_contains(text, "mailbox a: a@d.org belongs to b of mail2.lan now");
	assert_contains(text, "mailbox c: the name belongs to c of mail2.lan now");
	assert_contains(text, "account m: the number 7 belongs to n of mail2.lan now");
	assert_contains(text, "account n: the name belongs to n of mail2.lan now");
	assert_null(strstr(text, " e:"));
}

static void what_is_kept_is_in_no_step(void **state)
{
	MR_ARENA arena = mr_arena_open();
	const char *text =
		planned(state, arena, COPIES TOPS UNIX_TOP MAILBOX("mail2.lan", "b", "a@d.org"),
			TOPS OWN_MAILBOX("a", "a@d.org"), UNIX_TOP);

	assert_contains(text, "nothing to do");
}

static void an_address_of_this_host_that_goes_back_is_in_nobodys_way(void **state)
{
	MR_ARENA arena = mr_arena_open();
	const struct scene scene = { COPIES TOPS UNIX_TOP OWN_MAILBOX("b", "a@d.org"),
				     TOPS OWN_MAILBOX("a", "a@d.org"), UNIX_TOP, NULL };
	const struct scene part = { scene.live, scene.mail, scene.accounts, "user:a" };

	assert_string_equal(kept(state, arena, &scene), "");
	/* Alone it would not go back. */
	assert_contains(kept(state, arena, &part), "mailbox a: a@d.org belongs to b of mail1.lan");
}

static void what_somebody_left_behind_claims_no_name(void **state)
{
	MR_ARENA arena = mr_arena_open();
	const struct scene scene = { COPIES TOPS UNIX_TOP MAILBOX("mail2.lan", "a", "a@d.org"),
				     TOPS "dn: uid=a," MAIL "\nobjectClass: account\nuid: a\n"
					  "mailReplFormerAddress: a@d.org\n\n",
				     UNIX_TOP, NULL };

	assert_string_equal(kept(state, arena, &scene), "");
}

static void a_mailbox_that_moves_is_left_to_the_move(void **state)
{
	MR_ARENA arena = mr_arena_open();
	const char *moving = "dn: uid=a," MAIL "\nobjectClass: account\nuid: a\n"
			     "mailLocalAddress: new@d.org\nmailRoutingAddress: a@mail1.lan\n"
			     "mailReplMove: mail2.lan copying 7\n\n";
	const struct scene changed = { mr_printf(arena, "%s%s", TOPS UNIX_TOP, moving),
				       TOPS OWN_MAILBOX("a", "a@d.org"), UNIX_TOP, NULL };
	const struct scene came = { changed.live, TOPS, UNIX_TOP, NULL };

	assert_contains(kept(state, arena, &changed), "mailbox a: it is moving");
	assert_contains(kept(state, arena, &came), "mailbox a: it is moving");
}

/* Differences of `live` from an archive that knows the postmaster `then`, joined if they are kept. */
static const char *postmaster_kept(void **state, struct mr_arena *arena, const char *live,
				   const char *then)
{
	struct mr_restore *restore =
		restore_of(state, arena, &(struct scene){ live, then, UNIX_TOP, NULL });
	struct mr_topology topology = { 0 };
	struct mr_restore_differences differences;
	struct mr_error err;

	mr_topology_set_postmaster(arena, &topology, "d.org", "a@d.org");
	assert_ok(mr_restore_compare(arena, restore, NULL, true, &differences, &err), err);
	assert_ok(mr_restore_keep_postmasters(arena, restore, &topology, &differences, &err), err);
	mr_restore_name_differences(arena, restore, &differences);
	mr_directory_close(restore->dir);
	return mr_list_join(arena, &restore->kept, "|");
}

static void who_gets_the_postmasters_mail_keeps_that_address(void **state)
{
	MR_ARENA arena = mr_arena_open();
	const char *live =
		COPIES TOPS UNIX_TOP OWN_MAILBOX("a", "a@d.org") OWN_MAILBOX("b", "b@d.org");

	assert_string_equal(postmaster_kept(state, arena, live, TOPS),
			    "mailbox a: mail for the postmaster of d.org goes to a@d.org");
	assert_string_equal(postmaster_kept(state, arena, live, TOPS OWN_MAILBOX("a", "c@d.org")),
			    "mailbox a: mail for the postmaster of d.org goes to a@d.org");
	assert_string_equal(postmaster_kept(state, arena, live,
					    TOPS
					    "dn: uid=a," MAIL "\nobjectClass: account\nuid: a\n"
					    "mailLocalAddress: a@d.org\nmailLocalAddress: c@d.org\n"
					    "mailRoutingAddress: a@mail1.lan\n\n"),
			    "");
}

#define GROUP(members)                                                                             \
	"dn: cn=g," MAIL "\nobjectClass: nisMailAlias\ncn: g\nmailLocalAddress: g@d.org\n"         \
	"mailRoutingAddress: g@mail1.lan\n" members "\n"
#define MEMBER(user) "rfc822MailMember: " user "@mail1.lan\n"

static const char *part(void **state, struct mr_arena *arena, const char *live, const char *mail,
			const char *accounts, const char *only)
{
	return plan_of(arena,
		       restore_of(state, arena, &(struct scene){ live, mail, accounts, only }));
}

static void one_user_comes_back_with_account_and_membership_and_nobody_else(void **state)
{
	MR_ARENA arena = mr_arena_open();
	const char *mail = TOPS OWN_MAILBOX("a", "a@d.org") OWN_MAILBOX("b", "b@d.org")
		GROUP(MEMBER("a") MEMBER("b"));
	const char *accounts = UNIX_TOP ACCOUNT("a", NUMBER("7")) ACCOUNT("b", NUMBER("8"));
	const char *live = TOPS UNIX_TOP OWN_MAILBOX("c", "c@d.org") GROUP(MEMBER("c"));

	for (int i = 0; i < 2; i++) {
		const char *text =
			part(state, arena, live, mail, accounts, i ? "A@D.org" : "user:a");

		assert_contains(text, "1. add uid=a," UNIX);
		assert_contains(text, "2. add uid=a," MAIL);
		assert_contains(text, "3. make a@mail1.lan a member of cn=g," MAIL " again");
		assert_null(strstr(text, "uid=b"));
		assert_null(strstr(text, "remove"));
		assert_null(strstr(text, "4. "));
	}
}

static void a_domain_brings_its_routes_and_groups_and_accounts_that_are_gone(void **state)
{
	MR_ARENA arena = mr_arena_open();
	const char *text =
		part(state, arena,
		     TOPS UNIX_TOP OWN_MAILBOX("a", "a@d.org") ACCOUNT("a", NUMBER("9"))
			     OWN_MAILBOX("new", "new@d.org"),
		     TOPS OWN_MAILBOX("a", "a@d.org") OWN_MAILBOX("b", "b@d.org")
			     OWN_MAILBOX("x", "x@other.org") GROUP(MEMBER("a")),
		     UNIX_TOP ACCOUNT("a", NUMBER("7")) ACCOUNT("b", NUMBER("8")), "domain:d.org");

	assert_contains(text, "1. add uid=b," UNIX);
	assert_contains(text, "2. add uid=b," MAIL);
	assert_contains(text, "3. add cn=g," MAIL);
	assert_null(strstr(text, "4. "));
	assert_null(strstr(text, "uid=x"));
	assert_null(strstr(text, "uid=a,"));
}

static void what_the_archive_does_not_have_or_cannot_be_meant_is_refused(void **state)
{
	static const struct {
		const char *typed;
		enum mr_error_code code;
	} rows[] = {
		{ "user:b", MR_E_NOT_FOUND },    { "group:a", MR_E_NOT_FOUND },
		{ "b@d.org", MR_E_NOT_FOUND },   { "domain:e.org", MR_E_NOT_FOUND },
		{ "user:held", MR_E_NOT_FOUND }, { "a", MR_E_USAGE },
		{ "host:a", MR_E_USAGE },        { "user:../a", MR_E_INVALID },
		{ "domain:d", MR_E_INVALID },
	};
	MR_ARENA arena = mr_arena_open();

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct mr_restore *restore = restore_of(
			state, arena,
			&(struct scene){
				TOPS UNIX_TOP,
				TOPS OWN_MAILBOX("a",
						 "a@d.org") "dn: uid=held," MAIL
							    "\nobjectClass: account\nuid: held\n"
							    "mailLocalAddress: "
							    "h@d.org\nmailReplAccess: gone\n\n",
				UNIX_TOP, rows[i].typed });
		struct mr_restore_only only;
		struct mr_error err;

		assert_int_equal(mr_restore_only_find(arena, restore, &only, &err), -1);
		if (err.code != rows[i].code)
			fail_msg("%s: %s", rows[i].typed, err.message);
		mr_directory_close(restore->dir);
	}
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
		IN_FOLDER(what_another_host_has_given_out_since_stays_there),
		IN_FOLDER(what_is_kept_is_in_no_step),
		IN_FOLDER(an_address_of_this_host_that_goes_back_is_in_nobodys_way),
		IN_FOLDER(what_somebody_left_behind_claims_no_name),
		IN_FOLDER(a_mailbox_that_moves_is_left_to_the_move),
		IN_FOLDER(who_gets_the_postmasters_mail_keeps_that_address),
		IN_FOLDER(one_user_comes_back_with_account_and_membership_and_nobody_else),
		IN_FOLDER(a_domain_brings_its_routes_and_groups_and_accounts_that_are_gone),
		IN_FOLDER(what_the_archive_does_not_have_or_cannot_be_meant_is_refused),
	};

	return cmocka_run_group_tests_name("restore", tests, NULL, NULL);
}
