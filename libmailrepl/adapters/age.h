/* Sealed files, in the format of age: https://age-encryption.org/v1. Whoever has the key or knows
 * the passphrase opens them with age(1), rage(1) or any other program of that format, without
 * mailrepl.
 *
 *	struct mr_age_seal to = { .recipients = &list };            who shall be able to read
 *	mr_age_seal(&to, plain, sealed, &file_key, &err);
 *	mr_age_compare(&file_key, sealed, plain, &err);             read back what was written
 *
 *	struct mr_age_keys with = { .identities = &text };
 *	mr_age_open(&with, sealed, plain, &err);
 *
 * Descriptors are borrowed, and are of files: positions are moved. Memory does not depend on their size. Keys are those of
 * X25519, "age1…" to seal and "AGE-SECRET-KEY-1…" to open, in Bech32 (BIP 173). */
#ifndef MR_ADAPTERS_AGE_H
#define MR_ADAPTERS_AGE_H

#include <stdbool.h>

#include "base/strings.h"

#define MR_AGE_WORK 18      /* scrypt's N is 2^18, as age's: 256 MiB and about a second */
#define MR_AGE_WORK_MOST 20 /* of a file to be read: 1 GiB */

struct mr_age_seal {
	const struct mr_list *recipients;   /* "age1…"; NULL or empty: none */
	const struct mr_secret *passphrase; /* instead of recipients; NULL: none */
	int work;                           /* 0: MR_AGE_WORK */
};

/* MR_E_INVALID unless it is a recipient's key. */
int mr_age_recipient_check(const char *text, struct mr_error *err) MR_MUST_CHECK;

/* A new key as age-keygen(1) writes it, and its public part in `arena`. `created`: seconds since the epoch, for its first line. */
void mr_age_key_create(struct mr_arena *arena, long long created, struct mr_secret *file,
		       const char **recipient);
/* The public parts of a file of keys. MR_E_INVALID: not one, or a line that is neither a key nor a comment. */
int mr_age_key_recipients(struct mr_arena *arena, const struct mr_secret *file, struct mr_list *out,
			  struct mr_error *err) MR_MUST_CHECK;

/* All of `in` from its beginning, sealed, to `out`, from its beginning; not fsynced. `file_key` may be NULL. */
int mr_age_seal(const struct mr_age_seal *to, int in, int out, struct mr_secret *file_key,
		struct mr_error *err) MR_MUST_CHECK;
/* Opens `sealed` with its file key and compares it with `plain`. MR_E_ARCHIVE: they differ. */
int mr_age_compare(const struct mr_secret *file_key, int sealed, int plain,
		   struct mr_error *err) MR_MUST_CHECK;

struct mr_age_keys {
	const struct mr_secret *identities; /* a file of keys; NULL: none */
	const struct mr_secret *passphrase; /* NULL: none */
};

enum mr_age_kind {
	MR_AGE_NONE,       /* not a file of age */
	MR_AGE_KEYS,       /* opened with a key */
	MR_AGE_PASSPHRASE, /* with a passphrase */
};
/* From the header, which nothing has proven yet. MR_E_ARCHIVE: it begins as one of age, but is none. */
int mr_age_kind(int fd, enum mr_age_kind *out, struct mr_error *err) MR_MUST_CHECK;

/* All of `in` to `out`, each 64 KiB proven before they are written. MR_E_DENIED: none of the keys fits, or the passphrase is
 * wrong; MR_E_ARCHIVE: altered or cut: what is in `out` must not be used. */
int mr_age_open(const struct mr_age_keys *with, int in, int out,
		struct mr_error *err) MR_MUST_CHECK;

#endif
