/* What strangers and mail programs get to see of this host, and how closely it looks at them: the settings tls.…,
 * restrictions.…, dsn.…, submission.… and postscreen.… as templates need them, and a certificate that is not the
 * domain's. Between hosts the domain's counts whatever is given here: they ask for it by a name of their own
 * (MR_HOSTS_NAME, server name indication of TLS, RFC 6066). */
#ifndef MR_FEATURES_HARDENING_H
#define MR_FEATURES_HARDENING_H

#include "adapters/config.h"

/* Nobody else asks for it: it cannot be in DNS (RFC 6761). */
#define MR_HOSTS_NAME "hosts.mailrepl.invalid"

struct mr_hardening {
	const char *certificate, *key; /* with root; NULL: the domain's */
	const char *fingerprint;       /* of the given certificate, SHA-256; else NULL */
	const char *until;             /* until when it is valid, UTC; else NULL */
};

/* Reads the given certificate. MR_E_CONFIG, with file and setting: only one of tls.certificate and tls.key is given, or
 * they are not good (adapters/tls_files.h) or the certificate has expired; or a setting asks DNS, and there is none (mail.dns): tls.outgoing dane,
 * postscreen.dnsbl. An expired certificate that is in force already is warned of: it must not keep the rest from being
 * rendered. */
int mr_hardening_read(struct mr_arena *arena, const struct mr_config *config,
		      struct mr_hardening *out, struct mr_error *err) MR_MUST_CHECK;

/* Adds what templates see (templates/README.md): tls, strangers, postscreen, dsn, submitted. */
void mr_hardening_set(struct mr_arena *arena, const struct mr_config *config,
		      const struct mr_hardening *hardening, struct mr_value *out);

/* The fingerprint of the given certificate if it is good with its key, but another than the rendered main.cf says: it was
 * renewed, and cl-rebuild has not run since. Otherwise NULL. */
const char *mr_hardening_renewed(struct mr_arena *arena, const struct mr_config *config);

/* True if strangers are told nothing at port 25 without TLS (tls.incoming). */
bool mr_hardening_needs_tls(const struct mr_config *config);

#endif
