#include "test.h"

#include <fcntl.h>
#include <sys/mman.h>

#include "features/backup.h"
#include "features/stamp.h"

#define OWNED_MAIL "cn=mail1.lan,ou=Mail,ou=Owned,dc=mailrepl"
#define CSN(second, sid) "202601010000" second ".000000Z#000000#" sid "#000000"

static void put(const char *folder, const char *name, const char *text)
{
	MR_ARENA arena = mr_arena_open();

	put_file(mr_printf(arena, "%s/%s", folder, name), text);
}

/* What a writer produces from two members. */
static const char *written(struct mr_arena *arena, const char *folder, mr_ldif_writer writer,
			   const char *owned, const char *copies, struct mr_error *err)
{
	const struct mr_manifest manifest = { .host = "mail1.lan", .server_id = 1 };
	const char *path = mr_printf(arena, "%s/written", folder);
	struct mr_backup_source source = { folder, &manifest, MR_MAIL };
	int fd, rc;
	char *text;

	put(folder, "mail-owned.ldif", owned);
	put(folder, "mail-copies.ldif", copies);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	rc = writer(&source, fd, err);
	close(fd);
	if (rc < 0)
		return NULL;
	assert_ok(mr_file_read(arena, path, 1 << 20, &text, NULL, err), *err);
	return text;
}

#define COPIES                                                                                     \
	"dn: ou=Mail,dc=mailrepl\nobjectClass: organizationalUnit\nou: Mail\ncontextCSN: " CSN(    \
		"30", "001") "\n"                                                                  \
			     "contextCSN: " CSN(                                                   \
				     "20", "002") "\n\ndn: cn=mail2.lan,ou=Mail,dc=mailrepl\ncn: " \
						  "mail2.lan\n\n"

static void the_makers_container_moves_into_the_copy(void **state)
{
	static const char owned[] =
		"dn: " OWNED_MAIL "\ncn: mail1.lan\nentryUUID: 1\ncontextCSN: " CSN(
			"10", "001") "\n\n"
				     "dn: uid=a,CN=mail1.lan,ou=mail,ou=Owned,dc=mailrepl\nuid: "
				     "a\nentryDN: x\n"
				     "hasSubordinates: FALSE\nentryCSN: 2\n\n"
				     /* "uid=ü,cn=mail1.lan,ou=Mail,ou=Owned,dc=mailrepl" */
				     "dn:: "
				     "dWlkPcO8LGNuPW1haWwxLmxhbixvdT1NYWlsLG91PU93bmVkLGRjPW1haWxyZ"
				     "XBs\nuid:: w7w=\n";
	MR_ARENA arena = mr_arena_open();
	struct mr_error err = { 0 };

	assert_string_equal(
		written(arena, *state, mr_backup_write_copy, owned, COPIES, &err),
		"dn: ou=Mail,dc=mailrepl\ncontextCSN: " CSN("10", "001") "\ncontextCSN: " CSN(
			"20",
			"002") "\n"
			       "objectClass: organizationalUnit\nou: Mail\n\ndn: "
			       "cn=mail2.lan,ou=Mail,dc=mailrepl\ncn: mail2.lan\n\n"
			       "dn: cn=mail1.lan,ou=Mail,dc=mailrepl\ncn: mail1.lan\nentryUUID: "
			       "1\n\n"
			       "dn: uid=a,cn=mail1.lan,ou=Mail,dc=mailrepl\nuid: a\nentryCSN: 2\n\n"
			       "dn:: dWlkPcO8LGNuPW1haWwxLmxhbixvdT1NYWlsLGRjPW1haWxyZXBs\nuid:: "
			       "w7w=\n\n");
}

static void of_two_csns_of_a_server_the_older_counts(void **state)
{
	static const char owned[] =
		"dn: " OWNED_MAIL "\ncn: mail1.lan\ncontextCSN: " CSN("40", "001") "\n\n";
	MR_ARENA arena = mr_arena_open();
	struct mr_error err = { 0 };
	const char *text = written(arena, *state, mr_backup_write_copy, owned, COPIES, &err);

	assert_contains(text, "contextCSN: " CSN("30", "001") "\n");
	assert_null(strstr(text, CSN("40", "001")));
}

