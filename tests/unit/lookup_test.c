#include "test.h"

#include "features/lookup.h"

#define OWN(name) \
	"dn: uid=" name ",cn=mail1.lan,ou=Mail,ou=Owned,dc=mailrepl\nobjectClass: account\nuid: " name "\n"

static const char ldif[] =
	"dn: dc=mailrepl\nobjectClass: domain\ndc: mailrepl\n\n"
	"dn: ou=Mail,dc=mailrepl\nobjectClass: organizationalUnit\nou: Mail\n\n"
	"dn: uid=user1,ou=Mail,dc=mailrepl\nobjectClass: account\nuid: user1\nmailLocalAddress: "
	"user1@maildomain.org\n"
	"mailRoutingAddress: User1@mail1.lan\n\n"
	"dn: uid=tag,ou=Mail,dc=mailrepl\nobjectClass: account\nuid: tag\nmailLocalAddress: "
	"user1+tag@maildomain.org\n"
	"mailRoutingAddress: tag@mail2.lan\n\n"
	"dn: uid=a,ou=Mail,dc=mailrepl\nobjectClass: account\nuid: a\nmailLocalAddress: "
	"both@maildomain.org\n"
	"mailRoutingAddress: a@mail1.lan\n\n"
	"dn: uid=b,ou=Mail,dc=mailrepl\nobjectClass: account\nuid: b\nmailLocalAddress: "
	"both@maildomain.org\n"
	"mailRoutingAddress: b@mail2.lan\n\n"
	"dn: uid=gone,ou=Mail,dc=mailrepl\nobjectClass: account\nuid: gone\nmailLocalAddress: "
	"gone@maildomain.org\n"
	"mailReplAccess: gone\n\n"
	"dn: uid=moved,ou=Mail,dc=mailrepl\nobjectClass: account\nuid: "
	"moved\nmailReplFormerAddress: moved@maildomain.org\n"
	"mailReplFormerAddress: moved@mail1.lan\nmailReplForward: moved@mail2.lan\n\n"
	"dn: uid=all,ou=Mail,dc=mailrepl\nobjectClass: account\nuid: all\nmailLocalAddress: "
	"@other.org\n"
	"mailRoutingAddress: all@mail1.lan\n\n"
	"dn: cn=partner.org,ou=Mail,dc=mailrepl\nobjectClass: device\ncn: partner.org\n"
	"mailReplPrimary: [mail.partner.org]\nmailReplBackupRecipient: ann@partner.org\n"
	"mailReplBackupRecipient: bob@partner.org\n\n"
	"dn: uid=list,ou=Mail,dc=mailrepl\nobjectClass: nisMailAlias\nuid: list\n"
	"mailLocalAddress: list@maildomain.org\nmailRoutingAddress: list@mail1.lan\n\n"
	"dn: ou=Owned,dc=mailrepl\nobjectClass: organizationalUnit\nou: Owned\n\n"
	"dn: ou=Mail,ou=Owned,dc=mailrepl\nobjectClass: organizationalUnit\nou: Mail\n\n"
	"dn: cn=mail1.lan,ou=Mail,ou=Owned,dc=mailrepl\nobjectClass: device\ncn: mail1.lan\n\n"
	OWN("user1") "mailRoutingAddress: User1@mail1.lan\n\n"
	OWN("user3") "mailRoutingAddress: user3@mail1.lan\n\n"
	OWN("away") "mailRoutingAddress: away@mail1.lan\nmailReplForward: Me@Elsewhere.example\n\n"
	OWN("odd") "mailRoutingAddress: odd@mail1.lan\nrfc822MailMember: #1@elsewhere.example\n"
	"rfc822MailMember: user1@mail1.lan\n\n"
	OWN("copy") "mailRoutingAddress: copy@mail1.lan\nmailReplForward: me@elsewhere.example\n"
	"mailReplForward: copy@mail1.lan\n\n"
	OWN("moved") "mailReplFormerAddress: moved@mail1.lan\nmailReplForward: moved@mail2.lan\n\n"
	OWN("list") "mailRoutingAddress: list@mail1.lan\nrfc822MailMember: user1@mail1.lan\n"
	"rfc822MailMember: user2@mail2.lan\nrfc822MailMember: inner@mail1.lan\n\n"
	OWN("inner") "mailRoutingAddress: inner@mail1.lan\nrfc822MailMember: user3@mail1.lan\n"
	"rfc822MailMember: user1@mail1.lan\nrfc822MailMember: moved@mail1.lan\n"
	"rfc822MailMember: other@maildomain.org\n\n"
	OWN("ring") "mailRoutingAddress: ring@mail1.lan\nrfc822MailMember: wheel@mail1.lan\n"
	"rfc822MailMember: user1@mail1.lan\n\n"
	OWN("wheel") "mailRoutingAddress: wheel@mail1.lan\nrfc822MailMember: ring@mail1.lan\n\n"
	OWN("old") "mailRoutingAddress: old@mail1.lan\nrfc822MailMember: left@mail1.lan\n"
	"rfc822MailMember: user1@mail1.lan\n\n";

