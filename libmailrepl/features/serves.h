/* Does a mail service serve? Asked as its clients ask, not as its manager does. */
#ifndef MR_FEATURES_SERVES_H
#define MR_FEATURES_SERVES_H

#include "adapters/config.h"
#include "adapters/service.h"

/* Postfix, Exim: as a stranger at port 25, for the postmaster of this host, who is always there, and for a
 * user who never is; while slapd does not run its greeting is enough. Dovecot: its greeting at port
 * 143, and, while slapd answers, a look-up as for a login of somebody who has a mailbox here, of
 * somebody who has one elsewhere, as far as there are such, and of a user who never is. Others:
 * nothing. It is tried for 40 seconds. MR_E_UNAVAILABLE: no answer; MR_E_CONFIG:
 * another one than it must be, which the message has. */
int mr_serves(const struct mr_config *config, enum mr_service_name service,
	      struct mr_error *err) MR_MUST_CHECK;

#endif
