/* The keys and certificates that lie below MR_PATH_TLS: made once, kept while they are good. */
#ifndef MR_FEATURES_IDENTITY_H
#define MR_FEATURES_IDENTITY_H

#include "adapters/config.h"
#include "adapters/tls.h"
#include "model/plan.h"

/* The domain's CA: that of this host if it is whole, otherwise a new one with steps that write it.
 * `ca` (start as { 0 }) must outlive the plan; close it with mr_identity_close. */
int mr_identity_ca(struct mr_arena *arena, const struct mr_config *config, const char *domain_id,
		   struct mr_identity *ca, struct mr_plan *plan,
		   struct mr_error *err) MR_MUST_CHECK;
/* A host's key and certificate at <base>.key and <base>.crt (`base` without root): kept if the key
 * fits, the CA signed it and it is for `host`, otherwise issued anew with steps that write them,
 * the key with `key_attrs`. */
int mr_identity_host(struct mr_arena *arena, const struct mr_config *config,
		     const struct mr_identity *ca, const char *host, const char *base,
		     struct mr_file_attrs key_attrs, struct mr_identity *out, struct mr_plan *plan,
		     struct mr_error *err) MR_MUST_CHECK;
/* Reads a key and its certificate. MR_E_NOT_FOUND: one of them is absent. */
int mr_identity_read(struct mr_arena *arena, const char *cert_path, const char *key_path,
		     struct mr_identity *out, struct mr_error *err) MR_MUST_CHECK;
/* Steps that write both, the key first: a certificate without its key is never left as if it were
 * whole. `identity` is borrowed. */
void mr_identity_plan(struct mr_arena *arena, const struct mr_identity *identity,
		      const char *cert_path, const char *key_path, struct mr_file_attrs key_attrs,
		      const char *what, struct mr_plan *plan);
/* Owner and mode of this host's own key: root, readable by slapd's group (0600 of the caller under
 * --root). */
int mr_identity_key_attrs(const struct mr_config *config, struct mr_file_attrs *out,
			  struct mr_error *err) MR_MUST_CHECK;

#endif
