#include "test.h"

#include "model/names.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))
#define TEN "abcdefghij"
#define SIXTY TEN TEN TEN TEN TEN TEN

/* `want` NULL: refused, and `why` is part of the message. */
struct row {
	const char *input, *want, *why;
};

typedef int (*parser)(struct mr_arena *arena, const char *text, const char **out,
		      struct mr_error *err);

static int address_text(struct mr_arena *arena, const char *text, const char **out,
			struct mr_error *err)
{
	struct mr_address address;

	if (mr_address_parse(arena, text, &address, err) < 0)
		return -1;
	*out = address.text;
	return 0;
}

static int hosts_text(struct mr_arena *arena, const char *text, const char **out,
		      struct mr_error *err)
{
	struct mr_list hosts;

	if (mr_hosts_parse(arena, text, &hosts, err) < 0)
		return -1;
	*out = mr_list_join(arena, &hosts, ",");
	return 0;
}

static void check_row(parser parse, const struct row *row)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_error err = { 0 };
	const char *got = NULL;

	if (parse(arena, row->input, &got, &err) < 0)
		got = NULL;
	if (row->want && !got)
		fail_msg("\"%s\": want \"%s\", got the error: %s", row->input, row->want,
			 err.message);
	if (!row->want && got)
		fail_msg("\"%s\": want a refusal (%s), got \"%s\"", row->input, row->why, got);
	if (row->want && strcmp(row->want, got) != 0)
		fail_msg("\"%s\": want \"%s\", got \"%s\"", row->input, row->want, got);
	if (!row->want && (err.code != MR_E_INVALID || !strstr(err.message, row->why)))
		fail_msg("\"%s\": want invalid: \"…%s…\", got %s: \"%s\"", row->input, row->why,
			 mr_error_word(err.code), err.message);
}

static void check(parser parse, const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++)
		check_row(parse, &rows[i]);
}

static void addresses_follow_rfc_5321(void **state)
{
	static const struct row rows[] = {
		{ "user1@maildomain.org", "user1@maildomain.org", NULL },
		/* RFC 5321 section 2.4: domains in any case; the local part is ours to fold */
		{ "User1@MailDomain.ORG", "user1@maildomain.org", NULL },
		/* RFC 5321 section 4.1.2: Dot-string = Atom *("." Atom) */
		{ "first.last@maildomain.org", "first.last@maildomain.org", NULL },
		{ ".first@maildomain.org", NULL, "a dot before the @" },
		{ "last.@maildomain.org", NULL, "a dot before the @" },
		{ "a..b@maildomain.org", NULL, "a dot before the @" },
		/* RFC 5322 section 3.2.3: atext */
		{ "a!#$%&'*+-/=?^_`{|}~@d.org", "a!#$%&'*+-/=?^_`{|}~@d.org", NULL },
		{ "a b@d.org", NULL, "' ' is not allowed" },
		{ "a(b)@d.org", NULL, "'(' is not allowed" },
		{ "a,b@d.org", NULL, "',' is not allowed" },
		{ "a@b@d.org", NULL, "'@' is not allowed" },
		{ "a\\b@d.org", NULL, "'\\' is not allowed" },
		{ "a\nb@d.org", NULL, "is not allowed" },
		{ "a\x7f@d.org", NULL, "is not allowed" },
		/* RFC 5321 section 4.1.2: Quoted-string */
		{ "\"a b\"@d.org", NULL, "quoted local parts are not supported" },
		{ "\"\"@d.org", NULL, "quoted local parts are not supported" },
		{ "\"a@d.org", NULL, "quoted local parts are not supported" },
		{ "\"a\\\"b\"@d.org", NULL, "quoted local parts are not supported" },
		{ "\"a\\\"@d.org", NULL, "quoted local parts are not supported" },
		{ "\"a@b\"@d.org", NULL, "quoted local parts are not supported" },
		{ "\"User.1\"@d.org", "user.1@d.org", NULL },
		{ "\"us\\er1\"@d.org", "user1@d.org", NULL },
		{ "\".a\"@d.org", NULL, "a dot before the @" },
		/* RFC 6531 section 3.3 */
		{ "j\xc3\xbcrgen@d.org", NULL, "no SMTPUTF8" },
		/* RFC 5321 section 4.1.3: address literals */
		{ "a@[192.0.2.1]", NULL, "address literals are not supported" },
		{ "a@[IPv6:2001:db8::1]", NULL, "address literals are not supported" },
		/* RFC 5321 section 2.3.11 */
		{ "user1", NULL, "it has no @" },
		{ "", NULL, "it has no @" },
		{ "@d.org", NULL, "nothing stands before the @" },
		{ "a@", NULL, "the domain is empty" },
		{ "a@localhost", NULL, "one label only" },
		{ "-a@d.org", NULL, "must not begin with a hyphen" },
		{ "a-@d.org", "a-@d.org", NULL },
	};

	(void)state;
	check(address_text, rows, COUNT(rows));
}

