#include "test.h"

#include "features/backup_manifest.h"

#define DIGEST "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define MEMBER(name) "{\"name\":\"" name "\",\"size\":1,\"sha256\":\"" DIGEST "\"}"
#define HEAD(for_host, created, count)                                                             \
	"{\"format\":1,\"domainId\":\"d\",\"host\":\"mail1.lan\",\"serverId\":1,\"home\":\"mail1." \
	"lan\","                                                                                   \
	"\"for\":" for_host ",\"created\":\"" created "\",\"generation\":3,\"count\":" count       \
	",\"members\":["
#define TIME "2026-01-02T03:04:05Z"
#define PEER(count) HEAD("\"relay.lan\"", TIME, count)
#define BASIC                                                                                      \
	MEMBER("topology.ldif")                                                                    \
	"," MEMBER("tls/ca.crt") "," MEMBER("tls/host.crt") "," MEMBER("tls/host.key")

static void what_is_written_is_read(void **state)
{
	static struct mr_manifest_member members[] = {
		{ "topology.ldif", 1, DIGEST, -1 },
		{ "tls/ca.crt", 0, DIGEST, -1 },
		{ "tls/host.crt", 2, DIGEST, -1 },
		{ "tls/host.key", 3, DIGEST, -1 },
		{ "templates/postfix/main.cf", 9, DIGEST, -1 },
		{ "mail-copies.ldif", (int64_t)1 << 40, DIGEST, -1 },
	};
	const struct mr_manifest wanted = {
		.format = 1,
		.domain_id = "d",
		.host = "mail1.lan",
		.home = "mail1.lan",
		.for_host = "relay.lan",
		.server_id = 7,
		.created = 1767323045,
		.generation = 5,
		.members = members,
		.count = 6,
	};
	MR_ARENA arena = mr_arena_open();
	const char *text = mr_manifest_format(arena, &wanted);
	struct mr_manifest found;
	struct mr_error err;

	(void)state;
	assert_ok(mr_manifest_parse(arena, text, strlen(text), &found, &err), err);
	assert_string_equal(found.host, "mail1.lan");
	assert_string_equal(found.for_host, "relay.lan");
	assert_int_equal(found.server_id, 7);
	assert_int_equal(found.created, 1767323045);
	assert_int_equal(found.count, 6);
	assert_string_equal(found.members[4].name, "templates/postfix/main.cf");
	assert_int_equal(found.members[5].size, (int64_t)1 << 40);
}

static void a_wrong_one_is_refused_with_its_fault(void **state)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{ "", "MANIFEST.json" },
		{ "[]", "format" },
		{ "{\"format\":3}", "format 3" },
		{ HEAD("null", "2026-13-02T03:04:05Z", "0") "]}", "created" },
		{ HEAD("null", "2026-1-2T03:04:05Z", "0") "]}", "created" },
		{ HEAD("\"Relay.lan\"", TIME, "0") "]}", "for" },
		{ HEAD("\"../x\"", TIME, "0") "]}", "for" },
		{ PEER("4") BASIC "]}", "mail-copies.ldif" },
		{ PEER("6") BASIC "," MEMBER("mail-copies.ldif") "]}", "count" },
		{ PEER("6") BASIC
		  "," MEMBER("mail-copies.ldif") "," MEMBER("mail-copies.ldif") "]}",
		  "order" },
		{ PEER("6") BASIC "," MEMBER("mail-copies.ldif") "," MEMBER("templates/a") "]}",
		  "order" },
		{ PEER("7") BASIC "," MEMBER("templates/b") "," MEMBER("templates/a") "," MEMBER(
			  "mail-copies.ldif") "]}",
		  "order" },
		{ PEER("6") BASIC "," MEMBER("tls/ca.key") "," MEMBER("mail-copies.ldif") "]}",
		  "may not" },
		{ PEER("6") BASIC
		  "," MEMBER("tls/peers/mail2.lan.key") "," MEMBER("mail-copies.ldif") "]}",
		  "may not" },
		{ PEER("6") BASIC "," MEMBER("mailrepl.conf") "," MEMBER("mail-copies.ldif") "]}",
		  "may not" },
		{ PEER("6") BASIC
		  "," MEMBER("templates/../../etc/passwd") "," MEMBER("mail-copies.ldif") "]}",
		  "unknown" },
		{ PEER("6") BASIC "," MEMBER("tls/peers/x.key") "," MEMBER("mail-copies.ldif") "]}",
		  "unknown" },
		{ PEER("6") BASIC "," MEMBER("secret") "," MEMBER("mail-copies.ldif") "]}",
		  "unknown" },
		{ PEER("1") "{\"name\":\"topology.ldif\",\"size\":-1,\"sha256\":\"" DIGEST "\"}]}",
		  "size" },
		{ PEER("1") "{\"name\":\"topology.ldif\",\"size\":1,\"sha256\":\"abc\"}]}",
		  "SHA-256" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		MR_ARENA arena = mr_arena_open();
		struct mr_manifest found;
		struct mr_error err = { 0 };

		assert_fails(
			mr_manifest_parse(arena, rows[i].text, strlen(rows[i].text), &found, &err),
			MR_E_ARCHIVE, err);
		assert_contains(err.message, rows[i].want);
	}
}

