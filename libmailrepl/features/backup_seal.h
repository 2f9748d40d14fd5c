/* Sealed archives: to whom they are sealed, and how this host opens them. In the format of age (adapters/age.h), so that a backup is
 * of use without mailrepl.
 *
 * This host's own key, if it has one, lies at MR_PATH_BACKUP_AGE as age-keygen(1) writes them. An archive that is sealed to it opens by
 * itself; for one with a passphrase that is asked for, once. */
#ifndef MR_FEATURES_BACKUP_SEAL_H
#define MR_FEATURES_BACKUP_SEAL_H

#include "adapters/config.h"
#include "model/plan.h"

/* From now on this process opens sealed archives wherever it reads one: in a file without a name below the state folder. `passphrase`
 * NULL: the one of an earlier call, or else, with `ask`, asked for on the terminal. The last archive opened is kept open, since
 * archives are looked at before they are read. */
void mr_seal_init(const struct mr_config *config, const struct mr_secret *passphrase, bool ask);
/* Closes what is kept and forgets the passphrase. */
void mr_seal_close(void);

/* The public keys of this host's own file of keys. MR_E_NOT_FOUND: it has none. */
int mr_seal_own(struct mr_arena *arena, const struct mr_config *config, struct mr_list *out,
		struct mr_error *err) MR_MUST_CHECK;
/* Makes this host's key; `*recipient` is its public part. MR_E_EXISTS: there is one, on which archives may depend. */
int mr_seal_make_key(struct mr_arena *arena, const struct mr_config *config, const char **recipient,
		     struct mr_error *err) MR_MUST_CHECK;

#endif