static int shown(struct mr_arena *arena, const char *text, const char **out, struct mr_error *err)
{
	(void)err;
	*out = mr_address_show(arena, text);
	return 0;
}

static void addresses_are_shown_with_u_labels(void **state)
{
	static const struct row rows[] = {
		{ "user1@maildomain.org", "user1@maildomain.org", NULL },
		/* RFC 5890 section 2.3.2.1 */
		{ "user1@xn--bcher-kva.example",
		  "user1@b\xc3\xbc"
		  "cher.example",
		  NULL },
		{ "xn--bcher-kva.example",
		  "b\xc3\xbc"
		  "cher.example",
		  NULL },
		/* no A-label, though it looks like one */
		{ "a@xn--.example", "a@xn--.example", NULL },
	};

	(void)state;
	check(shown, rows, COUNT(rows));
}

static void addresses_have_the_sizes_of_rfc_5321(void **state)
{
	static const struct row rows[] = {
		/* section 4.5.3.1.1: 64 octets before the @ */
		{ SIXTY "abcd@d.org", SIXTY "abcd@d.org", NULL },
		{ SIXTY "abcde@d.org", NULL, "more than 64 characters before the @" },
		/* section 4.5.3.1.3: 256 with the brackets; these have 254 and 255 */
		{ SIXTY "@" SIXTY "." SIXTY "." SIXTY ".abcdefghij",
		  SIXTY "@" SIXTY "." SIXTY "." SIXTY ".abcdefghij", NULL },
		{ SIXTY "@" SIXTY "." SIXTY "." SIXTY ".abcdefghijk", NULL, "longer than 254" },
	};

	(void)state;
	check(address_text, rows, COUNT(rows));
}

static void an_address_comes_apart(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_address address;
	struct mr_error err = { 0 };

	(void)state;
	assert_int_equal(mr_address_parse(arena, "Info@Example.ORG", &address, &err), 0);
	assert_string_equal(address.local, "info");
	assert_string_equal(address.domain, "example.org");
}

static int claim_parse(struct mr_arena *arena, const char *text, const char **out,
		       struct mr_error *err)
{
	struct mr_address address;

	if (mr_claim_parse(arena, text, &address, err) < 0)
		return -1;
	*out = address.text;
	return 0;
}

static void a_claim_is_an_address_or_the_rest_of_a_domain(void **state)
{
	static const struct row rows[] = {
		{ "Info@Example.ORG", "info@example.org", NULL },
		{ "@Example.ORG", "@example.org", NULL },
		{ "@b\xc3\xbc"
		  "cher.example",
		  "@xn--bcher-kva.example", NULL },
		{ "@", NULL, "domain is empty" },
		{ "@example", NULL, "one label only" },
		{ "@@example.org", NULL, "catch-all" },
		{ "@a b.org", NULL, "only letters, digits" },
		{ "@[127.0.0.1]", NULL, "address literals" },
		{ "example.org", NULL, "has no @" },
	};

	(void)state;
	check(claim_parse, rows, COUNT(rows));
}

static void role_addresses_are_those_that_every_domain_has(void **state)
{
	(void)state;
	assert_true(mr_is_role("postmaster"));
	assert_true(mr_is_role("abuse"));
	assert_true(mr_is_role("mailer-daemon"));
	assert_false(mr_is_role("postmaster2"));
	assert_false(mr_is_role(""));
}

