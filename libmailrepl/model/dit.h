/* The directory information tree: the DNs of everything, made in one place. */
#ifndef MR_MODEL_DIT_H
#define MR_MODEL_DIT_H

#include "base/memory.h"

enum mr_service { MR_MAIL = 1, MR_UNIX = 2 };

#define MR_DIT_BASE "dc=mailrepl"
#define MR_DIT_STATUS "cn=Status"
#define MR_DIT_LOCAL_ROOT "cn=root,ou=Local,dc=mailrepl"

const char *mr_service_ou(enum mr_service service);   /* "Mail", "Unix" */
const char *mr_service_name(enum mr_service service); /* "mail", "unix" */

/* "cn=mail1.lan,ou=Mail,ou=Owned,dc=mailrepl": what `host` owns and alone writes */
char *mr_dit_owned(struct mr_arena *arena, enum mr_service service, const char *host);
/* "ou=Mail,dc=mailrepl": the read-only copy of all that is owned anywhere */
const char *mr_dit_all(enum mr_service service);
/* "cn=mail1.lan,ou=Mail,dc=mailrepl": the copy of one host's container */
char *mr_dit_copy(struct mr_arena *arena, enum mr_service service, const char *host);
/* "ou=Hosts,<container>" and "cn=<host>,ou=Hosts,<container>"; `container` owned or copy of the home */
char *mr_dit_hosts(struct mr_arena *arena, const char *container);
char *mr_dit_host(struct mr_arena *arena, const char *host, const char *container);
char *mr_dit_domain(struct mr_arena *arena, const char *domain, const char *container);
char *mr_dit_user(struct mr_arena *arena, const char *user, const char *container); /* route or account */
char *mr_dit_peer(struct mr_arena *arena, const char *host); /* "cn=<host>,ou=Peers,dc=mailrepl" */
char *mr_dit_group(struct mr_arena *arena, const char *group, const char *container); /* of mail or unix */
/* The host under whose container a DN of an owned database or a copy lies; NULL if it is neither. */
char *mr_dit_owner(struct mr_arena *arena, const char *dn);

#endif
