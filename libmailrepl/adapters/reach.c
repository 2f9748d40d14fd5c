#include "adapters/reach.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"

static int dial(const struct addrinfo *address, long long until)
{
	int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0),
	    error = 0, n;
	struct pollfd ready = { .fd = fd, .events = POLLOUT };
	socklen_t size = sizeof(error);

	if (fd < 0)
		return -1;
	if (connect(fd, address->ai_addr, address->ai_addrlen) < 0) {
		error = errno;
		if (error == EINPROGRESS) {
			do {
				n = poll(&ready, 1, mr_left_ms(until));
			} while (n < 0 && errno == EINTR);
			if (n <= 0 || getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0)
				error = ETIMEDOUT;
		}
	}
	if (error == 0)
		return fd;
	close(fd);
	return -1;
}

int mr_reach(const char *host, int port, int ms)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	const long long until = mr_now_ms() + ms;
	struct addrinfo *found;
	char service[16];
	int fd = -1;

	snprintf(service, sizeof(service), "%d", port);
	if (getaddrinfo(host, service, &hints, &found) != 0)
		return -1;
	for (const struct addrinfo *one = found; one && fd < 0; one = one->ai_next)
		fd = dial(one, until);
	freeaddrinfo(found);
	return fd;
}

bool mr_reachable(const char *host, int port, int ms)
{
	int fd = mr_reach(host, port, ms);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

bool mr_reach_addresses(struct mr_arena *arena, const char *host, struct mr_list *out)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct addrinfo *found;
	char text[NI_MAXHOST];

	if (getaddrinfo(host, NULL, &hints, &found) != 0)
		return false;
	for (const struct addrinfo *one = found; one; one = one->ai_next)
		if (getnameinfo(one->ai_addr, one->ai_addrlen, text, sizeof(text), NULL, 0,
				NI_NUMERICHOST) == 0 &&
		    !mr_list_has(out, text))
			mr_list_add(arena, out, text);
	freeaddrinfo(found);
	mr_list_sort(out);
	return true;
}
