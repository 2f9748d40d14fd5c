#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "common/cl.h"
#include "features/user_remove.h"

#define MOST_DAYS 36500

enum { KEY_HOLD = 256, KEY_RELEASE, KEY_OWNER };

struct userdel {
	struct mr_user_removal removal;
	const char *release; /* as typed, or NULL */
};

static const struct cl_option options[] = {
	{ 'r', "remove-mail", NULL, N_("the mail, too: asks, and shows how much it is") },
	{ KEY_HOLD, "hold", N_("DAYS"),
	  N_("whoever writes is told \"no longer here\", and nobody gets the addresses") },
	{ KEY_RELEASE, "release", N_("WHOSE"),
	  N_("free the addresses that are held; WHOSE is a user or an address") },
	{ KEY_OWNER, "owner", N_("HOST"),
	  N_("whose user of that name, if several hosts have one") },
	{ 0 },
};

static int days_parse(const char *text, long long *out, struct mr_error *err)
{
	char *end;

	errno = 0;
	*out = strtoll(text, &end, 10);
	if (errno || *end || end == text || *out < 1 || *out > MOST_DAYS)
		return mr_fail(err, MR_E_USAGE, _("--hold %s: must be 1 to %d days"), text,
			       MOST_DAYS);
	return 0;
}

static int option(struct cl_context *context, int key, const char *value, struct mr_error *err)
{
	struct userdel *userdel = context->data;

	switch (key) {
	case 'r':
		userdel->removal.mail = true;
		return 0;
	case KEY_HOLD:
		return days_parse(value, &userdel->removal.hold_days, err);
	case KEY_RELEASE:
		userdel->release = value;
		return 0;
	default:
		userdel->removal.owner = value;
		return 0;
	}
}

static int check(struct cl_context *context, struct mr_error *err)
{
	struct userdel *userdel = context->data;
	struct mr_user_removal *removal = &userdel->removal;

	if (userdel->release) {
		if (context->argc || removal->mail || removal->hold_days || removal->owner)
			return mr_fail(err, MR_E_USAGE, _("--release goes alone"));
		return 0;
	}
	if (context->argc < 1)
		return mr_fail(err, MR_E_USAGE, _("a user is needed, as in: cl-userdel user1"));
	removal->user = context->argv[0];
	for (int i = 1; i < context->argc; i++) {
		enum mr_service service;

		if (mr_service_parse(context->argv[i], &service, err) < 0)
			return -1;
		removal->services |= service;
	}
	if (removal->services == MR_UNIX && (removal->mail || removal->hold_days))
		return mr_fail(err, MR_E_USAGE,
			       _("-r and --hold are about the mailbox: they do not go with unix "
				 "alone"));
	return 0;
}

static struct mr_value *result_of(struct mr_arena *arena, const struct mr_user_removed *removed)
{
	struct mr_value *user = mr_value_object(arena), *result = mr_value_object(arena);

	mr_value_set_string(arena, user, "name", removed->user);
	mr_value_set_string(arena, user, "owner", removed->owner);
	mr_value_set_string(arena, user, "mailbox", removed->mailbox);
	mr_value_set_string(arena, user, "held_until", removed->held_until);
	if (removed->folder.path) {
		mr_value_set_int(arena, user, "mail_bytes", (long long)removed->folder.bytes);
		mr_value_set_int(arena, user, "mail_messages", (long long)removed->folder.messages);
	}
	mr_value_set(arena, user, "notes", mr_value_strings(arena, &removed->notes));
	mr_value_set(arena, result, "user", user);
	return result;
}

static int ask(struct cl_context *context, const struct mr_user_removed *removed,
	       struct mr_error *err)
{
	const struct userdel *userdel = context->data;
	MR_BUF text = { 0 };

	/* Also when there is none yet: it may come while we ask. */
	if (!userdel->removal.mail || !removed->mailbox || context->dry_run)
		return 0;
	mr_buf_printf(&text, _("Delete %s and all mail of %s for good: %s?"), removed->user,
		      removed->mailbox, mr_mailbox_folder_format(context->arena, &removed->folder));
	return cl_confirm(context, mr_buf_text(&text), err);
}

static int release(struct cl_context *context, const char *text, struct mr_error *err)
{
	struct mr_plan plan = { 0 };

	if (mr_hold_release_plan(context->arena, &context->config, context->dir, &context->topology,
				 text, &plan, err) < 0)
		return -1;
	return cl_finish(context, &plan, NULL, err);
}

static int run(struct cl_context *context, struct mr_error *err)
{
	const struct userdel *userdel = context->data;
	struct mr_user_removed removed;
	struct mr_plan plan = { 0 };

	if (userdel->release)
		return release(context, userdel->release, err);
	if (mr_user_remove_plan(context->arena, &context->config, context->dir, &context->topology,
				&userdel->removal, &plan, &removed, err) < 0 ||
	    ask(context, &removed, err) < 0)
		return -1;
	for (size_t i = 0; i < removed.notes.count; i++)
		mr_log(MR_LOG_WARNING, "%s", removed.notes.items[i]);
	return cl_finish(context, &plan, result_of(context->arena, &removed), err);
}

int main(int argc, char **argv)
{
	struct userdel userdel = { 0 };
	const struct cl_command command = {
		.name = "cl-userdel",
		.usage = "USER [SERVICE]...",
		.summary = N_("Deletes a user: the mailbox (service mail), the login shell "
			      "(service unix), or all."),
		.options = options,
		.needs = CL_DIRECTORY | CL_LOCK | CL_ROOT | CL_ASKS,
		.data = &userdel,
		.option = option,
		.check = check,
		.run = run,
	};

	return cl_main(argc, argv, &command);
}
