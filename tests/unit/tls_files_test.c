#include "test.h"

#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "adapters/tls_files.h"
#include "base/process.h"

static struct mr_arena *arena;
static struct mr_identity ca, host, other;
static struct mr_error err;

static int make_all(void **state)
{
	(void)state;
	arena = mr_arena_open();
	if (mr_tls_make_ca(arena, "given", &ca, &err) < 0 ||
	    mr_tls_issue(arena, &ca, "imap.example.org", 30, &host, &err) < 0 ||
	    mr_tls_issue(arena, &ca, "other.example.org", 30, &other, &err) < 0) {
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
	mr_identity_close(&other);
	mr_arena_close(arena);
	return 0;
}

static const char *save(void **state, const char *name, const char *text, mode_t mode)
{
	char *path = mr_printf(arena, "%s/%s", (const char *)*state, name);

	assert_ok(mr_file_replace(path, text, strlen(text),
				  (struct mr_file_attrs){ mode, (uid_t)-1, (gid_t)-1 }, &err),
		  err);
	return path;
}

static const char *key_of(const struct mr_identity *identity)
{
	return mr_strndup(arena, identity->key.data, identity->key.len);
}

static const char *chain_of(const char *first, const char *second)
{
	return mr_printf(arena, "%s%s", first, second);
}

static void a_good_pair_is_described(void **state)
{
	const char *cert = save(state, "chain.pem", chain_of(host.cert, ca.cert), 0644);
	const char *key = save(state, "key.pem", key_of(&host), 0640);
	struct mr_certificate found, want;

	assert_ok(mr_tls_describe(arena, host.cert, &want, &err), err);
	assert_ok(mr_tls_check_files(arena, cert, key, &found, &err), err);
	assert_string_equal(found.fingerprint, want.fingerprint);
	assert_int_equal(found.not_after, want.not_after);
}

static void symlinks_are_followed_as_acme_clients_make_them(void **state)
{
	const char *cert = save(state, "chain1.pem", host.cert, 0644);
	const char *key = save(state, "key1.pem", key_of(&host), 0600);
	const char *link = mr_printf(arena, "%s/live.pem", (const char *)*state);
	struct mr_certificate found;

	assert_int_equal(symlink(cert, link), 0);
	assert_ok(mr_tls_check_files(arena, link, key, &found, &err), err);
}

static void a_wrong_pair_is_refused_by_name(void **state)
{
	const char *root = *state, *key = key_of(&host);
	const struct {
		const char *cert;
		mode_t cert_mode;
		const char *key;
		mode_t key_mode;
		const char *want;
	} cases[] = {
		{ "", 0644, key, 0600, "cert.pem: no certificate (PEM)" },
		{ key, 0644, key, 0600, "cert.pem: no certificate (PEM)" },
		{ host.cert, 0666, key, 0600, "cert.pem: others than its owner can write it" },
		{ host.cert, 0644, key, 0644, "key.pem: others than its owner and its group" },
		{ host.cert, 0644, key, 0660, "key.pem: others than its owner and its group" },
		{ host.cert, 0644, "", 0600, "key.pem: no key (PEM)" },
		{ host.cert, 0644, host.cert, 0600, "key.pem: no key (PEM)" },
		{ host.cert, 0644, key_of(&other), 0600,
		  "key.pem: the key of another certificate" },
		{ chain_of(ca.cert, host.cert), 0644, key, 0600,
		  "certificate 2 is not the issuer" },
		{ chain_of(host.cert, other.cert), 0644, key, 0600,
		  "certificate 2 is not the issuer" },
	};
	struct mr_certificate found;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *cert = save(state, "cert.pem", cases[i].cert, cases[i].cert_mode);

		key = save(state, "key.pem", cases[i].key, cases[i].key_mode);
		assert_fails(mr_tls_check_files(arena, cert, key, &found, &err), MR_E_INVALID, err);
		assert_contains(err.message, cases[i].want);
		assert_contains(err.message, root);
	}
}

static void what_is_missing_or_no_file_is_named(void **state)
{
	const char *cert = save(state, "chain.pem", host.cert, 0644);
	const char *none = mr_printf(arena, "%s/none.pem", (const char *)*state);
	struct mr_certificate found;

	assert_fails(mr_tls_check_files(arena, none, none, &found, &err), MR_E_INVALID, err);
	assert_contains(err.message, "none.pem: No such file");
	assert_fails(mr_tls_check_files(arena, cert, *state, &found, &err), MR_E_INVALID, err);
	assert_contains(err.message, "not a file");
}

static void a_key_with_a_passphrase_is_not_asked_for_on_the_terminal(void **state)
{
	const char *cert = save(state, "chain.pem", host.cert, 0644);
	const char *plain = save(state, "plain.pem", key_of(&host), 0600);
	const char *sealed = save(state, "sealed.pem", "", 0600);
	const char *const argv[] = { "openssl", "pkcs8", "-topk8",   "-in",    plain,
				     "-out",    sealed,  "-passout", "pass:x", NULL };
	struct mr_process process = { .argv = argv };
	struct mr_certificate found;

	assert_ok(mr_process_check(&process, &err), err);
	assert_fails(mr_tls_check_files(arena, cert, sealed, &found, &err), MR_E_INVALID, err);
	assert_contains(err.message, "without a passphrase");
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, folder_setup, folder_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_FOLDER(a_good_pair_is_described),
		IN_FOLDER(symlinks_are_followed_as_acme_clients_make_them),
		IN_FOLDER(a_wrong_pair_is_refused_by_name),
		IN_FOLDER(what_is_missing_or_no_file_is_named),
		IN_FOLDER(a_key_with_a_passphrase_is_not_asked_for_on_the_terminal),
	};

	return cmocka_run_group_tests(tests, make_all, close_all);
}
