/* A mailbox is a route (which addresses, which owner) and, on its owner, an account (who may log in). */
#ifndef MR_MODEL_MAILBOX_H
#define MR_MODEL_MAILBOX_H

#include "base/entry.h"
#include "model/names.h"

/* What Postfix tells who writes to an address of the recipient: the words of mailReplAccess. */
enum mr_access {
	MR_ACCESS_OPEN,     /* no attribute */
	MR_ACCESS_CLOSED,   /* outsiders are refused: a list of the domain's own */
	MR_ACCESS_DEFERRED, /* 450: locked for now */
	MR_ACCESS_REFUSED,  /* 550: locked */
	MR_ACCESS_GONE,     /* 550: no longer here */
};
const char *mr_access_word(enum mr_access access); /* NULL for MR_ACCESS_OPEN */

/* uid=<user>,<container of the owner in mail>: account + inetLocalMailRecipient
 * (draft-lachman-laser-ldap-mail-routing-02). */
struct mr_route {
	const char *user;
	struct mr_list addresses;    /* mailLocalAddress */
	const char *owner;           /* mailHost; of an entry without mailbox: under whose container it lies */
	const char *routing_address; /* mailRoutingAddress: "<mailbox>@<owner>"; its local part is the mailbox's stable id.
					NULL: no mailbox, see MR_ROUTE_FORMER and MR_ROUTE_GONE */
	struct mr_list former;       /* mailReplFormerAddress */
	struct mr_list forward;      /* mailReplForward; with routing_address among them a copy stays */
	enum mr_access access;       /* mailReplAccess */
	const char *held_until;      /* mailReplHeldUntil, generalized time, or NULL */
	const char *move;            /* mailReplMove, or NULL */
};

/* A mailbox; what a mailbox that has moved to another host left behind, which forwards; the addresses of
 * a user who was deleted, kept from being given away. The last two claim no user name. */
enum mr_route_kind { MR_ROUTE_MAILBOX, MR_ROUTE_FORMER, MR_ROUTE_GONE };
enum mr_route_kind mr_route_kind(const struct mr_route *route);

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
	long long quota;              /* mailReplQuota, bytes; 0: no limit */
	bool locked;                  /* mailReplLocked: nobody logs in */
};

/* cn=<name>,<container of the owner in mail>: nisMailAlias + inetLocalMailRecipient + mailReplRecipient. Its owner
 * alone expands routing_address into the members. */
struct mr_group {
	const char *name;
	struct mr_list addresses;    /* mailLocalAddress */
	const char *owner;           /* mailHost */
	const char *routing_address; /* mailRoutingAddress: "<name>@<owner>" */
	struct mr_list members;      /* rfc822MailMember, at least one: real addresses of mailboxes and groups of this domain
					(a clash of one must not hold up the list), others as they are,
					in the case in which they were typed */
	bool closed;                 /* mailReplAccess: closed */
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

struct mr_entry *mr_group_format(struct mr_arena *arena, const struct mr_group *group, const char *container);
int mr_group_parse(struct mr_arena *arena, const struct mr_entry *entry, struct mr_group *out,
		   struct mr_error *err) MR_MUST_CHECK;

/* What parsing reads, for a search, by name: a password hash is not among it. Ends in NULL. */
extern const char *const mr_route_attrs[], *const mr_account_attrs[];

/* First uidNumber of a host's range, and one past its last: 500,000 ids per serverID from 1,500,000 on (the highest is below 2^31). */
long long mr_uid_first(unsigned server_id);
long long mr_uid_end(unsigned server_id);

#endif
