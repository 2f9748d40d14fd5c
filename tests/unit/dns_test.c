#include "test.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <sys/socket.h>

#include "adapters/dns.h"
#include "base/clock.h"

/* A DNS server that knows a few names. The first label of the question is looked up in the table. */
enum { SERVFAIL = 2, NXDOMAIN = 3, REFUSED = 5, NOBODY = 100, GARBAGE, TRUNCATED };

struct record {
	const char *name; /* of the question */
	unsigned type;    /* 1 A, 5 CNAME, 15 MX, 28 AAAA */
	unsigned preference;
	const char *value;
};

static const struct record records[] = {
	{ "many.test", 15, 20, "Mx2.test" },       { "many.test", 15, 10, "mx9.test" },
	{ "many.test", 15, 10, "mx1.test" },       { "null.test", 15, 0, "" },
	{ "odd.test", 15, 10, "a\003b\033.test" }, { "host.test", 1, 0, "192.0.2.2" },
	{ "host.test", 1, 0, "192.0.2.1" },        { "host.test", 28, 0, "2001:db8::1" },
	{ "alias.test", 5, 0, "host.test" },       { "alias.test", 1, 0, "192.0.2.1" },
	{ "dangling.test", 5, 0, "gone.test" },
};

static const struct {
	const char *name;
	int answer;
} faults[] = {
	{ "unknown.test", NXDOMAIN }, { "fails.test", SERVFAIL },  { "refuses.test", REFUSED },
	{ "silent.test", NOBODY },    { "garbage.test", GARBAGE }, { "long.test", TRUNCATED },
};

static int server = -1;
static char server_name[32];

static size_t put_name(unsigned char *at, const char *name)
{
	unsigned char *start = at;

	while (*name) {
		size_t len = strcspn(name, ".");

		*at++ = (unsigned char)len;
		memcpy(at, name, len);
		at += len;
		name += len + (name[len] == '.');
	}
	*at++ = 0;
	return (size_t)(at - start);
}

static size_t put16(unsigned char *at, unsigned number)
{
	at[0] = (unsigned char)(number >> 8);
	at[1] = (unsigned char)number;
	return 2;
}

static size_t put_data(unsigned char *at, const struct record *record)
{
	size_t len = 0;

	if (record->type == 1 || record->type == 28) {
		inet_pton(record->type == 1 ? AF_INET : AF_INET6, record->value, at);
		return record->type == 1 ? 4 : 16;
	}
	if (record->type == 15)
		len = put16(at, record->preference);
	return len + put_name(at + len, record->value);
}

static size_t put_record(unsigned char *at, const struct record *record)
{
	unsigned char data[300];
	size_t size = put_data(data, record), len = put_name(at, record->name);

	len += put16(at + len, record->type);
	len += put16(at + len, 1);
	memset(at + len, 0, 4);
	len += 4;
	len += put16(at + len, (unsigned)size);
	memcpy(at + len, data, size);
	return len + size;
}

static int fault_of(const char *name)
{
	for (size_t i = 0; i < sizeof(faults) / sizeof(*faults); i++)
		if (strcmp(faults[i].name, name) == 0)
			return faults[i].answer;
	return 0;
}

/* Length of the answer in `out`; 0: none. */
static size_t answer(const unsigned char *query, size_t size, unsigned char *out)
{
	char name[256] = "";
	size_t at = 12, len;
	unsigned type, count = 0;
	int fault;

	while (at < size && query[at]) {
		strncat(name, (const char *)query + at + 1, query[at]);
		at += query[at] + 1u;
		if (query[at])
			strcat(name, ".");
	}
	type = (unsigned)(query[at + 1] << 8 | query[at + 2]);
	fault = fault_of(name);
	if (fault == NOBODY)
		return 0;
	len = at + 5;
	memcpy(out, query, len);
	put16(out + 2, 0x8580u | (fault == TRUNCATED ? 0x0200u
				  : fault < NOBODY   ? (unsigned)fault
						     : 0));
	memset(out + 6, 0, 6);
	for (size_t i = 0; i < sizeof(records) / sizeof(*records); i++) {
		const struct record *one = &records[i];

		/* An alias is said whatever is asked of it. */
		if (strcmp(one->name, name) == 0 && (one->type == type || one->type == 5)) {
			len += put_record(out + len, one);
			count++;
		}
	}
	put16(out + 6, fault == GARBAGE ? 7 : count);
	return len;
}

