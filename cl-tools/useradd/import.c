#include "useradd/import.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "adapters/json.h"
#include "base/log.h"
#include "features/import_confirm.h"
#include "features/import_offline.h"

#define MOST_BYTES ((size_t)1 << 30)

int useradd_import_check(struct cl_context *context, struct mr_error *err)
{
	if (context->dry_run || !context->config.exists)
		return 0;
	return mr_import_recover(&context->config, err);
}

/* *open: others may read it. */
static int read_file(const char *path, struct mr_secret *text, bool *open_to_all,
		     struct mr_error *err)
{
	bool is_stdin = strcmp(path, "-") == 0;
	int fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	int rc;

	*open_to_all = false;
	if (fd < 0)
		return mr_fail_errno(err, "%s", path);
	if (!is_stdin && fstat(fd, &st) == 0)
		*open_to_all = st.st_mode & (S_IRGRP | S_IROTH);
	rc = mr_secret_read(text, fd, MOST_BYTES, err);
	if (!is_stdin)
		close(fd);
	return rc < 0 ? mr_fail_in(err, "%s", path) : 0;
}

static size_t bad_lines(const struct mr_import_file *file)
{
	size_t count = 0;

	for (size_t i = 0; i < file->problem_count; i++)
		count += i == 0 || file->problems[i].line != file->problems[i - 1].line;
	return count;
}

static void log_problems(const char *path, const struct mr_import_file *file,
			 enum mr_log_level level)
{
	for (size_t i = 0; i < file->problem_count; i++)
		mr_log(level, "%s:%lu: %s", strcmp(path, "-") == 0 ? _("standard input") : path,
		       file->problems[i].line, file->problems[i].text);
}

static struct mr_value *problems_value(struct mr_arena *arena, const struct mr_import_file *file)
{
	struct mr_value *list = mr_value_list(arena);

	for (size_t i = 0; i < file->problem_count; i++) {
		struct mr_value *one = mr_value_append(arena, list, mr_value_object(arena));

		mr_value_set_int(arena, one, "line", (long long)file->problems[i].line);
		mr_value_set_string(arena, one, "message", file->problems[i].text);
	}
	return list;
}

static int refuse(struct cl_context *context, const struct mr_import_file *file)
{
	struct mr_arena *arena = context->arena;
	const char *message =
		mr_printf(arena, _("%zu bad lines, nothing was written"), bad_lines(file));

	context->status = EX_DATAERR;
	mr_log(MR_LOG_ERROR, "%s", message);
	if (context->json) {
		struct mr_value *top = mr_value_object(arena), *error = mr_value_object(arena);

		mr_value_set_string(arena, error, "code", mr_error_word(MR_E_INVALID));
		mr_value_set_string(arena, error, "message", message);
		mr_value_set(arena, top, "error", error);
		mr_value_set(arena, top, "problems", problems_value(arena, file));
		fputs(mr_json_format(arena, top), stdout);
	}
	return 0;
}

static struct mr_value *result_of(struct mr_arena *arena, const struct mr_import *import)
{
	struct mr_value *top = mr_value_object(arena), *counts = mr_value_object(arena);

	mr_value_set_int(arena, counts, "added", (long long)import->added);
	mr_value_set_int(arena, counts, "completed", (long long)import->completed);
	mr_value_set_int(arena, counts, "unchanged", (long long)import->skipped);
	mr_value_set_int(arena, counts, "bad_lines", (long long)bad_lines(import->file));
	mr_value_set(arena, top, "import", counts);
	mr_value_set(arena, top, "problems", problems_value(arena, import->file));
	return top;
}

/* Whoever has a rival is left with it: which of the two is right a program cannot know. */
static void confirm(struct cl_context *context, const struct mr_import *import, long long begin)
{
	struct mr_list rivals = { 0 };

	if (import->added + import->completed)
		mr_import_confirm(import, begin, &rivals);
	for (size_t i = 0; i < rivals.count; i++)
		mr_log(MR_LOG_WARNING, "%s", rivals.items[i]);
	if (rivals.count)
		context->status = EX_TEMPFAIL;
}

static int apply(struct cl_context *context, struct mr_import *import, long long begin,
		 struct mr_error *err)
{
	struct mr_plan plan = { 0 };
	int rc;

	mr_import_plan(import, &plan);
	rc = cl_finish(context, &plan, result_of(context->arena, import), err);
	mr_progress_end();
	if (rc < 0)
		return mr_fail_in(err, _("interrupted (run it again, it goes on from there)"));
	if (!context->dry_run)
		mr_log(MR_LOG_INFO,
		       _("%zu users added, %zu completed, %zu were there already, %zu bad lines"),
		       import->added, import->completed, import->skipped, bad_lines(import->file));
	if (!context->dry_run)
		confirm(context, import, begin);
	if (import->file->problem_count)
		context->status = EX_DATAERR;
	return 0;
}

static int import_text(struct cl_context *context, const char *path, const struct mr_secret *text,
		       const char *host, bool partial, struct mr_import_file *file,
		       struct mr_import *import, struct mr_error *err)
{
	const long long begin = (long long)time(NULL);

	mr_import_file_parse(context->arena, path, text->data, text->len, file);
	if (mr_import_check(context->arena, &context->config, context->dir, &context->topology,
			    host, file, import, err) < 0)
		return -1;
	mr_progress_end();
	log_problems(path, file, partial ? MR_LOG_WARNING : MR_LOG_ERROR);
	if (file->problem_count && (!partial || !file->count))
		return refuse(context, file);
	return apply(context, import, begin, err);
}

int useradd_import(struct cl_context *context, const char *path, const char *host, bool partial,
		   struct mr_error *err)
{
	struct mr_import_file file = { 0 };
	struct mr_import import = { 0 };
	MR_SECRET text = { 0 };
	bool open_to_all;
	int rc;

	if (read_file(path, &text, &open_to_all, err) < 0)
		return -1;
	rc = import_text(context, path, &text, host, partial, &file, &import, err);
	if (file.secrets && open_to_all)
		mr_log(MR_LOG_WARNING,
		       _("%s holds passwords or hashes, and others may read it: chmod 600 %s"),
		       path, path);
	mr_import_close(&import);
	mr_import_file_close(&file);
	return rc;
}
