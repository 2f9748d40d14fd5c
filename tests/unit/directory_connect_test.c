/* What connections to a directory do when the other side hangs, lies, or is gone. */
#include "directory_fixture.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>

#include "adapters/tls.h"

static struct mr_entry *big(struct mr_arena *arena)
{
	struct mr_entry *entry = unit(arena, "big", TOP);
	char *text = mr_alloc(arena, (4 << 20) + 1);

	memset(text, 'x', 4 << 20);
	mr_entry_add(arena, entry, "description", text);
	return entry;
}

/* The call came back with MR_E_UNAVAILABLE, not before its time and not long after. */
static void assert_gave_up(int rc, const struct mr_error *err, long long began, int deadline_ms)
{
	long long took = mr_now_ms() - began;

	assert_int_equal(rc, -1);
	assert_string_equal(mr_error_word(err->code), "unavailable");
	assert_contains(err->message, "slapd at ");
	assert_true(took >= deadline_ms - 5);
	assert_true(took < deadline_ms + 1000);
}

static void a_server_that_hangs_is_given_up_in_time(void **state)
{
	struct mr_directory_target target = { .uri = slapd.uri, .deadline_ms = 300 };
	MR_ARENA arena = mr_arena_open();
	struct mr_directory *other = NULL, *dir = NULL;
	struct mr_entry *found;
	struct mr_error err = { 0 };
	long long began, value;
	int rc;

	(void)state;
	open_local(&dir, 300);
	slapd_hang(&slapd);
	began = mr_now_ms();
	rc = mr_directory_open(&target, &other, &err);
	assert_gave_up(rc, &err, began, 300);
	assert_null(other);
	began = mr_now_ms();
	rc = mr_directory_read(dir, arena, TOP, NULL, &found, &err);
	assert_gave_up(rc, &err, began, 300);
	began = mr_now_ms();
	rc = mr_directory_increment(dir, TOP, "gidNumber", &value, &err);
	assert_gave_up(rc, &err, began, 300);
	/* More than the socket's buffers hold: the writing must not hang either. */
	began = mr_now_ms();
	rc = mr_directory_add(dir, big(arena), &err);
	assert_gave_up(rc, &err, began, 300);
	slapd_wake(&slapd);
	mr_directory_close(dir);
}

static void a_server_that_wakes_up_can_be_used_again(void **state)
{
	MR_ARENA arena = mr_arena_open();
	MR_DIRECTORY dir = NULL;
	struct mr_entry *found;
	struct mr_error err;

	(void)state;
	open_local(&dir, 2000);
	slapd_hang(&slapd);
	assert_int_equal(mr_directory_read(dir, arena, TOP, NULL, &found, &err), -1);
	slapd_wake(&slapd);
	assert_ok(mr_directory_read(dir, arena, BASE, NULL, &found, &err), err);
	assert_true(mr_dn_equal(found->dn, BASE));
}

static void a_server_that_is_gone_is_unavailable_and_stays_so_for_its_connections(void **state)
{
	struct mr_directory_target nowhere = { .uri = "ldapi://%2Fnonexistent%2Fldapi" };
	MR_ARENA arena = mr_arena_open();
	struct mr_directory *dir = NULL, *other = NULL;
	struct mr_entry *found;
	struct mr_error err;

	(void)state;
	open_local(&dir, 0);
	slapd_kill(&slapd);
	assert_fails(mr_directory_add(dir, unit(arena, "a", TOP), &err), MR_E_UNAVAILABLE, err);
	slapd_start(&slapd);
	assert_fails(mr_directory_read(dir, arena, TOP, NULL, &found, &err), MR_E_UNAVAILABLE, err);
	assert_contains(err.message, "the connection is lost");
	assert_fails(mr_directory_delete(dir, TOP, &err), MR_E_UNAVAILABLE, err);
	mr_directory_close(dir);
	assert_fails(mr_directory_open(&nowhere, &other, &err), MR_E_UNAVAILABLE, err);
	assert_contains(err.message, "/nonexistent/ldapi");
}

/* The target of a peer; file names are relative to the server's folder. */
static int open_peer(struct mr_arena *arena, const char *host, const char *ca, const char *identity,
		     struct mr_directory **dir, struct mr_error *err)
{
	struct mr_directory_target target = {
		.uri = mr_printf(arena, "ldap://%s:3890", host),
		.ca_file = mr_printf(arena, "%s/%s.crt", slapd.folder, ca),
		.cert_file = mr_printf(arena, "%s/%s.crt", slapd.folder, identity),
		.key_file = mr_printf(arena, "%s/%s.key", slapd.folder, identity),
		.deadline_ms = 3000,
	};

