#include "features/password_rules.h"

#include <ctype.h>
#include <string.h>

#define NAME_LEAST 3

enum kind { SMALL, CAPITAL, DIGIT, OTHER, KINDS };

static enum kind kind_of(unsigned char c)
{
	if (c >= 'a' && c <= 'z')
		return SMALL;
	if (c >= 'A' && c <= 'Z')
		return CAPITAL;
	return c >= '0' && c <= '9' ? DIGIT : OTHER;
}

int mr_password_check(const struct mr_config *config, const char *user,
		      const struct mr_secret *password, struct mr_error *err)
{
	bool seen[KINDS] = { false };
	long long characters = 0, kinds = 0;

	for (size_t i = 0; i < password->len; i++) {
		unsigned char c = (unsigned char)password->data[i];

		/* What continues a character of UTF-8 is none by itself. */
		characters += (c & 0xc0) != 0x80;
		seen[kind_of(c)] = true;
	}
	for (size_t i = 0; i < KINDS; i++)
		kinds += seen[i];
	if (!characters)
		return mr_fail(err, MR_E_INVALID, _("the password is empty"));
	if (characters < config->password_length)
		return mr_fail(err, MR_E_INVALID,
			       _("the password has %lld characters: it needs %lld "
				 "(password.min_length)"),
			       characters, config->password_length);
	if (kinds < config->password_classes)
		return mr_fail(err, MR_E_INVALID,
			       _("the password has %lld of the four kinds of characters (small "
				 "letters, capital letters, digits, others): it needs %lld "
				 "(password.min_classes)"),
			       kinds, config->password_classes);
	if (strlen(user) >= NAME_LEAST && strcasestr(password->data, user))
		return mr_fail(err, MR_E_INVALID, _("the password holds the user's name"));
	return 0;
}
