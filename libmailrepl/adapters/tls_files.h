/* A certificate and its key that somebody else has made (an authority, an ACME client), in files. */
#ifndef MR_ADAPTERS_TLS_FILES_H
#define MR_ADAPTERS_TLS_FILES_H

#include "adapters/tls.h"

/* `cert_path`: PEM, the server's certificate first, then its issuers, each of the one before; the root may be missing.
 * `key_path`: PEM, without a passphrase. Symlinks are followed, since ACME clients make some. `out` is about the first
 * certificate; out->host is NULL. MR_E_INVALID, with the path and what is wrong: a file that is missing, cannot be read
 * or holds something else; a key that others than its owner and its group can read, or that others than its owner can
 * write, or another's than root's or the caller's; a certificate that others can write; a key of another certificate;
 * certificates out of order; one that is not for servers, or not valid yet. Whether it has expired
 * (out->not_after) is for the caller to judge. */
int mr_tls_check_files(struct mr_arena *arena, const char *cert_path, const char *key_path,
		       struct mr_certificate *out, struct mr_error *err) MR_MUST_CHECK;
#endif