static void without_its_container_the_maker_has_no_csn(void **state)
{
	static const char owned[] =
		"dn: " OWNED_MAIL "\ncn: mail1.lan\ncontextCSN: " CSN("10", "001") "\n\n";
	MR_ARENA arena = mr_arena_open();
	struct mr_error err = { 0 };
	const char *text = written(arena, *state, mr_backup_write_others, owned, COPIES, &err);

	assert_null(strstr(text, "#001#"));
	assert_null(strstr(text, "mail1.lan"));
	assert_contains(text, CSN("20", "002"));
}

static int write_others_of_a_new_truth(void *source, int fd, struct mr_error *err)
{
	struct mr_arena *arena = mr_arena_open();
	struct mr_list csns = { 0 };
	int rc;

	mr_list_add(arena, &csns, CSN("50", "001"));
	rc = mr_backup_write_others_with(source, &csns, fd, err);
	mr_arena_close(arena);
	return rc;
}

static void a_copy_of_a_new_truth_has_its_csn_not_the_archives(void **state)
{
	static const char owned[] =
		"dn: " OWNED_MAIL "\ncn: mail1.lan\ncontextCSN: " CSN("10", "001") "\n\n";
	MR_ARENA arena = mr_arena_open();
	struct mr_error err = { 0 };
	const char *text = written(arena, *state, write_others_of_a_new_truth, owned, COPIES, &err);

	assert_contains(text, "contextCSN: " CSN("50", "001") "\n");
	assert_contains(text, "contextCSN: " CSN("20", "002") "\n");
	assert_null(strstr(text, CSN("30", "001")));
	assert_null(strstr(text, CSN("10", "001")));
	assert_null(strstr(text, "mail1.lan"));
}

static int write_maker_from_slapcat(void *argument, int fd, struct mr_error *err)
{
	const struct mr_backup_source *source = argument;
	struct mr_arena *arena = mr_arena_open();
	int in = open(mr_printf(arena, "%s/mail-owned.ldif", source->folder), O_RDONLY | O_CLOEXEC);
	int rc = mr_backup_write_maker(source, in, fd, err);

	close(in);
	mr_arena_close(arena);
	return rc;
}

static void what_slapadd_gave_an_entry_it_has_in_the_copy_too(void **state)
{
	static const char owned[] =
		"dn: " OWNED_MAIL "\ncn: mail1.lan\nentryUUID: 1\ncontextCSN: " CSN(
			"50", "001") "\n\ndn: uid=a," OWNED_MAIL "\nuid: a\nentryUUID: 2\n"
				     "entryCSN: 3\n\n";
	MR_ARENA arena = mr_arena_open();
	struct mr_error err = { 0 };

	assert_string_equal(written(arena, *state, write_maker_from_slapcat, owned, COPIES, &err),
			    "dn: cn=mail1.lan,ou=Mail,dc=mailrepl\ncn: mail1.lan\nentryUUID: 1\n\n"
			    "dn: uid=a,cn=mail1.lan,ou=Mail,dc=mailrepl\nuid: a\nentryUUID: 2\n"
			    "entryCSN: 3\n\n");
}

static int write_both_into_one(void *source, int fd, struct mr_error *err)
{
	const struct mr_stamp stamp = { 1, "20261122060000Z", "20261122060000.000001Z" };
	int copy = memfd_create("copy", MFD_CLOEXEC), rc;
	char text[4096];
	ssize_t len;

	rc = mr_backup_write_both(source, &stamp, fd, copy, err);
	len = pread(copy, text, sizeof(text), 0);
	assert_true(len >= 0);
	if (rc == 0)
		rc = mr_write_all(fd, text, (size_t)len, err);
	close(copy);
	return rc;
}

/* Random digits as "U". */
static char *without_random_digits(char *text)
{
	for (char *at = text; (at = strstr(at, "entryUUID: ")); at += 20)
		memset(at + 20, 'U', 27);
	return text;
}

