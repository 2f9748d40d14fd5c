/* What the two files of adapters/tls_channel.h share. Nobody else needs this header. */
#ifndef MR_ADAPTERS_TLS_CHANNEL_STATE_H
#define MR_ADAPTERS_TLS_CHANNEL_STATE_H

#include <openssl/ssl.h>

#include "adapters/tls_channel.h"

struct mr_channel {
	SSL_CTX *context;
	SSL *ssl;
	BIO *bio;         /* the connection, until `ssl` has taken it over */
	int fd;           /* its socket, borrowed */
	const char *name; /* of the other side, for messages */
};

/* Sets the error for what the library's call returned; always -1. errno is the call's. */
int mr_channel_fail(struct mr_channel *channel, int rc, const char *what, struct mr_error *err);

#endif