static void *serve(void *unused)
{
	unsigned char query[1500], reply[4000];
	struct sockaddr_in from;

	for (;;) {
		socklen_t size = sizeof(from);
		ssize_t got =
			recvfrom(server, query, sizeof(query), 0, (struct sockaddr *)&from, &size);
		size_t len;

		if (got < 17)
			return unused;
		len = answer(query, (size_t)got, reply);
		if (len)
			sendto(server, reply, len, 0, (struct sockaddr *)&from, size);
	}
}

static int start(void **state)
{
	struct sockaddr_in here = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t size = sizeof(here);
	static pthread_t thread;

	server = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (server < 0 || bind(server, (struct sockaddr *)&here, size) != 0 ||
	    getsockname(server, (struct sockaddr *)&here, &size) != 0)
		return -1;
	snprintf(server_name, sizeof(server_name), "127.0.0.1:%u", ntohs(here.sin_port));
	*state = &thread;
	return pthread_create(&thread, NULL, serve, NULL);
}

/* A datagram that is too short ends it. */
static int stop(void **state)
{
	struct sockaddr_in here;
	socklen_t size = sizeof(here);

	if (getsockname(server, (struct sockaddr *)&here, &size) != 0 ||
	    sendto(server, "", 1, 0, (struct sockaddr *)&here, size) != 1)
		return -1;
	pthread_join(*(pthread_t *)*state, NULL);
	close(server);
	return 0;
}

static void mx_records_come_by_preference_in_lower_case(void **state)
{
	MR_ARENA arena = mr_arena_open();
	MR_DNS dns = mr_dns_open(arena, server_name);
	struct mr_mx *mx;
	size_t count;
	const char *why = NULL;

	(void)state;
	assert_int_equal(mr_dns_mx(arena, dns, "many.test", &mx, &count, &why), MR_DNS_FOUND);
	assert_int_equal(count, 3);
	assert_int_equal(mx[0].preference, 10);
	assert_string_equal(mx[0].host, "mx1.test");
	assert_string_equal(mx[1].host, "mx9.test");
	assert_int_equal(mx[2].preference, 20);
	assert_string_equal(mx[2].host, "mx2.test");
	assert_null(why);
}

static void a_domain_that_takes_no_mail_has_the_empty_host(void **state)
{
	MR_ARENA arena = mr_arena_open();
	MR_DNS dns = mr_dns_open(arena, server_name);
	struct mr_mx *mx;
	size_t count;
	const char *why;

	(void)state;
	assert_int_equal(mr_dns_mx(arena, dns, "null.test", &mx, &count, &why), MR_DNS_FOUND);
	assert_int_equal(count, 1);
	assert_string_equal(mx[0].host, "");
}

static void what_is_not_there_is_none_and_what_nobody_tells_is_silent(void **state)
{
	static const struct {
		const char *name;
		enum mr_dns_answer want;
	} rows[] = {
		{ "unknown.test", MR_DNS_NONE },   { "host.test", MR_DNS_NONE },
		{ "fails.test", MR_DNS_SILENT },   { "refuses.test", MR_DNS_SILENT },
		{ "garbage.test", MR_DNS_SILENT }, { "long.test", MR_DNS_SILENT },
	};
	MR_ARENA arena = mr_arena_open();
	MR_DNS dns = mr_dns_open(arena, server_name);

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct mr_mx *mx;
		size_t count;
		const char *why = NULL;
		enum mr_dns_answer got = mr_dns_mx(arena, dns, rows[i].name, &mx, &count, &why);

		if (got != rows[i].want || count || (got == MR_DNS_SILENT) != (why != NULL))
			fail_msg("%s: %d, not %d (%s)", rows[i].name, (int)got, (int)rows[i].want,
				 why ? why : "no reason");
	}
}

