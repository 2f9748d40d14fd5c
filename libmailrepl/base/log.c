#include "base/log.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/strings.h"

#define LINE_SIZE 2048
#define TERMINAL_INTERVAL_MS 100
#define FILE_INTERVAL_MS 5000

static struct {
	const char *program; /* NULL: silent */
	enum mr_log_level most;
	bool terminal;
} logger;

static struct {
	char what[128];
	unsigned long long done, total, first;
	long long start_ms, next_ms;
	bool running, drawn, bytes;
} progress;

void mr_log_init(const char *program, enum mr_log_level most)
{
	logger.program = program;
	logger.most = most;
	logger.terminal = isatty(STDERR_FILENO) == 1;
	openlog(program, LOG_PID, LOG_MAIL);
}

/* One write(2) a line, so that lines of two processes do not mix. */
static void write_line(const char *head, char *text, const char *tail)
{
	char line[LINE_SIZE + 256];
	ssize_t written;
	int len;

	mr_printable(text);
	len = snprintf(line, sizeof(line), "%s%s%s", head, text, tail);
	if (len < 0)
		return;
	written = write(STDERR_FILENO, line,
			(size_t)len < sizeof(line) ? (size_t)len : sizeof(line) - 1);
	(void)written; /* there is nobody to tell that the log is gone */
}

void mr_log(enum mr_log_level level, const char *fmt, ...)
{
	char head[128], text[LINE_SIZE];
	va_list args;

	if (!logger.program || level > logger.most)
		return;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	/* A progress line that stands on the terminal is wiped, and drawn again at the next call.
	 */
	snprintf(head, sizeof(head), "%s%s: ", progress.drawn && logger.terminal ? "\r\033[K" : "",
		 logger.program);
	progress.next_ms = progress.drawn && logger.terminal ? 0 : progress.next_ms;
	write_line(head, text, "\n");
}

void mr_audit(const char *fmt, ...)
{
	char text[LINE_SIZE];
	va_list args;

	if (!logger.program)
		return;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	mr_printable(text);
	syslog(LOG_MAIL | LOG_NOTICE, "%s", text);
}

static void format_duration(char *text, size_t size, unsigned long long seconds)
{
	if (seconds >= 3600)
		snprintf(text, size, "%lluh %02llum", seconds / 3600, seconds / 60 % 60);
	else if (seconds >= 60)
		snprintf(text, size, "%llum %02llus", seconds / 60, seconds % 60);
	else
		snprintf(text, size, "%llus", seconds);
}

static void format_amount(char *text, size_t size, double amount)
{
	if (progress.bytes)
		snprintf(text, size, _("%.1f MB"), amount / 1e6);
	else
		snprintf(text, size, "%.0f", amount);
}

static void draw(long long now)
{
	unsigned long long elapsed = (unsigned long long)(now - progress.start_ms);
	double rate =
		elapsed ? (double)(progress.done - progress.first) * 1000.0 / (double)elapsed : 0;
	char text[LINE_SIZE], left[64], head[128], done[32], total[32], pace[32];

	format_amount(done, sizeof(done), (double)progress.done);
	format_amount(total, sizeof(total), (double)progress.total);
	format_amount(pace, sizeof(pace), rate);
	if (progress.total && progress.done < progress.total && rate > 0) {
		format_duration(
			left, sizeof(left),
			(unsigned long long)((double)(progress.total - progress.done) / rate));
		snprintf(text, sizeof(text), _("%s: %s of %s, %s/s, %s left"), progress.what, done,
			 total, pace, left);
	} else if (progress.total) {
		snprintf(text, sizeof(text), _("%s: %s of %s, %s/s"), progress.what, done, total,
			 pace);
	} else {
		snprintf(text, sizeof(text), _("%s: %s, %s/s"), progress.what, done, pace);
	}
	snprintf(head, sizeof(head), "%s%s: ", logger.terminal ? "\r" : "", logger.program);
	write_line(head, text, logger.terminal ? "\033[K" : "\n");
	progress.drawn = true;
	progress.next_ms = now + (logger.terminal ? TERMINAL_INTERVAL_MS : FILE_INTERVAL_MS);
}

static void start(const char *what, unsigned long long done, long long now)
{
	mr_progress_end();
	memset(&progress, 0, sizeof(progress));
	snprintf(progress.what, sizeof(progress.what), "%s", what);
	progress.first = done;
	progress.start_ms = now;
	/* Short work says nothing at all. */
	progress.next_ms = now + (logger.terminal ? 5 * TERMINAL_INTERVAL_MS : FILE_INTERVAL_MS);
	progress.running = true;
}

static void go_on(const char *what, unsigned long long done, unsigned long long total, bool bytes)
{
	long long now;

	if (!logger.program || logger.most < MR_LOG_INFO)
		return;
	now = mr_now_ms();
	if (!progress.running || done < progress.done ||
	    strncmp(progress.what, what, sizeof(progress.what) - 1) != 0)
		start(what, done, now);
	progress.done = done;
	progress.total = total;
	progress.bytes = bytes;
	if (now >= progress.next_ms)
		draw(now);
}

void mr_progress(const char *what, unsigned long long done, unsigned long long total)
{
	go_on(what, done, total, false);
}

void mr_progress_bytes(const char *what, unsigned long long done, unsigned long long total)
{
	go_on(what, done, done > total ? 0 : total, true);
}

void mr_progress_end(void)
{
	if (progress.running && progress.drawn) {
		draw(mr_now_ms());
		if (logger.terminal)
			write_line("", (char[]){ "" }, "\n");
	}
	progress.running = false;
	progress.drawn = false;
}
