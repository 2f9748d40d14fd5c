#include "adapters/tls.h"

#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>

struct mr_sha256 {
	EVP_MD_CTX *context;
};

/* SHA-256 and the random generator are built in: they fail for want of memory or entropy alone. */
static void must(int done)
{
	if (done != 1)
		abort();
}

struct mr_sha256 *mr_sha256_open(void)
{
	struct mr_sha256 *sum = malloc(sizeof(*sum));

	if (!sum || !(sum->context = EVP_MD_CTX_new()))
		abort();
	must(EVP_DigestInit_ex(sum->context, EVP_sha256(), NULL));
	return sum;
}

void mr_sha256_add(struct mr_sha256 *sum, const void *data, size_t len)
{
	must(EVP_DigestUpdate(sum->context, data, len));
}

void mr_sha256_close(struct mr_sha256 *sum, char hex[65])
{
	unsigned char digest[EVP_MAX_MD_SIZE];

	must(EVP_DigestFinal_ex(sum->context, digest, NULL));
	for (size_t i = 0; hex && i < 32; i++)
		snprintf(hex + 2 * i, 3, "%02x", digest[i]);
	EVP_MD_CTX_free(sum->context);
	free(sum);
}

char *mr_uuid(struct mr_arena *arena)
{
	unsigned char b[16];

	must(RAND_bytes(b, sizeof(b)));
	b[6] = (unsigned char)((b[6] & 0x0f) | 0x40);
	b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
	return mr_printf(arena,
			 "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x",
			 b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11],
			 b[12], b[13], b[14], b[15]);
}
