#include "adapters/tls.h"

#include <limits.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <time.h>

#define MOST_CN 64 /* RFC 5280, ub-common-name */
#define HOUR 3600L
#define CA_DAYS 10958 /* 30 years */

#define CLOSED_BY(type, name, close)                                                               \
	static void name(type **it)                                                                \
	{                                                                                          \
		close(*it);                                                                        \
	}
CLOSED_BY(BIO, bio_closep, BIO_free)
CLOSED_BY(X509, x509_closep, X509_free)
CLOSED_BY(EVP_PKEY, key_closep, EVP_PKEY_free)
CLOSED_BY(X509_STORE, store_closep, X509_STORE_free)
CLOSED_BY(X509_STORE_CTX, check_closep, X509_STORE_CTX_free)
#define CLOSED(close) __attribute__((cleanup(close)))

void mr_identity_close(struct mr_identity *identity)
{
	mr_secret_close(&identity->key);
	identity->cert = NULL;
}

/* Also empties the library's own queue of errors. */
static int fail_tls(struct mr_error *err, enum mr_error_code code, const char *what)
{
	const char *reason = ERR_reason_error_string(ERR_peek_last_error());

	ERR_clear_error();
	return mr_fail(err, code, "%s: %s", what, reason ? reason : _("the TLS library failed"));
}

static X509 *read_cert(const char *pem)
{
	BIO *bio CLOSED(bio_closep) = BIO_new_mem_buf(pem, -1);

	return bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
}

/* A key that is encrypted must fail, not make the library ask on the terminal. */
static int no_passphrase(char *buf, int size, int writing, void *context)
{
	(void)buf, (void)size, (void)writing, (void)context;
	return -1;
}

static EVP_PKEY *read_key(const struct mr_secret *pem)
{
	BIO *bio CLOSED(bio_closep) = BIO_new_mem_buf(pem->data, (int)pem->len);

	return bio ? PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL) : NULL;
}

static char *cert_text(struct mr_arena *arena, X509 *cert)
{
	BIO *bio CLOSED(bio_closep) = BIO_new(BIO_s_mem());
	char *data;
	long len;

	if (!bio || !PEM_write_bio_X509(bio, cert))
		return NULL;
	len = BIO_get_mem_data(bio, &data);
	return mr_strndup(arena, data, (size_t)len);
}

/* BIO_s_secmem and the memory BIO both wipe what they held when they are freed. */
static bool key_text(EVP_PKEY *key, struct mr_secret *out)
{
	BIO *bio CLOSED(bio_closep) = BIO_new(BIO_s_secmem());
	char *data;
	long len;

	if (!bio || !PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL))
		return false;
	len = BIO_get_mem_data(bio, &data);
	mr_secret_set(out, data, (size_t)len);
	return true;
}

/* 128 random bits; one bit more, always set, keeps the number from being short or zero. */
static bool set_serial(X509 *cert)
{
	BIGNUM *serial = BN_new();
	bool done = serial && BN_rand(serial, 129, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) &&
		    BN_to_ASN1_INTEGER(serial, X509_get_serialNumber(cert));

	BN_free(serial);
	return done;
}

static bool set_times(X509 *cert, long long days)
{
	return X509_gmtime_adj(X509_getm_notBefore(cert), -HOUR) &&
	       X509_time_adj_ex(X509_getm_notAfter(cert), (int)days, 0, NULL);
}

static bool add_name(X509_NAME *name, const char *type, const char *text)
{
	return X509_NAME_add_entry_by_txt(name, type, MBSTRING_UTF8, (const unsigned char *)text,
					  -1, -1, 0);
}

static bool add_extension(X509 *cert, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX context;
	X509_EXTENSION *extension;
	bool done;

	X509V3_set_ctx(&context, issuer, cert, NULL, NULL, 0);
	extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
	done = extension && X509_add_ext(cert, extension, -1);
	X509_EXTENSION_free(extension);
	return done;
}

/* A version 3 certificate with serial and times, not yet signed. */
static X509 *new_cert(EVP_PKEY *key, long long days)
{
	X509 *cert = X509_new();

	if (cert && X509_set_version(cert, X509_VERSION_3) && set_serial(cert) &&
	    set_times(cert, days) && X509_set_pubkey(cert, key))
		return cert;
	X509_free(cert);
	return NULL;
}