static struct mr_error err;

static int look_up_with(struct mr_arena *arena, const char *delimiter, const char *table,
			const char *address, bool closed, const char **out)
{
	const struct mr_lookup lookup = { "mail1.lan", delimiter, closed };
	MR_DIRECTORY dir = NULL;

	assert_ok(mr_directory_open_memory(ldif, &dir, &err), err);
	return mr_lookup(arena, dir, &lookup, table, address, out, &err);
}

static int look_up(struct mr_arena *arena, const char *table, const char *address, bool closed,
		   const char **out)
{
	return look_up_with(arena, "+", table, address, closed, out);
}

/* NULL: nothing, for certain. */
static void check(const char *table, const char *address, const char *want)
{
	MR_ARENA arena = mr_arena_open();
	const char *got;

	assert_ok(look_up(arena, table, address, false, &got), err);
	if (!want)
		assert_null(got);
	else
		assert_string_equal(got ? got : "nothing", want);
}

static void an_address_leads_to_the_real_one(void **state)
{
	(void)state;
	check("route", "user1@maildomain.org", "user1@mail1.lan");
	check("route", "USER1@MailDomain.org", "user1@mail1.lan");
	check("route", "nobody@maildomain.org", NULL);
}

static void a_detail_is_put_back_unless_the_whole_address_is_somebodys(void **state)
{
	(void)state;
	check("route", "user1+list@maildomain.org", "user1+list@mail1.lan");
	check("route", "user1+a+b@maildomain.org", "user1+a+b@mail1.lan");
	check("route", "user1+tag@maildomain.org", "tag@mail2.lan");
	check("route", "+list@maildomain.org", NULL);
}

