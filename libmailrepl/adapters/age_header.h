/* The header of a file of age: for whom it is sealed. For adapters/age.c. */
#ifndef MR_ADAPTERS_AGE_HEADER_H
#define MR_ADAPTERS_AGE_HEADER_H

#include "adapters/tls_cipher.h"
#include "base/strings.h"

#define MR_AGE_MAGIC "age-encryption.org/v1\n"

struct mr_age_stanza {
	struct mr_list arguments; /* "X25519", … */
	const char *body;         /* its first line: all of it, as far as we know the kind */
};

struct mr_age_header {
	struct mr_age_stanza *stanzas;
	size_t count;
	const char *text;     /* what the sum is over: all but its last line's end */
	size_t text_len, len; /* of the text; of the whole header in the file */
	unsigned char sum[MR_KEY_SIZE];
};

/* At the beginning of `fd`, whose position is behind it afterwards. MR_E_ARCHIVE: none of age's, or out of bounds (64 KiB, 64
 * stanzas). */
int mr_age_header_read(struct mr_arena *arena, int fd, struct mr_age_header *out,
		       struct mr_error *err) MR_MUST_CHECK;
/* Whether the sum at its end is that of a file with this key. */
bool mr_age_header_fits(const struct mr_age_header *header, const struct mr_secret *file_key);
/* Appends the last line to a header's other lines. */
void mr_age_header_finish(struct mr_buf *text, const struct mr_secret *file_key);

#endif
