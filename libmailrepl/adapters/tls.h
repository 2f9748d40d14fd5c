/* The domain's certification authority, the hosts' keys and certificates, and SHA-256. */
#ifndef MR_ADAPTERS_TLS_H
#define MR_ADAPTERS_TLS_H

#include <stdint.h>

#include "base/strings.h"

/* PEM texts. A key is a secret. EC P-256, SHA-256. */
struct mr_identity {
	struct mr_secret key;
	char *cert; /* in the arena given */
};
void mr_identity_close(struct mr_identity *identity); /* wipes the key */

/* A self-signed CA (CA:TRUE, pathlen 0, keyCertSign) named "mailrepl CA <domain_id>", valid 30
 * years. */
int mr_tls_make_ca(struct mr_arena *arena, const char *domain_id, struct mr_identity *out,
		   struct mr_error *err) MR_MUST_CHECK;
/* A host's new key and certificate: subject "CN=<host>,O=mailrepl" so that slapd sees
 * "cn=<host>,o=mailrepl", SAN dNSName, serverAuth and clientAuth, random 128-bit serial, valid from
 * an hour ago for `days`. */
int mr_tls_issue(struct mr_arena *arena, const struct mr_identity *ca, const char *host,
		 long long days, struct mr_identity *out, struct mr_error *err) MR_MUST_CHECK;

struct mr_certificate {
	const char *host;        /* CN */
	const char *fingerprint; /* SHA-256 of the DER, "AB:CD:…", as Postfix prints it */
	int64_t not_after;       /* seconds since the epoch */
};
int mr_tls_describe(struct mr_arena *arena, const char *cert_pem, struct mr_certificate *out,
		    struct mr_error *err) MR_MUST_CHECK;
int mr_tls_describe_der(struct mr_arena *arena, const void *der, size_t len,
			struct mr_certificate *out, struct mr_error *err) MR_MUST_CHECK;
/* MR_E_INVALID unless the key belongs to the certificate, the CA signed it and it is valid now. */
int mr_tls_check(const struct mr_identity *identity, const char *ca_cert_pem,
		 struct mr_error *err) MR_MUST_CHECK;

/* SHA-256 in steps; hex is 64 lower-case digits and a NUL. */
struct mr_sha256;
struct mr_sha256 *mr_sha256_open(void);
void mr_sha256_add(struct mr_sha256 *sum, const void *data, size_t len);
void mr_sha256_close(struct mr_sha256 *sum, char hex[65]); /* hex may be NULL */

/* A random (version 4) UUID, RFC 4122. */
char *mr_uuid(struct mr_arena *arena);

#endif
