#include "test.h"

#include "features/digest.h"

#define OWNED "cn=mail1.lan,ou=Mail,ou=Owned,dc=mailrepl"
#define COPY "cn=mail1.lan,ou=Mail,dc=mailrepl"

/* Ends in a newline; `base` is the container. */
static void add_user(struct mr_buf *ldif, const char *base, unsigned number, const char *more)
{
	mr_buf_printf(ldif,
		      "dn: uid=user%u,%s\nobjectClass: account\nobjectClass: inetLocalMailRecipient\nuid: user%u\n"
		      "entryUUID: 00000000-0000-0000-0000-%012u\nentryCSN: 20261121195135.%06uZ#000000#001#000000\n%s\n",
		      number, base, number, number, number, more);
}

static void add_base(struct mr_buf *ldif, const char *base)
{
	mr_buf_printf(ldif,
		      "dn: %s\nobjectClass: mailReplContainer\ncn: mail1.lan\nentryUUID: 1\n"
		      "entryCSN: 20261121195135.000000Z#000000#001#000000\n\n",
		      base);
}

/* Gives each entry the object class that it cannot be without. */
static struct mr_directory *open_text(const char *ldif)
{
	struct mr_directory *dir;
	struct mr_error err;
	MR_BUF text = { 0 };

	for (const char *end; (end = strchr(ldif, '\n')); ldif = end + 1) {
		mr_buf_add(&text, ldif, (size_t)(end + 1 - ldif));
		if (strncmp(ldif, "dn: ", 4) == 0)
			mr_buf_puts(&text, "objectClass: top\n");
	}
	assert_ok(mr_directory_open_memory(mr_buf_text(&text), &dir, &err), err);
	return dir;
}

/* Users first to last - 1, without `leave_out`; `changed` has another address. */
static struct mr_directory *open_users(const char *base, unsigned first, unsigned last,
				       unsigned leave_out, unsigned changed)
{
	MR_BUF ldif = { 0 };

	add_base(&ldif, base);
	for (unsigned i = first; i < last; i++)
		if (i != leave_out)
			add_user(&ldif, base, i,
				 i == changed ? "mailLocalAddress: evil@x.org\n" : "mailLocalAddress: a@x.org\n");
	return open_text(mr_buf_text(&ldif));
}

static void read_digest(struct mr_directory *dir, const char *container, struct mr_digest *out)
{
	struct mr_error err;

	assert_ok(mr_digest_read(dir, container, out, &err), err);
}

static void a_copy_has_its_owners_digest(void **state)
{
	MR_DIRECTORY owner = open_users(OWNED, 1, 50, 0, 0);
	MR_DIRECTORY holder = open_users(COPY, 1, 50, 0, 0);
	struct mr_digest a, b;

	(void)state;
	read_digest(owner, OWNED, &a);
	read_digest(holder, COPY, &b);
	assert_int_equal(a.entries, 50);
	assert_true(mr_digest_equal(&a, &b));
	assert_string_equal(a.hex, b.hex);
	assert_int_equal(strlen(a.hex), 64);
}

static void the_order_of_entries_attributes_and_values_does_not_count(void **state)
{
	MR_DIRECTORY one = open_text("dn: " OWNED "\ncn: x\n\n"
				     "dn: uid=a," OWNED "\nuid: a\nmailLocalAddress: 1@x.org\nmailLocalAddress: 2@x.org\n\n"
				     "dn: uid=b," OWNED "\nuid: b\ncn: c\n\n");
	MR_DIRECTORY other = open_text("dn: " OWNED "\ncn: x\n\n"
				       "dn: uid=b," OWNED "\ncn: c\nUID: b\n\n"
				       "dn: uid=a," OWNED "\nmailLocalAddress: 2@x.org\nmailLocalAddress: 1@x.org\nuid: a\n\n");
	struct mr_digest a, b;

	(void)state;
	read_digest(one, OWNED, &a);
	read_digest(other, OWNED, &b);
	assert_string_equal(a.hex, b.hex);
}

