/* The domain's backup key: what archives are under the HMAC of. The home makes it, every archive
 * holds it (an archive is a secret anyway: what the HMAC shows is that nobody without that secret
 * made or changed it), and a host takes it from the archive that it joins with. Lost, a new one can
 * be made: old archives are then as good as those of a stranger.
 *
 * Its file is 64 hexadecimal digits (32 bytes) and a newline, and the secret is that text. */
#ifndef MR_FEATURES_BACKUP_KEY_H
#define MR_FEATURES_BACKUP_KEY_H

#include "adapters/config.h"
#include "model/plan.h"

#define MR_BACKUP_KEY_NAME "tls/backup.key"

/* This host's; none (out->len 0) if it has none. MR_E_INVALID: what lies there is no key. Close it
 * also on failure. */
int mr_backup_key_read(const struct mr_config *config, struct mr_secret *out,
		       struct mr_error *err) MR_MUST_CHECK;
/* The same from another file, which must be there; a descriptor that stands at its beginning. */
int mr_backup_key_read_fd(int fd, struct mr_secret *out, struct mr_error *err) MR_MUST_CHECK;
/* The same, made and written (0600) if there is none. */
int mr_backup_key_make(const struct mr_config *config, struct mr_secret *out,
		       struct mr_error *err) MR_MUST_CHECK;

/* HMAC-SHA-256 of a text under the key's 32 bytes, in hexadecimal digits. */
void mr_backup_key_hmac(const struct mr_secret *key, const char *text, char hex[65]);

/* What two people compare on the telephone, "7KQ2-MXPA-V3TD-LE5W": the first 80 bits of the SHA-256
 * of the CA's certificate (its PEM text) and the key, in base32 (RFC 4648). */
char *mr_backup_key_fingerprint(struct mr_arena *arena, const char *ca_cert,
				const struct mr_secret *key);
/* The fingerprint on this host. MR_E_NOT_FOUND: it has no key, or no CA certificate. */
int mr_backup_key_show(struct mr_arena *arena, const struct mr_config *config, const char **out,
		       struct mr_error *err) MR_MUST_CHECK;
/* True if `typed` is `fingerprint`, whatever the case, with or without hyphens and spaces. */
bool mr_backup_key_matches(const char *fingerprint, const char *typed);

/* Steps that give this host the key: that of the archive unpacked in `folder`, which must stay until
 * they are applied; none if the archive holds none, or if the host has one. */
void mr_backup_key_plan(struct mr_arena *arena, const struct mr_config *config, const char *folder,
			struct mr_plan *plan);
/* A step that makes a new one; none if there is one. */
void mr_backup_key_plan_new(struct mr_arena *arena, const struct mr_config *config,
			    struct mr_plan *plan);

#endif
