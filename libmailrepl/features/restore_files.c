#include "features/restore_files.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/paths.h"
#include "features/identity.h"

#define FILE_MOST ((size_t)1 << 20)
#define KEY_MOST ((size_t)64 * 1024)

struct copying {
	const char *from, *to;
	struct mr_file_attrs attrs;
};

static int make_parent(struct mr_arena *arena, const char *path, struct mr_error *err)
{
	char *folder = mr_strdup(arena, path);

	*strrchr(folder, '/') = '\0';
	/* One that is there keeps its mode. */
	if (mr_path_exists(folder))
		return 0;
	return mr_folder_make(folder,
			      mr_ends_with(folder, MR_PATH_SECRETS) ? MR_FILE_PRIVATE_FOLDER
								    : MR_FILE_PUBLIC_FOLDER,
			      err);
}

static int copy_key(void *argument, struct mr_error *err)
{
	const struct copying *copy = argument;
	MR_ARENA arena = mr_arena_open();
	int fd = open(copy->from, O_RDONLY | O_CLOEXEC | O_NOFOLLOW), rc = -1;
	char key[KEY_MOST];
	ssize_t n;

	if (fd < 0)
		return mr_fail_errno(err, "%s", copy->from);
	n = read(fd, key, sizeof(key));
	if (n < 0)
		mr_fail_errno(err, "%s", copy->from);
	else if ((size_t)n == sizeof(key))
		mr_fail(err, MR_E_ARCHIVE, _("%s: too long for a key"), copy->from);
	else if (make_parent(arena, copy->to, err) == 0)
		rc = mr_file_replace(copy->to, key, (size_t)n, copy->attrs, err);
	explicit_bzero(key, sizeof(key));
	close(fd);
	return rc;
}

struct folder_step {
	const char *path;
};

static int make_folder_of(void *argument, struct mr_error *err)
{
	const struct folder_step *step = argument;
	MR_ARENA arena = mr_arena_open();

	return make_parent(arena, step->path, err);
}

static int plan_file(struct mr_arena *arena, const char *from, const char *to, struct mr_plan *plan,
		     struct mr_error *err)
{
	struct folder_step *step;
	char *text, *folder;
	size_t len;

	if (mr_file_read(arena, from, FILE_MOST, &text, &len, err) < 0)
		return -1;
	if (mr_file_same(to, text, len, MR_FILE_PUBLIC))
		return 0;
	folder = mr_strdup(arena, to);
	*strrchr(folder, '/') = '\0';
	if (!mr_path_exists(folder)) {
		step = MR_NEW(arena, struct folder_step);
		step->path = to;
		mr_plan_action(arena, plan, make_folder_of, step,
			       mr_printf(arena, _("make %s"), folder));
	}
	mr_plan_file(arena, plan, to, text, MR_FILE_PUBLIC, mr_printf(arena, _("write %s"), to));
	return 0;
}

/* Where a member goes, without root; NULL: it is no file of the machine. */
static const char *destination(struct mr_arena *arena, const char *name)
{
	static const struct {
		const char *member, *path;
	} folders[] = {
		{ "templates/", MR_PATH_OVERRIDES },
		{ "own/", MR_PATH_OWN },
		{ "changes/", MR_PATH_CHANGES },
		{ "secrets/", MR_PATH_SECRETS },
		{ "tls/", MR_PATH_TLS },
	};

	if (strcmp(name, "mailrepl.conf") == 0)
		return MR_PATH_CONFIG;
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
		if (mr_starts_with(name, folders[i].member))
			return mr_printf(arena, "%s/%s", folders[i].path,
					 name + strlen(folders[i].member));
	return NULL;
}

/* Was somebody else the home when the archive was made? */
static bool home_moved(const struct mr_restore *restore)
{
	const char *home = restore->config.home;

	return restore->config.exists && home && strcmp(home, restore->topology.home) != 0;
}

static int plan_member(struct mr_arena *arena, struct mr_restore *restore, const char *name,
		       bool missing, struct mr_plan *plan, struct mr_error *err)
{
	const char *path = destination(arena, name), *from, *to;
	struct copying *copy;
	bool conf, there;

	if (!path)
		return 0;
	from = mr_printf(arena, "%s/%s", restore->folder, name);
	to = strcmp(path, MR_PATH_CONFIG) == 0 ? restore->config.path
					       : mr_path(arena, restore->config.root, path);
	conf = to == restore->config.path;
	there = mr_path_exists(to);
	if (there && (mr_starts_with(name, "tls/") || (missing && !(conf && restore->new_host)) ||
		      (conf && home_moved(restore))))
		return 0;
	if (!mr_starts_with(name, "secrets/") &&
	    (!mr_ends_with(name, ".key") || !mr_starts_with(name, "tls/")))
		return plan_file(arena, from, to, plan, err);
	copy = MR_NEW(arena, struct copying);
	*copy = (struct copying){ from, to, MR_FILE_PRIVATE };
	if (strcmp(path, MR_PATH_HOST_KEY) == 0 &&
	    mr_identity_key_attrs(&restore->config, &copy->attrs, err) < 0)
		return -1;
	mr_plan_action(arena, plan, copy_key, copy, mr_printf(arena, _("write %s"), to));
	return 0;
}

int mr_restore_files(struct mr_arena *arena, struct mr_restore *restore, bool missing,
		     struct mr_plan *plan, struct mr_error *err)
{
	const struct mr_manifest *manifest = &restore->archive.manifest;

	for (size_t i = 0; i < manifest->count; i++)
		if (plan_member(arena, restore, manifest->members[i].name, missing, plan, err) < 0)
			return -1;
	return 0;
}
