#include "features/mailbox_folder.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/paths.h"
#include "base/process.h"

struct removal {
	struct mr_arena *arena;
	const struct mr_config *config;
	const char *mailbox, *path, *away;
};

static const char *path_of(struct mr_arena *arena, const struct mr_config *config,
			   const char *mailbox, const char *prefix)
{
	return mr_path(arena, config->root,
		       mr_printf(arena, MR_PATH_MAILBOXES "/%s%.*s", prefix,
				 (int)strcspn(mailbox, "@"), mailbox));
}

int mr_mailbox_folder_read(struct mr_arena *arena, const struct mr_config *config,
			   const char *mailbox, struct mr_mailbox_folder *out, struct mr_error *err)
{
	static const char *const messages[] = { "cur", "new", NULL };
	const char *path = path_of(arena, config, mailbox, "");

	*out = (struct mr_mailbox_folder){ 0 };
	if (!mr_path_exists(path))
		return 0;
	out->path = path;
	return mr_tree_measure(path, messages, &out->bytes, &out->messages, err);
}

char *mr_mailbox_folder_format(struct mr_arena *arena, const struct mr_mailbox_folder *folder)
{
	static const char *const units[] = { "B", "kB", "MB", "GB", "TB" };
	double size = (double)folder->bytes;
	size_t unit = 0;

	while (size >= 1000 && unit + 1 < sizeof(units) / sizeof(units[0])) {
		size /= 1000;
		unit++;
	}
	return mr_printf(arena,
			 folder->messages == 1 ? _("%llu message, %.*f %s")
					       : _("%llu messages, %.*f %s"),
			 folder->messages, unit > 0, size, units[unit]);
}

/* Who is logged in would go on in a folder that is not there, or make it again. Where Dovecot does
 * not run nobody is. */
static int end_sessions(void *argument, struct mr_error *err)
{
	const struct removal *removal = argument;
	const char *const argv[] = { "doveadm", "kick", removal->mailbox, NULL };
	struct mr_process_result result = { 0 };

	if (mr_process_run(&(struct mr_process){ .argv = argv }, &result, err) < 0 &&
	    err->code != MR_E_SYSTEM)
		return -1;
	mr_buf_close(&result.output);
	return 0;
}

/* In one step, so that a mailbox is whole or gone. */
static int put_away(void *argument, struct mr_error *err)
{
	const struct removal *removal = argument;

	if (mr_tree_remove(removal->away, err) < 0)
		return -1;
	if (rename(removal->path, removal->away) < 0 && errno != ENOENT)
		return mr_fail_errno(err, _("putting %s away"), removal->path);
	return mr_folder_sync(mr_path(removal->arena, removal->config->root, MR_PATH_MAILBOXES),
			      err);
}

static int remove_away(void *argument, struct mr_error *err)
{
	const struct removal *removal = argument;

	return mr_tree_remove(removal->away, err);
}

void mr_mailbox_remove_plan(struct mr_arena *arena, const struct mr_config *config,
			    const char *mailbox, struct mr_plan *plan)
{
	struct removal *removal = MR_NEW(arena, struct removal);
	bool is_there;

	*removal = (struct removal){
		.arena = arena,
		.config = config,
		.mailbox = mailbox,
		.path = path_of(arena, config, mailbox, ""),
		.away = path_of(arena, config, mailbox, ".removed-"),
	};
	is_there = mr_path_exists(removal->path);
	if (is_there) {
		if (config->mail_manage)
			mr_plan_action(arena, plan, end_sessions, removal,
				       mr_printf(arena, _("end the sessions of %s"), mailbox));
		mr_plan_action(arena, plan, put_away, removal,
			       mr_printf(arena, _("put away the mail of %s"), mailbox));
	}
	if (is_there || mr_path_exists(removal->away))
		mr_plan_action(arena, plan, remove_away, removal,
			       mr_printf(arena, _("remove the mail of %s"), mailbox));
}
