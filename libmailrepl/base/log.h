/* The log is stderr, for people; syslog (facility mail) takes one audit line per applied step.
 * Results belong to stdout and are printed by cl-tools, never here. */
#ifndef MR_BASE_LOG_H
#define MR_BASE_LOG_H

#include "base/error.h"

enum mr_log_level { MR_LOG_ERROR, MR_LOG_WARNING, MR_LOG_INFO, MR_LOG_DEBUG };

/* `program` is borrowed for the life of the process. Until this is called the log is silent, so
 * that a test that uses the library prints nothing. */
void mr_log_init(const char *program, enum mr_log_level most);

/* One line "program: text" on stderr if `level` is within the chosen one. */
void mr_log(enum mr_log_level level, const char *fmt, ...) MR_PRINTF(2, 3);

/* One line to syslog(3), LOG_MAIL | LOG_NOTICE. Never a secret. */
void mr_audit(const char *fmt, ...) MR_PRINTF(1, 2);

/* Progress of long work on stderr: redrawn in place on a terminal, else a line every five seconds.
 * `total` 0: unknown. Shows count, rate and time left. A call costs nothing until it is time to
 * draw. */
void mr_progress(const char *what, unsigned long long done, unsigned long long total);
/* The same in bytes, shown as megabytes (10^6). A `total` that was only expected and is exceeded
 * counts as unknown. */
void mr_progress_bytes(const char *what, unsigned long long done, unsigned long long total);
void mr_progress_end(void);

#endif
