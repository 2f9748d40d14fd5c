#include "test.h"

#include <fcntl.h>
#include <time.h>

#include "adapters/tls.h"
#include "base/process.h"

#define DOMAIN_ID "6f9619ff-8b86-4d11-b42d-00c04fc964ff"

static struct mr_arena *arena;
static struct mr_identity ca, host;

static int make_all(void **state)
{
	struct mr_error err = { 0 };

	(void)state;
	arena = mr_arena_open();
	if (mr_tls_make_ca(arena, DOMAIN_ID, &ca, &err) < 0 ||
	    mr_tls_issue(arena, &ca, "mail1.lan", 30, &host, &err) < 0) {
		print_error("%s\n", err.message);
		return -1;
	}
	return 0;
}

static int close_all(void **state)
{
	(void)state;
	mr_identity_close(&ca);
	mr_identity_close(&host);
	mr_arena_close(arena);
	return 0;
}

static const char *save(void **state, const char *name, const char *text)
{
	char *path = mr_printf(arena, "%s/%s", (const char *)*state, name);
	struct mr_error err = { 0 };

	assert_ok(mr_file_replace(path, text, strlen(text), MR_FILE_PRIVATE, &err), err);
	return path;
}

/* What a program says; its exit status must be `want`. */
static const char *says(int want, const char *const argv[])
{
	struct mr_process process = { .argv = argv };
	struct mr_process_result result;
	struct mr_error err = { 0 };
	const char *text;

	assert_ok(mr_process_run(&process, &result, &err), err);
	text = mr_strdup(arena, mr_buf_text(&result.output));
	mr_buf_close(&result.output);
	if (result.status != want)
		fail_msg("%s: status %d: %s", argv[0], result.status, text);
	return text;
}
#define SAYS(want, ...) says(want, (const char *const[]){ __VA_ARGS__, NULL })

static void openssl_agrees_that_the_ca_signed_the_host(void **state)
{
	const char *ca_file = save(state, "ca.crt", ca.cert),
		   *file = save(state, "host.crt", host.cert);

	assert_contains(SAYS(0, "openssl", "verify", "-x509_strict", "-CAfile", ca_file, "-purpose",
			     "sslserver", "-verify_hostname", "mail1.lan", file),
			": OK");
	assert_contains(SAYS(0, "openssl", "verify", "-x509_strict", "-CAfile", ca_file, "-purpose",
			     "sslclient", file),
			": OK");
	SAYS(2, "openssl", "verify", "-CAfile", ca_file, "-verify_hostname", "mail2.lan", file);
}

static void the_certificates_say_what_they_should(void **state)
{
	static const char *const want_host[] = {
		"Subject: O = mailrepl, CN = mail1.lan\n",
		"Issuer: CN = mailrepl CA " DOMAIN_ID "\n",
		"DNS:mail1.lan\n",
		"TLS Web Server Authentication, TLS Web Client Authentication",
		"CA:FALSE",
		"Digital Signature\n",
		"prime256v1",
		"ecdsa-with-SHA256",
		"Version: 3"
	};
	static const char *const want_ca[] = { "Subject: CN = mailrepl CA " DOMAIN_ID "\n",
					       "CA:TRUE, pathlen:0", "Certificate Sign, CRL Sign",
					       "prime256v1" };
	const char *text = SAYS(0, "openssl", "x509", "-noout", "-text", "-in",
				save(state, "host.crt", host.cert));

	for (size_t i = 0; i < sizeof(want_host) / sizeof(want_host[0]); i++)
		assert_contains(text, want_host[i]);
	text = SAYS(0, "openssl", "x509", "-noout", "-text", "-in", save(state, "ca.crt", ca.cert));
	for (size_t i = 0; i < sizeof(want_ca) / sizeof(want_ca[0]); i++)
		assert_contains(text, want_ca[i]);
}

