/* What slapcat wrote, line by line: records are moved to another suffix and attributes left out
 * without parsing values, because 100,000 entries must not cost more than a fraction of a second.
 * Lines must be unfolded (slapcat -o ldif-wrap=no). */
#ifndef MR_FEATURES_BACKUP_LDIF_H
#define MR_FEATURES_BACKUP_LDIF_H

#include <stdint.h>

#include "features/stamp.h"

struct mr_ldif_rewrite {
	const char *name; /* of the input, for messages */
	const char *from; /* every DN must be this or lie below it */
	const char *to;   /* what takes its place; may be the same */
	const char *const
		*drop; /* attributes left out (without regard to case and options), ends in NULL */
	const char *extra; /* whole lines put into the first record, which must be `from` itself;
			      NULL: none */
	int64_t size; /* of the input, as far as it is known, for the progress; 0: it is a file, or
			 nobody knows */
	/* NULL: none. Otherwise each record gets an entryUUID, a CSN and times of it, the first one, which
	 * must be `from` itself, the newest CSN; what it had is to be dropped. */
	const struct mr_stamp *stamp;
	const struct mr_ldif_second *second; /* the same once more, for another suffix; NULL: no */
};

struct mr_ldif_second {
	const char *to, *extra;
	int out;
};

/* The one in a database that was loaded with such records: that of the first. */
void mr_ldif_context_csn(const struct mr_stamp *stamp, char out[MR_CSN_SIZE]);

/* Copies `in` to `out`, memory flat, and shows the progress (base/log.h). MR_E_ARCHIVE: a folded or overlong line, a DN elsewhere, a
 * record without DN. */
int mr_ldif_rewrite(const struct mr_ldif_rewrite *rewrite, int in, int out,
		    struct mr_error *err) MR_MUST_CHECK;

/* Is `dn` (`len` bytes) the suffix or something below it? Compared as text, without regard to case:
 * slapcat writes a suffix always the same way. */
bool mr_ldif_dn_below(const char *dn, size_t len, const char *suffix);

#endif