static void domains_follow_rfc_1123(void **state)
{
	static const struct row rows[] = {
		{ "maildomain.org", "maildomain.org", NULL },
		{ "MAIL.Domain.Org", "mail.domain.org", NULL },
		/* RFC 1123 section 2.1: a label may begin with a digit */
		{ "3com.com", "3com.com", NULL },
		{ "a-b.c--d.org", "a-b.c--d.org", NULL },
		/* RFC 952, RFC 1123 section 2.1: letters, digits, hyphen */
		{ "mail_domain.org", NULL, "only letters, digits, hyphens and dots" },
		{ "mail domain.org", NULL, "only letters, digits, hyphens and dots" },
		{ "mail*.org", NULL, "only letters, digits, hyphens and dots" },
		{ "-mail.org", NULL, "begins or ends with a hyphen" },
		{ "mail-.org", NULL, "begins or ends with a hyphen" },
		{ "mail.-org", NULL, "begins or ends with a hyphen" },
		/* RFC 5321 section 4.1.2: no dot at an end */
		{ "maildomain.org.", NULL, "a label is empty" },
		{ ".maildomain.org", NULL, "a label is empty" },
		{ "maildomain..org", NULL, "a label is empty" },
		{ ".", NULL, "a label is empty" },
		{ "", NULL, "the domain is empty" },
		{ "maildomain", NULL, "one label only" },
		/* RFC 1123 section 2.1: not to be taken for a dotted-decimal number */
		{ "192.0.2.1", NULL, "a number or an IP address" },
		{ "[192.0.2.1]", NULL, "address literals are not supported" },
		{ "2001:db8::1", NULL, "only letters, digits, hyphens and dots" },
		/* RFC 1035 section 2.3.4: labels of 63, names of 255 octets on the wire */
		{ SIXTY "abc.org", SIXTY "abc.org", NULL },
		{ SIXTY "abcd.org", NULL, "is longer than 63 characters" },
		{ SIXTY "." SIXTY "." SIXTY "." SIXTY ".abcdefghi",
		  SIXTY "." SIXTY "." SIXTY "." SIXTY ".abcdefghi", NULL },
		{ SIXTY "." SIXTY "." SIXTY "." SIXTY ".abcdefghij", NULL,
		  "longer than 253 characters" },
	};

	(void)state;
	check(mr_domain_parse, rows, COUNT(rows));
}

static void internationalised_domains_become_a_labels(void **state)
{
	static const struct row rows[] = {
		/* RFC 5891 section 5: U-labels, in any case (UTS #46) */
		{ "b\xc3\xbc"
		  "cher.example",
		  "xn--bcher-kva.example", NULL },
		{ "B\xc3\x9c"
		  "CHER.Example",
		  "xn--bcher-kva.example", NULL },
		{ "bu\xcc\x88"
		  "cher.example",
		  "xn--bcher-kva.example", NULL }, /* decomposed */
		/* RFC 5894 section 7.2: the sharp s is itself, no double s */
		{ "fa\xc3\x9f.example", "xn--fa-hia.example", NULL },
		{ "xn--bcher-kva.example", "xn--bcher-kva.example", NULL },
		{ "XN--BCHER-KVA.EXAMPLE", "xn--bcher-kva.example", NULL },
		{ "\xd0\xbf\xd0\xbe\xd1\x87\xd1\x82\xd0\xb0.\xd1\x80\xd1\x84",
		  "xn--80a1acny.xn--p1ai", NULL },
		/* RFC 5890 section 2.3.2.1: an A-label must be one */
		{ "xn--\x61\x62\x63\x64-.example", NULL, "hyphen" },
		{ "xn--99999999.example", NULL, "xn--99999999.example" },
		/* RFC 5892: symbols are not letters */
		{ "\xe2\x98\x83.example", NULL, "\xe2\x98\x83.example" },
		{ "b\xc3.example", NULL, "is not UTF-8" },
		/* a full-width at sign and a full-width slash, mapped to ASCII, do not slip through
		 */
		{ "a\xef\xbc\x8f"
		  "b.example",
		  NULL, "" },
		{ "a\xef\xbc\xa0"
		  "b.example",
		  NULL, "" },
	};

	(void)state;
	check(mr_domain_parse, rows, COUNT(rows));
}

static void hosts_are_fully_qualified_ascii_names(void **state)
{
	static const struct row rows[] = {
		{ "mail1.lan", "mail1.lan", NULL },
		{ "Mail1.LAN", "mail1.lan", NULL },
		{ "mail1", NULL, "hostname -f" },
		{ "", NULL, "missing" },
		{ "m\xc3\xa4il.lan", NULL, "only ASCII" },
		{ "10.0.0.1", NULL, "IP address" },
		{ "mail1.lan/..", NULL, "only letters, digits, hyphens and dots" },
		{ "mail1.lan,mail2.lan", NULL, "only letters, digits, hyphens and dots" },
	};

	(void)state;
	check(mr_host_parse, rows, COUNT(rows));
}