/* Each differs from the first in one thing. */
static void every_part_of_an_entry_counts(void **state)
{
	static const char *const entries[] = {
		"dn: uid=a,%s\nuid: a\nmail: 1\nmail: 2\nentryUUID: u\nentryCSN: c\n",
		"dn: uid=aa,%s\nuid: a\nmail: 1\nmail: 2\nentryUUID: u\nentryCSN: c\n",
		"dn: uid=a,%s\nuid: A\nmail: 1\nmail: 2\nentryUUID: u\nentryCSN: c\n",
		"dn: uid=a,%s\nuid: a\nmail: 12\nentryUUID: u\nentryCSN: c\n",
		"dn: uid=a,%s\nuid: a\nmail: 1\nentryUUID: u\nentryCSN: c\n",
		"dn: uid=a,%s\nuid: a\nmail: 1\nmail: 2\nentryUUID: v\nentryCSN: c\n",
		"dn: uid=a,%s\nuid: a\nmail: 1\nmail: 2\nentryUUID: u\nentryCSN: d\n",
		"dn: uid=a,%s\nuid: a\nmail: 1\nmail: 2\nsn: c\nentryUUID: u\nentryCSN: c\n",
		"dn: uid=a,%s\nuid: a\nmail: 1\nsn: 2\nentryUUID: u\nentryCSN: c\n",
	};
	char seen[sizeof(entries) / sizeof(*entries)][65];

	(void)state;
	for (size_t i = 0; i < sizeof(entries) / sizeof(*entries); i++) {
		MR_BUF ldif = { 0 };
		struct mr_directory *dir;
		struct mr_digest digest;
		const char *at = strstr(entries[i], "%s");

		mr_buf_puts(&ldif, "dn: " OWNED "\ncn: x\n\n");
		mr_buf_add(&ldif, entries[i], (size_t)(at - entries[i]));
		mr_buf_printf(&ldif, "%s%s", OWNED, at + 2);
		dir = open_text(mr_buf_text(&ldif));
		read_digest(dir, OWNED, &digest);
		mr_directory_close(dir);
		memcpy(seen[i], digest.hex, sizeof(seen[i]));
		for (size_t k = 0; k < i; k++)
			if (strcmp(seen[i], seen[k]) == 0)
				fail_msg("entries %zu and %zu have one digest", k, i);
	}
}

static void a_container_that_is_absent_is_empty(void **state)
{
	MR_DIRECTORY dir = open_text("");
	struct mr_digest digest;

	(void)state;
	read_digest(dir, OWNED, &digest);
	assert_int_equal(digest.entries, 0);
}

static void a_changed_entry_changes_one_bucket(void **state)
{
	MR_DIRECTORY one = open_users(OWNED, 1, 500, 0, 0);
	MR_DIRECTORY other = open_users(OWNED, 1, 500, 0, 77);
	struct mr_digest a, b;
	size_t differ = 0, used = 0;

	(void)state;
	read_digest(one, OWNED, &a);
	read_digest(other, OWNED, &b);
	for (size_t i = 0; i < MR_DIGEST_BUCKETS; i++) {
		static const uint8_t none[32];

		differ += memcmp(a.buckets[i], b.buckets[i], 32) != 0;
		used += memcmp(a.buckets[i], none, 32) != 0;
	}
	assert_int_equal(differ, 1);
	assert_in_range(used, 300, 500);
}

static void compare(struct mr_arena *arena, struct mr_directory *owner, struct mr_directory *holder,
		    size_t most, struct mr_differences *out)
{
	struct mr_digest a, b;
	struct mr_error err;

	read_digest(owner, OWNED, &a);
	read_digest(holder, COPY, &b);
	assert_ok(mr_digest_differences(arena, owner, OWNED, &a, holder, COPY, &b, most, out, &err),
		  err);
}

static void equal_copies_have_no_differences(void **state)
{
	MR_DIRECTORY owner = open_users(OWNED, 1, 50, 0, 0);
	MR_DIRECTORY holder = open_users(COPY, 1, 50, 0, 0);
	MR_ARENA arena = mr_arena_open();
	struct mr_differences found;

	(void)state;
	compare(arena, owner, holder, 100, &found);
	assert_int_equal(found.count, 0);
	assert_false(found.more);
}

static void check_one(const struct mr_differences *found, enum mr_difference_kind kind,
		      const char *dn, const char *what, const char *csn)
{
	assert_int_equal(found->count, 1);
	assert_false(found->more);
	assert_string_equal(mr_difference_word(found->items[0].kind), mr_difference_word(kind));
	assert_string_equal(found->items[0].dn, dn);
	if (what)
		assert_string_equal(found->items[0].what, what);
	else
		assert_null(found->items[0].what);
	assert_string_equal(found->items[0].csn, csn);
}

static void a_missing_entry_is_named(void **state)
{
	MR_DIRECTORY owner = open_users(OWNED, 1, 300, 0, 0);
	MR_DIRECTORY holder = open_users(COPY, 1, 300, 33, 0);
	MR_ARENA arena = mr_arena_open();
	struct mr_differences found;

	(void)state;
	compare(arena, owner, holder, 100, &found);
	check_one(&found, MR_DIFFERENCE_MISSING, "uid=user33," OWNED, NULL,
		  "20261121195135.000033Z#000000#001#000000");
}

static void a_surplus_entry_is_named_as_its_owner_would(void **state)
{
	MR_DIRECTORY owner = open_users(OWNED, 1, 300, 33, 0);
	MR_DIRECTORY holder = open_users(COPY, 1, 300, 0, 0);
	MR_ARENA arena = mr_arena_open();
	struct mr_differences found;

	(void)state;
	compare(arena, owner, holder, 100, &found);
	check_one(&found, MR_DIFFERENCE_SURPLUS, "uid=user33," OWNED, NULL,
		  "20261121195135.000033Z#000000#001#000000");
}

