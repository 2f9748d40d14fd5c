#include "base/file.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

/* Debian's packages that make these users and groups. */
static const struct {
	const char *name, *package;
} makers[] = {
	{ "Debian-exim", "exim4-daemon-heavy" },
	{ "dovecot", "dovecot-core" }, { "dovenull", "dovecot-core" }, { "openldap", "slapd" },
	{ "postdrop", "postfix" },     { "postfix", "postfix" },
};

static int fail_absent(const char *what, const char *name, struct mr_error *err)
{
	for (size_t i = 0; i < sizeof(makers) / sizeof(makers[0]); i++)
		if (strcmp(makers[i].name, name) == 0)
			return mr_fail(err, MR_E_CONFIG,
				       _("there is no %s \"%s\": install the package %s"), what,
				       name, makers[i].package);
	return mr_fail(err, MR_E_CONFIG, _("there is no %s \"%s\" on this machine"), what, name);
}

int mr_user_id(const char *user, uid_t *uid, gid_t *gid, struct mr_error *err)
{
	MR_ARENA arena = mr_arena_open();
	struct passwd entry, *found = NULL;
	size_t size = 4096;
	int rc = 0;

	*uid = (uid_t)-1;
	if (gid)
		*gid = (gid_t)-1;
	if (!user)
		return 0;
	while ((rc = getpwnam_r(user, &entry, mr_alloc(arena, size), size, &found)) == ERANGE &&
	       size < 1 << 20)
		size *= 2;
	if (!found) {
		errno = rc;
		return rc ? mr_fail_errno(err, _("looking up the user %s"), user)
			  : fail_absent(_("user"), user, err);
	}
	*uid = entry.pw_uid;
	if (gid)
		*gid = entry.pw_gid;
	return 0;
}

int mr_group_id(const char *group, gid_t *gid, struct mr_error *err)
{
	MR_ARENA arena = mr_arena_open();
	struct group entry, *found = NULL;
	size_t size = 4096;
	int rc = 0;

	*gid = (gid_t)-1;
	if (!group)
		return 0;
	while ((rc = getgrnam_r(group, &entry, mr_alloc(arena, size), size, &found)) == ERANGE &&
	       size < 1 << 20)
		size *= 2;
	if (!found) {
		errno = rc;
		return rc ? mr_fail_errno(err, _("looking up the group %s"), group)
			  : fail_absent(_("group"), group, err);
	}
	*gid = entry.gr_gid;
	return 0;
}