static void another_delimiter_divides_and_the_former_one_does_not(void **state)
{
	static const struct {
		const char *delimiter, *address, *want;
	} rows[] = {
		{ "=", "user1=list@maildomain.org", "user1=list@mail1.lan" },
		{ "=", "user1+list@maildomain.org", NULL },
		{ "=", "user1+tag@maildomain.org", "tag@mail2.lan" },
		{ "", "user1+list@maildomain.org", NULL },
		{ "", "user1@maildomain.org", "user1@mail1.lan" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		MR_ARENA arena = mr_arena_open();
		const char *got;

		assert_ok(look_up_with(arena, rows[i].delimiter, "route", rows[i].address, false,
				       &got),
			  err);
		assert_string_equal(got ? got : "nothing", rows[i].want ? rows[i].want : "nothing");
	}
}

static void a_role_address_with_a_detail_is_that_role_address(void **state)
{
	(void)state;
	check("route", "Postmaster+x@other.org", "Postmaster@other.org");
	check("access", "postmaster+x@other.org", NULL);
}

static void a_former_address_counts_where_there_is_no_other(void **state)
{
	(void)state;
	check("route", "moved@maildomain.org", "moved@mail2.lan");
	check("route", "moved@mail1.lan", "moved@mail2.lan");
}

static void a_catch_all_gets_what_nobody_has_in_its_domain(void **state)
{
	(void)state;
	check("route", "anybody@other.org", "all@mail1.lan");
	check("route", "nobody@maildomain.org", NULL);
}

static void two_claims_are_no_answer(void **state)
{
	MR_ARENA arena = mr_arena_open();
	const char *got;

	(void)state;
	assert_fails(look_up(arena, "route", "both@maildomain.org", false, &got), MR_E_TEMPORARY,
		     err);
}

static void whoever_is_unknown_may_be_known_elsewhere_while_the_gate_is_closed(void **state)
{
	MR_ARENA arena = mr_arena_open();
	const char *got;

	(void)state;
	assert_fails(look_up(arena, "route", "nobody@maildomain.org", true, &got), MR_E_TEMPORARY,
		     err);
	assert_fails(look_up(arena, "route", "anybody@other.org", true, &got), MR_E_TEMPORARY, err);
	assert_fails(look_up(arena, "peer", "nobody@mail1.lan", true, &got), MR_E_TEMPORARY, err);
	assert_ok(look_up(arena, "route", "user1@maildomain.org", true, &got), err);
	assert_ok(look_up(arena, "access", "nobody@maildomain.org", true, &got), err);
	assert_null(got);
}

static void what_is_special_about_an_address_is_told(void **state)
{
	(void)state;
	check("access", "gone@maildomain.org", "gone");
	check("access", "gone+x@maildomain.org", "gone");
	check("access", "user1@maildomain.org", NULL);
	check("route", "gone@maildomain.org", NULL);
}

static void a_real_address_is_known_also_after_a_move(void **state)
{
	(void)state;
	check("peer", "user1@mail1.lan", "user1@mail1.lan");
	check("peer", "user1+x@mail1.lan", "user1@mail1.lan");
	check("peer", "moved@mail1.lan", "moved@mail2.lan");
	check("peer", "nobody@mail1.lan", NULL);
}

static void a_recipient_of_another_primary_is_known(void **state)
{
	MR_ARENA arena = mr_arena_open();
	const char *got;

	(void)state;
	check("backup", "bob@partner.org", "[mail.partner.org]");
	check("backup", "ann+x@partner.org", "[mail.partner.org]");
	check("backup", "nobody@partner.org", NULL);
	assert_fails(look_up(arena, "backup", "nobody@partner.org", true, &got), MR_E_TEMPORARY,
		     err);
}

static void the_owner_knows_whom_mail_is_for(void **state)
{
	(void)state;
	check("expand", "USER1@mail1.lan", "user1@mail1.lan");
	check("expand", "user1+x@mail1.lan", "user1+x@mail1.lan");
	check("expand", "away@mail1.lan", "Me@Elsewhere.example");
	check("expand", "away+x@mail1.lan", "Me+x@Elsewhere.example");
	check("expand", "copy@mail1.lan", "me@elsewhere.example, copy@mail1.lan");
	check("expand", "moved@mail1.lan", "moved@mail2.lan");
	check("expand", "nobody@mail1.lan", NULL);
	check("expand", "nobody+x@mail1.lan", NULL);
}

static void a_group_is_all_its_members_each_once(void **state)
{
	(void)state;
	check("expand", "list@mail1.lan",
	      "user1@mail1.lan, user2@mail2.lan, user3@mail1.lan, moved@mail2.lan, "
	      "other@maildomain.org");
	check("expand", "inner+x@mail1.lan",
	      "user3+x@mail1.lan, user1+x@mail1.lan, moved+x@mail2.lan, other+x@maildomain.org");
	check("expand", "ring@mail1.lan", "user1@mail1.lan");
	check("expand", "odd@mail1.lan", "\"#1\"@elsewhere.example, user1@mail1.lan");
	check("expand", "wheel@mail1.lan", "user1@mail1.lan");
}

static void a_member_whom_nobody_knows_is_no_mailbox(void **state)
{
	MR_ARENA arena = mr_arena_open();
	const char *got;

	(void)state;
	check("expand", "old@mail1.lan", "left@nobody.mailrepl.invalid, user1@mail1.lan");
	assert_fails(look_up(arena, "expand", "old@mail1.lan", true, &got), MR_E_TEMPORARY, err);
	assert_fails(look_up(arena, "expand", "nobody@mail1.lan", true, &got), MR_E_TEMPORARY, err);
}

static void only_the_mailbox_that_has_an_address_writes_in_its_name(void **state)
{
	MR_ARENA arena = mr_arena_open();
	const char *got;

	(void)state;
	check("sender", "User1@maildomain.org", "user1@mail1.lan");
	check("sender", "user1+shop@maildomain.org", "user1@mail1.lan");
	check("sender", "user1+tag@maildomain.org", "tag@mail2.lan");
	check("sender", "list@maildomain.org", NULL);
	check("sender", "anybody@other.org", NULL);
	check("sender", "postmaster@other.org", NULL);
	check("sender", "postmaster+x@other.org", NULL);
	assert_fails(look_up(arena, "sender", "both@maildomain.org", false, &got), MR_E_TEMPORARY,
		     err);
}

static void what_is_special_in_a_filter_finds_nobody(void **state)
{
	(void)state;
	check("route", "*@maildomain.org", NULL);
	check("route", "user1)(uid=*@maildomain.org", NULL);
}

static void a_wrong_question_is_refused(void **state)
{
	MR_ARENA arena = mr_arena_open();
	const char *got;

	(void)state;
	assert_fails(look_up(arena, "owner", "user1@maildomain.org", false, &got), MR_E_USAGE, err);
	assert_fails(look_up(arena, "route", "user1", false, &got), MR_E_USAGE, err);
	assert_fails(look_up(arena, "route", "@maildomain.org", false, &got), MR_E_USAGE, err);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_address_leads_to_the_real_one),
		cmocka_unit_test(a_detail_is_put_back_unless_the_whole_address_is_somebodys),
		cmocka_unit_test(another_delimiter_divides_and_the_former_one_does_not),
		cmocka_unit_test(a_role_address_with_a_detail_is_that_role_address),
		cmocka_unit_test(a_former_address_counts_where_there_is_no_other),
		cmocka_unit_test(a_catch_all_gets_what_nobody_has_in_its_domain),
		cmocka_unit_test(two_claims_are_no_answer),
		cmocka_unit_test(
			whoever_is_unknown_may_be_known_elsewhere_while_the_gate_is_closed),
		cmocka_unit_test(what_is_special_about_an_address_is_told),
		cmocka_unit_test(a_real_address_is_known_also_after_a_move),
		cmocka_unit_test(a_recipient_of_another_primary_is_known),
		cmocka_unit_test(the_owner_knows_whom_mail_is_for),
		cmocka_unit_test(a_group_is_all_its_members_each_once),
		cmocka_unit_test(a_member_whom_nobody_knows_is_no_mailbox),
		cmocka_unit_test(only_the_mailbox_that_has_an_address_writes_in_its_name),
		cmocka_unit_test(what_is_special_in_a_filter_finds_nobody),
		cmocka_unit_test(a_wrong_question_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
