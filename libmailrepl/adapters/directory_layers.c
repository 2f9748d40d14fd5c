#include "adapters/directory_ldap.h"

#include <errno.h>
#include <openldap.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int layer_setup(Sockbuf_IO_Desc *layer, void *argument)
{
	layer->sbiod_pvt = argument;
	return 0;
}

static int layer_remove(Sockbuf_IO_Desc *layer)
{
	(void)layer;
	return 0;
}

static int layer_ctrl(Sockbuf_IO_Desc *layer, int option, void *argument)
{
	return LBER_SBIOD_CTRL_NEXT(layer, option, argument);
}

static struct mr_ldap_socket *socket_of(const Sockbuf_IO_Desc *layer)
{
	return layer->sbiod_pvt;
}

/* Whether to try again. */
static bool is_ready(const struct mr_ldap_socket *socket, short events)
{
	struct pollfd ready = { .fd = socket->fd, .events = events };
	int n;

	if (!socket->wait_until || errno != EAGAIN)
		return false;
	n = poll(&ready, 1, mr_left_ms(socket->wait_until));
	if (n == 0)
		errno = ETIMEDOUT;
	return n > 0 || (n < 0 && errno == EINTR);
}

/* What the TLS library makes of it does not tell a broken connection from a certificate that it does not
 * trust. */
static void note_error(struct mr_ldap_socket *socket, ber_slen_t result)
{
	if (result < 0 && errno != EAGAIN && !socket->error)
		socket->error = errno;
}

static ber_slen_t socket_read(Sockbuf_IO_Desc *layer, void *data, ber_len_t len)
{
	struct mr_ldap_socket *socket = socket_of(layer);
	ber_slen_t got;

	do {
		got = recv(socket->fd, data, len, 0);
	} while (got < 0 && is_ready(socket, POLLIN));
	socket->ended |= got == 0 && len > 0;
	note_error(socket, got);
	return got;
}

/* The library's own layer would kill the process by SIGPIPE when the server is gone. */
static ber_slen_t socket_write(Sockbuf_IO_Desc *layer, void *data, ber_len_t len)
{
	struct mr_ldap_socket *socket = socket_of(layer);
	ber_slen_t sent;

	do {
		sent = send(socket->fd, data, len, MSG_NOSIGNAL);
	} while (sent < 0 && is_ready(socket, POLLOUT));
	note_error(socket, sent);
	return sent;
}

static int socket_close(Sockbuf_IO_Desc *layer)
{
	return close(socket_of(layer)->fd);
}

static ber_slen_t wiping_read(Sockbuf_IO_Desc *layer, void *data, ber_len_t len)
{
	return LBER_SBIOD_READ_NEXT(layer, data, len);
}

/* `data` is the encoded request, which the library frees as it is once all of it is sent, and does
 * not look at again: it would only to follow a referral, which is switched off. */
static ber_slen_t wiping_write(Sockbuf_IO_Desc *layer, void *data, ber_len_t len)
{
	ber_slen_t sent = LBER_SBIOD_WRITE_NEXT(layer, data, len);

	if (sent > 0)
		explicit_bzero(data, (size_t)sent);
	return sent;
}

LDAP *mr_ldap_attach(struct mr_ldap_socket *socket, const char *uri)
{
	static Sockbuf_IO stream = { layer_setup, layer_remove, layer_ctrl,
				     socket_read, socket_write, socket_close };
	static Sockbuf_IO wiping = { layer_setup, layer_remove, layer_ctrl,
				     wiping_read, wiping_write, layer_remove };
	Sockbuf *buffer = NULL;
	LDAP *ld = NULL;

	if (ldap_init_fd(socket->fd, LDAP_PROTO_EXT, uri, &ld) != LDAP_SUCCESS ||
	    ldap_get_option(ld, LDAP_OPT_SOCKBUF, &buffer) != LDAP_OPT_SUCCESS || !buffer ||
	    ber_sockbuf_add_io(buffer, &stream, LBER_SBIOD_LEVEL_PROVIDER, socket) < 0 ||
	    ber_sockbuf_add_io(buffer, &wiping, LBER_SBIOD_LEVEL_APPLICATION, NULL) < 0)
		abort();
	return ld;
}
