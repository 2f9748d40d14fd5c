/* Private to the directory adapter: a connection to a server. */
#ifndef MR_ADAPTERS_DIRECTORY_LDAP_H
#define MR_ADAPTERS_DIRECTORY_LDAP_H

#include <sys/time.h>

#include <ldap.h>

#include "adapters/directory_backend.h"
#include "base/clock.h"

/* A connected, non-blocking socket below the library. */
struct mr_ldap_socket {
	int fd;
	/* mr_now_ms: reading and writing wait until then, and fail with ETIMEDOUT; 0: they do not
	 * wait. */
	long long wait_until;
	bool ended; /* the other side has closed it, and that was read */
	int error;  /* errno of the first reading or writing that failed for good, or 0 */
};

struct ldap_directory {
	struct mr_directory base;
	LDAP *ld;
	struct mr_ldap_socket socket; /* of ld */
	char *server; /* for messages: "slapd at mail2.lan:3890" */
	int deadline_ms;
	bool lost; /* the connection is gone; libldap must not make another, it would be neither TLS
		      nor bound */
};

/* One call: words for messages and the time by which its answer must be here. */
struct mr_ldap_call {
	struct ldap_directory *dir;
	const char *verb; /* translated: "adding" */
	const char *dn;	  /* may be "" */
	long long until;  /* mr_now_ms */
};

struct timeval
mr_left(long long until); /* at least 1 ms, because zero means for ever to some calls */

/* A connected, non-blocking, close-on-exec socket. MR_E_UNAVAILABLE: nobody answers in time. */
int mr_connect_socket(const char *path, long long until, int *fd,
		      struct mr_error *err) MR_MUST_CHECK;
/* Resolves `host` and tries its addresses in turn, all within the time. */
int mr_connect_host(const char *host, int port, long long until, int *fd,
		    struct mr_error *err) MR_MUST_CHECK;

/* Back to non-blocking mode. */
int mr_socket_unblock(int fd, struct mr_error *err) MR_MUST_CHECK;

/* A handle for a connected socket, which it takes over, and uses until it is unbound. What was sent is wiped from the library's
 * buffers (requests hold password hashes), and writing to a server that is gone raises no SIGPIPE. */
LDAP *mr_ldap_attach(struct mr_ldap_socket *socket, const char *uri);

struct mr_ldap_call mr_ldap_begin(struct ldap_directory *dir, const char *verb, const char *dn);
/* Fails with libldap's result code `rc` in words. Always -1. */
int mr_ldap_fail(const struct mr_ldap_call *call, int rc, struct mr_error *err);
/* The next message that belongs to `msgid`; an unanswered request is abandoned. */
int mr_ldap_wait(const struct mr_ldap_call *call, int msgid, LDAPMessage **message,
		 struct mr_error *err) MR_MUST_CHECK;
/* Fails unless the request could be sent, waits for its result and returns -1 unless that is
 * success. `controls` may be NULL; to be freed with ldap_controls_free. */
int mr_ldap_finish(const struct mr_ldap_call *call, int sent, int msgid, LDAPControl ***controls,
		   struct mr_error *err) MR_MUST_CHECK;
/* Result code of a result message, which is freed; *diagnostic (may be NULL) to ldap_memfree. */
int mr_ldap_parse(const struct mr_ldap_call *call, LDAPMessage *message, char **diagnostic,
		  LDAPControl ***controls);
/* mr_ldap_fail with the server's own words. */
int mr_ldap_fail_with(const struct mr_ldap_call *call, int rc, const char *diagnostic,
		      struct mr_error *err);

int mr_ldap_visit(struct mr_directory *dir, struct mr_arena *arena, const struct mr_search *search,
		  mr_entry_visitor visit, void *context, struct mr_error *err);
int mr_ldap_add(struct mr_directory *dir, const struct mr_entry *entry, struct mr_error *err);
int mr_ldap_modify(struct mr_directory *dir, const char *dn, const struct mr_mod *mods,
		   size_t count, struct mr_error *err);
int mr_ldap_delete(struct mr_directory *dir, const char *dn, struct mr_error *err);
int mr_ldap_rename(struct mr_directory *dir, const char *dn, const char *value,
		   struct mr_error *err);
bool mr_ldap_certificate(struct mr_directory *dir, struct mr_buf *der);
int mr_ldap_increment(struct mr_directory *dir, const char *dn, const char *attribute,
		      long long *value, struct mr_error *err);

#endif
