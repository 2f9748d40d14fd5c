/* Errors: found where they happen, given context on the way up, printed once by the caller.
 *
 *	struct mr_error err = { 0 };
 *	if (mr_file_read(arena, path, MAX, &text, &len, &err) < 0)
 *		return mr_fail_in(&err, "reading the topology");
 *
 * A function that can fail returns 0 or -1 and takes `struct mr_error *err` as its last argument,
 * which is never NULL. After 0 the content of *err is unspecified. */
#ifndef MR_BASE_ERROR_H
#define MR_BASE_ERROR_H

#include <sysexits.h>

#include "base/i18n.h"

/* code, exit status (sysexits.h), the word in --json output */
#define MR_ERROR_CODES(X)                                                                          \
	X(OK, EX_OK, "ok")                                                                         \
	X(USAGE, EX_USAGE, "usage")           /* wrong options or arguments */                     \
	X(INVALID, EX_DATAERR, "invalid")     /* a value that is malformed or not allowed */       \
	X(ARCHIVE, EX_DATAERR, "bad-archive") /* truncated, altered, foreign or hostile */         \
	X(NOT_FOUND, EX_NOINPUT, "not-found") /* file, entry or archive that must exist */         \
	X(NO_USER, EX_NOUSER, "no-user")                                                           \
	X(NO_HOST, EX_NOHOST, "no-host")              /* host that is not in the topology */       \
	X(UNAVAILABLE, EX_UNAVAILABLE, "unavailable") /* a server that does not answer */          \
	X(INTERNAL, EX_SOFTWARE, "internal")                                                       \
	X(SYSTEM, EX_OSERR, "system")     /* fork, exec, a program that failed */                  \
	X(EXISTS, EX_CANTCREAT, "exists") /* already there, or owned by somebody else */           \
	X(IO, EX_IOERR, "io")                                                                      \
	X(TEMPORARY, EX_TEMPFAIL, "temporary") /* deadline passed, lock held: try again */         \
	X(PROTOCOL, EX_PROTOCOL, "protocol")   /* a server's answer makes no sense */              \
	X(DENIED, EX_NOPERM, "denied")                                                             \
	X(CONFIG, EX_CONFIG, "config") /* configuration, template or set-up is wrong */

enum mr_error_code {
#define MR_ERROR_ENUM(code, status, word) MR_E_##code,
	MR_ERROR_CODES(MR_ERROR_ENUM)
#undef MR_ERROR_ENUM
};

struct mr_error {
	enum mr_error_code code;
	char message[1024]; /* UTF-8, one line, no trailing newline; cut with "..." when longer */
};

#define MR_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#define MR_MUST_CHECK __attribute__((warn_unused_result))

/* Sets code and message; control characters in the result become '?'. Always returns -1. */
int mr_fail(struct mr_error *err, enum mr_error_code code, const char *fmt, ...) MR_PRINTF(3, 4);

/* Puts "<context>: " before the message and keeps the code. Always returns -1. */
int mr_fail_in(struct mr_error *err, const char *fmt, ...) MR_PRINTF(2, 3);

/* "<context>: <strerror(errno)>", code chosen from errno (ENOENT: NOT_FOUND, EACCES and EPERM:
 * DENIED, EAGAIN and ETIMEDOUT: TEMPORARY, otherwise IO). Always returns -1. */
int mr_fail_errno(struct mr_error *err, const char *fmt, ...) MR_PRINTF(2, 3);

int mr_error_status(enum mr_error_code code);       /* exit status of sysexits.h */
const char *mr_error_word(enum mr_error_code code); /* static, for --json */

#endif
