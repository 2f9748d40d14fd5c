#include "adapters/tls_cipher.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define BASE64_MOST ((size_t)96)

static void must(int done)
{
	if (done != 1)
		abort();
}

void mr_random(void *out, size_t len)
{
	must(RAND_bytes(out, (int)len));
}

/* The library does not write to what it is given here; its parameters are only not const. */
static OSSL_PARAM octets(const char *name, struct mr_bytes bytes)
{
	return OSSL_PARAM_construct_octet_string(name, (void *)(uintptr_t)bytes.data, bytes.len);
}

void mr_hkdf(struct mr_bytes key, struct mr_bytes salt, const char *info,
	     unsigned char out[MR_KEY_SIZE])
{
	EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
	EVP_KDF_CTX *context = EVP_KDF_CTX_new(kdf);
	char digest[] = "SHA256";
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
		octets(OSSL_KDF_PARAM_KEY, key),
		octets(OSSL_KDF_PARAM_INFO, (struct mr_bytes){ info, strlen(info) }),
		salt.len ? octets(OSSL_KDF_PARAM_SALT, salt) : OSSL_PARAM_construct_end(),
		OSSL_PARAM_construct_end(),
	};

	if (!context)
		abort();
	must(EVP_KDF_derive(context, out, MR_KEY_SIZE, params));
	EVP_KDF_CTX_free(context);
	EVP_KDF_free(kdf);
}

void mr_hmac(struct mr_bytes key, struct mr_bytes data, unsigned char out[MR_KEY_SIZE])
{
	if (!HMAC(EVP_sha256(), key.data, (int)key.len, data.data, data.len, out, NULL))
		abort();
}

bool mr_scrypt(struct mr_bytes password, struct mr_bytes salt, int work,
	       unsigned char out[MR_KEY_SIZE])
{
	/* Besides the 2^work blocks of 128 * r bytes a few for itself. */
	uint64_t most = ((uint64_t)1024 << work) + ((uint64_t)1 << 20);

	return EVP_PBE_scrypt(password.data, password.len, salt.data, salt.len, (uint64_t)1 << work,
			      8, 1, most, out, MR_KEY_SIZE) == 1;
}

bool mr_x25519(const unsigned char secret[MR_KEY_SIZE], const unsigned char point[MR_KEY_SIZE],
	       unsigned char out[MR_KEY_SIZE])
{
	EVP_PKEY *own = EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL, secret, MR_KEY_SIZE);
	EVP_PKEY *peer = EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, NULL, point, MR_KEY_SIZE);
	EVP_PKEY_CTX *context = own ? EVP_PKEY_CTX_new(own, NULL) : NULL;
	size_t len = MR_KEY_SIZE;
	bool done;

	if (!context || !peer)
		abort();
	must(EVP_PKEY_derive_init(context));
	done = EVP_PKEY_derive_set_peer(context, peer) == 1 &&
	       EVP_PKEY_derive(context, out, &len) == 1 && len == MR_KEY_SIZE;
	EVP_PKEY_CTX_free(context);
	EVP_PKEY_free(peer);
	EVP_PKEY_free(own);
	return done;
}

void mr_x25519_public(const unsigned char secret[MR_KEY_SIZE], unsigned char out[MR_KEY_SIZE])
{
	EVP_PKEY *own = EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL, secret, MR_KEY_SIZE);
	size_t len = MR_KEY_SIZE;

	if (!own)
		abort();
	must(EVP_PKEY_get_raw_public_key(own, out, &len));
	EVP_PKEY_free(own);
}

void mr_chacha_seal(const unsigned char key[MR_KEY_SIZE], const unsigned char nonce[MR_NONCE_SIZE],
		    struct mr_bytes in, unsigned char *out)
{
	EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
	int len = 0, rest = 0;

	if (!context)
		abort();
	must(EVP_EncryptInit_ex(context, EVP_chacha20_poly1305(), NULL, key, nonce));
	if (in.len)
		must(EVP_EncryptUpdate(context, out, &len, in.data, (int)in.len));
	must(EVP_EncryptFinal_ex(context, out + len, &rest));
	must(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, MR_TAG_SIZE, out + in.len));
	EVP_CIPHER_CTX_free(context);
}

bool mr_chacha_open(const unsigned char key[MR_KEY_SIZE], const unsigned char nonce[MR_NONCE_SIZE],
		    struct mr_bytes in, unsigned char *out)
{
	EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
	size_t size = in.len - MR_TAG_SIZE;
	unsigned char tag[MR_TAG_SIZE];
	int len = 0, rest = 0;
	bool good;

	if (!context)
		abort();
	if (in.len < MR_TAG_SIZE) {
		EVP_CIPHER_CTX_free(context);
		return false;
	}
	memcpy(tag, (const unsigned char *)in.data + size, sizeof(tag));
	must(EVP_DecryptInit_ex(context, EVP_chacha20_poly1305(), NULL, key, nonce));
	must(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, MR_TAG_SIZE, tag));
	if (size)
		must(EVP_DecryptUpdate(context, out, &len, in.data, (int)size));
	good = EVP_DecryptFinal_ex(context, out + len, &rest) == 1;
	EVP_CIPHER_CTX_free(context);
	return good;
}

bool mr_same(const void *a, const void *b, size_t len)
{
	return CRYPTO_memcmp(a, b, len) == 0;
}

void mr_base64(struct mr_bytes in, char *out)
{
	int len = EVP_EncodeBlock((unsigned char *)out, in.data, (int)in.len);

	while (len > 0 && out[len - 1] == '=')
		out[--len] = '\0';
}

bool mr_base64_parse(const char *text, size_t text_len, unsigned char *out, size_t len)
{
	unsigned char bytes[BASE64_MOST], padded[BASE64_MOST];
	char again[BASE64_MOST];

	if (text_len != (len * 8 + 5) / 6 || text_len + 4 > sizeof(padded))
		return false;
	memset(padded, '=', sizeof(padded));
	memcpy(padded, text, text_len);
	if (EVP_DecodeBlock(bytes, padded, (int)(text_len + 3) / 4 * 4) < 0)
		return false;
	/* The library takes spaces, and bits that are left over, without a word. */
	mr_base64((struct mr_bytes){ bytes, len }, again);
	memcpy(out, bytes, len);
	return strlen(again) == text_len && memcmp(again, text, text_len) == 0;
}