static bool sign_ca(X509 *cert, EVP_PKEY *key, const char *name)
{
	return add_name(X509_get_subject_name(cert), "CN", name) &&
	       X509_set_issuer_name(cert, X509_get_subject_name(cert)) &&
	       add_extension(cert, cert, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
	       add_extension(cert, cert, NID_key_usage, "critical,keyCertSign,cRLSign") &&
	       add_extension(cert, cert, NID_subject_key_identifier, "hash") &&
	       X509_sign(cert, key, EVP_sha256()) > 0;
}

/* O before CN: an LDAP name (RFC 4514) shows the parts of a certificate's name in reverse. */
static bool sign_host(X509 *cert, X509 *ca, EVP_PKEY *ca_key, const char *host, const char *san)
{
	X509_NAME *subject = X509_get_subject_name(cert);

	return add_name(subject, "O", "mailrepl") && add_name(subject, "CN", host) &&
	       X509_set_issuer_name(cert, X509_get_subject_name(ca)) &&
	       add_extension(cert, ca, NID_basic_constraints, "critical,CA:FALSE") &&
	       add_extension(cert, ca, NID_key_usage, "critical,digitalSignature") &&
	       add_extension(cert, ca, NID_ext_key_usage, "serverAuth,clientAuth") &&
	       add_extension(cert, ca, NID_subject_key_identifier, "hash") &&
	       add_extension(cert, ca, NID_authority_key_identifier, "keyid:always") &&
	       add_extension(cert, ca, NID_subject_alt_name, san) &&
	       X509_sign(cert, ca_key, EVP_sha256()) > 0;
}

int mr_tls_make_ca(struct mr_arena *arena, const char *domain_id, struct mr_identity *out,
		   struct mr_error *err)
{
	EVP_PKEY *key CLOSED(key_closep) = EVP_EC_gen("P-256");
	X509 *cert CLOSED(x509_closep) = key ? new_cert(key, CA_DAYS) : NULL;

	*out = (struct mr_identity){ 0 };
	if (!cert || !sign_ca(cert, key, mr_printf(arena, "mailrepl CA %s", domain_id)) ||
	    !key_text(key, &out->key) || !(out->cert = cert_text(arena, cert))) {
		mr_identity_close(out);
		return fail_tls(err, MR_E_INTERNAL, _("making the certification authority"));
	}
	return 0;
}

/* The host's name becomes part of an extension's text: nothing in it may mean something there. */
static int check_host(const char *host, struct mr_error *err)
{
	size_t len = strlen(host);

	if (len == 0 || strspn(host, "abcdefghijklmnopqrstuvwxyz0123456789.-") != len)
		return mr_fail(err, MR_E_INVALID, _("%s: no host name for a certificate"), host);
	if (len > MOST_CN)
		return mr_fail(err, MR_E_INVALID,
			       _("%s: longer than the %d characters that a certificate's name can "
				 "hold: give the host a shorter name"),
			       host, MOST_CN);
	return 0;
}

int mr_tls_issue(struct mr_arena *arena, const struct mr_identity *ca, const char *host,
		 long long days, struct mr_identity *out, struct mr_error *err)
{
	X509 *ca_cert CLOSED(x509_closep) = read_cert(ca->cert);
	EVP_PKEY *ca_key CLOSED(key_closep) = read_key(&ca->key);
	EVP_PKEY *key CLOSED(key_closep) = EVP_EC_gen("P-256");
	X509 *cert CLOSED(x509_closep) = key ? new_cert(key, days) : NULL;

	*out = (struct mr_identity){ 0 };
	if (check_host(host, err) < 0)
		return -1;
	if (!ca_cert || !ca_key || !X509_check_ca(ca_cert) ||
	    !X509_check_private_key(ca_cert, ca_key))
		return fail_tls(err, MR_E_INVALID,
				_("the certification authority's key and certificate"));
	if (!cert || !sign_host(cert, ca_cert, ca_key, host, mr_printf(arena, "DNS:%s", host)) ||
	    !key_text(key, &out->key) || !(out->cert = cert_text(arena, cert))) {
		mr_identity_close(out);
		return fail_tls(err, MR_E_INTERNAL,
				mr_printf(arena, _("issuing %s's certificate"), host));
	}
	return 0;
}

static bool common_name(struct mr_arena *arena, X509 *cert, const char **out)
{
	X509_NAME *subject = X509_get_subject_name(cert);
	int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
	unsigned char *text = NULL;
	int len = -1;

	if (at >= 0)
		len = ASN1_STRING_to_UTF8(
			&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
	if (len < 0)
		return false;
	*out = mr_strndup(arena, (const char *)text, (size_t)len);
	OPENSSL_free(text);
	return strlen(*out) == (size_t)len;
}

static bool fingerprint(struct mr_arena *arena, X509 *cert, const char **out)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned len;
	MR_BUF text = { 0 };

	if (!X509_digest(cert, EVP_sha256(), digest, &len))
		return false;
	for (unsigned i = 0; i < len; i++)
		mr_buf_printf(&text, "%s%02X", i ? ":" : "", digest[i]);
	*out = mr_strdup(arena, mr_buf_text(&text));
	return true;
}

static bool end_time(X509 *cert, int64_t *out)
{
	struct tm tm;

	if (!ASN1_TIME_to_tm(X509_get0_notAfter(cert), &tm))
		return false;
	*out = timegm(&tm);
	return true;
}

static int describe(struct mr_arena *arena, X509 *cert, struct mr_certificate *out,
		    struct mr_error *err)
{
	*out = (struct mr_certificate){ 0 };
	if (!cert || !common_name(arena, cert, &out->host) ||
	    !fingerprint(arena, cert, &out->fingerprint) || !end_time(cert, &out->not_after))
		return fail_tls(err, MR_E_INVALID, _("not a certificate"));
	return 0;
}

int mr_tls_describe(struct mr_arena *arena, const char *cert_pem, struct mr_certificate *out,
		    struct mr_error *err)
{
	X509 *cert CLOSED(x509_closep) = read_cert(cert_pem);

	return describe(arena, cert, out, err);
}

int mr_tls_describe_der(struct mr_arena *arena, const void *der, size_t len,
			struct mr_certificate *out, struct mr_error *err)
{
	const unsigned char *at = der;
	X509 *cert CLOSED(x509_closep) = len <= LONG_MAX ? d2i_X509(NULL, &at, (long)len) : NULL;

	return describe(arena, cert, out, err);
}

static int verify(X509 *cert, X509 *ca, struct mr_error *err)
{
	X509_STORE *store CLOSED(store_closep) = X509_STORE_new();
	X509_STORE_CTX *check CLOSED(check_closep) = X509_STORE_CTX_new();

	if (!store || !check || !X509_STORE_add_cert(store, ca) ||
	    !X509_STORE_CTX_init(check, store, cert, NULL))
		return fail_tls(err, MR_E_INTERNAL, _("checking the certificate"));
	if (X509_verify_cert(check) == 1)
		return 0;
	ERR_clear_error();
	return mr_fail(err, MR_E_INVALID, _("the certificate is refused: %s"),
		       X509_verify_cert_error_string(X509_STORE_CTX_get_error(check)));
}

int mr_tls_check(const struct mr_identity *identity, const char *ca_cert_pem, struct mr_error *err)
{
	X509 *cert CLOSED(x509_closep) = read_cert(identity->cert);
	X509 *ca CLOSED(x509_closep) = read_cert(ca_cert_pem);
	EVP_PKEY *key CLOSED(key_closep) = read_key(&identity->key);

	if (!cert)
		return fail_tls(err, MR_E_INVALID, _("the certificate"));
	if (!ca)
		return fail_tls(err, MR_E_INVALID, _("the certification authority's certificate"));
	if (!key)
		return fail_tls(err, MR_E_INVALID, _("the key"));
	if (!X509_check_private_key(cert, key)) {
		ERR_clear_error();
		return mr_fail(err, MR_E_INVALID, _("the key does not belong to the certificate"));
	}
	return verify(cert, ca, err);
}
