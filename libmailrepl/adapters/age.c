#include "adapters/age.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "adapters/age_header.h"
#include "adapters/age_key.h"
#include "adapters/age_stream.h"
#include "adapters/tls_cipher.h"
#include "base/file.h"

#define X25519 "X25519"
#define SCRYPT "scrypt"
#define X25519_INFO "age-encryption.org/v1/X25519"
#define SCRYPT_LABEL "age-encryption.org/v1/scrypt"
#define SCRYPT_SALT ((size_t)16)
#define WRAPPED (MR_AGE_FILE_KEY + MR_TAG_SIZE)
#define TEXT_SIZE 48 /* 32 bytes in base64, as mr_base64 needs it */

/* Each key wraps one thing only, so the nonce may be the same. */
static const unsigned char zeros[MR_NONCE_SIZE];

static void scrypt_salt(const unsigned char salt[SCRYPT_SALT],
			unsigned char out[sizeof(SCRYPT_LABEL) - 1 + SCRYPT_SALT])
{
	memcpy(out, SCRYPT_LABEL, sizeof(SCRYPT_LABEL) - 1);
	memcpy(out + sizeof(SCRYPT_LABEL) - 1, salt, SCRYPT_SALT);
}

static int scrypt_key(const struct mr_secret *passphrase, const unsigned char salt[SCRYPT_SALT],
		      int work, unsigned char out[MR_KEY_SIZE], struct mr_error *err)
{
	unsigned char labelled[sizeof(SCRYPT_LABEL) - 1 + SCRYPT_SALT];

	scrypt_salt(salt, labelled);
	if (mr_scrypt((struct mr_bytes){ passphrase->data, passphrase->len }, MR_BYTES(labelled),
		      work, out))
		return 0;
	return mr_fail(err, MR_E_SYSTEM, _("a key from the passphrase: needs %d MiB of memory"),
		       1 << (work > 10 ? work - 10 : 0));
}

/* Both sides come to it: from the own secret half and the other's public one. */
static bool x25519_key(const unsigned char secret[MR_KEY_SIZE],
		       const unsigned char other[MR_KEY_SIZE],
		       const unsigned char share[MR_KEY_SIZE],
		       const unsigned char recipient[MR_KEY_SIZE], unsigned char out[MR_KEY_SIZE])
{
	unsigned char common[MR_KEY_SIZE], salt[2 * MR_KEY_SIZE];
	bool done = mr_x25519(secret, other, common);

	memcpy(salt, share, MR_KEY_SIZE);
	memcpy(salt + MR_KEY_SIZE, recipient, MR_KEY_SIZE);
	if (done)
		mr_hkdf(MR_BYTES(common), MR_BYTES(salt), X25519_INFO, out);
	explicit_bzero(common, sizeof(common));
	return done;
}

static void add_body(struct mr_buf *text, const unsigned char key[MR_KEY_SIZE],
		     const struct mr_secret *file_key)
{
	unsigned char wrapped[WRAPPED];
	char encoded[TEXT_SIZE];

	mr_chacha_seal(key, zeros, (struct mr_bytes){ file_key->data, file_key->len }, wrapped);
	mr_base64(MR_BYTES(wrapped), encoded);
	mr_buf_printf(text, "%s\n", encoded);
}

static int add_recipient(struct mr_buf *text, const char *recipient,
			 const struct mr_secret *file_key, struct mr_error *err)
{
	unsigned char to[MR_KEY_SIZE], secret[MR_KEY_SIZE], share[MR_KEY_SIZE], key[MR_KEY_SIZE];
	char encoded[TEXT_SIZE];
	bool done;

	if (mr_age_recipient_parse(recipient, to, err) < 0)
		return -1;
	mr_random(secret, sizeof(secret));
	mr_x25519_public(secret, share);
	done = x25519_key(secret, to, share, to, key);
	explicit_bzero(secret, sizeof(secret));
	if (!done)
		return mr_fail(err, MR_E_INVALID, _("%s: a key that protects nothing"), recipient);
	mr_base64(MR_BYTES(share), encoded);
	mr_buf_printf(text, "-> " X25519 " %s\n", encoded);
	add_body(text, key, file_key);
	explicit_bzero(key, sizeof(key));
	return 0;
}

static int add_passphrase(struct mr_buf *text, const struct mr_secret *passphrase, int work,
			  const struct mr_secret *file_key, struct mr_error *err)
{
	unsigned char salt[SCRYPT_SALT], key[MR_KEY_SIZE];
	char encoded[TEXT_SIZE];

	mr_random(salt, sizeof(salt));
	if (scrypt_key(passphrase, salt, work, key, err) < 0)
		return -1;
	mr_base64(MR_BYTES(salt), encoded);
	mr_buf_printf(text, "-> " SCRYPT " %s %d\n", encoded, work);
	add_body(text, key, file_key);
	explicit_bzero(key, sizeof(key));
	return 0;
}

