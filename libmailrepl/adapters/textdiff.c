#include "adapters/textdiff.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/file.h"
#include "base/process.h"

#define TEXTS 3

/* Files without a name, which the programs open by way of /proc. */
struct texts {
	int fds[TEXTS], out;
	char paths[TEXTS][64];
};

static int file_of(const char *text, struct mr_error *err)
{
	int fd = memfd_create("mailrepl", MFD_CLOEXEC);

	if (fd < 0)
		return mr_fail_errno(err, "memfd_create");
	if (mr_write_all(fd, text, strlen(text), err) == 0)
		return fd;
	close(fd);
	return -1;
}

static void texts_close(struct texts *texts)
{
	for (int i = 0; i < TEXTS; i++)
		if (texts->fds[i] >= 0)
			close(texts->fds[i]);
	if (texts->out >= 0)
		close(texts->out);
}

static int texts_open(const char *const *given, struct texts *texts, struct mr_error *err)
{
	*texts = (struct texts){ .fds = { -1, -1, -1 }, .out = -1 };
	for (int i = 0; i < TEXTS; i++) {
		if (!given[i])
			snprintf(texts->paths[i], sizeof(texts->paths[i]), "/dev/null");
		else if ((texts->fds[i] = file_of(given[i], err)) < 0)
			return -1;
		else
			snprintf(texts->paths[i], sizeof(texts->paths[i]), "/proc/%d/fd/%d",
				 (int)getpid(), texts->fds[i]);
	}
	return (texts->out = file_of("", err)) < 0 ? -1 : 0;
}

/* What it wrote goes to `out` unless its status is worse than 1. */
static int run(const struct texts *texts, const char *const *argv, struct mr_buf *out, int *status,
	       struct mr_error *err)
{
	const struct mr_process process = { .argv = argv, .out_fd = texts->out };
	struct mr_process_result result = { 0 };
	char block[16384];
	ssize_t len;
	int rc = mr_process_run(&process, &result, err);

	if (rc == 0 && result.status > 1)
		rc = mr_fail(err, MR_E_SYSTEM, "%s: %s", argv[0], mr_buf_text(&result.output));
	*status = result.status;
	mr_buf_close(&result.output);
	if (rc < 0)
		return -1;
	for (off_t at = 0; (len = pread(texts->out, block, sizeof(block), at)) > 0; at += len)
		mr_buf_add(out, block, (size_t)len);
	return len < 0 ? mr_fail_errno(err, "pread") : 0;
}

int mr_text_diff(const char *name, const char *before, const char *after, struct mr_buf *out,
		 struct mr_error *err)
{
	struct texts texts;
	const char *const given[TEXTS] = { before, after, NULL };
	const char *const argv[] = { "diff",         "-u",
				     "--label",      before ? name : "/dev/null",
				     "--label",      after ? name : "/dev/null",
				     "--",           texts.paths[0],
				     texts.paths[1], NULL };
	int rc = texts_open(given, &texts, err), status;

	if (rc == 0)
		rc = run(&texts, argv, out, &status, err);
	texts_close(&texts);
	return rc;
}

int mr_text_merge(const char *mine, const char *base, const char *theirs, struct mr_buf *out,
		  struct mr_error *err)
{
	struct texts texts;
	const char *const given[TEXTS] = { mine, base, theirs };
	const char *const argv[] = { "diff3",        "-m",           "--", texts.paths[0],
				     texts.paths[1], texts.paths[2], NULL };
	MR_BUF merged = { 0 };
	int rc = texts_open(given, &texts, err), status;

	if (rc == 0)
		rc = run(&texts, argv, &merged, &status, err);
	texts_close(&texts);
	if (rc < 0)
		return -1;
	if (status != 0)
		return mr_fail(err, MR_E_EXISTS, _("the same lines have changed in two ways"));
	mr_buf_add(out, mr_buf_text(&merged), merged.len);
	return 0;
}
