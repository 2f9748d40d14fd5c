/* Domains of other primaries, as an administrator names them. */
#ifndef MR_FEATURES_FOREIGN_H
#define MR_FEATURES_FOREIGN_H

#include "base/strings.h"

/* *out = the addresses in a file of recipients of `domain`, sorted, each once: an address a line; what follows a blank or
 * '#' does not count. MR_E_INVALID with file and line: no address, or one of another domain; with file: a NUL byte. What cannot be read:
 * mr_file_read's errors. */
int mr_foreign_list_read(struct mr_arena *arena, const char *path, const char *domain,
			 struct mr_list *out, struct mr_error *err) MR_MUST_CHECK;

/* *out = a nexthop as Postfix writes it, of "mail.partner.org", "192.0.2.1", "[2001:db8::1]", each with ":port" or without;
 * NULL of "dns": by MX records. MR_E_INVALID: anything else. */
int mr_foreign_primary_parse(struct mr_arena *arena, const char *text, const char **out,
			     struct mr_error *err) MR_MUST_CHECK;

#endif