static void the_file_is_named_after_time_maker_and_reader(void **state)
{
	struct mr_manifest manifest = { .host = "mail1.lan", .created = 1767323045 };
	MR_ARENA arena = mr_arena_open();

	(void)state;
	assert_string_equal(mr_manifest_file_name(arena, &manifest),
			    "20260102T030405Z-mail1.lan.tar.bz2");
	manifest.for_host = "relay.lan";
	assert_string_equal(mr_manifest_file_name(arena, &manifest),
			    "20260102T030405Z-mail1.lan-for-relay.lan.tar.bz2");
}

static void it_must_agree_with_the_topology_beside_it(void **state)
{
	struct mr_host hosts[] = {
		{ .name = "mail1.lan", .services = MR_MAIL | MR_UNIX, .server_id = 1 },
		{ .name = "relay.lan", .services = MR_MAIL, .server_id = 2 }
	};
	const struct mr_topology topology = {
		.domain_id = "d", .home = "mail1.lan", .generation = 3, .hosts = hosts, .count = 2
	};
	struct mr_manifest_member accounts = { "unix-copies.ldif", 1, DIGEST, -1 };
	const struct mr_manifest good = {
		.format = 1,
		.domain_id = "d",
		.host = "mail1.lan",
		.home = "mail1.lan",
		.for_host = "relay.lan",
		.server_id = 1,
		.created = 1,
		.generation = 3,
	};
	struct mr_manifest bad;
	struct mr_error err = { 0 };

	(void)state;
	assert_ok(mr_manifest_agrees(&good, &topology, &err), err);
	bad = good;
	bad.domain_id = "e";
	assert_fails(mr_manifest_agrees(&bad, &topology, &err), MR_E_ARCHIVE, err);
	bad = good;
	bad.server_id = 2;
	assert_fails(mr_manifest_agrees(&bad, &topology, &err), MR_E_ARCHIVE, err);
	bad = good;
	bad.generation = 4;
	assert_fails(mr_manifest_agrees(&bad, &topology, &err), MR_E_ARCHIVE, err);
	bad = good;
	bad.for_host = "mail9.lan";
	assert_fails(mr_manifest_agrees(&bad, &topology, &err), MR_E_ARCHIVE, err);
	bad = good;
	bad.members = &accounts;
	bad.count = 1;
	assert_fails(mr_manifest_agrees(&bad, &topology, &err), MR_E_ARCHIVE, err);
	assert_contains(err.message, "relay");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_is_read),
		cmocka_unit_test(a_wrong_one_is_refused_with_its_fault),
		cmocka_unit_test(the_file_is_named_after_time_maker_and_reader),
		cmocka_unit_test(it_must_agree_with_the_topology_beside_it),
	};

	return cmocka_run_group_tests_name("manifest", tests, NULL, NULL);
}