	return mr_directory_open(&target, dir, err);
}

static void a_peer_is_known_by_its_certificate(void **state)
{
	MR_ARENA arena = mr_arena_open();
	MR_DIRECTORY dir = NULL;
	struct mr_entry *found;
	struct mr_error err;

	assert_ok(mr_directory_add(*state, unit(arena, "readonly", TOP), &err), err);
	assert_ok(open_peer(arena, "mail1.lan", "ca", "mail1.lan", &dir, &err), err);
	assert_ok(mr_directory_read(dir, arena, BASE, NULL, &found, &err), err);
	assert_string_equal(mr_entry_value(found, "dc"), "mailrepl");
	assert_ok(mr_directory_add(dir, unit(arena, "writable", TOP), &err), err);
	assert_fails(mr_directory_delete(dir, "ou=readonly," TOP, &err), MR_E_DENIED, err);
	assert_contains(err.message, "slapd at mail1.lan:3890: deleting ou=readonly," TOP);
}

static void the_certificate_that_a_peer_shows_can_be_read(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_certificate shown;
	MR_DIRECTORY dir = NULL;
	struct mr_error err;
	MR_BUF der = { 0 };

	assert_false(mr_directory_certificate(*state, &der));
	assert_ok(open_peer(arena, "mail1.lan", "ca", "mail1.lan", &dir, &err), err);
	assert_true(mr_directory_certificate(dir, &der));
	assert_ok(mr_tls_describe_der(arena, der.data, der.len, &shown, &err), err);
	assert_string_equal(shown.host, "mail1.lan");
	assert_fails(mr_tls_describe_der(arena, der.data, der.len - 1, &shown, &err), MR_E_INVALID,
		     err);
}

/* How many connections to another host this process has, and how many of them hold back what is to be
 * sent until the other side has acknowledged what came before. */
static void count_connections(int *all, int *hold_back)
{
	*all = *hold_back = 0;
	for (int fd = 3; fd < 1024; fd++) {
		struct sockaddr_storage name;
		socklen_t len = sizeof(name), size = sizeof(int);
		int on = 0;

		if (getpeername(fd, (struct sockaddr *)&name, &len) < 0 ||
		    name.ss_family == AF_UNIX)
			continue;
		(*all)++;
		assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, &size), 0);
		*hold_back += !on;
	}
}

static void what_a_peer_is_asked_is_not_held_back(void **state)
{
	MR_ARENA arena = mr_arena_open();
	MR_DIRECTORY dir = NULL;
	struct mr_error err;
	int all, hold_back;

	(void)state;
	assert_ok(open_peer(arena, "mail1.lan", "ca", "mail1.lan", &dir, &err), err);
	count_connections(&all, &hold_back);
	assert_int_equal(all, 1);
	assert_int_equal(hold_back, 0);
}

/* Agrees to TLS, and reads how the client begins. */
static int agree(int listener)
{
	static const char agreed[] = "0\x0c\x02\x01\x01\x78\x07\x0a\x01\x00\x04\x00\x04\x00";
	int fd = accept(listener, NULL, NULL);
	char data[1024];

	assert_true(recv(fd, data, sizeof(data), 0) > 0);
	assert_int_equal(send(fd, agreed, sizeof(agreed) - 1, 0), sizeof(agreed) - 1);
	assert_true(recv(fd, data, sizeof(data), 0) > 0);
	return fd;
}

/* Says nothing more until the client goes. */
static void *agree_and_hang(void *argument)
{
	int fd = agree(*(int *)argument);
	char data[1024];

	while (recv(fd, data, sizeof(data), 0) > 0)
		;
	close(fd);
	return NULL;
}

static void *agree_and_break_off(void *argument)
{
	const struct linger at_once = { .l_onoff = 1, .l_linger = 0 };
	int fd = agree(*(int *)argument);

	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)), 0);
	close(fd);
	return NULL;
}

