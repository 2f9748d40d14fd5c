#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cl.h"
#include "features/userlist.h"
#include "model/names.h"
#include "userlist/print.h"

enum {
	KEY_DOMAIN = 256,
	KEY_HOST,
	KEY_SERVICE,
	KEY_GROUPS,
	KEY_USERS,
	KEY_TSV,
	KEY_EXPORT,
	KEY_HASHES
};

struct userlist {
	struct mr_userlist list;
	enum userlist_form form;
	const char *export;
};

static const struct cl_option options[] = {
	{ KEY_DOMAIN, "domain", N_("DOMAIN"), N_("who has an address of this domain") },
	{ KEY_HOST, "host", N_("HOST"), N_("who is owned by this host") },
	{ KEY_SERVICE, "service", N_("SERVICE"),
	  N_("users with a mailbox (mail) or a login shell (unix)") },
	{ KEY_USERS, "users", NULL, N_("users only") },
	{ KEY_GROUPS, "groups", NULL, N_("groups only") },
	{ KEY_TSV, "tsv", NULL, N_("columns divided by tabs, for programs") },
	{ KEY_EXPORT, "export", N_("FILE"),
	  N_("write what cl-useradd --import reads; - is standard output") },
	{ KEY_HASHES, "with-hashes", NULL, N_("with --export: the password hashes too") },
	{ 0 },
};

static int option(struct cl_context *context, int key, const char *value, struct mr_error *err)
{
	struct userlist *it = context->data;
	enum mr_service service;

	switch (key) {
	case KEY_DOMAIN:
		return mr_domain_parse(context->arena, value, &it->list.domain, err);
	case KEY_HOST:
		return mr_host_parse(context->arena, value, &it->list.host, err);
	case KEY_SERVICE:
		if (mr_service_parse(value, &service, err) < 0)
			return -1;
		it->list.services |= service;
		break;
	case KEY_USERS:
		it->list.users = true;
		break;
	case KEY_GROUPS:
		it->list.groups = true;
		break;
	case KEY_TSV:
		it->form = USERLIST_TSV;
		break;
	case KEY_EXPORT:
		it->export = value;
		break;
	default:
		it->list.hashes = true;
	}
	return 0;
}

static int check(struct cl_context *context, struct mr_error *err)
{
	struct userlist *it = context->data;

	if (context->argc > 1)
		return mr_fail(err, MR_E_USAGE, _("%s: only one pattern may be given"),
			       context->argv[1]);
	if (it->list.hashes && !it->export)
		return mr_fail(err, MR_E_USAGE, _("--with-hashes needs --export"));
	if (it->export && (it->list.groups || it->form || context->json))
		return mr_fail(err, MR_E_USAGE,
			       _("--export writes users as CSV: --groups, --tsv and --json do not "
				 "go with it"));
	if (it->form && context->json)
		return mr_fail(err, MR_E_USAGE, _("--tsv and --json exclude each other"));
	it->list.pattern = context->argc ? context->argv[0] : NULL;
	if (it->export)
		it->list.users = true;
	else if (!it->list.users && !it->list.groups)
		it->list.users = it->list.groups = true;
	/* Users of neither service do not exist, unless they are half there. */
	if (!it->list.services)
		it->list.services = MR_MAIL | MR_UNIX;
	return 0;
}

/* Beside and renamed: a file that is there is one that is whole. */
static int export_file(struct cl_context *context, const struct userlist *it, struct mr_error *err)
{
	const char *beside = mr_printf(context->arena, "%s.new", it->export);
	FILE *out;
	int fd, rc;

	unlink(beside);
	fd = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	out = fd < 0 ? NULL : fdopen(fd, "w");
	if (!out)
		return mr_fail_errno(err, "%s", beside);
	rc = userlist_print(context, &it->list, USERLIST_CSV, out, err);
	if (rc == 0 && (fflush(out) != 0 || fsync(fd) < 0))
		rc = mr_fail_errno(err, "%s", beside);
	if (fclose(out) != 0 && rc == 0)
		rc = mr_fail_errno(err, "%s", beside);
	if (rc == 0 && rename(beside, it->export) < 0)
		rc = mr_fail_errno(err, "%s", it->export);
	if (rc < 0)
		unlink(beside);
	return rc;
}

static int run(struct cl_context *context, struct mr_error *err)
{
	const struct userlist *it = context->data;

	if (it->export && strcmp(it->export, "-") != 0)
		return export_file(context, it, err);
	return userlist_print(context, &it->list,
			      it->export      ? USERLIST_CSV
			      : context->json ? USERLIST_JSON
					      : it->form,
			      stdout, err);
}

int main(int argc, char **argv)
{
	struct userlist it = { .form = USERLIST_TABLE };
	const struct cl_command command = {
		.name = "cl-userlist",
		.usage = "[PATTERN]",
		.summary = N_("Lists users and groups of the whole mail domain, or exports users."),
		.options = options,
		.needs = CL_DIRECTORY | CL_ROOT,
		.data = &it,
		.option = option,
		.check = check,
		.run = run,
	};

	return cl_main(argc, argv, &command);
}