static int format_header(const struct mr_age_seal *to, const struct mr_secret *file_key,
			 struct mr_buf *text, struct mr_error *err)
{
	size_t count = to->recipients ? to->recipients->count : 0;

	/* The format forbids it: who knows the passphrase alone could not tell who else reads it. */
	if (to->passphrase && count)
		return mr_fail(err, MR_E_INVALID,
			       _("either a passphrase or keys: not both for the same file"));
	mr_buf_puts(text, MR_AGE_MAGIC);
	if (to->passphrase && add_passphrase(text, to->passphrase,
					     to->work ? to->work : MR_AGE_WORK, file_key, err) < 0)
		return -1;
	for (size_t i = 0; i < count; i++)
		if (add_recipient(text, to->recipients->items[i], file_key, err) < 0)
			return -1;
	mr_age_header_finish(text, file_key);
	return 0;
}

int mr_age_seal(const struct mr_age_seal *to, int in, int out, struct mr_secret *file_key,
		struct mr_error *err)
{
	MR_SECRET key = { 0 };
	MR_BUF text = { 0 };

	mr_secret_room(&key, MR_AGE_FILE_KEY);
	mr_random(key.data, key.len);
	if (format_header(to, &key, &text, err) < 0)
		return -1;
	if (lseek(in, 0, SEEK_SET) < 0 || lseek(out, 0, SEEK_SET) < 0)
		return mr_fail_errno(err, _("sealing"));
	if (mr_write_all(out, text.data, text.len, err) < 0 ||
	    mr_age_stream_seal(&key, in, out, err) < 0)
		return mr_fail_in(err, _("sealing"));
	if (file_key)
		mr_secret_set(file_key, key.data, key.len);
	return 0;
}

struct wrapped {
	unsigned char share[MR_KEY_SIZE], body[WRAPPED];
	struct mr_secret *file_key;
};

static bool unwrap(const struct wrapped *wrapped, const unsigned char key[MR_KEY_SIZE])
{
	mr_secret_room(wrapped->file_key, MR_AGE_FILE_KEY);
	return mr_chacha_open(key, zeros, MR_BYTES(wrapped->body),
			      (unsigned char *)wrapped->file_key->data);
}

/* 1: this key opens it; 0: it does not. */
static int try_key(void *context, const unsigned char secret[MR_KEY_SIZE], struct mr_error *err)
{
	const struct wrapped *wrapped = context;
	unsigned char recipient[MR_KEY_SIZE], key[MR_KEY_SIZE];
	bool done;

	(void)err;
	mr_x25519_public(secret, recipient);
	done = x25519_key(secret, wrapped->share, wrapped->share, recipient, key) &&
	       unwrap(wrapped, key);
	explicit_bzero(key, sizeof(key));
	return done;
}

static bool is_kind(const struct mr_age_stanza *stanza, const char *kind)
{
	return strcmp(stanza->arguments.items[0], kind) == 0;
}

static int malformed(const char *kind, struct mr_error *err)
{
	return mr_fail(err, MR_E_ARCHIVE, _("sealed, but its %s line is malformed"), kind);
}

static int open_x25519(const struct mr_age_stanza *stanza, const struct mr_secret *identities,
		       struct wrapped *wrapped, struct mr_error *err)
{
	const struct mr_list *arguments = &stanza->arguments;

	if (arguments->count != 2 ||
	    !mr_base64_parse(arguments->items[1], strlen(arguments->items[1]), wrapped->share,
			     sizeof(wrapped->share)) ||
	    !mr_base64_parse(stanza->body, strlen(stanza->body), wrapped->body,
			     sizeof(wrapped->body)))
		return malformed(X25519, err);
	return identities ? mr_age_keys_each(identities, try_key, wrapped, err) : 0;
}

/* A number in its one form; 0: none. */
static int parse_work(const char *text)
{
	size_t len = strlen(text);

	if (len == 0 || len > 2 || *text == '0' || strspn(text, "0123456789") != len)
		return 0;
	return atoi(text);
}

static int open_scrypt(const struct mr_age_stanza *stanza, const struct mr_secret *passphrase,
		       struct wrapped *wrapped, struct mr_error *err)
{
	const struct mr_list *arguments = &stanza->arguments;
	unsigned char salt[SCRYPT_SALT], key[MR_KEY_SIZE];
	int work, rc;

	if (arguments->count != 3 || !(work = parse_work(arguments->items[2])) ||
	    !mr_base64_parse(arguments->items[1], strlen(arguments->items[1]), salt,
			     sizeof(salt)) ||
	    !mr_base64_parse(stanza->body, strlen(stanza->body), wrapped->body,
			     sizeof(wrapped->body)))
		return malformed(SCRYPT, err);
	if (work > MR_AGE_WORK_MOST)
		return mr_fail(
			err, MR_E_ARCHIVE,
			_("sealed so that opening takes more than %d MiB of memory: refused"),
			1 << (MR_AGE_WORK_MOST - 10));
	if (!passphrase)
		return 0;
	if (scrypt_key(passphrase, salt, work, key, err) < 0)
		return -1;
	rc = unwrap(wrapped, key);
	explicit_bzero(key, sizeof(key));
	return rc;
}