static void a_changed_entry_is_named_with_its_attributes(void **state)
{
	MR_DIRECTORY owner = open_users(OWNED, 1, 300, 0, 0);
	MR_DIRECTORY holder = open_users(COPY, 1, 300, 0, 33);
	MR_ARENA arena = mr_arena_open();
	struct mr_differences found;

	(void)state;
	compare(arena, owner, holder, 100, &found);
	check_one(&found, MR_DIFFERENCE_CHANGED, "uid=user33," OWNED, "mailLocalAddress",
		  "20261121195135.000033Z#000000#001#000000");
}

/* One entry in each of two containers, and the attributes that must be named. */
static void each_attribute_that_differs_is_named(void **state)
{
	static const struct {
		const char *owned, *copied, *want;
	} cases[] = {
		{ "uid: a\nentryCSN: 1\n", "uid: a\nentryCSN: 2\n", "entryCSN" },
		{ "uid: a\nentryUUID: 1\n", "uid: a\nentryUUID: 2\n", "entryUUID" },
		{ "uid: a\nmail: 1\nsn: 2\n", "uid: a\nmail: 2\ncn: 3\n", "cn, mail, sn" },
		{ "uid: a\nmail: 1\nmail: 2\n", "uid: a\nmail: 1\n", "mail" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		MR_ARENA arena = mr_arena_open();
		MR_DIRECTORY owner = open_text(mr_printf(
			arena, "dn: %s\ncn: x\n\ndn: uid=a,%s\n%s\n", OWNED, OWNED, cases[i].owned));
		MR_DIRECTORY holder = open_text(mr_printf(
			arena, "dn: %s\ncn: x\n\ndn: uid=a,%s\n%s\n", COPY, COPY, cases[i].copied));
		struct mr_differences found;

		compare(arena, owner, holder, 100, &found);
		assert_int_equal(found.count, 1);
		assert_string_equal(found.items[0].what, cases[i].want);
	}
}

static void a_name_is_the_same_in_another_case(void **state)
{
	MR_DIRECTORY owner = open_text("dn: " OWNED "\ncn: x\n\n"
				       "dn: ou=Hosts," OWNED "\nou: Hosts\n\n"
				       "dn: cn=b,ou=Hosts," OWNED "\ncn: b\n\n");
	MR_DIRECTORY holder = open_text("dn: CN=mail1.lan,ou=mail,dc=mailrepl\ncn: x\n\n"
					"dn: ou=hosts,cn=mail1.lan,ou=mail,dc=mailrepl\nou: Hosts\n\n"
					"dn: CN=b,ou=HOSTS,cn=mail1.LAN,ou=mail,dc=mailrepl\ncn: b\n\n");
	struct mr_digest a, b;

	(void)state;
	read_digest(owner, OWNED, &a);
	read_digest(holder, COPY, &b);
	assert_int_equal(b.entries, 3);
	assert_true(mr_digest_equal(&a, &b));
}

static void a_name_in_another_case_is_the_same_entry(void **state)
{
	MR_DIRECTORY owner = open_text("dn: " OWNED "\ncn: x\n\ndn: uid=a," OWNED "\nuid: a\n\n");
	MR_DIRECTORY holder = open_text("dn: " COPY "\ncn: x\n\ndn: uid=A," COPY "\nuid: A\n\n");
	MR_ARENA arena = mr_arena_open();
	struct mr_differences found;

	(void)state;
	compare(arena, owner, holder, 100, &found);
	check_one(&found, MR_DIFFERENCE_CHANGED, "uid=a," OWNED, "uid", "");
}

static void a_copy_that_is_gone_lacks_all_and_says_that_there_is_more(void **state)
{
	MR_DIRECTORY owner = open_users(OWNED, 1, 300, 0, 0);
	MR_DIRECTORY holder = open_text("");
	MR_ARENA arena = mr_arena_open();
	struct mr_differences found;

	(void)state;
	compare(arena, owner, holder, 100, &found);
	assert_int_equal(found.count, 100);
	assert_true(found.more);
	for (size_t i = 0; i < found.count; i++)
		assert_int_equal(found.items[i].kind, MR_DIFFERENCE_MISSING);
	compare(arena, owner, holder, 300, &found);
	assert_int_equal(found.count, 300);
	assert_false(found.more);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_copy_has_its_owners_digest),
		cmocka_unit_test(the_order_of_entries_attributes_and_values_does_not_count),
		cmocka_unit_test(every_part_of_an_entry_counts),
		cmocka_unit_test(a_container_that_is_absent_is_empty),
		cmocka_unit_test(a_changed_entry_changes_one_bucket),
		cmocka_unit_test(equal_copies_have_no_differences),
		cmocka_unit_test(a_missing_entry_is_named),
		cmocka_unit_test(a_surplus_entry_is_named_as_its_owner_would),
		cmocka_unit_test(a_changed_entry_is_named_with_its_attributes),
		cmocka_unit_test(each_attribute_that_differs_is_named),
		cmocka_unit_test(a_name_is_the_same_in_another_case),
		cmocka_unit_test(a_name_in_another_case_is_the_same_entry),
		cmocka_unit_test(a_copy_that_is_gone_lacks_all_and_says_that_there_is_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
