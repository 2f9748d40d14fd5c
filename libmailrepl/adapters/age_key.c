#include "adapters/age_key.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "adapters/age.h"

#define RECIPIENT "age"
#define IDENTITY "age-secret-key-"
#define WORDS 52 /* groups of 5 bits in 32 bytes */
#define CHECKSUM 6
#define TEXT_MOST (sizeof(IDENTITY) + 1 + WORDS + CHECKSUM)

static const char alphabet[] = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";

static uint32_t polymod(uint32_t sum, unsigned value)
{
	static const uint32_t generator[] = { 0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd,
					      0x2a1462b3 };
	uint32_t top = sum >> 25;

	sum = (sum & 0x1ffffff) << 5 ^ value;
	for (unsigned i = 0; i < 5; i++)
		if (top >> i & 1)
			sum ^= generator[i];
	return sum;
}

/* Of the part in front of the last '1', as BIP 173 has it. */
static uint32_t begin_sum(const char *prefix)
{
	uint32_t sum = 1;

	for (const char *c = prefix; *c; c++)
		sum = polymod(sum, (unsigned char)*c >> 5);
	sum = polymod(sum, 0);
	for (const char *c = prefix; *c; c++)
		sum = polymod(sum, *c & 31);
	return sum;
}

/* Into `out` of TEXT_MOST bytes, in lower case. */
static void format_key(const char *prefix, const unsigned char key[MR_KEY_SIZE], char *out)
{
	uint32_t sum = begin_sum(prefix), bits = 0;
	unsigned count = 0, next = 0;
	char *to = out + sprintf(out, "%s1", prefix);

	for (size_t i = 0; i < WORDS; i++) {
		if (count < 5) {
			bits = bits << 8 | (next < MR_KEY_SIZE ? key[next] : 0U);
			next++;
			count += 8;
		}
		count -= 5;
		*to++ = alphabet[bits >> count & 31];
		sum = polymod(sum, bits >> count & 31);
	}
	for (unsigned i = 0; i < CHECKSUM; i++)
		sum = polymod(sum, 0);
	sum ^= 1;
	for (unsigned i = 0; i < CHECKSUM; i++)
		*to++ = alphabet[sum >> 5 * (CHECKSUM - 1 - i) & 31];
	*to = '\0';
}

/* 0 to 31, or -1. */
static int value_of(char c)
{
	const char *at = c ? strchr(alphabet, c) : NULL;

	return at ? (int)(at - alphabet) : -1;
}

/* `text` in lower case. The four bits that are left over must be zero. */
static bool parse_key(const char *prefix, const char *text, unsigned char out[MR_KEY_SIZE])
{
	size_t front = strlen(prefix), done = 0;
	uint32_t sum = begin_sum(prefix), bits = 0;
	unsigned count = 0;

	if (strlen(text) != front + 1 + WORDS + CHECKSUM || strncmp(text, prefix, front) != 0 ||
	    text[front] != '1')
		return false;
	for (size_t i = 0; i < WORDS + CHECKSUM; i++) {
		int value = value_of(text[front + 1 + i]);

		if (value < 0)
			return false;
		sum = polymod(sum, (unsigned)value);
		if (i >= WORDS)
			continue;
		bits = bits << 5 | (unsigned)value;
		count += 5;
		if (count >= 8) {
			count -= 8;
			out[done++] = (unsigned char)(bits >> count & 0xff);
		}
	}
	return sum == 1 && (bits & ((1U << count) - 1)) == 0;
}

int mr_age_recipient_parse(const char *text, unsigned char out[MR_KEY_SIZE], struct mr_error *err)
{
	if (mr_starts_with(text, "AGE-SECRET-KEY-"))
		return mr_fail(
			err, MR_E_INVALID,
			_("this is a secret key, which is for reading: archives are sealed to "
			  "the public one, \"age1...\""));
	return parse_key(RECIPIENT, text, out)
		       ? 0
		       : mr_fail(err, MR_E_INVALID,
				 _("%s: is not a public key of age (\"age1...\")"), text);
}

