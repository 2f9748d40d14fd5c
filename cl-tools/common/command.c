#include "common/cl.h"

#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "adapters/json.h"
#include "base/file.h"
#include "base/log.h"
#include "base/paths.h"
#include "common/options.h"
#include "features/instance.h"

/* mailrepl-watch may be rendering; who waits for long is told for whom. */
#define LOCK_SILENT_MS 3000
#define LOCK_TIMEOUT_MS 60000

static int check_user(const struct cl_context *context, const struct cl_command *command,
		      const struct cl_start *start, struct mr_error *err)
{
	if (!(command->needs & CL_ROOT) || context->self || *start->root || geteuid() == 0)
		return 0;
	return mr_fail(
		err, MR_E_DENIED,
		_("only root may do this (or anybody with a private instance: --root FOLDER)"));
}

int cl_require_config(const struct cl_context *context, struct mr_error *err)
{
	if (context->config.exists && context->config.host)
		return 0;
	return mr_fail(err, MR_E_CONFIG,
		       _("mailrepl is not set up here (%s): run cl-setup on the first server of a "
			 "mail domain, "
			 "cl-rebuild --repl on the others"),
		       context->config.path);
}

static int prepare(struct cl_context *context, const struct cl_command *command,
		   const struct cl_start *start, struct mr_error *err)
{
	if (mr_config_load(context->arena, start->root, start->config, &context->config, err) < 0)
		return -1;
	if (command->check && command->check(context, err) < 0)
		return -1;
	return command->needs & (CL_CONFIG | CL_DIRECTORY) ? cl_require_config(context, err) : 0;
}

static int take_lock(struct cl_context *context, int *lock, struct mr_error *err)
{
	const char *folder = mr_path(context->arena, context->config.root, MR_PATH_STATE);
	const char *path = mr_path(context->arena, context->config.root, MR_PATH_LOCK);

	/* The very first command of a host takes it before there is any state. */
	if (!mr_path_exists(folder) &&
	    mr_folder_make(folder, (struct mr_file_attrs){ 0755, (uid_t)-1, (gid_t)-1 }, err) < 0)
		return -1;
	if (mr_lock_open(path, LOCK_SILENT_MS, lock, err) == 0)
		return 0;
	if (err->code != MR_E_TEMPORARY)
		return -1;
	mr_log(MR_LOG_WARNING, _("waiting for another command, at most %d seconds (%s)"),
	       LOCK_TIMEOUT_MS / 1000, err->message);
	return mr_lock_open(path, LOCK_TIMEOUT_MS, lock, err);
}

static int open_directory(struct cl_context *context, struct mr_error *err)
{
	if (mr_instance_open(context->arena, &context->config, &context->dir, err) < 0)
		return -1;
	if (mr_instance_topology(context->arena, context->dir, &context->config, &context->topology,
				 err) == 0)
		return 0;
	if (!context->repairs)
		return -1;
	context->topology = (struct mr_topology){ 0 };
	return 0;
}

static int run(struct cl_context *context, const struct cl_command *command,
	       const struct cl_start *start, struct mr_error *err)
{
	int lock = -1, result = -1;

	context->self = command->needs & CL_SELF && !*start->root && geteuid() != 0;
	if (check_user(context, command, start, err) < 0 ||
	    prepare(context, command, start, err) < 0)
		return -1;
	if (context->self) {
		result = command->run(context, err);
		mr_directory_close(context->dir);
		return result;
	}
	if (command->needs & CL_LOCK && !context->dry_run && !context->reads &&
	    take_lock(context, &lock, err) < 0)
		return -1;
	if (!(command->needs & CL_DIRECTORY) || open_directory(context, err) == 0)
		result = command->run(context, err);
	mr_directory_close(context->dir);
	mr_lock_close(lock);
	return result;
}

static int start(int argc, char **argv, const struct cl_command *command,
		 struct cl_context *context, struct mr_error *err)
{
	struct cl_start wanted;

	if (cl_options_parse(argc, argv, command, context, &wanted, err) < 0)
		return -1;
	mr_log_init(command->name, context->quiet     ? MR_LOG_WARNING
				   : context->verbose ? MR_LOG_DEBUG
						      : MR_LOG_INFO);
	if (wanted.help) {
		cl_options_help(command);
		return 0;
	}
	if (wanted.version) {
		printf("%s (mailrepl) %s\n", command->name, MR_VERSION);
		return 0;
	}
	return run(context, command, &wanted, err);
}

static void print_json_error(struct mr_arena *arena, const struct mr_error *err)
{
	struct mr_value *top = mr_value_object(arena), *error = mr_value_object(arena);

	mr_value_set_string(arena, error, "code", mr_error_word(err->code));
	mr_value_set_string(arena, error, "message", err->message);
	mr_value_set(arena, top, "error", error);
	fputs(mr_json_format(arena, top), stdout);
}

int cl_main(int argc, char **argv, const struct cl_command *command)
{
	MR_ARENA arena = mr_arena_open();
	struct cl_context context = { .arena = arena, .data = command->data };
	struct mr_error err = { 0 };
	int result;

	/* Only what messages and tables need: each category costs some files at every start. */
	setlocale(LC_CTYPE, "");
	setlocale(LC_MESSAGES, "");
	bindtextdomain(MR_TEXT_DOMAIN, MR_LOCALE_DIR);
	umask(022);
	mr_log_init(command->name, MR_LOG_INFO);
	result = start(argc, argv, command, &context, &err);
	mr_progress_end();
	if (result < 0 && context.json)
		print_json_error(arena, &err);
	if ((fflush(stdout) != 0 || ferror(stdout)) && result == 0)
		result = mr_fail_errno(&err, _("writing to standard output"));
	if (result == 0)
		return context.status;
	mr_log(MR_LOG_ERROR, "%s", err.message);
	return mr_error_status(err.code);
}