static void control_characters_of_others_are_not_shown(void **state)
{
	MR_ARENA arena = mr_arena_open();
	MR_DNS dns = mr_dns_open(arena, server_name);
	struct mr_mx *mx;
	size_t count;
	const char *why;

	(void)state;
	assert_int_equal(mr_dns_mx(arena, dns, "odd.test", &mx, &count, &why), MR_DNS_FOUND);
	for (const char *at = mx[0].host; *at; at++)
		assert_true(*at >= ' ' && *at < 127);
}

static void a_host_has_its_addresses_of_both_kinds(void **state)
{
	MR_ARENA arena = mr_arena_open();
	MR_DNS dns = mr_dns_open(arena, server_name);
	struct mr_list addresses;
	const char *alias, *why;

	(void)state;
	assert_int_equal(mr_dns_host(arena, dns, "host.test", &alias, &addresses, &why),
			 MR_DNS_FOUND);
	assert_null(alias);
	assert_string_equal(mr_list_join(arena, &addresses, " "),
			    "192.0.2.1 192.0.2.2 2001:db8::1");
}

static void an_alias_is_told_whether_it_leads_anywhere_or_not(void **state)
{
	MR_ARENA arena = mr_arena_open();
	MR_DNS dns = mr_dns_open(arena, server_name);
	struct mr_list addresses;
	const char *alias, *why;

	(void)state;
	assert_int_equal(mr_dns_host(arena, dns, "alias.test", &alias, &addresses, &why),
			 MR_DNS_FOUND);
	assert_string_equal(alias, "host.test");
	assert_string_equal(mr_list_join(arena, &addresses, " "), "192.0.2.1");
	assert_int_equal(mr_dns_host(arena, dns, "dangling.test", &alias, &addresses, &why),
			 MR_DNS_NONE);
	assert_string_equal(alias, "gone.test");
	assert_int_equal(mr_dns_host(arena, dns, "unknown.test", &alias, &addresses, &why),
			 MR_DNS_NONE);
	assert_null(alias);
}

static void a_server_that_says_nothing_is_given_up(void **state)
{
	MR_ARENA arena = mr_arena_open();
	MR_DNS dns = mr_dns_open(arena, server_name);
	long long begin = mr_now_ms();
	struct mr_list addresses;
	const char *alias, *why = NULL;

	(void)state;
	assert_int_equal(mr_dns_host(arena, dns, "silent.test", &alias, &addresses, &why),
			 MR_DNS_SILENT);
	assert_non_null(why);
	/* Once, and not again for the other kinds of address; a machine may be slow. */
	assert_true(mr_now_ms() - begin < (2 * MR_DNS_SECONDS - 1) * 1000);
}

static void without_a_server_every_look_up_is_silent(void **state)
{
	static const char *const wrong[] = { "127.0.0.1", "nowhere:53", "127.0.0.1:0",
					     "127.0.0.1:70000" };
	MR_ARENA arena = mr_arena_open();
	struct mr_list addresses;
	const char *alias, *why = NULL;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		assert_null(mr_dns_open(arena, wrong[i]));
	assert_int_equal(mr_dns_host(arena, NULL, "host.test", &alias, &addresses, &why),
			 MR_DNS_SILENT);
	assert_non_null(why);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mx_records_come_by_preference_in_lower_case),
		cmocka_unit_test(a_domain_that_takes_no_mail_has_the_empty_host),
		cmocka_unit_test(what_is_not_there_is_none_and_what_nobody_tells_is_silent),
		cmocka_unit_test(control_characters_of_others_are_not_shown),
		cmocka_unit_test(a_host_has_its_addresses_of_both_kinds),
		cmocka_unit_test(an_alias_is_told_whether_it_leads_anywhere_or_not),
		cmocka_unit_test(a_server_that_says_nothing_is_given_up),
		cmocka_unit_test(without_a_server_every_look_up_is_silent),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