int mr_age_recipient_check(const char *text, struct mr_error *err)
{
	unsigned char key[MR_KEY_SIZE];

	return mr_age_recipient_parse(text, key, err);
}

/* A line of a file of keys: 1: there was a key, and `use` wants no more; 0; -1. */
static int use_line(const char *line, size_t len, mr_age_key_use use, void *context,
		    struct mr_error *err)
{
	char text[TEXT_MOST];
	unsigned char key[MR_KEY_SIZE];
	int rc;

	while (len > 0 && isspace((unsigned char)line[len - 1]))
		len--;
	if (len == 0 || *line == '#')
		return 0;
	if (len >= sizeof(text))
		return mr_fail(err, MR_E_INVALID, _("a line is no key of age"));
	for (size_t i = 0; i < len; i++)
		text[i] = isupper((unsigned char)line[i]) ? (char)(line[i] | 0x20)
			  : line[i] == '-' || isdigit((unsigned char)line[i]) ? line[i]
									      : '?';
	text[len] = '\0';
	rc = parse_key(IDENTITY, text, key)
		     ? use(context, key, err)
		     : mr_fail(err, MR_E_INVALID,
			       _("a line is no key of age (\"AGE-SECRET-KEY-1...\")"));
	explicit_bzero(text, sizeof(text));
	explicit_bzero(key, sizeof(key));
	return rc;
}

int mr_age_keys_each(const struct mr_secret *file, mr_age_key_use use, void *context,
		     struct mr_error *err)
{
	const char *at = file->data, *end = file->data + file->len;

	while (at < end) {
		const char *stop = memchr(at, '\n', (size_t)(end - at));
		size_t len = stop ? (size_t)(stop - at) : (size_t)(end - at);
		int rc = use_line(at, len, use, context, err);

		if (rc != 0)
			return rc;
		at += len + 1;
	}
	return 0;
}

struct listing {
	struct mr_arena *arena;
	struct mr_list *out;
};

static int add_recipient(void *context, const unsigned char key[MR_KEY_SIZE], struct mr_error *err)
{
	struct listing *listing = context;
	unsigned char point[MR_KEY_SIZE];
	char text[TEXT_MOST];

	(void)err;
	mr_x25519_public(key, point);
	format_key(RECIPIENT, point, text);
	mr_list_add(listing->arena, listing->out, text);
	return 0;
}

int mr_age_key_recipients(struct mr_arena *arena, const struct mr_secret *file, struct mr_list *out,
			  struct mr_error *err)
{
	struct listing listing = { arena, out };

	if (mr_age_keys_each(file, add_recipient, &listing, err) < 0)
		return -1;
	return out->count ? 0 : mr_fail(err, MR_E_INVALID, _("there is no key of age in it"));
}

void mr_age_key_create(struct mr_arena *arena, long long created, struct mr_secret *file,
		       const char **recipient)
{
	unsigned char key[MR_KEY_SIZE], point[MR_KEY_SIZE];
	char secret[TEXT_MOST], text[TEXT_MOST], when[32], whole[256];
	time_t time = (time_t)created;
	struct tm utc;
	int len;

	mr_random(key, sizeof(key));
	mr_x25519_public(key, point);
	format_key(RECIPIENT, point, text);
	format_key(IDENTITY, key, secret);
	for (char *c = secret; *c; c++)
		*c = (char)toupper((unsigned char)*c);
	strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&time, &utc));
	len = snprintf(whole, sizeof(whole), "# created: %s\n# public key: %s\n%s\n", when, text,
		       secret);
	mr_secret_set(file, whole, (size_t)len);
	explicit_bzero(key, sizeof(key));
	explicit_bzero(secret, sizeof(secret));
	explicit_bzero(whole, sizeof(whole));
	*recipient = mr_strdup(arena, text);
}
