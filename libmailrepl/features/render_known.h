/* Whom Postfix and Dovecot must know: examples from the directory. */
#ifndef MR_FEATURES_RENDER_KNOWN_H
#define MR_FEATURES_RENDER_KNOWN_H

#include "adapters/config.h"
#include "adapters/directory.h"

struct mr_known {
	const char *key;   /* NULL: there is nobody of the kind */
	const char *value; /* what the table must say; NULL: anything */
};

/* For an LDAP table of Postfix; `table` is its file's name without folder. Somebody whom one entry alone claims, and whose
 * address is of one of `domains` (mail domains), or for peers.cf of `peers`. */
int mr_render_known(struct mr_arena *arena, const struct mr_config *config,
		    struct mr_directory *dir, const char *table, const struct mr_list *domains,
		    const struct mr_list *peers, struct mr_known *out,
		    struct mr_error *err) MR_MUST_CHECK;

/* Who may log in to a mailbox of this host, and of another; NULL: there is nobody. */
int mr_render_known_logins(struct mr_arena *arena, const struct mr_config *config,
			   struct mr_directory *dir, const char **here, const char **elsewhere,
			   struct mr_error *err) MR_MUST_CHECK;

#endif
