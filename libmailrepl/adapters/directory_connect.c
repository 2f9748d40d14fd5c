#include "adapters/directory_ldap.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

struct timeval mr_left(long long until)
{
	int left = mr_left_ms(until);

	if (left < 1)
		left = 1;
	return (struct timeval){ left / 1000, left % 1000 * 1000 };
}

/* 0, or an errno. */
static int connect_until(int fd, const struct sockaddr *addr, socklen_t len, long long until)
{
	struct pollfd ready = { .fd = fd, .events = POLLOUT };
	int error = 0, n;
	socklen_t size = sizeof(error);

	if (connect(fd, addr, len) == 0)
		return 0;
	if (errno != EINPROGRESS && errno != EINTR)
		return errno;
	do {
		n = poll(&ready, 1, mr_left_ms(until));
	} while (n < 0 && errno == EINTR);
	if (n == 0)
		return ETIMEDOUT;
	if (n < 0 || getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0)
		return errno;
	return error;
}

/* The end of a TLS handshake and the bind after it are both ours to send: held back until the first
 * is acknowledged, the second would wait for the server's delayed acknowledgement, 40 ms. */
static int send_at_once(int fd, sa_family_t family)
{
	const int on = 1;

	if (family == AF_UNIX || setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) == 0)
		return 0;
	return errno;
}

/* 0, or an errno. */
static int socket_until(const struct sockaddr *addr, socklen_t len, long long until, int *fd)
{
	int error;

	*fd = socket(addr->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (*fd < 0)
		return errno;
	error = send_at_once(*fd, addr->sa_family);
	if (!error)
		error = connect_until(*fd, addr, len, until);
	if (error) {
		close(*fd);
		*fd = -1;
	}
	return error;
}

int mr_connect_socket(const char *path, long long until, int *fd, struct mr_error *err)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int error;

	if (strlen(path) >= sizeof(addr.sun_path))
		return mr_fail(err, MR_E_CONFIG,
			       _("the path of the socket is longer than %zu bytes: choose a "
				 "shorter folder"),
			       sizeof(addr.sun_path) - 1);
	memcpy(addr.sun_path, path, strlen(path));
	error = socket_until((const struct sockaddr *)&addr, sizeof(addr), until, fd);
	if (error == EACCES || error == EPERM)
		return mr_fail(err, MR_E_DENIED, "%s", strerror(error));
	if (error)
		return mr_fail(err, MR_E_UNAVAILABLE, _("%s: is it running?"), strerror(error));
	return 0;
}

/* On the heap: a look-up that does not end in time goes on using it. */
struct lookup {
	struct gaicb request;
	struct addrinfo hints;
	char port[8];
	char host[];
};

static struct lookup *lookup_start(const char *host, int port)
{
	struct lookup *lookup = calloc(1, sizeof(*lookup) + strlen(host) + 1);
	struct gaicb *list[1];

	if (!lookup)
		abort();
	memcpy(lookup->host, host, strlen(host) + 1);
	snprintf(lookup->port, sizeof(lookup->port), "%d", port);
	lookup->hints.ai_socktype = SOCK_STREAM;
	lookup->hints.ai_flags = AI_NUMERICSERV;
	lookup->request.ar_name = lookup->host;
	lookup->request.ar_service = lookup->port;
	lookup->request.ar_request = &lookup->hints;
	list[0] = &lookup->request;
	if (getaddrinfo_a(GAI_NOWAIT, list, 1, NULL) != 0) {
		free(lookup);
		return NULL;
	}
	return lookup;
}

/* The resolver's own patience is tens of seconds and cannot be bounded, so the call leaves it
 * behind. */
static int resolve(const char *host, int port, long long until, struct addrinfo **out,
		   struct mr_error *err)
{
	struct lookup *lookup = lookup_start(host, port);
	int rc = lookup ? EAI_INPROGRESS : EAI_MEMORY;

	while (rc == EAI_INPROGRESS && mr_left_ms(until) > 0) {
		const struct gaicb *const list[] = { &lookup->request };
		struct timeval left = mr_left(until);
		struct timespec wait = { left.tv_sec, left.tv_usec * 1000 };

		gai_suspend(list, 1, &wait);
		rc = gai_error(&lookup->request);
	}
	if (rc == EAI_INPROGRESS && gai_cancel(&lookup->request) != EAI_CANCELED)
		return mr_fail(err, MR_E_UNAVAILABLE, _("the name cannot be resolved in time"));
	if (rc == 0)
		*out = lookup->request.ar_result;
	free(lookup);
	return rc == 0 ? 0
		       : mr_fail(err, MR_E_UNAVAILABLE, _("cannot resolve the name: %s"),
				 gai_strerror(rc));
}

int mr_connect_host(const char *host, int port, long long until, int *fd, struct mr_error *err)
{
	struct addrinfo *found = NULL;
	int error = EADDRNOTAVAIL, count = 0;

	if (resolve(host, port, until, &found, err) < 0)
		return -1;
	for (const struct addrinfo *at = found; at; at = at->ai_next)
		count++;
	*fd = -1;
	/* Each gets its share of the time left: a dead address must not starve a living one. */
	for (const struct addrinfo *at = found; at && *fd < 0; at = at->ai_next, count--)
		error = socket_until(at->ai_addr, at->ai_addrlen,
				     mr_now_ms() + mr_left_ms(until) / count, fd);
	freeaddrinfo(found);
	if (*fd < 0)
		return mr_fail(err, MR_E_UNAVAILABLE, "%s", strerror(error));
	return 0;
}

int mr_socket_unblock(int fd, struct mr_error *err)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return mr_fail_errno(err, _("setting up a connection"));
	return 0;
}