static void host_lists_keep_their_order_and_have_no_holes(void **state)
{
	static const struct row rows[] = {
		{ "mail2.lan,mail1.lan", "mail2.lan,mail1.lan", NULL },
		{ "mail1.lan", "mail1.lan", NULL },
		{ "", NULL, "an item is empty" },
		{ "mail1.lan,,mail2.lan", NULL, "an item is empty" },
		{ "mail1.lan,", NULL, "an item is empty" },
		{ ",mail1.lan", NULL, "an item is empty" },
		{ "mail1.lan,MAIL1.lan", NULL, "mail1.lan is named twice" },
		{ "mail1.lan, mail2.lan", NULL, "only letters, digits, hyphens and dots" },
		{ "mail1.lan,mail2", NULL, "hostname -f" },
	};

	(void)state;
	check(hosts_text, rows, COUNT(rows));
}

static void users_are_named_as_adduser_allows(void **state)
{
	static const struct row rows[] = {
		{ "user1", "user1", NULL },
		{ "_svc", "_svc", NULL },
		{ "a", "a", NULL },
		{ "first.last-x_1", "first.last-x_1", NULL },
		{ "abcdefghijabcdefghijabcdefghijab", "abcdefghijabcdefghijabcdefghijab", NULL },
		{ "abcdefghijabcdefghijabcdefghijabc", NULL, "1 to 32 characters" },
		{ "", NULL, "1 to 32 characters" },
		{ "User1", NULL, "small letters" },
		{ "1user", NULL, "first a letter or _" },
		{ "-user", NULL, "first a letter or _" },
		{ ".user", NULL, "first a letter or _" },
		{ "user.", NULL, "not at the end" },
		{ "us..er", NULL, "dots single" },
		{ "us er", NULL, "small letters" },
		{ "us/er", NULL, "small letters" },
		{ "us,er", NULL, "small letters" },
		{ "us:er", NULL, "small letters" },
		{ "j\xc3\xbcrgen", NULL, "small letters" },
		/* RFC 2142 and RFC 5321 section 4.5.1 */
		{ "postmaster", NULL, "reserved" },
		{ "abuse", NULL, "reserved" },
		{ "root", NULL, "reserved" },
		{ "mailer-daemon", NULL, "reserved" },
		{ "postmaster2", "postmaster2", NULL },
	};

	(void)state;
	check(mr_user_parse, rows, COUNT(rows));
}

static void groups_are_named_as_users_are(void **state)
{
	static const struct row rows[] = {
		{ "sales", "sales", NULL },
		{ "Sales", NULL, "group \"Sales\"" },
		{ "postmaster", NULL, "reserved for the role address" },
		{ "a,b", NULL, "1 to 32 characters" },
		{ "", NULL, "1 to 32 characters" },
	};

	(void)state;
	check(mr_group_name_parse, rows, COUNT(rows));
}

static void full_names_are_printable_utf_8(void **state)
{
	static const struct row rows[] = {
		{ "J\xc3\xbcrgen O'Neil, Jr.", "J\xc3\xbcrgen O'Neil, Jr.", NULL },
		{ "\xd0\x98\xd0\xb2\xd0\xb0\xd0\xbd", "\xd0\x98\xd0\xb2\xd0\xb0\xd0\xbd", NULL },
		{ SIXTY SIXTY SIXTY TEN TEN, SIXTY SIXTY SIXTY TEN TEN, NULL },
		{ SIXTY SIXTY SIXTY TEN TEN "a", NULL, "longer than 200 bytes" },
		{ "", NULL, "is empty" },
		{ "   ", NULL, "is empty" },
		{ "a\tb", NULL, "control characters" },
		{ "a\nb", NULL, "control characters" },
		{ "a\x7f", NULL, "control characters" },
		{ "a\xc2\x85", NULL, "control characters" },
		{ "a\xff", NULL, "not UTF-8" },
	};

	(void)state;
	check(mr_full_name_parse, rows, COUNT(rows));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_follow_rfc_5321),
		cmocka_unit_test(addresses_are_shown_with_u_labels),
		cmocka_unit_test(addresses_have_the_sizes_of_rfc_5321),
		cmocka_unit_test(an_address_comes_apart),
		cmocka_unit_test(a_claim_is_an_address_or_the_rest_of_a_domain),
		cmocka_unit_test(role_addresses_are_those_that_every_domain_has),
		cmocka_unit_test(domains_follow_rfc_1123),
		cmocka_unit_test(internationalised_domains_become_a_labels),
		cmocka_unit_test(hosts_are_fully_qualified_ascii_names),
		cmocka_unit_test(host_lists_keep_their_order_and_have_no_holes),
		cmocka_unit_test(users_are_named_as_adduser_allows),
		cmocka_unit_test(groups_are_named_as_users_are),
		cmocka_unit_test(full_names_are_printable_utf_8),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
