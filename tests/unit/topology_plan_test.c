#include "features/topology_plan.h"
#include "topology_fixture.h"

static const char *plan_text(struct mr_arena *arena, const struct mr_topology *old,
			     const struct mr_topology *fresh)
{
	struct mr_plan plan = { 0 };
	MR_BUF text = { 0 };

	mr_topology_plan(arena, old, fresh, &plan);
	mr_plan_format(&plan, true, &text);
	return mr_strdup(arena, mr_buf_text(&text));
}

static void domains_of_other_primaries_come_go_and_change(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_topology old = three(arena), fresh = old;

	(void)state;
	add_foreign(arena, &old, "a.org", "[mail.a.org]", "x@a.org");
	add_foreign(arena, &old, "gone.org", "[mail.gone.org]", "");
	add_foreign(arena, &fresh, "a.org", NULL, "");
	add_foreign(arena, &fresh, "new.org", "[mail.new.org]", "x@new.org");
	fresh.foreign[1].recipients = words(arena, "x@new.org");
	fresh.foreign[0].recipients = (struct mr_list){ 0 };
	assert_string_equal(
		plan_text(arena, &old, &fresh),
		"  1. another primary or other recipients for a.org\n"
		"     dn: associatedDomain=a.org,cn=mail1.lan,ou=Mail,ou=Owned,dc=mailrepl\n"
		"     changetype: modify\n"
		"     replace: mailReplPrimary\n"
		"     mailReplPrimary: dns\n"
		"     -\n"
		"     replace: mailReplBackupRecipient\n"
		"     -\n"
		"  2. add new.org, a domain of another primary\n"
		"     dn: associatedDomain=new.org,cn=mail1.lan,ou=Mail,ou=Owned,dc=mailrepl\n"
		"     objectClass: mailReplDomain\n"
		"     associatedDomain: new.org\n"
		"     mailReplPrimary: [mail.new.org]\n"
		"     mailReplBackupRecipient: x@new.org\n"
		"  3. remove gone.org, a domain of another primary\n"
		"     dn: associatedDomain=gone.org,cn=mail1.lan,ou=Mail,ou=Owned,dc=mailrepl\n"
		"     changetype: delete\n");
}

static void the_former_delimiter_is_taken_back(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_topology old = three(arena), fresh = old;

	(void)state;
	old.delimiter = MR_DELIMITER_EQUALS;
	assert_string_equal(plan_text(arena, &old, &fresh),
			    "  1. change ou=Hosts,cn=mail1.lan,ou=Mail,ou=Owned,dc=mailrepl\n"
			    "     dn: ou=Hosts,cn=mail1.lan,ou=Mail,ou=Owned,dc=mailrepl\n"
			    "     changetype: modify\n"
			    "     replace: mailReplRecipientDelimiter\n"
			    "     -\n");
}

static void domains_come_go_and_get_another_postmaster(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_topology old = three(arena), fresh = old;

	(void)state;
	old.domains = words(arena, "first.org,second.org");
	mr_topology_set_postmaster(arena, &old, "first.org", "a@first.org");
	fresh.domains = words(arena, "first.org,third.org");
	mr_topology_set_postmaster(arena, &fresh, "first.org", "b@first.org");
	assert_string_equal(
		plan_text(arena, &old, &fresh),
		"  1. another postmaster for first.org\n"
		"     dn: associatedDomain=first.org,cn=mail1.lan,ou=Mail,ou=Owned,dc=mailrepl\n"
		"     changetype: modify\n"
		"     replace: mailReplPostmaster\n"
		"     mailReplPostmaster: b@first.org\n"
		"     -\n"
		"  2. add the mail domain third.org\n"
		"     dn: associatedDomain=third.org,cn=mail1.lan,ou=Mail,ou=Owned,dc=mailrepl\n"
		"     objectClass: mailReplDomain\n"
		"     associatedDomain: third.org\n"
		"  3. remove the mail domain second.org\n"
		"     dn: associatedDomain=second.org,cn=mail1.lan,ou=Mail,ou=Owned,dc=mailrepl\n"
		"     changetype: delete\n");
	assert_string_equal(plan_text(arena, &old, &old), "nothing to do\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(domains_of_other_primaries_come_go_and_change),
		cmocka_unit_test(the_former_delimiter_is_taken_back),
		cmocka_unit_test(domains_come_go_and_get_another_postmaster),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
