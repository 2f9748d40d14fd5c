#include "replication/actions.h"

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "adapters/json.h"
#include "base/log.h"
#include "features/instance.h"
#include "features/status.h"

#define WATCH_SECONDS 5

static int write_files(const struct replication *wanted, const struct mr_status *status,
		       struct mr_error *err)
{
	MR_BUF metrics = { 0 }, page = { 0 };

	if (wanted->prometheus) {
		mr_status_prometheus(status, &metrics);
		if (mr_file_replace(wanted->prometheus, metrics.data, metrics.len, MR_FILE_PUBLIC,
				    err) < 0)
			return -1;
	}
	if (wanted->html) {
		mr_status_html(status, &page);
		if (mr_file_replace(wanted->html, page.data, page.len, MR_FILE_PUBLIC, err) < 0)
			return -1;
	}
	return 0;
}

static void print(const struct cl_context *context, const struct mr_status *status,
		  struct mr_arena *arena)
{
	const struct replication *wanted = context->data;
	MR_BUF text = { 0 };

	if (context->quiet)
		return;
	if (context->json) {
		fputs(mr_json_format(arena, mr_status_value(arena, status)), stdout);
		return;
	}
	mr_status_text(status, context->verbose > 0, &text);
	/* To the top, and away with what was there: a terminal keeps what is the same without a
	 * flicker. */
	if (wanted->watch && isatty(STDOUT_FILENO))
		fputs("\033[H\033[2J", stdout);
	fputs(mr_buf_text(&text), stdout);
}

static int show(struct cl_context *context, struct mr_directory *dir,
		const struct mr_topology *topology, struct mr_arena *arena, struct mr_error *err)
{
	const struct replication *wanted = context->data;
	struct mr_status status;

	if (mr_status_ask(arena, &context->config, dir, topology, !wanted->quick && !wanted->watch,
			  &status, err) < 0 ||
	    write_files(wanted, &status, err) < 0)
		return -1;
	print(context, &status, arena);
	context->status = (int)status.outcome;
	return 0;
}

/* Each round with a connection and a topology of its own: slapd may have been restarted, hosts may
 * have come. */
static int show_again(struct cl_context *context, struct mr_error *err)
{
	MR_ARENA arena = mr_arena_open();
	MR_DIRECTORY dir = NULL;
	struct mr_topology topology;

	if (mr_instance_open(arena, &context->config, &dir, err) < 0 ||
	    mr_instance_topology(arena, dir, &context->config, &topology, err) < 0)
		return -1;
	return show(context, dir, &topology, arena, err);
}

static volatile sig_atomic_t interrupted;

static void interrupt(int signal)
{
	(void)signal;
	interrupted = 1;
}

/* Until ^C: then the exit status is that of the last round. */
static int watch(struct cl_context *context, struct mr_error *err)
{
	struct sigaction action = { .sa_handler = interrupt };
	sigset_t blocked, before;

	sigemptyset(&blocked);
	sigaddset(&blocked, SIGINT);
	sigaction(SIGINT, &action, NULL);
	while (!interrupted) {
		struct timespec pause = { .tv_sec = WATCH_SECONDS };

		if (show_again(context, err) < 0)
			mr_log(MR_LOG_ERROR, "%s", err->message);
		if (fflush(stdout) != 0)
			return mr_fail_errno(err, _("writing to standard output"));
		/* pselect alone lets the signal in, so that none is lost between the test and the
		 * wait. */
		sigprocmask(SIG_BLOCK, &blocked, &before);
		if (!interrupted)
			pselect(0, NULL, NULL, NULL, &pause, &before);
		sigprocmask(SIG_SETMASK, &before, NULL);
	}
	return 0;
}

int replication_status_run(struct cl_context *context, struct mr_error *err)
{
	const struct replication *wanted = context->data;

	if (wanted->watch)
		return watch(context, err);
	return show(context, context->dir, &context->topology, context->arena, err);
}
