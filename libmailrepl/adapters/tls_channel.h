/* A TLS connection between two hosts of the domain, each known to the other by its certificate.
 *
 *	if (mr_channel_connect(arena, &files, "mail1.lan", 3891, 5000, &channel, err) < 0) ...
 *	if (mr_channel_say(channel, "hold user1", err) < 0 || mr_channel_line(channel,
 *	    line, sizeof(line), err) < 0) ...
 *	mr_channel_close(channel);
 *
 * Who the other is, is checked against the domain's CA alone: whether that host may ask what it
 * asks is the caller's affair. TLS 1.2 or newer; no session is resumed. The program must ignore
 * SIGPIPE. */
#ifndef MR_ADAPTERS_TLS_CHANNEL_H
#define MR_ADAPTERS_TLS_CHANNEL_H

#include "adapters/tls.h"

struct mr_channel;

struct mr_channel_files {
	const char *ca, *cert, *key; /* PEM */
};

/* A socket that listens on all addresses of this host, close-on-exec. MR_E_EXISTS: the port is
 * taken. */
int mr_channel_listen(int port, int *fd, struct mr_error *err) MR_MUST_CHECK;
/* The server must show a certificate for `host`. `ms` is the deadline of this and of each later
 * wait for the other side, but not of mr_channel_pump. MR_E_UNAVAILABLE: nobody answers.
 * MR_E_DENIED: one side does not trust the other. */
int mr_channel_connect(struct mr_arena *arena, const struct mr_channel_files *files,
		       const char *host, int port, int ms, struct mr_channel **out,
		       struct mr_error *err) MR_MUST_CHECK;
/* `fd` (taken over, closed also after a failure) is what accept(2) gave. *peer is the client's
 * certificate. */
int mr_channel_accept(struct mr_arena *arena, const struct mr_channel_files *files, int fd, int ms,
		      struct mr_channel **out, struct mr_certificate *peer,
		      struct mr_error *err) MR_MUST_CHECK;
void mr_channel_close(struct mr_channel *channel); /* NULL-safe */

/* A line, without its newline; one that is longer than `size` - 1 bytes is MR_E_PROTOCOL, and so is
 * the end. */
int mr_channel_line(struct mr_channel *channel, char *line, size_t size,
		    struct mr_error *err) MR_MUST_CHECK;
int mr_channel_say(struct mr_channel *channel, const char *line,
		   struct mr_error *err) MR_MUST_CHECK;
/* Bytes as they are. mr_channel_read: how many (at most `size`), 0 at the end, or -1. */
int mr_channel_write(struct mr_channel *channel, const void *data, size_t len,
		     struct mr_error *err) MR_MUST_CHECK;
long mr_channel_read(struct mr_channel *channel, void *data, size_t size,
		     struct mr_error *err) MR_MUST_CHECK;

/* Carries what comes from `in` to the other side and what comes from there to `out` (both
 * borrowed), until the other side or `in` has ended and all was handed on. MR_E_TEMPORARY: nothing
 * has moved for `idle_ms`. */
int mr_channel_pump(struct mr_channel *channel, int in, int out, int idle_ms,
		    struct mr_error *err) MR_MUST_CHECK;

#endif
