#include "adapters/tls_channel.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "adapters/tls_channel_state.h"

int mr_channel_fail(struct mr_channel *channel, int rc, const char *what, struct mr_error *err)
{
	const int error = SSL_get_error(channel->ssl, rc), cause = errno;
	const char *reason = ERR_reason_error_string(ERR_peek_last_error());
	const long verdict = SSL_get_verify_result(channel->ssl);

	ERR_clear_error();
	if (verdict != X509_V_OK)
		return mr_fail(err, MR_E_DENIED, "%s: %s: %s", channel->name, what,
			       X509_verify_cert_error_string(verdict));
	/* The other side's alert, for one: it does not trust us. */
	if (error == SSL_ERROR_SSL)
		return mr_fail(err, MR_E_DENIED, "%s: %s: %s", channel->name, what,
			       reason ? reason : _("the TLS library failed"));
	if (error == SSL_ERROR_SYSCALL && cause && cause != EAGAIN)
		return mr_fail(err, MR_E_UNAVAILABLE, "%s: %s: %s", channel->name, what,
			       strerror(cause));
	return mr_fail(err, MR_E_UNAVAILABLE,
		       error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE ||
				       cause == EAGAIN
			       ? _("%s: %s: no answer in time")
			       : _("%s: %s: the connection has ended"),
		       channel->name, what);
}

/* A blocking socket whose calls end in time, and which holds nothing back: both sides talk in turns,
 * and the other's acknowledgement may be 40 ms late. */
static int set_socket(int fd, int ms, struct mr_error *err)
{
	const struct timeval time = { ms / 1000, ms % 1000 * 1000 };
	const int on = 1;

	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof(time)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &time, sizeof(time)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on)) < 0 ||
	    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) < 0)
		return mr_fail_errno(err, _("setting up a connection"));
	return 0;
}

static SSL_CTX *make_context(const struct mr_channel_files *files, bool server,
			     struct mr_error *err)
{
	SSL_CTX *context = SSL_CTX_new(server ? TLS_server_method() : TLS_client_method());

	if (!context)
		abort();
	SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
	SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_options(context, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION);
	SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	if (SSL_CTX_load_verify_locations(context, files->ca, NULL) == 1 &&
	    SSL_CTX_use_certificate_file(context, files->cert, SSL_FILETYPE_PEM) == 1 &&
	    SSL_CTX_use_PrivateKey_file(context, files->key, SSL_FILETYPE_PEM) == 1)
		return context;
	SSL_CTX_free(context);
	ERR_clear_error();
	mr_fail(err, MR_E_CONFIG, _("%s, %s and %s are not this host's certificate and key"),
		files->ca, files->cert, files->key);
	return NULL;
}

static int begin(struct mr_channel *channel, const struct mr_channel_files *files, bool server,
		 struct mr_error *err)
{
	channel->context = make_context(files, server, err);
	if (!channel->context)
		return -1;
	channel->ssl = SSL_new(channel->context);
	if (!channel->ssl)
		abort();
	SSL_set_bio(channel->ssl, channel->bio, channel->bio);
	channel->bio = NULL;
	return 0;
}

int mr_channel_listen(int port, int *fd, struct mr_error *err)
{
	const struct sockaddr_in6 any = { .sin6_family = AF_INET6,
					  .sin6_port = htons((uint16_t)port),
					  .sin6_addr = in6addr_any };
	const int on = 1, off = 0;

	*fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (*fd >= 0 && setsockopt(*fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off)) == 0 &&
	    setsockopt(*fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
	    bind(*fd, (const struct sockaddr *)&any, sizeof(any)) == 0 && listen(*fd, 16) == 0)
		return 0;
	mr_fail_errno(err, _("listening on port %d"), port);
	if (errno == EADDRINUSE)
		err->code = MR_E_EXISTS;
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
	return -1;
}

/* The library resolves and connects. Where nobody listens it tries again until the time is over, each
 * time after its usual pause (-1). */
static int dial(struct mr_channel *channel, int port, int ms, struct mr_error *err)
{
	MR_ARENA arena = mr_arena_open();
	int rc;

	channel->bio = BIO_new_connect(channel->name);
	if (!channel->bio)
		abort();
	BIO_set_conn_port(channel->bio, mr_printf(arena, "%d", port));
	BIO_set_nbio(channel->bio, 1L);
	rc = BIO_do_connect_retry(channel->bio, (ms + 999) / 1000, -1);
	ERR_clear_error();
	if (rc == 1 && BIO_get_fd(channel->bio, &channel->fd) >= 0 &&
	    BIO_socket_nbio(channel->fd, 0) == 1 && fcntl(channel->fd, F_SETFD, FD_CLOEXEC) == 0)
		return 0;
	return mr_fail(err, MR_E_UNAVAILABLE, _("%s, port %d: nobody answers"), channel->name,
		       port);
}

