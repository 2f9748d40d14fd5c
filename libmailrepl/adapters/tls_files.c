#include "adapters/tls_files.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define MOST_CERTIFICATES 10

struct chain {
	X509 *certs[MOST_CERTIFICATES];
	int count;
};

static void file_closep(FILE **file)
{
	if (*file)
		fclose(*file);
}

static void key_closep(EVP_PKEY **key)
{
	EVP_PKEY_free(*key);
}

static void chain_close(struct chain *chain)
{
	for (int i = 0; i < chain->count; i++)
		X509_free(chain->certs[i]);
	ERR_clear_error();
}

static int no_passphrase(char *buf, int size, int writing, void *context)
{
	(void)buf, (void)size, (void)writing, (void)context;
	return -1;
}

/* `not_for` are the bits that its mode must not have. */
static FILE *open_file(const char *path, mode_t not_for, const char *fault, struct mr_error *err)
{
	FILE *file = fopen(path, "re");
	struct stat status;

	if (!file || fstat(fileno(file), &status) < 0) {
		mr_fail(err, MR_E_INVALID, "%s: %s", path, strerror(errno));
	} else if (!S_ISREG(status.st_mode)) {
		mr_fail(err, MR_E_INVALID, _("%s: not a file"), path);
	} else if (status.st_mode & not_for) {
		mr_fail(err, MR_E_INVALID, fault, path);
	} else if (status.st_uid != 0 && status.st_uid != geteuid()) {
		mr_fail(err, MR_E_INVALID,
			_("%s: belongs to a user who is not root: whoever owns it can replace it"),
			path);
	} else {
		return file;
	}
	if (file)
		fclose(file);
	return NULL;
}

static int read_chain(const char *path, struct chain *out, struct mr_error *err)
{
	__attribute__((cleanup(file_closep))) FILE *file =
		open_file(path, 0022, _("%s: others than its owner can write it: chmod 644"), err);

	if (!file)
		return -1;
	while (out->count < MOST_CERTIFICATES) {
		X509 *cert = PEM_read_X509(file, NULL, no_passphrase, NULL);

		if (!cert)
			break;
		out->certs[out->count++] = cert;
	}
	ERR_clear_error();
	return out->count ? 0 : mr_fail(err, MR_E_INVALID, _("%s: no certificate (PEM)"), path);
}

static int describe(struct mr_arena *arena, X509 *cert, const char *path,
		    struct mr_certificate *out, struct mr_error *err)
{
	struct tm tm;
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned len;
	MR_BUF text = { 0 };

	*out = (struct mr_certificate){ 0 };
	if (!X509_digest(cert, EVP_sha256(), digest, &len) ||
	    !ASN1_TIME_to_tm(X509_get0_notAfter(cert), &tm))
		return mr_fail(err, MR_E_INVALID, _("%s: no certificate (PEM)"), path);
	for (unsigned i = 0; i < len; i++)
		mr_buf_printf(&text, "%s%02X", i ? ":" : "", digest[i]);
	out->fingerprint = mr_strdup(arena, mr_buf_text(&text));
	out->not_after = timegm(&tm);
	return 0;
}

static int check_begin(X509 *cert, const char *path, struct mr_error *err)
{
	if (X509_cmp_current_time(X509_get0_notBefore(cert)) <= 0)
		return 0;
	return mr_fail(err, MR_E_INVALID,
		       _("%s: the certificate is not valid yet: is this host's clock right?"),
		       path);
}

static int check_chain(const struct chain *chain, const char *path, struct mr_error *err)
{
	for (int i = 1; i < chain->count; i++)
		if (X509_check_issued(chain->certs[i], chain->certs[i - 1]) != X509_V_OK)
			return mr_fail(err, MR_E_INVALID,
				       _("%s: certificate %d is not the issuer of the one before: "
					 "the server's must come first, then its issuers in order"),
				       path, i + 1);
	if (X509_check_purpose(chain->certs[0], X509_PURPOSE_SSL_SERVER, 0) != 1)
		return mr_fail(err, MR_E_INVALID,
			       _("%s: the first certificate is not one for servers"), path);
	return check_begin(chain->certs[0], path, err);
}

static int check_key(X509 *cert, const char *path, const char *cert_path, struct mr_error *err)
{
	__attribute__((cleanup(file_closep))) FILE *file =
		open_file(path, 0027,
			  _("%s: others than its owner and its group can read it, or others than "
			    "its owner can write it: chmod 600"),
			  err);
	__attribute__((cleanup(key_closep))) EVP_PKEY *key = NULL;

	if (!file)
		return -1;
	key = PEM_read_PrivateKey(file, NULL, no_passphrase, NULL);
	ERR_clear_error();
	if (!key)
		return mr_fail(err, MR_E_INVALID, _("%s: no key (PEM) without a passphrase"), path);
	if (X509_check_private_key(cert, key) == 1)
		return 0;
	ERR_clear_error();
	return mr_fail(err, MR_E_INVALID, _("%s: the key of another certificate than %s"), path,
		       cert_path);
}

int mr_tls_check_files(struct mr_arena *arena, const char *cert_path, const char *key_path,
		       struct mr_certificate *out, struct mr_error *err)
{
	__attribute__((cleanup(chain_close))) struct chain chain = { .count = 0 };

	if (read_chain(cert_path, &chain, err) < 0 || check_chain(&chain, cert_path, err) < 0 ||
	    check_key(chain.certs[0], key_path, cert_path, err) < 0)
		return -1;
	return describe(arena, chain.certs[0], cert_path, out, err);
}
