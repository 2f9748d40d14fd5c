/* What cl-setup does beside setting up; each in a file of its own here. */
#ifndef CL_SETUP_ACTIONS_H
#define CL_SETUP_ACTIONS_H

#include "common/cl.h"

/* domains.c: --domains. On any host that is set up. */
int setup_domains_run(struct cl_context *context, struct mr_error *err);

/* check_dns.c: --check-dns. On any host that is set up; context->status is 1 if a record is wrong. */
int setup_check_dns_run(struct cl_context *context, struct mr_error *err);
/* After the scheme or the domains have changed: what is wrong is a warning. Nothing is asked where the settings know no DNS,
 * nor in an intranet, unless `intranet`. */
void setup_warn_dns(struct cl_context *context, bool intranet);

/* postmaster.c: asks on the terminal where mail for the role addresses of a new mail domain shall
 * go. *out = the answer as typed; NULL: nobody was asked (no terminal, --yes, --json, --dry-run), or
 * the answer was empty. */
int setup_ask_postmaster(struct cl_context *context, const char *domain, const char **out,
			 struct mr_error *err) MR_MUST_CHECK;

/* password.c: --smarthost-password [SERVER]. On any host that is set up; the password is asked for, or read. */
struct setup_password {
	bool wanted, from_stdin;
	const char *file; /* or NULL */
};
int setup_password_run(struct cl_context *context, const struct setup_password *wanted,
		       struct mr_error *err) MR_MUST_CHECK;

#endif
