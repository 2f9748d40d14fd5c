#include "adapters/reach.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"

static bool accepted(const struct addrinfo *address, long long until)
{
	int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0),
	    error = 0, n;
	struct pollfd ready = { .fd = fd, .events = POLLOUT };
	socklen_t size = sizeof(error);

	if (fd < 0)
		return false;
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
	close(fd);
	return error == 0;
}

bool mr_reachable(const char *host, int port, int ms)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	const long long until = mr_now_ms() + ms;
	struct addrinfo *found;
	char service[16];
	bool answer = false;

	snprintf(service, sizeof(service), "%d", port);
	if (getaddrinfo(host, service, &hints, &found) != 0)
		return false;
	for (const struct addrinfo *one = found; one && !answer; one = one->ai_next)
		answer = accepted(one, until);
	freeaddrinfo(found);
	return answer;
}
