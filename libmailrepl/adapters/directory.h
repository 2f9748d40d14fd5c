/* The directory: the only way to libldap and libsasl2. Every call has a deadline.
 *
 *	struct mr_directory *dir;
 *	if (mr_directory_open(&(struct mr_directory_target){ .uri = uri, .deadline_ms = 5000 }, &dir, err) < 0)
 *		return -1;
 *	struct mr_search find = { .base = base, .filter = mr_filter(arena, "(uid=%s)", user) };
 *	if (mr_directory_list(dir, arena, &find, &entries, err) < 0) ...
 *
 * A second backend lives in memory and is fed from LDIF: what a test gives to the features in place of
 * a server. It knows the filters and operations that mailrepl uses and refuses others. */
#ifndef MR_ADAPTERS_DIRECTORY_H
#define MR_ADAPTERS_DIRECTORY_H

#include "base/entry.h"

struct mr_directory;

/* Over ldapi:// the bind is SASL EXTERNAL with the caller's uid. Over ldap:// StartTLS is demanded,
 * the server's certificate is checked against `ca_file` and the host in the URI, and the bind is SASL
 * EXTERNAL with `cert_file` and `key_file` (all three needed). */
struct mr_directory_target {
	const char *uri; /* "ldapi://%2Frun%2Fmailrepl%2Fldapi" or "ldap://mail2.lan:3890" */
	const char *ca_file, *cert_file, *key_file;
	/* Over ldapi:// only: a simple bind as this entry instead, with its password, which is wiped
	 * from the library's copies. Wrong, or no such entry: MR_E_DENIED. */
	const char *bind_dn;              /* NULL: SASL EXTERNAL */
	const struct mr_secret *password; /* not empty */
	int deadline_ms; /* of opening and of each later call; 0: 10 seconds */
};

/* MR_E_UNAVAILABLE: nobody answers, or not in time (so every later call, too; a visit has that time for
 * each page, the visitor's own not counted). MR_E_DENIED: the server refuses us, or we do not trust
 * its certificate. MR_E_CONFIG: a URI or a file that is of no use. A connection that was lost stays
 * lost: close it and open another. ldap.conf, ldaprc and LDAP* variables are never read. */
int mr_directory_open(const struct mr_directory_target *target, struct mr_directory **out,
		      struct mr_error *err) MR_MUST_CHECK;
/* An in-memory directory from LDIF content records (RFC 2849); `ldif` may be "". */
int mr_directory_open_memory(const char *ldif, struct mr_directory **out,
			     struct mr_error *err) MR_MUST_CHECK;
void mr_directory_close(struct mr_directory *dir); /* NULL-safe */
#define MR_DIRECTORY __attribute__((cleanup(mr_directory_closep))) struct mr_directory *
void mr_directory_closep(struct mr_directory **dir);

/* Appends the certificate (DER) with which the server showed who it is; false: it showed none, as
 * over ldapi. */
bool mr_directory_certificate(struct mr_directory *dir, struct mr_buf *der);

/* The URI of slapd's socket: "ldapi://" and the path, percent-encoded. */
char *mr_directory_socket_uri(struct mr_arena *arena, const char *path);

enum mr_scope { MR_SCOPE_SUBTREE, MR_SCOPE_ONE, MR_SCOPE_BASE };

struct mr_search {
	const char *base;
	enum mr_scope scope;
	const char *filter;       /* NULL: (objectClass=*). Made with mr_filter, never by hand from input */
	const char *const *attrs; /* NULL: all user attributes; else ends in NULL ("*", "+" allowed) */
	int size_limit;           /* 0: none; reaching it is no error: the first entries are returned */
	struct mr_secret *password; /* or NULL: userPassword goes there and not into the arena, and is the attribute's
				       secret. For one entry with one password: a second value is MR_E_INVALID */
};

/* Called for each entry; `entry` and its arena are gone after the call returns. -1 ends the search.
 * Must not search through the same directory: a server keeps one paged search a connection. */
typedef int (*mr_entry_visitor)(void *context, const struct mr_entry *entry, struct mr_error *err);

/* Streams; paged (RFC 2696), so memory does not grow with the result. A base that does not exist:
 * MR_E_NOT_FOUND. A result that the server cut short is an error, never taken for the whole. */
int mr_directory_visit(struct mr_directory *dir, const struct mr_search *search,
		       mr_entry_visitor visit, void *context, struct mr_error *err) MR_MUST_CHECK;
/* Appends all matches to `out`. A base that does not exist gives none. */
int mr_directory_list(struct mr_directory *dir, struct mr_arena *arena, const struct mr_search *search,
		      struct mr_entries *out, struct mr_error *err) MR_MUST_CHECK;
/* *out = the entry, or NULL if there is none. `attrs` as in mr_search. */
int mr_directory_read(struct mr_directory *dir, struct mr_arena *arena, const char *dn,
		      const char *const *attrs, struct mr_entry **out,
		      struct mr_error *err) MR_MUST_CHECK;

/* The same with all user attributes, the password in `password`, which must outlive the entry. */
int mr_directory_read_whole(struct mr_directory *dir, struct mr_arena *arena, const char *dn,
			    struct mr_secret *password, struct mr_entry **out,
			    struct mr_error *err) MR_MUST_CHECK;

/* MR_E_EXISTS: the DN is taken. Secrets are sent, then wiped from the library's copies. */
int mr_directory_add(struct mr_directory *dir, const struct mr_entry *entry,
		     struct mr_error *err) MR_MUST_CHECK;
/* MR_E_NOT_FOUND: no such entry. MR_E_EXISTS: a value to add is there, or a value to delete is not. */
int mr_directory_modify(struct mr_directory *dir, const char *dn, const struct mr_mod *mods,
			size_t count, struct mr_error *err) MR_MUST_CHECK;
int mr_directory_delete(struct mr_directory *dir, const char *dn, struct mr_error *err) MR_MUST_CHECK;
/* The entry's name becomes "<the same type>=<value>", below the same parent; the old value goes from its
 * attributes. In one step: there is no moment without the entry. MR_E_NOT_FOUND: no such entry.
 * MR_E_EXISTS: the new name is taken. */
int mr_directory_rename(struct mr_directory *dir, const char *dn, const char *value,
			struct mr_error *err) MR_MUST_CHECK;
/* Adds 1 to an integer attribute (RFC 4525) and returns the new value (post-read, RFC 4527).
 * MR_E_NOT_FOUND: no such entry or attribute. */
int mr_directory_increment(struct mr_directory *dir, const char *dn, const char *attribute,
			   long long *value, struct mr_error *err) MR_MUST_CHECK;

/* The one function for filters: %s is replaced by its argument with everything escaped that RFC 4515
 * requires; no other conversion exists. */
char *mr_filter(struct mr_arena *arena, const char *fmt, ...) MR_PRINTF(2, 3);
/* The one function for DNs: "<type>=<escaped value>,<parent>" (RFC 4514). */
char *mr_dn(struct mr_arena *arena, const char *type, const char *value, const char *parent);
/* `dn` with another value in its first RDN: what mr_directory_rename makes of it. NULL if the DN is malformed. */
char *mr_dn_renamed(struct mr_arena *arena, const char *dn, const char *value);
/* The value of the first RDN, unescaped; NULL if the DN is malformed. */
char *mr_dn_value(struct mr_arena *arena, const char *dn);
/* Equal after normalising case, spaces and escapes. */
bool mr_dn_equal(const char *a, const char *b);

#endif