/* Opens a connection to a server that behaves so. */
static int open_odd(struct mr_arena *arena, void *(*behave)(void *), struct mr_error *err)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), rc;
	struct mr_directory_target target = {
		.ca_file = mr_printf(arena, "%s/ca.crt", slapd.folder),
		.cert_file = mr_printf(arena, "%s/mail1.lan.crt", slapd.folder),
		.key_file = mr_printf(arena, "%s/mail1.lan.key", slapd.folder),
		.deadline_ms = 2000,
	};
	socklen_t size = sizeof(address);
	MR_DIRECTORY dir = NULL;
	pthread_t server;

	assert_int_equal(bind(listener, (struct sockaddr *)&address, size), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &size), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(pthread_create(&server, NULL, behave, &listener), 0);
	target.uri = mr_printf(arena, "ldap://127.0.0.1:%d", ntohs(address.sin_port));
	rc = mr_directory_open(&target, &dir, err);
	pthread_join(server, NULL);
	close(listener);
	return rc;
}

static long cpu_ms(void)
{
	struct timespec used;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
	return used.tv_sec * 1000 + used.tv_nsec / 1000000;
}

static void
a_peer_that_hangs_in_the_handshake_is_given_up_in_time_and_waited_for_at_rest(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_error err = { 0 };
	long long began = mr_now_ms();
	long used = cpu_ms();
	int rc;

	(void)state;
	rc = open_odd(arena, agree_and_hang, &err);
	assert_gave_up(rc, &err, began, 2000);
	assert_true(cpu_ms() - used < 1000);
}

static void a_connection_that_breaks_in_the_handshake_is_no_matter_of_certificates(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_error err = { 0 };

	(void)state;
	assert_fails(open_odd(arena, agree_and_break_off, &err), MR_E_UNAVAILABLE, err);
	assert_contains(err.message, strerror(ECONNRESET));
}

static void a_peer_that_cannot_be_trusted_is_refused(void **state)
{
	static const struct {
		const char *host, *ca, *identity, *words;
		enum mr_error_code want;
	} rows[] = {
		{ "mail1.lan", "other", "mail1.lan", "signed by the CA in /", MR_E_DENIED },
		{ "mail2.lan", "ca", "mail1.lan", "name mail2.lan", MR_E_DENIED },
		{ "127.0.0.1", "ca", "mail1.lan", "name 127.0.0.1", MR_E_DENIED },
		{ "mail1.lan", "ca", "nobody", "nobody.crt", MR_E_NOT_FOUND },
		{ "mail1.lan", "config.ldif", "mail1.lan", "config.ldif.crt", MR_E_NOT_FOUND },
	};
	MR_ARENA arena = mr_arena_open();

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct mr_directory *dir = NULL;
		struct mr_error err = { 0 };

		assert_fails(
			open_peer(arena, rows[i].host, rows[i].ca, rows[i].identity, &dir, &err),
			rows[i].want, err);
		assert_contains(err.message, rows[i].words);
		assert_contains(err.message, rows[i].host);
		assert_null(dir);
	}
}

static void a_server_that_does_not_know_our_ca_turns_us_away(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_directory *dir = NULL;
	struct mr_error err = { 0 };

	(void)state;
	assert_fails(open_peer(arena, "mail1.lan", "ca", "stranger", &dir, &err), MR_E_UNAVAILABLE,
		     err);
	assert_contains(err.message, "slapd at mail1.lan:3890: it ended the connection");
}

static void remote_targets_need_certificates_and_a_host(void **state)
{
	static const char *const uris[] = { "ldap://mail1.lan:3890", "ldap://",   "ldapi://",
					    "ldaps://mail1.lan",     "mail1.lan", "" };

	(void)state;
	for (size_t i = 0; i < sizeof(uris) / sizeof(uris[0]); i++) {
		struct mr_directory_target target = { .uri = uris[i], .deadline_ms = 1000 };
		struct mr_directory *dir = NULL;
		struct mr_error err = { 0 };

		assert_fails(mr_directory_open(&target, &dir, &err), MR_E_CONFIG, err);
	}
}

static void a_name_server_that_is_silent_is_given_up_in_time(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_directory *dir = NULL;
	struct mr_error err = { 0 };
	long long began = mr_now_ms();

	(void)state;
	assert_gave_up(open_peer(arena, "elsewhere.lan", "ca", "mail1.lan", &dir, &err), &err,
		       began, 3000);
	assert_contains(err.message, "cannot be resolved in time");
}

static void a_silent_peer_is_given_up_in_time(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_directory *dir = NULL;
	struct mr_error err = { 0 };
	long long began = mr_now_ms();
	int rc;

	(void)state;
	slapd_hang(&slapd);
	rc = open_peer(arena, "mail1.lan", "ca", "mail1.lan", &dir, &err);
	slapd_wake(&slapd);
	assert_gave_up(rc, &err, began, 3000);
}

