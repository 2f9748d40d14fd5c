#include "adapters/probe.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "adapters/reach.h"
#include "base/clock.h"
#include "base/strings.h"

#define PAUSE_US 100000
#define LINE_MOST 2048

struct probing {
	int fd;
	long long end; /* mr_now_ms */
	char input[LINE_MOST];
	size_t len; /* in `input`, not read as a line yet */
};

static int await(const struct probing *p, short events, struct mr_error *err)
{
	struct pollfd wait = { .fd = p->fd, .events = events };
	int left = mr_left_ms(p->end);

	if (left > 0 && poll(&wait, 1, left) > 0)
		return 0;
	return mr_fail(err, MR_E_UNAVAILABLE, _("it does not answer"));
}

static int read_line(struct probing *p, char *line, struct mr_error *err)
{
	for (;;) {
		char *end = memchr(p->input, '\n', p->len);
		ssize_t n;

		if (end) {
			size_t used = (size_t)(end - p->input) + 1;

			snprintf(line, LINE_MOST, "%.*s",
				 (int)(used - 1 - (used > 1 && end[-1] == '\r')), p->input);
			p->len -= used;
			memmove(p->input, end + 1, p->len);
			return 0;
		}
		if (p->len == sizeof(p->input))
			return mr_fail(err, MR_E_CONFIG, _("it answers with an endless line"));
		if (await(p, POLLIN, err) < 0)
			return -1;
		n = read(p->fd, p->input + p->len, sizeof(p->input) - p->len);
		if (n <= 0)
			return mr_fail(err, MR_E_UNAVAILABLE, _("it closes the connection"));
		p->len += (size_t)n;
	}
}

static bool fits(const char *line, const char *want)
{
	while (*want) {
		size_t len = strcspn(want, "|");

		if (strncmp(line, want, len) == 0)
			return true;
		want += len + (want[len] == '|');
	}
	return false;
}

/* A process that was told to end says so (RFC 5321 section 3.8, RFC 3501 section 7.1.5); the next one takes its place. */
static bool is_leaving(const char *line)
{
	return strncmp(line, "421", 3) == 0 || strncmp(line, "* BYE", 5) == 0;
}

static int exchange(struct probing *p, const struct mr_probe_line *step, struct mr_error *err)
{
	char line[LINE_MOST];

	if (step->say) {
		int len = snprintf(line, sizeof(line), "%s\r\n", step->say);

		if (await(p, POLLOUT, err) < 0)
			return -1;
		if (send(p->fd, line, (size_t)len, MSG_NOSIGNAL) != len)
			return mr_fail_errno(err, "send");
	}
	do {
		if (read_line(p, line, err) < 0)
			return -1;
	} while (strlen(line) > 3 && line[3] == '-');
	if (fits(line, step->want))
		return 0;
	mr_printable(line);
	return mr_fail(err, is_leaving(line) ? MR_E_UNAVAILABLE : MR_E_CONFIG,
		       _("it answers \"%s\" to %s"), line,
		       step->say ? step->say : _("a connection"));
}

static int dial(const char *host, const char *port)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct addrinfo *found = NULL;
	int fd = -1;

	if (getaddrinfo(host, port, &hints, &found) != 0)
		return -1;
	for (const struct addrinfo *at = found; at && fd < 0; at = at->ai_next) {
		fd = socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (fd >= 0 && connect(fd, at->ai_addr, at->ai_addrlen) < 0) {
			close(fd);
			fd = -1;
		}
	}
	freeaddrinfo(found);
	return fd;
}

static int talk(struct probing *p, unsigned port, const struct mr_probe_line *lines, size_t count,
		struct mr_error *err)
{
	int rc = 0;

	for (size_t i = 0; i < count && rc == 0; i++)
		rc = exchange(p, &lines[i], err);
	close(p->fd);
	return rc < 0 ? mr_fail_in(err, _("port %u"), port) : 0;
}

int mr_probe_at(const char *host, unsigned port, const struct mr_probe_line *lines, size_t count,
		int timeout_ms, struct mr_error *err)
{
	struct probing p = { .end = mr_now_ms() + timeout_ms };

	p.fd = mr_reach(host, (int)port, timeout_ms);
	if (p.fd < 0)
		return mr_fail(err, MR_E_UNAVAILABLE, _("nobody answers at port %u"), port);
	return talk(&p, port, lines, count, err);
}

int mr_probe(const char *host, unsigned port, const struct mr_probe_line *lines, size_t count,
	     int timeout_ms, struct mr_error *err)
{
	const long long end = mr_now_ms() + timeout_ms;
	char service[16];

	snprintf(service, sizeof(service), "%u", port);
	for (;;) {
		struct probing p = { .end = end };

		p.fd = dial("localhost", service);
		if (p.fd < 0)
			p.fd = dial(host, service);
		if (p.fd < 0)
			mr_fail(err, MR_E_UNAVAILABLE, _("nobody listens at port %u"), port);
		else if (talk(&p, port, lines, count, err) == 0)
			return 0;
		if (err->code != MR_E_UNAVAILABLE || mr_left_ms(end) == 0)
			return -1;
		(void)usleep(PAUSE_US);
	}
}
