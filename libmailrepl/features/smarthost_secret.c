#include "features/smarthost.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "adapters/service.h"
#include "base/file.h"
#include "base/paths.h"
#include "features/mta.h"

#define SECRET_MOST 4096
#define HEAD "# Written by cl-setup --smarthost-password.\n"

/* What the step needs; it lives in the plan's arena. */
struct storing {
	const struct mr_config *config;
	const char *path, *nexthop, *user;
	const struct mr_secret *password;
};

static const char *other_form(struct mr_arena *arena, const char *nexthop)
{
	const char *host = mr_strndup(arena, nexthop, strcspn(nexthop, ":")),
		   *port = nexthop + strlen(host), *end = strchr(nexthop, ']');

	if (*nexthop != '[')
		return mr_printf(arena, "[%s]%s", host, port);
	return mr_printf(arena, "%.*s%s", (int)(end - nexthop - 1), nexthop + 1, end + 1);
}

/* "[gw.example.org]:587 user:password", with and without brackets, since it is the same server. */
static void compose(const struct storing *st, struct mr_secret *out)
{
	MR_ARENA arena = mr_arena_open();
	const struct mr_secret *password = st->password;
	const char *lines[] = { mr_printf(arena, HEAD "%s %s:", st->nexthop, st->user),
				mr_printf(arena, "%s %s:", other_form(arena, st->nexthop),
					  st->user) };
	size_t len = strlen(lines[0]) + strlen(lines[1]) + 2 * (password->len + 1);
	char *to;

	mr_secret_room(out, len);
	to = out->data;
	for (size_t i = 0; i < 2; i++) {
		to = stpcpy(to, lines[i]);
		memcpy(to, password->data, password->len);
		to += password->len;
		*to++ = '\n';
	}
}

static int store(void *argument, struct mr_error *err)
{
	const struct storing *st = argument;
	MR_ARENA arena = mr_arena_open();
	const char *folder = mr_path(arena, st->config->root, MR_PATH_SECRETS);
	MR_SECRET text = { 0 };

	if (!mr_path_exists(folder) && mr_folder_make(folder, MR_FILE_PRIVATE_FOLDER, err) < 0)
		return -1;
	compose(st, &text);
	return mr_file_replace(st->path, text.data, text.len, MR_FILE_PRIVATE, err);
}

/* Postfix reads a texthash table when a process of its starts; Exim has a copy, and reads that each time. */
static int tell_mta(void *argument, struct mr_error *err)
{
	const struct storing *st = argument;
	enum mr_service_name mta = mr_mta(st->config);

	if (mta == MR_SERVICE_EXIM)
		return mr_mta_ready(st->config, mta, err);
	return mr_service_refresh(mta, "", err);
}

int mr_smarthost_secret_user(struct mr_arena *arena, const struct mr_config *config,
			     const char *nexthop, const char **out, struct mr_error *err)
{
	const char *path = mr_smarthost_secret_path(arena, config, nexthop), *at;
	MR_SECRET text = { 0 };
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), rc;

	*out = NULL;
	if (fd < 0)
		return errno == ENOENT ? 0 : mr_fail_errno(err, "%s", path);
	rc = mr_secret_read(&text, fd, SECRET_MOST, err);
	close(fd);
	if (rc < 0)
		return mr_fail_in(err, "%s", path);
	at = text.data;
	while (*at == '#')
		at += strcspn(at, "\n") + (at[strcspn(at, "\n")] == '\n');
	at += strcspn(at, " \n");
	if (*at != ' ' || !at[strcspn(at, ":\n")])
		return mr_fail(err, MR_E_CONFIG,
			       _("%s makes no sense: run cl-setup --smarthost-password"), path);
	*out = mr_strndup(arena, at + 1, strcspn(at + 1, ":\n"));
	return 0;
}

/* texthash cuts blanks off at the end of a line, and a line ends a value. */
static int check_password(const struct mr_secret *password, struct mr_error *err)
{
	for (size_t i = 0; i < password->len; i++)
		if ((unsigned char)password->data[i] < ' ' || password->data[i] == 0x7f)
			return mr_fail(
				err, MR_E_INVALID,
				_("the password has a character that Postfix cannot be told"));
	if (password->len == 0 || password->data[password->len - 1] == ' ')
		return mr_fail(
			err, MR_E_INVALID,
			_("the password is empty or ends in a blank: Postfix cannot be told"));
	return 0;
}

int mr_smarthost_login(struct mr_arena *arena, const struct mr_config *config, const char *nexthop,
		       const char **server, const char **user, struct mr_error *err)
{
	const struct mr_value *settings = mr_value_get(mr_config_settings(arena, config), "mail");
	const struct mr_value *table = mr_value_get(settings, "smarthosts");
	const char *name = mr_value_get_string(settings, "smarthost", NULL);

	*user = mr_value_get_string(settings, "smarthost_user", NULL);
	if (!nexthop && !name)
		return mr_fail(err, MR_E_CONFIG, _("%s: mail.smarthost is not set"), config->path);
	for (size_t i = 0; nexthop && i < table->count && !(name && strcmp(name, nexthop) == 0);
	     i++) {
		name = mr_value_get_string(table->items[i], "smarthost", NULL);
		*user = mr_value_get_string(table->items[i], "user", NULL);
	}
	if (nexthop && (!name || strcmp(name, nexthop) != 0))
		return mr_fail(err, MR_E_CONFIG,
			       _("%s: neither mail.smarthost nor mail.smarthosts names %s"),
			       config->path, nexthop);
	*server = name;
	if (*user && **user)
		return 0;
	return mr_fail(err, MR_E_CONFIG, _("%s: no user is set for %s: nobody logs in there"),
		       config->path, name);
}

int mr_smarthost_password_plan(struct mr_arena *arena, const struct mr_config *config,
			       const char *nexthop, const struct mr_secret *password,
			       struct mr_plan *plan, struct mr_error *err)
{
	struct storing *st = MR_NEW(arena, struct storing);

	*st = (struct storing){ .config = config, .password = password };
	if (mr_smarthost_login(arena, config, nexthop, &st->nexthop, &st->user, err) < 0 ||
	    (password && check_password(password, err) < 0))
		return -1;
	st->path = mr_smarthost_secret_path(arena, config, st->nexthop);
	mr_plan_action(
		arena, plan, store, st,
		mr_printf(arena, _("store the password of %s at %s"), st->user, st->nexthop));
	if (config->mail_manage && !*config->root && mr_mta_is_ours(config))
		mr_plan_action(arena, plan, tell_mta, st,
			       mr_printf(arena, _("let %s read it"),
					 mr_service_word(mr_mta(config))));
	return 0;
}
