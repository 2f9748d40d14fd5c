#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "adapters/service.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/process.h"
#include "features/move_state.h"

#define LOG_OUT_MS 20000
#define LOG_OUT_PAUSE_US 50000
#define IDLE_MS 600000 /* dsync looks through a large mailbox without a word */
#define PASS_MS (24 * 3600 * 1000)
#define CONFLICT 2 /* exit status of dsync: something has changed meanwhile, run it again */

/* Whether anybody is logged in. */
static int is_in_use(const char *real_address, bool *yes, struct mr_error *err)
{
	const char *const argv[] = { "doveadm", "who", "-1", real_address, NULL };
	const struct mr_process process = { .argv = argv };
	struct mr_process_result result;
	int rc = mr_process_run(&process, &result, err);
	/* The first line is the table's head, which goes to stderr; then one for each session. */
	const char *text = mr_buf_text(&result.output);

	*yes = false;
	if (rc == 0 && result.status != 0)
		rc = mr_fail(err, MR_E_TEMPORARY, "doveadm who: %s", text);
	else if (rc == 0)
		*yes = strstr(text, real_address) != NULL;
	mr_buf_close(&result.output);
	return rc;
}

int mr_move_log_out(struct mr_arena *arena, const char *real_address, struct mr_error *err)
{
	const char *const argv[] = { "doveadm", "kick", real_address, NULL };
	const struct mr_process process = { .argv = argv };
	const long long until = mr_now_ms() + LOG_OUT_MS;
	struct mr_process_result result;
	bool in_use = true;

	(void)arena;
	if (!mr_service_running(MR_SERVICE_DOVECOT, ""))
		return 0;
	while (is_in_use(real_address, &in_use, err) == 0) {
		if (!in_use)
			return 0;
		/* Its status only says whether there was anybody. */
		if (mr_process_run(&process, &result, err) < 0)
			return -1;
		mr_buf_close(&result.output);
		if (mr_left_ms(until) == 0)
			return mr_fail(err, MR_E_TEMPORARY, _("%s cannot be logged out"),
				       real_address);
		(void)usleep(LOG_OUT_PAUSE_US);
	}
	return -1;
}

int mr_move_serve_dsync(struct mr_arena *arena, struct mr_channel *channel, const char *id,
			struct mr_error *err)
{
	const char *const argv[] = { "doveadm", "dsync-server", "-u", id, NULL };
	struct mr_process process = { .argv = argv, .timeout_ms = 60000 };
	struct mr_error why = { 0 };
	struct mr_child *child;
	int ends[2], from, rc;

	(void)arena;
	if (pipe2(ends, O_CLOEXEC) < 0)
		return mr_fail_errno(err, _("starting doveadm"));
	process.in_fd = ends[0];
	rc = mr_process_read_from(&process, &child, &from, err);
	close(ends[0]);
	if (rc == 0)
		rc = mr_channel_pump(channel, from, ends[1], IDLE_MS, err);
	close(ends[1]);
	if (!child)
		return -1;
	if (rc < 0) {
		mr_process_kill(child);
		return -1;
	}
	if (mr_process_end(child, &why) == 0)
		return 0;
	*err = why;
	return -1;
}

int mr_move_output(const char *const *argv, struct mr_buf *out, struct mr_error *err)
{
	const struct mr_process process = { .argv = argv };
	struct mr_child *child;
	char piece[16384];
	ssize_t got;
	int fd;

	if (mr_process_read_from(&process, &child, &fd, err) < 0)
		return -1;
	while ((got = read(fd, piece, sizeof(piece))) > 0)
		mr_buf_add(out, piece, (size_t)got);
	return mr_process_end(child, err);
}

/* \Recent is a matter of sessions, not of the message. */
static void add_line(struct mr_arena *arena, const char *line, struct mr_list *out)
{
	struct mr_list words = mr_list_split(arena, line, ' ');
	MR_BUF text = { 0 };
	const char *tab;

	for (size_t i = 0; i < words.count; i++) {
		const char *word = words.items[i];

		tab = strrchr(word, '\t');
		if (strcmp(tab ? tab + 1 : word, "\\Recent") != 0)
			mr_buf_printf(&text, "%s%s", i ? " " : "", word);
		else if (tab)
			mr_buf_add(&text, word, (size_t)(tab + 1 - word));
	}
	while (text.len && text.data[text.len - 1] == ' ')
		text.data[--text.len] = '\0';
	mr_list_add(arena, out, mr_buf_text(&text));
}

static void add_lines(struct mr_arena *arena, char *text, struct mr_list *out)
{
	char *at = text, *line;

	/* The first line names the columns. */
	(void)strsep(&at, "\n");
	while ((line = strsep(&at, "\n")))
		if (*line)
			add_line(arena, line, out);
}

int mr_move_contents(struct mr_arena *arena, const char *id, struct mr_list *out,
		     struct mr_error *err)
{
	const char *const folders[] = { "doveadm", "-f", "tab", "mailbox",
					"status",  "-u", id,    "messages uidvalidity uidnext",
					"*",       NULL };
	const char *const messages[] = {
		"doveadm", "-f", "tab", "fetch", "-u", id, "mailbox uid guid flags", "all", NULL
	};
	MR_BUF status = { 0 }, fetched = { 0 };

	*out = (struct mr_list){ 0 };
	if (mr_move_output(folders, &status, err) < 0 ||
	    mr_move_output(messages, &fetched, err) < 0)
		return -1;
	if (status.data)
		add_lines(arena, status.data, out);
	if (fetched.data)
		add_lines(arena, fetched.data, out);
	mr_list_sort(out);
	return 0;
}

int mr_move_pass(struct mr_arena *arena, const struct mr_config *config, const char *program,
		 const char *host, const char *user, bool *complete, struct mr_error *err)
{
	/* The last word would be added by doveadm. */
	const char *const argv[] = { "doveadm",
				     "backup",
				     "-R",
				     "-u",
				     mr_move_staged_id(arena, user),
				     program,
				     mr_printf(arena, "--root=%s", config->root),
				     "fetch",
				     host,
				     user,
				     "dsync-server",
				     NULL };
	const struct mr_process process = { .argv = argv, .timeout_ms = PASS_MS };
	struct mr_process_result result;
	int rc = mr_process_run(&process, &result, err);

	*complete = rc == 0 && result.status == 0;
	if (rc == 0 && result.status != 0 && result.status != CONFLICT)
		rc = mr_fail(err, MR_E_TEMPORARY, _("copying the mail of %s from %s: %s"), user,
			     host, mr_buf_text(&result.output));
	mr_buf_close(&result.output);
	return rc;
}