static void a_certificate_is_described_as_openssl_does(void **state)
{
	struct mr_certificate described;
	struct mr_error err = { 0 };
	const char *file = save(state, "host.crt", host.cert), *text;

	assert_ok(mr_tls_describe(arena, host.cert, &described, &err), err);
	assert_string_equal(described.host, "mail1.lan");
	assert_int_equal(strlen(described.fingerprint), 95);
	text = SAYS(0, "openssl", "x509", "-noout", "-fingerprint", "-sha256", "-in", file);
	assert_contains(text, mr_printf(arena, "Fingerprint=%s\n", described.fingerprint));
	assert_in_range(described.not_after, time(NULL) + 30 * 86400 - 60,
			time(NULL) + 30 * 86400 + 60);
	/* Valid for an hour already: clocks differ. */
	text = SAYS(0, "faketime", "-f", "-59m", "openssl", "verify", "-CAfile",
		    save(state, "ca.crt", ca.cert), file);
	assert_contains(text, ": OK");
	SAYS(2, "faketime", "-f", "-61m", "openssl", "verify", "-CAfile",
	     save(state, "ca.crt", ca.cert), file);
}

static void serial_numbers_are_long_and_differ(void **state)
{
	struct mr_identity other;
	struct mr_error err = { 0 };
	const char *one, *two;

	assert_ok(mr_tls_issue(arena, &ca, "mail1.lan", 30, &other, &err), err);
	one = SAYS(0, "openssl", "x509", "-noout", "-serial", "-in", save(state, "a", host.cert));
	two = SAYS(0, "openssl", "x509", "-noout", "-serial", "-in", save(state, "b", other.cert));
	assert_true(strlen(one) >= strlen("serial=\n") + 32);
	assert_string_not_equal(one, two);
	mr_identity_close(&other);
}

static void a_fresh_identity_passes_the_check(void **state)
{
	struct mr_error err = { 0 };

	(void)state;
	assert_ok(mr_tls_check(&host, ca.cert, &err), err);
	assert_ok(mr_tls_check(&ca, ca.cert, &err), err);
}

static void what_does_not_belong_together_fails_the_check(void **state)
{
	struct mr_identity other_ca, other, mixed;
	struct mr_error err = { 0 };

	(void)state;
	assert_ok(mr_tls_make_ca(arena, DOMAIN_ID, &other_ca, &err), err);
	assert_ok(mr_tls_issue(arena, &other_ca, "mail1.lan", 30, &other, &err), err);
	assert_fails(mr_tls_check(&host, other_ca.cert, &err), MR_E_INVALID, err);
	assert_contains(err.message, "the certificate is refused");
	mixed = (struct mr_identity){ .key = other.key, .cert = host.cert };
	assert_fails(mr_tls_check(&mixed, ca.cert, &err), MR_E_INVALID, err);
	assert_contains(err.message, "does not belong");
	/* A host is no certification authority. */
	assert_fails(mr_tls_check(&host, host.cert, &err), MR_E_INVALID, err);
	mr_identity_close(&other);
	mr_identity_close(&other_ca);
}

static void an_expired_certificate_fails_the_check(void **state)
{
	struct mr_identity old;
	struct mr_error err = { 0 };

	(void)state;
	assert_ok(mr_tls_issue(arena, &ca, "mail1.lan", 0, &old, &err), err);
	/* It ends in this second. */
	while (mr_tls_check(&old, ca.cert, &err) == 0)
		usleep(50000);
	assert_string_equal(mr_error_word(err.code), "invalid");
	assert_contains(err.message, "expired");
	mr_identity_close(&old);
}

static void text_that_is_no_certificate_is_refused(void **state)
{
	static const char *const texts[] = {
		"", "x", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
		"-----BEGIN CERTIFICATE-----\n"
	};
	struct mr_certificate described;
	struct mr_error err = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct mr_identity wrong = { .key = host.key, .cert = mr_strdup(arena, texts[i]) };

		assert_fails(mr_tls_describe(arena, texts[i], &described, &err), MR_E_INVALID, err);
		assert_fails(mr_tls_check(&wrong, ca.cert, &err), MR_E_INVALID, err);
		assert_fails(mr_tls_check(&host, texts[i], &err), MR_E_INVALID, err);
	}
}

