/* A mailbox is a route (which addresses, which owner) and, on its owner, an account (who may log in). */
#ifndef MR_MODEL_MAILBOX_H
#define MR_MODEL_MAILBOX_H

#include "base/entry.h"
#include "model/names.h"

/* uid=<user>,<container of the owner in mail>: account + inetLocalMailRecipient
 * (draft-lachman-laser-ldap-mail-routing-02). */
struct mr_route {
	const char *user;
	struct mr_list addresses;    /* mailLocalAddress */
	const char *owner;           /* mailHost */
	const char *routing_address; /* mailRoutingAddress: "<mailbox>@<owner>"; its local part is the mailbox's stable id */
};

/* uid=<user>,<container of the owner in unix>: inetOrgPerson + posixAccount + inetLocalMailRecipient */
struct mr_account {
	const char *user;
	const char *full_name;       /* cn and sn; NULL: the user name */
	long long uid_number;        /* also gidNumber; 0: not allocated yet */
	struct mr_list addresses;    /* mail: those of the route, so that any of them logs in */
	const char *owner;
	const char *routing_address; /* NULL: an account without mailbox */
	const char *home, *shell;
	const struct mr_secret *hash; /* userPassword; NULL: cannot log in */
};

/* Parsing: MR_E_PROTOCOL with the DN for an entry that lacks what it must have, or whose mailbox id could
 * not be a folder's name. Addresses, user and owner come out in lower case. */
struct mr_entry *mr_route_format(struct mr_arena *arena, const struct mr_route *route, const char *container);
int mr_route_parse(struct mr_arena *arena, const struct mr_entry *entry, struct mr_route *out,
		   struct mr_error *err) MR_MUST_CHECK;
struct mr_entry *mr_account_format(struct mr_arena *arena, const struct mr_account *account,
				   const char *container);
/* The hash is not read. (Formatting leaves out uidNumber and gidNumber while uid_number is 0.) */
int mr_account_parse(struct mr_arena *arena, const struct mr_entry *entry, struct mr_account *out,
		     struct mr_error *err) MR_MUST_CHECK;

/* First uidNumber of a host's range, and one past its last: 100,000 ids per serverID from 1,100,000 on. */
long long mr_uid_first(unsigned server_id);
long long mr_uid_end(unsigned server_id);

#endif
