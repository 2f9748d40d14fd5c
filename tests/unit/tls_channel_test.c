#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>

#include "adapters/tls_channel.h"

#define DOMAIN_ID "6f9619ff-8b86-4d11-b42d-00c04fc964ff"
#define DEADLINE_MS 60000
#define LARGE (3 * 1024 * 1024)

static struct mr_arena *arena;
static struct mr_channel_files good, foreign;

static const char *save(const char *folder, const char *name, const char *text)
{
	const char *path = mr_printf(arena, "%s/%s", folder, name);
	struct mr_error err;

	assert_ok(mr_file_replace(path, text, strlen(text), MR_FILE_PRIVATE, &err), err);
	return path;
}

/* A domain of one host, which is its own other side. */
static struct mr_channel_files make(const char *folder, const char *prefix)
{
	struct mr_identity ca = { 0 }, host = { 0 };
	struct mr_channel_files files;
	struct mr_error err;

	assert_ok(mr_tls_make_ca(arena, DOMAIN_ID, &ca, &err), err);
	assert_ok(mr_tls_issue(arena, &ca, "localhost", 30, &host, &err), err);
	files.ca = save(folder, mr_printf(arena, "%s-ca.crt", prefix), ca.cert);
	files.cert = save(folder, mr_printf(arena, "%s.crt", prefix), host.cert);
	files.key = save(folder, mr_printf(arena, "%s.key", prefix), host.key.data);
	mr_identity_close(&ca);
	mr_identity_close(&host);
	return files;
}

static int setup(void **state)
{
	if (folder_setup(state) != 0)
		return -1;
	signal(SIGPIPE, SIG_IGN);
	arena = mr_arena_open();
	good = make(*state, "good");
	foreign = make(*state, "foreign");
	return 0;
}

static int teardown(void **state)
{
	mr_arena_close(arena);
	return folder_teardown(state);
}

/* A server that greets, then sends back what it gets. */
struct server {
	int listener, port, result;
	struct mr_error err;
	char peer[64];
	pthread_t thread;
};

static int send_back(struct mr_channel *channel, struct mr_error *err)
{
	char piece[8192];
	long got;

	if (mr_channel_say(channel, "hello", err) < 0)
		return -1;
	while ((got = mr_channel_read(channel, piece, sizeof(piece), err)) > 0)
		if (mr_channel_write(channel, piece, (size_t)got, err) < 0)
			return -1;
	return (int)got;
}

static int serve(struct server *server)
{
	MR_ARENA own = mr_arena_open();
	int fd = accept(server->listener, NULL, NULL), rc;
	struct mr_certificate peer;
	struct mr_channel *channel;

	if (mr_channel_accept(own, &good, fd, DEADLINE_MS, &channel, &peer, &server->err) < 0)
		return -1;
	snprintf(server->peer, sizeof(server->peer), "%s", peer.host);
	rc = send_back(channel, &server->err);
	mr_channel_close(channel);
	return rc;
}

static void *run(void *argument)
{
	struct server *server = argument;

	server->result = serve(server);
	return NULL;
}

static void start(struct server *server)
{
	/* Any port that is free. */
	for (server->port = 20000 + getpid() % 20000;; server->port++)
		if (mr_channel_listen(server->port, &server->listener, &server->err) == 0)
			break;
	/* accept(2) shall wait here. */
	fcntl(server->listener, F_SETFL, 0);
	assert_int_equal(pthread_create(&server->thread, NULL, run, server), 0);
}

static void stop(struct server *server)
{
	pthread_join(server->thread, NULL);
	close(server->listener);
}

static void each_side_knows_the_other(void **state)
{
	struct server server = { 0 };
	struct mr_channel *channel;
	struct mr_error err;
	char line[16];

	(void)state;
	start(&server);
	assert_ok(mr_channel_connect(arena, &good, "localhost", server.port, DEADLINE_MS, &channel,
				     &err),
		  err);
	assert_ok(mr_channel_line(channel, line, sizeof(line), &err), err);
	assert_string_equal(line, "hello");
	mr_channel_close(channel);
	stop(&server);
	assert_string_equal(server.peer, "localhost");
}

