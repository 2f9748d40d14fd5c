/* The keys and certificates that lie below MR_PATH_TLS: made once, kept while they are good. */
#ifndef MR_FEATURES_IDENTITY_H
#define MR_FEATURES_IDENTITY_H

#include "adapters/config.h"
#include "adapters/tls.h"
#include "model/plan.h"

/* This host's name, if `config` does not hold it yet: `typed`, or with NULL what hostname -f says.
 * MR_E_CONFIG if another is typed than this host has. */
int mr_identity_name(struct mr_arena *arena, const char *typed, struct mr_config *config,
		     struct mr_error *err) MR_MUST_CHECK;
/* The domain's CA as it lies here. MR_E_CONFIG if it is not whole: a new one would make every
 * certificate in the domain worthless. `ca` (start as { 0 }) must outlive what uses it; close it
 * with mr_identity_close. */
int mr_identity_ca_read(struct mr_arena *arena, const struct mr_config *config,
			struct mr_identity *ca, struct mr_error *err) MR_MUST_CHECK;
/* The same for a domain that is being made: a new one with steps that write it, if there is none
 * that is whole. */
int mr_identity_ca(struct mr_arena *arena, const struct mr_config *config, const char *domain_id,
		   struct mr_identity *ca, struct mr_plan *plan,
		   struct mr_error *err) MR_MUST_CHECK;
/* True if the certificate is for `host`. */
bool mr_identity_is_for(struct mr_arena *arena, const struct mr_identity *identity,
			const char *host);
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
/* A step that removes the key and certificate of a host that is gone from what the home keeps: one
 * that comes back one day gets new ones. */
void mr_identity_forget(struct mr_arena *arena, const struct mr_config *config, const char *host,
			struct mr_plan *plan);
/* Owner and mode of this host's own key: root, readable by slapd's group (0600 of the caller under
 * --root). */
int mr_identity_key_attrs(const struct mr_config *config, struct mr_file_attrs *out,
			  struct mr_error *err) MR_MUST_CHECK;

#endif
