/* Primitives of libcrypto, for adapters/age*. None of them fails but for want of memory, which ends the program, unless it says so. */
#ifndef MR_ADAPTERS_TLS_CIPHER_H
#define MR_ADAPTERS_TLS_CIPHER_H

#include <stdbool.h>
#include <stddef.h>

#define MR_KEY_SIZE 32
#define MR_NONCE_SIZE 12
#define MR_TAG_SIZE 16

struct mr_bytes {
	const void *data;
	size_t len;
};
#define MR_BYTES(array) ((struct mr_bytes){ array, sizeof(array) })

void mr_random(void *out, size_t len);
/* HKDF-SHA-256 (RFC 5869); an empty salt is one of 32 zeros. */
void mr_hkdf(struct mr_bytes key, struct mr_bytes salt, const char *info,
	     unsigned char out[MR_KEY_SIZE]);
/* HMAC-SHA-256 (RFC 2104) */
void mr_hmac(struct mr_bytes key, struct mr_bytes data, unsigned char out[MR_KEY_SIZE]);
/* scrypt (RFC 7914), N = 2^work, r = 8, p = 1: takes 2^work KiB of memory. false: there is not so much. */
bool mr_scrypt(struct mr_bytes password, struct mr_bytes salt, int work,
	       unsigned char out[MR_KEY_SIZE]);
/* X25519 (RFC 7748). false: a point of low order, the result of which everybody knows. */
bool mr_x25519(const unsigned char secret[MR_KEY_SIZE], const unsigned char point[MR_KEY_SIZE],
	       unsigned char out[MR_KEY_SIZE]);
void mr_x25519_public(const unsigned char secret[MR_KEY_SIZE], unsigned char out[MR_KEY_SIZE]);
/* ChaCha20-Poly1305 (RFC 8439) without additional data. `out` has room for `in` and the tag. */
void mr_chacha_seal(const unsigned char key[MR_KEY_SIZE], const unsigned char nonce[MR_NONCE_SIZE],
		    struct mr_bytes in, unsigned char *out);
/* `in` ends with the tag; `out` has room for the rest. false: it is not what was sealed, and what
 * `out` holds must not be used. */
bool mr_chacha_open(const unsigned char key[MR_KEY_SIZE], const unsigned char nonce[MR_NONCE_SIZE],
		    struct mr_bytes in, unsigned char *out);
/* In a time that does not depend on the content. */
bool mr_same(const void *a, const void *b, size_t len);

/* Base64 (RFC 4648) without padding; `out` has room for 4 bytes per 3 begun and 2 more. */
void mr_base64(struct mr_bytes in, char *out);
/* Just `len` bytes, in the one form that they have. */
bool mr_base64_parse(const char *text, size_t text_len, unsigned char *out, size_t len);

#endif
