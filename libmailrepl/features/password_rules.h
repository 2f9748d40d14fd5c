/* What a password that is set here must be like: the settings password.* of this host. */
#ifndef MR_FEATURES_PASSWORD_RULES_H
#define MR_FEATURES_PASSWORD_RULES_H

#include "adapters/config.h"

/* MR_E_INVALID with the rule that is broken, never with the password: too short, of too few kinds of characters, or
 * it holds the user's name (of three or more characters, in any case). */
int mr_password_check(const struct mr_config *config, const char *user,
		      const struct mr_secret *password, struct mr_error *err) MR_MUST_CHECK;

#endif
