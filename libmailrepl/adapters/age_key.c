#include "adapters/age_key.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "adapters/age.h"

/* A line of a file of keys: 1: there was a key, and `use` wants no more; 0; -1. */
static int use_line(const char *line, size_t len, mr_age_key_use use, void *context,
		    struct mr_error *err)
{
	char text[MR_AGE_TEXT];
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
	rc = mr_age_text_parse(MR_AGE_IDENTITY, text, key)
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
	char text[MR_AGE_TEXT];

	(void)err;
	mr_x25519_public(key, point);
	mr_age_text_format(MR_AGE_RECIPIENT, point, text);
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
	char secret[MR_AGE_TEXT], text[MR_AGE_TEXT], when[32], whole[256];
	time_t time = (time_t)created;
	struct tm utc;
	int len;

	mr_random(key, sizeof(key));
	mr_x25519_public(key, point);
	mr_age_text_format(MR_AGE_RECIPIENT, point, text);
	mr_age_text_format(MR_AGE_IDENTITY, key, secret);
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
