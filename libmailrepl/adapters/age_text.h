/* A key of age as text, Bech32 (BIP 173). For adapters/age_key.c; apart, since it needs no libcrypto. */
#ifndef MR_ADAPTERS_AGE_TEXT_H
#define MR_ADAPTERS_AGE_TEXT_H

#include <stdbool.h>

#include "adapters/tls_cipher.h"
#include "base/error.h"

#define MR_AGE_RECIPIENT "age"
#define MR_AGE_IDENTITY "age-secret-key-"
#define MR_AGE_TEXT 80 /* bytes, the longest and its NUL */

/* Into `out` of MR_AGE_TEXT bytes, in lower case. */
void mr_age_text_format(const char *prefix, const unsigned char key[MR_KEY_SIZE], char *out);
/* `text` in lower case; false: it is none with this prefix. */
bool mr_age_text_parse(const char *prefix, const char *text, unsigned char out[MR_KEY_SIZE]);

/* "age1…" to the 32 bytes of a point. MR_E_INVALID. */
int mr_age_recipient_parse(const char *text, unsigned char out[MR_KEY_SIZE],
			   struct mr_error *err) MR_MUST_CHECK;

#endif