static void a_client_of_another_domain_is_refused(void **state)
{
	struct mr_channel_files files = foreign;
	struct server server = { 0 };
	struct mr_channel *channel;
	struct mr_error err;
	char line[16];

	(void)state;
	/* It trusts us, so it is the server that refuses. */
	files.ca = good.ca;
	start(&server);
	/* In TLS 1.3 a client learns that with the first answer. */
	if (mr_channel_connect(arena, &files, "localhost", server.port, DEADLINE_MS, &channel,
			       &err) == 0) {
		assert_int_equal(mr_channel_line(channel, line, sizeof(line), &err), -1);
		mr_channel_close(channel);
	}
	stop(&server);
	assert_int_equal(server.result, -1);
	assert_string_equal(mr_error_word(server.err.code), mr_error_word(MR_E_DENIED));
	assert_string_equal(server.peer, "");
}

static void a_server_of_another_domain_is_not_talked_to(void **state)
{
	struct server server = { 0 };
	struct mr_channel *channel;
	struct mr_error err;

	(void)state;
	start(&server);
	assert_fails(mr_channel_connect(arena, &foreign, "localhost", server.port, DEADLINE_MS,
					&channel, &err),
		     MR_E_DENIED, err);
	stop(&server);
}

static void a_server_with_another_name_is_not_talked_to(void **state)
{
	struct server server = { 0 };
	struct mr_channel *channel;
	struct mr_error err;

	(void)state;
	start(&server);
	assert_fails(mr_channel_connect(arena, &good, "127.0.0.1", server.port, DEADLINE_MS,
					&channel, &err),
		     MR_E_DENIED, err);
	stop(&server);
}

static void where_nobody_listens_nobody_answers(void **state)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t size = sizeof(address);
	struct mr_channel *channel;
	struct mr_error err;
	int taken = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)state;
	/* Bound and silent: nobody else can take the port and listen there meanwhile. */
	assert_return_code(bind(taken, (struct sockaddr *)&address, size), errno);
	assert_return_code(getsockname(taken, (struct sockaddr *)&address, &size), errno);
	assert_fails(mr_channel_connect(arena, &good, "127.0.0.1", ntohs(address.sin_port),
					1000, &channel, &err),
		     MR_E_UNAVAILABLE, err);
	close(taken);
}

/* The program at our end: it writes much, and reads what comes back only then. */
struct program {
	int in[2], out[2]; /* what it writes; what it reads */
	size_t back;
	bool same;
};

static void *write_much(void *argument)
{
	struct program *program = argument;
	char piece[4096];

	for (size_t at = 0; at < LARGE; at += sizeof(piece)) {
		memset(piece, (int)(at / sizeof(piece) % 251), sizeof(piece));
		assert_int_equal(write(program->in[1], piece, sizeof(piece)), sizeof(piece));
	}
	return NULL;
}

static void *read_much(void *argument)
{
	struct program *program = argument;
	char byte[4096];
	ssize_t got;

	program->same = true;
	while (program->back < LARGE && (got = read(program->out[0], byte, sizeof(byte))) > 0)
		for (ssize_t i = 0; i < got; i++, program->back++)
			program->same &= (unsigned char)byte[i] == program->back / 4096 % 251;
	close(program->in[1]);
	return NULL;
}

static void much_is_carried_both_ways_at_once(void **state)
{
	struct server server = { 0 };
	struct program program = { 0 };
	struct mr_channel *channel;
	pthread_t writer, reader;
	struct mr_error err;
	char line[16];

	(void)state;
	start(&server);
	assert_ok(mr_channel_connect(arena, &good, "localhost", server.port, DEADLINE_MS, &channel,
				     &err),
		  err);
	assert_ok(mr_channel_line(channel, line, sizeof(line), &err), err);
	assert_int_equal(pipe(program.in), 0);
	assert_int_equal(pipe(program.out), 0);
	pthread_create(&writer, NULL, write_much, &program);
	pthread_create(&reader, NULL, read_much, &program);
	assert_ok(mr_channel_pump(channel, program.in[0], program.out[1], DEADLINE_MS, &err), err);
	pthread_join(writer, NULL);
	pthread_join(reader, NULL);
	mr_channel_close(channel);
	stop(&server);
	assert_int_equal(program.back, LARGE);
	assert_true(program.same);
	close(program.in[0]);
	close(program.out[0]);
	close(program.out[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_side_knows_the_other),
		cmocka_unit_test(a_client_of_another_domain_is_refused),
		cmocka_unit_test(a_server_of_another_domain_is_not_talked_to),
		cmocka_unit_test(a_server_with_another_name_is_not_talked_to),
		cmocka_unit_test(where_nobody_listens_nobody_answers),
		cmocka_unit_test(much_is_carried_both_ways_at_once),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