int mr_channel_connect(struct mr_arena *arena, const struct mr_channel_files *files,
		       const char *host, int port, int ms, struct mr_channel **out,
		       struct mr_error *err)
{
	struct mr_channel *channel = MR_NEW(arena, struct mr_channel);
	int rc;

	*channel = (struct mr_channel){ .fd = -1, .name = mr_strdup(arena, host) };
	if (dial(channel, port, ms, err) < 0 || set_socket(channel->fd, ms, err) < 0 ||
	    begin(channel, files, false, err) < 0) {
		mr_channel_close(channel);
		return -1;
	}
	SSL_set_hostflags(channel->ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	if (SSL_set1_host(channel->ssl, host) != 1)
		abort();
	errno = 0;
	rc = SSL_connect(channel->ssl);
	if (rc != 1) {
		mr_channel_fail(channel, rc, _("connecting"), err);
		mr_channel_close(channel);
		return -1;
	}
	*out = channel;
	return 0;
}

static int describe_peer(struct mr_arena *arena, const struct mr_channel *channel,
			 struct mr_certificate *peer, struct mr_error *err)
{
	X509 *cert = SSL_get1_peer_certificate(channel->ssl);
	unsigned char *der = NULL;
	int len = cert ? i2d_X509(cert, &der) : -1, rc;

	X509_free(cert);
	if (len < 0)
		return mr_fail(err, MR_E_DENIED, _("the client has shown no certificate"));
	rc = mr_tls_describe_der(arena, der, (size_t)len, peer, err);
	OPENSSL_free(der);
	return rc;
}

int mr_channel_accept(struct mr_arena *arena, const struct mr_channel_files *files, int fd, int ms,
		      struct mr_channel **out, struct mr_certificate *peer, struct mr_error *err)
{
	struct mr_channel *channel = MR_NEW(arena, struct mr_channel);
	int rc = -1;

	*channel = (struct mr_channel){ .bio = BIO_new_socket(fd, BIO_CLOSE),
					.fd = fd,
					.name = _("client") };
	if (!channel->bio)
		abort();
	if (set_socket(fd, ms, err) == 0 && begin(channel, files, true, err) == 0) {
		errno = 0;
		rc = SSL_accept(channel->ssl);
		rc = rc == 1 ? describe_peer(arena, channel, peer, err)
			     : mr_channel_fail(channel, rc, _("accepting"), err);
	}
	if (rc < 0) {
		mr_channel_close(channel);
		return -1;
	}
	*out = channel;
	return 0;
}

void mr_channel_close(struct mr_channel *channel)
{
	if (!channel)
		return;
	if (channel->ssl && SSL_is_init_finished(channel->ssl))
		(void)SSL_shutdown(channel->ssl);
	SSL_free(channel->ssl);
	SSL_CTX_free(channel->context);
	BIO_free_all(channel->bio);
	ERR_clear_error();
}

long mr_channel_read(struct mr_channel *channel, void *data, size_t size, struct mr_error *err)
{
	size_t got = 0;
	int rc;

	errno = 0;
	rc = SSL_read_ex(channel->ssl, data, size, &got);
	if (rc == 1)
		return (long)got;
	if (SSL_get_error(channel->ssl, rc) == SSL_ERROR_ZERO_RETURN)
		return 0;
	return mr_channel_fail(channel, rc, _("reading"), err);
}

int mr_channel_write(struct mr_channel *channel, const void *data, size_t len, struct mr_error *err)
{
	size_t done = 0;
	int rc;

	if (len == 0)
		return 0;
	errno = 0;
	rc = SSL_write_ex(channel->ssl, data, len, &done);
	return rc == 1 ? 0 : mr_channel_fail(channel, rc, _("writing"), err);
}

/* Byte by byte: what follows the line is somebody else's. Lines are short and few. */
int mr_channel_line(struct mr_channel *channel, char *line, size_t size, struct mr_error *err)
{
	for (size_t len = 0; len < size; len++) {
		long got = mr_channel_read(channel, line + len, 1, err);

		if (got < 0)
			return -1;
		if (got == 0)
			return mr_fail(err, MR_E_PROTOCOL, _("%s: ended before an answer"),
				       channel->name);
		if (line[len] == '\n') {
			line[len] = '\0';
			return 0;
		}
	}
	return mr_fail(err, MR_E_PROTOCOL, _("%s: a line is too long"), channel->name);
}

int mr_channel_say(struct mr_channel *channel, const char *line, struct mr_error *err)
{
	MR_BUF text = { 0 };

	mr_buf_printf(&text, "%s\n", line);
	return mr_channel_write(channel, text.data, text.len, err);
}