static void an_encrypted_or_broken_key_fails_and_asks_nobody(void **state)
{
	struct mr_identity wrong = { .cert = host.cert };
	struct mr_error err = { 0 };
	const char *text = SAYS(0, "openssl", "genpkey", "-algorithm", "EC", "-pkeyopt",
				"ec_paramgen_curve:P-256", "-aes256", "-pass", "pass:x");

	(void)state;
	mr_secret_set(&wrong.key, text, strlen(text));
	assert_fails(mr_tls_check(&wrong, ca.cert, &err), MR_E_INVALID, err);
	assert_contains(err.message, "the key: ");
	mr_secret_set(&wrong.key, "x", 1);
	assert_fails(mr_tls_check(&wrong, ca.cert, &err), MR_E_INVALID, err);
	assert_contains(err.message, "the key: ");
	mr_identity_close(&wrong);
}

static void names_that_a_certificate_cannot_hold_are_refused(void **state)
{
	struct mr_identity other;
	struct mr_error err = { 0 };
	char name[66];

	(void)state;
	memset(name, 'a', 65);
	name[65] = '\0';
	assert_fails(mr_tls_issue(arena, &ca, name, 30, &other, &err), MR_E_INVALID, err);
	assert_null(other.key.data);
	assert_fails(mr_tls_issue(arena, &ca, "", 30, &other, &err), MR_E_INVALID, err);
	assert_fails(mr_tls_issue(arena, &ca, "a.lan,DNS:b.lan", 30, &other, &err), MR_E_INVALID,
		     err);
	assert_fails(mr_tls_issue(arena, &host, "a.lan", 30, &other, &err), MR_E_INVALID, err);
}

static void sha256_is_that_of_fips_180(void **state)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
		{ "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
		{ "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
		{ "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
		  "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct mr_sha256 *sum = mr_sha256_open();
		char hex[65];

		for (const char *c = cases[i].text; *c; c++)
			mr_sha256_add(sum, c, 1);
		mr_sha256_close(sum, hex);
		assert_string_equal(hex, cases[i].want);
	}
	mr_sha256_close(mr_sha256_open(), NULL);
}

static void a_uuid_is_random_and_of_version_4(void **state)
{
	const char *one = mr_uuid(arena), *two = mr_uuid(arena);

	(void)state;
	assert_int_equal(strlen(one), 36);
	assert_int_equal(strspn(one, "0123456789abcdef-"), 36);
	for (size_t i = 0; i < 36; i++)
		assert_int_equal(one[i] == '-', i == 8 || i == 13 || i == 18 || i == 23);
	assert_int_equal(one[14], '4');
	assert_non_null(strchr("89ab", one[19]));
	assert_string_not_equal(one, two);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, folder_setup, folder_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_FOLDER(openssl_agrees_that_the_ca_signed_the_host),
		IN_FOLDER(the_certificates_say_what_they_should),
		IN_FOLDER(a_certificate_is_described_as_openssl_does),
		IN_FOLDER(serial_numbers_are_long_and_differ),
		cmocka_unit_test(a_fresh_identity_passes_the_check),
		cmocka_unit_test(what_does_not_belong_together_fails_the_check),
		cmocka_unit_test(an_expired_certificate_fails_the_check),
		cmocka_unit_test(text_that_is_no_certificate_is_refused),
		cmocka_unit_test(an_encrypted_or_broken_key_fails_and_asks_nobody),
		cmocka_unit_test(names_that_a_certificate_cannot_hold_are_refused),
		cmocka_unit_test(sha256_is_that_of_fips_180),
		cmocka_unit_test(a_uuid_is_random_and_of_version_4),
	};

	return cmocka_run_group_tests(tests, make_all, close_all);
}
