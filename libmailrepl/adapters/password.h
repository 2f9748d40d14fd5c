/* Password hashes through libcrypt (yescrypt), and reading a password from a terminal or a
 * descriptor. */
#ifndef MR_ADAPTERS_PASSWORD_H
#define MR_ADAPTERS_PASSWORD_H

#include <stdbool.h>

#include "base/memory.h"

/* "{CRYPT}$y$…" as OpenLDAP's userPassword (RFC 2307) takes it. */
int mr_password_hash(const struct mr_secret *password, struct mr_secret *out,
		     struct mr_error *err) MR_MUST_CHECK;
/* Asks twice on /dev/tty without echo; restores the terminal also when a signal ends us.
 * MR_E_INVALID if the two differ, MR_E_USAGE ("use -P") if there is no terminal. */
int mr_password_ask(const char *user, struct mr_secret *out, struct mr_error *err) MR_MUST_CHECK;
/* Asks once, for a password that is already so. Otherwise the same. */
int mr_password_ask_once(const char *user, struct mr_secret *out,
			 struct mr_error *err) MR_MUST_CHECK;
/* The same for the passphrase of `what`, asked for twice if it is a new one. Without a terminal the message names
 * --passphrase-stdin. */
int mr_passphrase_ask(const char *what, bool twice, struct mr_secret *out,
		      struct mr_error *err) MR_MUST_CHECK;

#endif
