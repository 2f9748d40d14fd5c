#include "adapters/tls_channel.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <poll.h>
#include <unistd.h>

#include "adapters/tls_channel_state.h"

#define PIECE 65536

/* Bytes on their way in one direction. */
struct flow {
	char data[PIECE];
	size_t begin, end;
	bool ended; /* no more will come */
};

struct pump {
	struct mr_channel *channel;
	int in, out;
	struct flow there, back; /* from `in` to the other side, from there to `out` */
	bool read_wants_write;   /* TLS: what a call waits for need not be what it does */
	bool write_wants_read;
	bool moved;
};

static bool is_empty(const struct flow *flow)
{
	return flow->begin == flow->end;
}

static int set_nonblocking(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	return flags < 0 ? -1 : fcntl(fd, F_SETFL, flags | O_NONBLOCK);
}

/* 1: moved; 0: nothing to be had now; -1. */
static int receive(struct pump *pump, struct mr_error *err)
{
	SSL *ssl = pump->channel->ssl;
	size_t got = 0;
	int rc;

	errno = 0;
	rc = SSL_read_ex(ssl, pump->back.data, PIECE, &got);
	pump->read_wants_write = false;
	if (rc == 1) {
		pump->back.begin = 0;
		pump->back.end = got;
		pump->moved = true;
		return 1;
	}
	switch (SSL_get_error(ssl, rc)) {
	case SSL_ERROR_WANT_READ:
		return 0;
	case SSL_ERROR_WANT_WRITE:
		pump->read_wants_write = true;
		return 0;
	case SSL_ERROR_ZERO_RETURN:
		pump->back.ended = true;
		return 1;
	default:
		return mr_channel_fail(pump->channel, rc, _("reading"), err);
	}
}

static int send_on(struct pump *pump, struct mr_error *err)
{
	SSL *ssl = pump->channel->ssl;
	struct flow *flow = &pump->there;
	size_t done = 0;
	int rc;

	errno = 0;
	rc = SSL_write_ex(ssl, flow->data + flow->begin, flow->end - flow->begin, &done);
	pump->write_wants_read = false;
	if (rc == 1) {
		flow->begin += done;
		pump->moved = true;
		return 0;
	}
	switch (SSL_get_error(ssl, rc)) {
	case SSL_ERROR_WANT_WRITE:
		return 0;
	case SSL_ERROR_WANT_READ:
		pump->write_wants_read = true;
		return 0;
	default:
		return mr_channel_fail(pump->channel, rc, _("writing"), err);
	}
}

static int take_in(struct pump *pump, struct mr_error *err)
{
	ssize_t got = read(pump->in, pump->there.data, PIECE);

	if (got < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : mr_fail_errno(err, _("reading"));
	pump->there.begin = 0;
	pump->there.end = (size_t)got;
	pump->there.ended = got == 0;
	pump->moved = true;
	return 0;
}

static int put_out(struct pump *pump, struct mr_error *err)
{
	struct flow *flow = &pump->back;
	ssize_t done = write(pump->out, flow->data + flow->begin, flow->end - flow->begin);

	if (done < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : mr_fail_errno(err, _("writing"));
	flow->begin += (size_t)done;
	pump->moved = true;
	return 0;
}

/* All that can be done without waiting. */
static int move(struct pump *pump, const struct pollfd *ready, struct mr_error *err)
{
	if (ready[1].revents && is_empty(&pump->there) && !pump->there.ended &&
	    take_in(pump, err) < 0)
		return -1;
	if (!is_empty(&pump->there) && send_on(pump, err) < 0)
		return -1;
	if (is_empty(&pump->back) && !pump->back.ended && receive(pump, err) < 0)
		return -1;
	if (!is_empty(&pump->back) && put_out(pump, err) < 0)
		return -1;
	return 0;
}

/* What there is to wait for: the socket, `in`, `out`. poll(2) leaves out negative descriptors. */
static void prepare(const struct pump *pump, struct pollfd *ready)
{
	const bool sends = !is_empty(&pump->there), delivers = !is_empty(&pump->back);
	short events = 0;

	if (!delivers)
		events = (short)(events | (pump->read_wants_write ? POLLOUT : POLLIN));
	if (sends)
		events = (short)(events | (pump->write_wants_read ? POLLIN : POLLOUT));
	ready[0] = (struct pollfd){ .fd = pump->channel->fd, .events = events };
	ready[1] = (struct pollfd){ .fd = sends || pump->there.ended ? -1 : pump->in,
				    .events = POLLIN };
	ready[2] = (struct pollfd){ .fd = delivers ? pump->out : -1, .events = POLLOUT };
}

static bool is_over(const struct pump *pump)
{
	return (pump->there.ended || pump->back.ended) && is_empty(&pump->there) &&
	       is_empty(&pump->back);
}

static int run(struct pump *pump, int idle_ms, struct mr_error *err)
{
	struct pollfd ready[3] = { 0 };

	for (;;) {
		int n = 1;

		pump->moved = false;
		if (move(pump, ready, err) < 0)
			return -1;
		if (is_over(pump))
			return 0;
		prepare(pump, ready);
		if (!pump->moved)
			n = poll(ready, 3, idle_ms);
		else
			(void)poll(ready, 3, 0);
		if (n < 0 && errno != EINTR)
			return mr_fail_errno(err, _("waiting"));
		if (n == 0)
			return mr_fail(err, MR_E_TEMPORARY,
				       _("%s: nothing has come for %d seconds"),
				       pump->channel->name, idle_ms / 1000);
	}
}

int mr_channel_pump(struct mr_channel *channel, int in, int out, int idle_ms, struct mr_error *err)
{
	MR_ARENA arena = mr_arena_open();
	struct pump *pump = MR_NEW(arena, struct pump);

	pump->channel = channel;
	pump->in = in;
	pump->out = out;
	if (set_nonblocking(channel->fd) < 0 || set_nonblocking(in) < 0 || set_nonblocking(out) < 0)
		return mr_fail_errno(err, _("setting up a connection"));
	SSL_set_mode(channel->ssl,
		     SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	return run(pump, idle_ms, err);
}
