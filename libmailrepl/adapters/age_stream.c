#include "adapters/age_stream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "adapters/tls_cipher.h"
#include "base/file.h"

#define CHUNK ((size_t)64 * 1024)

struct stream {
	unsigned char key[MR_KEY_SIZE];
	unsigned char nonce[MR_NONCE_SIZE]; /* a number of 11 bytes, and whether it is the last */
	size_t have;                        /* in `in` */
	unsigned char in[CHUNK + MR_TAG_SIZE + 1], out[CHUNK + MR_TAG_SIZE];
};

static struct stream *stream_open(const struct mr_secret *file_key, const unsigned char salt[16])
{
	struct stream *stream = calloc(1, sizeof(*stream));

	if (!stream)
		abort();
	mr_hkdf((struct mr_bytes){ file_key->data, file_key->len },
		(struct mr_bytes){ salt, MR_AGE_FILE_KEY }, "payload", stream->key);
	return stream;
}

static void stream_close(struct stream *stream)
{
	explicit_bzero(stream, sizeof(*stream));
	free(stream);
}

/* Fills `in` to `len` bytes if there are so many. */
static int fill(struct stream *stream, int fd, size_t len, struct mr_error *err)
{
	while (stream->have < len) {
		ssize_t n = read(fd, stream->in + stream->have, len - stream->have);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return mr_fail_errno(err, _("reading"));
		if (n == 0)
			return 0;
		stream->have += (size_t)n;
	}
	return 0;
}

/* The bytes that were used make room for the one that was read ahead. */
static void advance(struct stream *stream, size_t used)
{
	memmove(stream->in, stream->in + used, stream->have - used);
	stream->have -= used;
	for (size_t i = MR_NONCE_SIZE - 1; i-- > 0;)
		if (++stream->nonce[i])
			return;
}

/* One byte is read ahead, since the last chunk is marked. */
static int seal_chunks(struct stream *stream, int in, int out, struct mr_error *err)
{
	bool last;

	do {
		size_t len;

		if (fill(stream, in, CHUNK + 1, err) < 0)
			return -1;
		last = stream->have <= CHUNK;
		len = last ? stream->have : CHUNK;
		stream->nonce[MR_NONCE_SIZE - 1] = last;
		mr_chacha_seal(stream->key, stream->nonce, (struct mr_bytes){ stream->in, len },
			       stream->out);
		if (mr_write_all(out, stream->out, len + MR_TAG_SIZE, err) < 0)
			return -1;
		advance(stream, len);
	} while (!last);
	return 0;
}

int mr_age_stream_seal(const struct mr_secret *file_key, int in, int out, struct mr_error *err)
{
	unsigned char salt[MR_AGE_FILE_KEY];
	struct stream *stream;
	int rc;

	mr_random(salt, sizeof(salt));
	if (mr_write_all(out, salt, sizeof(salt), err) < 0)
		return -1;
	stream = stream_open(file_key, salt);
	rc = seal_chunks(stream, in, out, err);
	stream_close(stream);
	return rc;
}

static int altered(struct mr_error *err)
{
	return mr_fail(err, MR_E_ARCHIVE, _("altered or cut short: it is not what was sealed"));
}

/* An empty last chunk is for an empty file alone: otherwise there would be two forms of the same. */
static int open_chunks(struct stream *stream, int in, mr_age_sink sink, void *context,
		       struct mr_error *err)
{
	bool first = true, last;

	do {
		size_t len;

		if (fill(stream, in, CHUNK + MR_TAG_SIZE + 1, err) < 0)
			return -1;
		last = stream->have <= CHUNK + MR_TAG_SIZE;
		len = last ? stream->have : CHUNK + MR_TAG_SIZE;
		stream->nonce[MR_NONCE_SIZE - 1] = last;
		if (len < MR_TAG_SIZE || (len == MR_TAG_SIZE && !first) ||
		    !mr_chacha_open(stream->key, stream->nonce,
				    (struct mr_bytes){ stream->in, len }, stream->out))
			return altered(err);
		if (sink(context, stream->out, len - MR_TAG_SIZE, err) < 0)
			return -1;
		advance(stream, len);
		first = false;
	} while (!last);
	return 0;
}

int mr_age_stream_open(const struct mr_secret *file_key, int in, mr_age_sink sink, void *context,
		       struct mr_error *err)
{
	unsigned char salt[MR_AGE_FILE_KEY];
	struct stream *stream;
	ssize_t n = read(in, salt, sizeof(salt));
	int rc;

	if (n < 0)
		return mr_fail_errno(err, _("reading"));
	if (n < (ssize_t)sizeof(salt))
		return altered(err);
	stream = stream_open(file_key, salt);
	rc = open_chunks(stream, in, sink, context, err);
	stream_close(stream);
	return rc;
}
