#include "setup/actions.h"

#include <fcntl.h>
#include <unistd.h>

#include "adapters/password.h"
#include "features/smarthost.h"

#define LONGEST_PASSWORD 512

static int read_file(const char *file, struct mr_secret *out, struct mr_error *err)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC), rc;

	if (fd < 0)
		return mr_fail_errno(err, "%s", file);
	rc = mr_secret_read_line(out, fd, LONGEST_PASSWORD, err);
	close(fd);
	return rc < 0 ? mr_fail_in(err, "%s", file) : 0;
}

static int read_password(const struct setup_password *wanted, const char *who,
			 struct mr_secret *out, struct mr_error *err)
{
	if (wanted->file)
		return read_file(wanted->file, out, err);
	if (!wanted->from_stdin)
		return mr_password_ask_once(who, out, err);
	return mr_secret_read_line(out, STDIN_FILENO, LONGEST_PASSWORD, err) < 0
		       ? mr_fail_in(err, _("password on standard input"))
		       : 0;
}

int setup_password_run(struct cl_context *context, const struct setup_password *wanted,
		       struct mr_error *err)
{
	const char *asked = context->argc ? context->argv[0] : NULL, *server, *user;
	struct mr_value *result = mr_value_object(context->arena);
	struct mr_plan plan = { 0 };
	MR_SECRET password = { 0 };

	if (mr_smarthost_login(context->arena, &context->config, asked, &server, &user, err) < 0)
		return -1;
	if (!context->dry_run &&
	    read_password(wanted, mr_printf(context->arena, _("%s at %s"), user, server), &password,
			  err) < 0)
		return -1;
	if (mr_smarthost_password_plan(context->arena, &context->config, server,
				       context->dry_run ? NULL : &password, &plan, err) < 0)
		return -1;
	mr_value_set_string(context->arena, result, "smarthost", server);
	mr_value_set_string(context->arena, result, "user", user);
	return cl_finish(context, &plan, result, err);
}