static void nothing_is_taken_from_the_environment(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_entry *alias = mr_entry_new(arena, "cn=alias," TOP), *found;
	struct mr_error err;

	mr_entry_add(arena, alias, "objectClass", "alias");
	mr_entry_add(arena, alias, "objectClass", "extensibleObject");
	mr_entry_add(arena, alias, "aliasedObjectName", BASE);
	assert_ok(mr_directory_add(*state, alias, &err), err);
	assert_ok(mr_directory_read(*state, arena, alias->dn, NULL, &found, &err), err);
	assert_string_equal(found->dn, "cn=alias," TOP);
}

static int open_as(const char *dn, const char *password, struct mr_error *err)
{
	MR_SECRET secret = { NULL, 0 };
	struct mr_directory_target target = { .uri = slapd.uri,
					      .bind_dn = dn,
					      .password = &secret };
	MR_DIRECTORY dir = NULL;

	mr_secret_set(&secret, password, strlen(password));
	return mr_directory_open(&target, &dir, err);
}

static void a_password_is_compared_by_the_server(void **state)
{
	struct mr_directory *dir = *state;
	MR_ARENA arena = mr_arena_open();
	MR_SECRET secret = { NULL, 0 };
	struct mr_error err;

	mr_secret_set(&secret, "right", 5);
	assert_ok(mr_directory_add(dir, person(arena, &secret), &err), err);
	assert_ok(open_as("uid=p," TOP, "right", &err), err);
	assert_fails(open_as("uid=p," TOP, "wrong", &err), MR_E_DENIED, err);
	assert_fails(open_as("uid=nobody," TOP, "right", &err), MR_E_DENIED, err);
	assert_fails(open_as("uid=p," TOP, "", &err), MR_E_DENIED, err);
}

static void a_password_goes_to_no_other_host(void **state)
{
	MR_SECRET secret = { NULL, 0 };
	struct mr_directory_target target = { .uri = "ldap://mail1.lan:3890",
					      .bind_dn = "uid=p," TOP,
					      .password = &secret };
	MR_DIRECTORY dir = NULL;
	struct mr_error err;

	(void)state;
	mr_secret_set(&secret, "right", 5);
	assert_fails(mr_directory_open(&target, &dir, &err), MR_E_CONFIG, err);
}

static void a_result_that_the_server_cuts_short_is_an_error(void **state)
{
	struct mr_search search = { .base = TOP };
	MR_ARENA arena = mr_arena_open();
	MR_DIRECTORY dir = NULL;
	struct mr_entries found = { 0 };
	struct mr_error err;

	add_many(*state, 20);
	assert_ok(open_peer(arena, "mail1.lan", "ca", "mail1.lan", &dir, &err), err);
	assert_fails(mr_directory_list(dir, arena, &search, &found, &err), MR_E_CONFIG, err);
	search.size_limit = 50;
	assert_fails(mr_directory_list(dir, arena, &search, &found, &err), MR_E_CONFIG, err);
	found.count = 0;
	search.size_limit = 5;
	assert_ok(mr_directory_list(dir, arena, &search, &found, &err), err);
	assert_int_equal(found.count, 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SLAPD(a_server_that_hangs_is_given_up_in_time),
		SLAPD(a_server_that_wakes_up_can_be_used_again),
		SLAPD(a_server_that_is_gone_is_unavailable_and_stays_so_for_its_connections),
		SLAPD(a_peer_is_known_by_its_certificate),
		SLAPD(the_certificate_that_a_peer_shows_can_be_read),
		SLAPD(what_a_peer_is_asked_is_not_held_back),
		SLAPD(a_peer_that_hangs_in_the_handshake_is_given_up_in_time_and_waited_for_at_rest),
		SLAPD(a_connection_that_breaks_in_the_handshake_is_no_matter_of_certificates),
		SLAPD(a_peer_that_cannot_be_trusted_is_refused),
		SLAPD(a_server_that_does_not_know_our_ca_turns_us_away),
		SLAPD(remote_targets_need_certificates_and_a_host),
		SLAPD(a_name_server_that_is_silent_is_given_up_in_time),
		SLAPD(a_silent_peer_is_given_up_in_time),
		SLAPD(nothing_is_taken_from_the_environment),
		SLAPD(a_password_is_compared_by_the_server),
		SLAPD(a_password_goes_to_no_other_host),
		SLAPD(a_result_that_the_server_cuts_short_is_an_error),
	};

	return cmocka_run_group_tests(tests, start_server, stop_server);
}