/* A passphrase must be alone; kinds that we do not know are for others. */
static int check_kinds(const struct mr_age_header *header, enum mr_age_kind *out,
		       struct mr_error *err)
{
	*out = MR_AGE_KEYS;
	for (size_t i = 0; i < header->count; i++) {
		if (!is_kind(&header->stanzas[i], SCRYPT))
			continue;
		if (header->count > 1)
			return malformed(SCRYPT, err);
		*out = MR_AGE_PASSPHRASE;
	}
	return 0;
}

static int find_file_key(const struct mr_age_header *header, const struct mr_age_keys *with,
			 struct mr_secret *file_key, struct mr_error *err)
{
	struct wrapped wrapped = { .file_key = file_key };
	enum mr_age_kind kind;
	int found = 0;

	if (check_kinds(header, &kind, err) < 0)
		return -1;
	for (size_t i = 0; i < header->count && found == 0; i++) {
		const struct mr_age_stanza *stanza = &header->stanzas[i];

		if (is_kind(stanza, X25519))
			found = open_x25519(stanza, with->identities, &wrapped, err);
		else if (is_kind(stanza, SCRYPT))
			found = open_scrypt(stanza, with->passphrase, &wrapped, err);
	}
	if (found)
		return found < 0 ? -1 : 0;
	if (kind == MR_AGE_PASSPHRASE)
		return mr_fail(err, MR_E_DENIED,
			       with->passphrase ? _("that is not its passphrase")
						: _("sealed with a passphrase"));
	return mr_fail(err, MR_E_DENIED, _("sealed to keys of which none is here"));
}

static int open_with(const struct mr_age_header *header, const struct mr_secret *file_key, int in,
		     mr_age_sink sink, void *context, struct mr_error *err)
{
	if (!mr_age_header_fits(header, file_key))
		return mr_fail(err, MR_E_ARCHIVE, _("altered: its header is not what was sealed"));
	return mr_age_stream_open(file_key, in, sink, context, err);
}

static int write_plain(void *context, const void *data, size_t len, struct mr_error *err)
{
	return mr_write_all(*(const int *)context, data, len, err);
}

int mr_age_open(const struct mr_age_keys *with, int in, int out, struct mr_error *err)
{
	MR_ARENA arena = mr_arena_open();
	MR_SECRET file_key = { 0 };
	struct mr_age_header header;

	if (mr_age_header_read(arena, in, &header, err) < 0 ||
	    find_file_key(&header, with, &file_key, err) < 0)
		return -1;
	if (lseek(out, 0, SEEK_SET) < 0)
		return mr_fail_errno(err, _("opening what is sealed"));
	return open_with(&header, &file_key, in, write_plain, &out, err);
}

static int compare_plain(void *context, const void *data, size_t len, struct mr_error *err)
{
	int fd = *(const int *)context;
	const char *at = data;
	char block[4096];

	while (len) {
		ssize_t n = read(fd, block, len < sizeof(block) ? len : sizeof(block));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return mr_fail_errno(err, _("reading back"));
		if (n == 0 || memcmp(block, at, (size_t)n) != 0)
			return mr_fail(err, MR_E_ARCHIVE,
				       _("what was sealed does not read back the same"));
		at += n;
		len -= (size_t)n;
	}
	return 0;
}

int mr_age_compare(const struct mr_secret *file_key, int sealed, int plain, struct mr_error *err)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_age_header header;
	char more;

	if (mr_age_header_read(arena, sealed, &header, err) < 0)
		return -1;
	if (lseek(plain, 0, SEEK_SET) < 0)
		return mr_fail_errno(err, _("reading back"));
	if (open_with(&header, file_key, sealed, compare_plain, &plain, err) < 0)
		return -1;
	return read(plain, &more, 1) == 0
		       ? 0
		       : mr_fail(err, MR_E_ARCHIVE,
				 _("what was sealed does not read back the same"));
}

int mr_age_kind(int fd, enum mr_age_kind *out, struct mr_error *err)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_age_header header;
	char magic[sizeof(MR_AGE_MAGIC) - 1];

	*out = MR_AGE_NONE;
	if (pread(fd, magic, sizeof(magic), 0) != (ssize_t)sizeof(magic) ||
	    memcmp(magic, MR_AGE_MAGIC, sizeof(magic)) != 0)
		return 0;
	if (mr_age_header_read(arena, fd, &header, err) < 0)
		return -1;
	return check_kinds(&header, out, err);
}
