/* What is a valid address, domain, host and user name, and its one stored form. */
#ifndef MR_MODEL_NAMES_H
#define MR_MODEL_NAMES_H

#include "base/strings.h"

/* A mail address (RFC 5321 section 4.1.2, Mailbox): local part of at most 64 octets, domain of at most
 * 255, whole of at most 254. Stored: domain as A-labels (libidn2, IDNA 2008) in lower case, local part in lower case
 * (RFC 5321 leaves that to the receiving host: we are it), dot-string only. */
struct mr_address {
	const char *text;   /* "user1@maildomain.org" */
	const char *local;  /* "user1" */
	const char *domain; /* "maildomain.org" */
};

/* MR_E_INVALID with the rule that is broken. Quoted local parts that need the quotes, address literals and
 * non-ASCII local parts (SMTPUTF8) are refused by name, and so is a leading hyphen, which Postfix never accepts (allow_min_user). */
int mr_address_parse(struct mr_arena *arena, const char *text, struct mr_address *out,
		     struct mr_error *err) MR_MUST_CHECK;
/* An address or a domain as people read it: its A-labels as U-labels (RFC 5890 section 2.3.2.1). */
const char *mr_address_show(struct mr_arena *arena, const char *address);
/* What a mailbox or a group may claim: an address, or "@maildomain.org", which stands for every address of that
 * domain that nobody else has; then `local` is "". */
int mr_claim_parse(struct mr_arena *arena, const char *text, struct mr_address *out,
		   struct mr_error *err) MR_MUST_CHECK;
/* Is this local part, in its stored form, a role address' that every domain has (RFC 5321 section 4.5.1,
 * RFC 2142)? Nobody may claim one. */
bool mr_is_role(const char *local);
/* A mail domain: two or more labels (RFC 1123 section 2.1), at most 253 characters (RFC 1035 section 2.3.4),
 * the last label not a number. *out is the stored form. */
int mr_domain_parse(struct mr_arena *arena, const char *text, const char **out,
		    struct mr_error *err) MR_MUST_CHECK;
/* A host by its fully qualified name: rules of a domain, ASCII only. "mail1" is refused with a hint at hostname -f. */
int mr_host_parse(struct mr_arena *arena, const char *text, const char **out,
		  struct mr_error *err) MR_MUST_CHECK;
/* "a.lan,b.lan" to a list in the order given; empty items and duplicates are errors. */
int mr_hosts_parse(struct mr_arena *arena, const char *text, struct mr_list *out,
		   struct mr_error *err) MR_MUST_CHECK;
/* An account name: [a-z_][a-z0-9_.-]{0,31}, as adduser allows, no dot doubled or at the end (it becomes
 * a local part), not a role address' name
 * (postmaster, abuse, root, mailer-daemon). */
int mr_user_parse(struct mr_arena *arena, const char *text, const char **out,
		  struct mr_error *err) MR_MUST_CHECK;
/* A group's name: the same rules. */
int mr_group_name_parse(struct mr_arena *arena, const char *text, const char **out,
			struct mr_error *err) MR_MUST_CHECK;
/* A person's name: UTF-8, 1 to 200 bytes, no control characters. */
int mr_full_name_parse(struct mr_arena *arena, const char *text, const char **out,
		       struct mr_error *err) MR_MUST_CHECK;

#endif
