#include "features/backup_key.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "adapters/tls.h"
#include "adapters/tls_cipher.h"
#include "base/paths.h"

#define BYTES 32
#define DIGITS (2 * BYTES)
#define MOST_PEM ((size_t)64 * 1024)
#define FINGERPRINT_LETTERS 16

static const char hex_digits[] = "0123456789abcdef";

static int check(const struct mr_secret *key, struct mr_error *err)
{
	if (key->len == DIGITS + 1 && strspn(key->data, hex_digits) == DIGITS &&
	    key->data[DIGITS] == '\n')
		return 0;
	return mr_fail(err, MR_E_INVALID, _("is not a backup key (64 hexadecimal digits)"));
}

int mr_backup_key_read_fd(int fd, struct mr_secret *out, struct mr_error *err)
{
	return mr_secret_read(out, fd, DIGITS + 1, err) < 0 ? -1 : check(out, err);
}

static int read_path(const char *path, struct mr_secret *out, struct mr_error *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), rc;

	if (fd < 0)
		return mr_fail_errno(err, "%s", path);
	rc = mr_backup_key_read_fd(fd, out, err);
	close(fd);
	return rc < 0 ? mr_fail_in(err, "%s", path) : 0;
}

int mr_backup_key_read(const struct mr_config *config, struct mr_secret *out, struct mr_error *err)
{
	MR_ARENA arena = mr_arena_open();

	mr_secret_close(out);
	if (read_path(mr_path(arena, config->root, MR_PATH_BACKUP_KEY), out, err) == 0)
		return 0;
	mr_secret_close(out);
	return err->code == MR_E_NOT_FOUND ? 0 : -1;
}

static void print_hex(const unsigned char bytes[BYTES], char *out)
{
	for (size_t i = 0; i < BYTES; i++) {
		out[2 * i] = hex_digits[bytes[i] >> 4];
		out[2 * i + 1] = hex_digits[bytes[i] & 15];
	}
}

static void make(struct mr_secret *out)
{
	unsigned char bytes[BYTES];

	mr_random(bytes, sizeof(bytes));
	mr_secret_room(out, DIGITS + 1);
	print_hex(bytes, out->data);
	out->data[DIGITS] = '\n';
	explicit_bzero(bytes, sizeof(bytes));
}

static int write_key(const struct mr_config *config, const struct mr_secret *key,
		     struct mr_error *err)
{
	MR_ARENA arena = mr_arena_open();
	const char *folder = mr_path(arena, config->root, MR_PATH_TLS);

	if (!mr_path_exists(folder) && mr_folder_make(folder, MR_FILE_PUBLIC_FOLDER, err) < 0)
		return -1;
	return mr_file_replace(mr_path(arena, config->root, MR_PATH_BACKUP_KEY), key->data,
			       key->len, MR_FILE_PRIVATE, err);
}

int mr_backup_key_make(const struct mr_config *config, struct mr_secret *out, struct mr_error *err)
{
	if (mr_backup_key_read(config, out, err) < 0)
		return -1;
	if (out->len)
		return 0;
	make(out);
	return write_key(config, out, err);
}

static unsigned char nibble(char digit)
{
	return (unsigned char)(digit <= '9' ? digit - '0' : digit - 'a' + 10);
}

void mr_backup_key_hmac(const struct mr_secret *key, const char *text, char hex[65])
{
	unsigned char bytes[BYTES], digest[BYTES];

	for (size_t i = 0; i < BYTES; i++)
		bytes[i] = (unsigned char)(nibble(key->data[2 * i]) << 4 |
					   nibble(key->data[2 * i + 1]));
	mr_hmac(MR_BYTES(bytes), (struct mr_bytes){ text, strlen(text) }, digest);
	print_hex(digest, hex);
	hex[DIGITS] = '\0';
	explicit_bzero(bytes, sizeof(bytes));
}

char *mr_backup_key_fingerprint(struct mr_arena *arena, const char *ca_cert,
				const struct mr_secret *key)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
	struct mr_sha256 *sum = mr_sha256_open();
	MR_BUF text = { 0 };
	unsigned bits = 0, count = 0;
	char hex[65];

	mr_sha256_add(sum, ca_cert, strlen(ca_cert));
	mr_sha256_add(sum, key->data, key->len);
	mr_sha256_close(sum, hex);
	for (size_t i = 0, done = 0; done < FINGERPRINT_LETTERS; i++) {
		bits = bits << 4 | nibble(hex[i]);
		count += 4;
		if (count < 5)
			continue;
		if (done && done % 4 == 0)
			mr_buf_putc(&text, '-');
		count -= 5;
		mr_buf_putc(&text, letters[bits >> count & 31]);
		done++;
	}
	return mr_strdup(arena, mr_buf_text(&text));
}

int mr_backup_key_show(struct mr_arena *arena, const struct mr_config *config, const char **out,
		       struct mr_error *err)
{
	const char *path = mr_path(arena, config->root, MR_PATH_BACKUP_KEY);
	MR_SECRET key = { 0 };
	char *cert;

	if (mr_backup_key_read(config, &key, err) < 0)
		return -1;
	if (!key.len)
		return mr_fail(err, MR_E_NOT_FOUND,
			       _("%s is not there: the home of the mail domain makes it with its "
				 "next cl-backup, copy it from there"),
			       path);
	if (mr_file_read(arena, mr_path(arena, config->root, MR_PATH_CA_CERT), MOST_PEM, &cert,
			 NULL, err) < 0)
		return -1;
	*out = mr_backup_key_fingerprint(arena, cert, &key);
	return 0;
}

bool mr_backup_key_matches(const char *fingerprint, const char *typed)
{
	for (;; fingerprint++, typed++) {
		fingerprint += strspn(fingerprint, "- ");
		typed += strspn(typed, "- ");
		if (toupper((unsigned char)*typed) != *fingerprint)
			return false;
		if (!*typed)
			return true;
	}
}

struct taking {
	const struct mr_config *config;
	const char *from; /* NULL: a new one */
};

static int take(void *argument, struct mr_error *err)
{
	const struct taking *taking = argument;
	MR_SECRET key = { 0 };

	if (!taking->from)
		return mr_backup_key_make(taking->config, &key, err);
	if (read_path(taking->from, &key, err) < 0)
		return -1;
	return write_key(taking->config, &key, err);
}

static void plan_take(struct mr_arena *arena, const struct mr_config *config, const char *from,
		      const char *summary, struct mr_plan *plan)
{
	struct taking *taking = MR_NEW(arena, struct taking);

	if (mr_path_exists(mr_path(arena, config->root, MR_PATH_BACKUP_KEY)))
		return;
	*taking = (struct taking){ config, from };
	mr_plan_action(arena, plan, take, taking, summary);
}

void mr_backup_key_plan(struct mr_arena *arena, const struct mr_config *config, const char *folder,
			struct mr_plan *plan)
{
	const char *from = mr_printf(arena, "%s/" MR_BACKUP_KEY_NAME, folder);

	if (mr_path_exists(from))
		plan_take(arena, config, from, _("take the domain's backup key from the archive"),
			  plan);
}

void mr_backup_key_plan_new(struct mr_arena *arena, const struct mr_config *config,
			    struct mr_plan *plan)
{
	plan_take(arena, config, NULL, _("make the domain's backup key"), plan);
}