static void a_new_truth_and_its_copy_get_the_same_uuids_and_csns(void **state)
{
	static const char owned[] =
		"dn: " OWNED_MAIL "\ncn: mail1.lan\nentryUUID: 1\ncontextCSN: " CSN(
			"10", "001") "\n\ndn: uid=a," OWNED_MAIL
				     "\nuid: a\nentryUUID: 2\nentryCSN: 3\n\n";
#define STAMP(number, count)                                                                       \
	"entryUUID: " number "-UUUUUUUUUUUUUUUUUUUUUUUUUUU\n"                                      \
	"entryCSN: 20261122060000.000001Z#" count "#001#000000\n"                                  \
	"createTimestamp: 20261122060000Z\nmodifyTimestamp: 20261122060000Z\n"
#define NEWEST "contextCSN: 20261122060000.000001Z#ffffff#001#000000\n"
	MR_ARENA arena = mr_arena_open();
	struct mr_error err = { 0 };

	assert_string_equal(
		without_random_digits(
			(char *)written(arena, *state, write_both_into_one, owned, COPIES, &err)),
		"dn: " OWNED_MAIL "\n" NEWEST STAMP(
			"00000000",
			"ffffff") "cn: mail1.lan\n\n"
				  "dn: uid=a," OWNED_MAIL "\n" STAMP(
					  "00000001",
					  "000001") "uid: a\n\n"
						    "dn: ou=Mail,dc=mailrepl\n" NEWEST
						    "contextCSN: " CSN(
							    "20",
							    "002") "\n"
								   "objectClass: "
								   "organizationalUnit\nou: "
								   "Mail\n\n"
								   "dn: "
								   "cn=mail2.lan,ou=Mail,dc="
								   "mailrepl\ncn: mail2.lan\n\n"
								   "dn: "
								   "cn=mail1.lan,ou=Mail,dc="
								   "mailrepl\n" STAMP(
									   "00000000",
									   "ffffff") "cn: "
										     "mail1.lan\n\n"
										     "dn: "
										     "uid=a,cn="
										     "mail1.lan,ou="
										     "Mail,dc="
										     "mailrepl"
										     "\n" STAMP(
											     "00000"
											     "001",
											     "00000"
											     "1") "uid: a\n\n");
}

static void a_new_truth_has_no_operational_attributes(void **state)
{
	static const char owned[] =
		"dn: " OWNED_MAIL "\nobjectClass: mailReplContainer\ncn: mail1.lan\n"
		"structuralObjectClass: x\nentryUUID: 1\ncreatorsName: x\ncreateTimestamp: x\n"
		"entryCSN: x\nmodifiersName: x\nmodifyTimestamp: x\ncontextCSN: x\n\n";
	MR_ARENA arena = mr_arena_open();
	struct mr_error err = { 0 };

	assert_string_equal(written(arena, *state, mr_backup_write_owned, owned, COPIES, &err),
			    "dn: " OWNED_MAIL
			    "\nobjectClass: mailReplContainer\ncn: mail1.lan\n\n");
}

static void records_that_do_not_belong_there_are_refused(void **state)
{
	static const struct {
		const char *owned, *copies;
	} rows[] = {
		{ "dn: cn=mail9.lan,ou=Mail,ou=Owned,dc=mailrepl\ncn: x\n\n", COPIES },
		{ "dn: xcn=mail1.lan,ou=Mail,ou=Owned,dc=mailrepl\ncn: x\n\n", COPIES },
		{ "dn: " OWNED_MAIL "\ncn: a\n b\n\n", COPIES },
		{ "cn: a\n\n", COPIES },
		{ "dn: " OWNED_MAIL "\ncn: a\n\n",
		  "dn: cn=mail2.lan,ou=Mail,dc=mailrepl\ncn: x\n\n" },
		{ "dn: " OWNED_MAIL "\ncn: a\n\n", "" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		MR_ARENA arena = mr_arena_open();
		struct mr_error err = { 0 };

		if (written(arena, *state, mr_backup_write_copy, rows[i].owned, rows[i].copies,
			    &err))
			fail_msg("row %zu was taken", i);
		assert_string_equal(mr_error_word(err.code), mr_error_word(MR_E_ARCHIVE));
	}
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, folder_setup, folder_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_FOLDER(the_makers_container_moves_into_the_copy),
		IN_FOLDER(of_two_csns_of_a_server_the_older_counts),
		IN_FOLDER(without_its_container_the_maker_has_no_csn),
		IN_FOLDER(a_copy_of_a_new_truth_has_its_csn_not_the_archives),
		IN_FOLDER(what_slapadd_gave_an_entry_it_has_in_the_copy_too),
		IN_FOLDER(a_new_truth_and_its_copy_get_the_same_uuids_and_csns),
		IN_FOLDER(a_new_truth_has_no_operational_attributes),
		IN_FOLDER(records_that_do_not_belong_there_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
