#include <dirent.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/paths.h"
#include "features/move_state.h"

#define STAGED ".new"

const char *mr_move_id(struct mr_arena *arena, const char *real_address)
{
	return mr_strndup(arena, real_address, strcspn(real_address, "@"));
}

const char *mr_move_old_id(struct mr_arena *arena, const char *id)
{
	return mr_printf(arena, "=%s.old", id);
}

const char *mr_move_staged_id(struct mr_arena *arena, const char *user)
{
	return mr_printf(arena, "=%s" STAGED, user);
}

static const char *path_of(struct mr_arena *arena, const struct mr_config *config, const char *id)
{
	return mr_path(arena, config->root, mr_printf(arena, MR_PATH_MAILBOXES "/%s", id));
}

static bool is_kind(const char *path, mode_t kind)
{
	struct stat st;

	return lstat(path, &st) == 0 && (st.st_mode & S_IFMT) == kind;
}

bool mr_move_folder_is_held(const struct mr_config *config, const char *id)
{
	MR_ARENA arena = mr_arena_open();

	return is_kind(path_of(arena, config, id), S_IFREG);
}

static int remove_file(const char *path, struct mr_error *err)
{
	if (is_kind(path, S_IFREG) && unlink(path) < 0)
		return mr_fail_errno(err, "%s", path);
	return 0;
}

int mr_move_folder_hold(const struct mr_config *config, const char *id, struct mr_error *err)
{
	static const char text[] =
		"This mailbox moves to another host, or has moved there. This file keeps its place "
		"until no mail can come for it any more; mailrepl removes it.\n";
	MR_ARENA arena = mr_arena_open();
	const char *path = path_of(arena, config, id);
	const char *old = path_of(arena, config, mr_move_old_id(arena, id));

	if (mr_move_folder_is_held(config, id))
		return 0;
	/* From a move of before: that mail has come back since. */
	if (is_kind(old, S_IFDIR) && mr_tree_remove(old, err) < 0)
		return -1;
	if (mr_file_replace(old, text, strlen(text), MR_FILE_PRIVATE, err) < 0)
		return -1;
	return mr_folder_swap(old, path, err);
}

int mr_move_folder_release(const struct mr_config *config, const char *id, struct mr_error *err)
{
	MR_ARENA arena = mr_arena_open();
	const char *path = path_of(arena, config, id);
	const char *old = path_of(arena, config, mr_move_old_id(arena, id));

	if (!mr_move_folder_is_held(config, id))
		return remove_file(old, err);
	if (!is_kind(old, S_IFDIR))
		return remove_file(path, err); /* it never had any mail */
	return mr_folder_swap(old, path, err) < 0 ? -1 : remove_file(old, err);
}

bool mr_move_folder_is_free(const struct mr_config *config, const char *id)
{
	MR_ARENA arena = mr_arena_open();
	const char *path = path_of(arena, config, id);

	return !mr_path_exists(path) || is_kind(path, S_IFREG);
}

/* Where a file keeps the place they are exchanged, so that at no moment nothing is there, which
 * LMTP would make a folder of. */
int mr_move_folder_adopt(const struct mr_config *config, const char *user, const char *id,
			 struct mr_error *err)
{
	MR_ARENA arena = mr_arena_open();
	const char *path = path_of(arena, config, id);
	const char *staged = path_of(arena, config, mr_move_staged_id(arena, user));

	if (is_kind(staged, S_IFDIR)) {
		if (!mr_move_folder_is_free(config, id))
			return mr_fail(err, MR_E_EXISTS, _("%s is there already"), path);
		if (mr_tree_sync(staged, err) < 0 || mr_folder_swap(staged, path, err) < 0)
			return -1;
	}
	if (!is_kind(path, S_IFDIR))
		return mr_fail(err, MR_E_NOT_FOUND, _("%s: the mail that was copied is not there"),
			       path);
	return remove_file(staged, err) < 0 ? -1 : mr_move_folder_forget_old(config, id, err);
}

bool mr_move_has_copy(const struct mr_config *config, const char *user)
{
	MR_ARENA arena = mr_arena_open();

	return is_kind(path_of(arena, config, mr_move_staged_id(arena, user)), S_IFDIR);
}

bool mr_move_has_arrived(const struct mr_config *config, const char *id)
{
	MR_ARENA arena = mr_arena_open();

	return is_kind(path_of(arena, config, id), S_IFDIR);
}

int mr_move_rescue(const struct mr_config *config, const char *user, const char *id,
		   struct mr_error *err)
{
	return mr_move_folder_adopt(config, user, id, err);
}

int mr_move_folder_forget_old(const struct mr_config *config, const char *id, struct mr_error *err)
{
	MR_ARENA arena = mr_arena_open();

	return mr_tree_remove(path_of(arena, config, mr_move_old_id(arena, id)), err);
}

int mr_move_folder_forget_hold(const struct mr_config *config, const char *id, struct mr_error *err)
{
	MR_ARENA arena = mr_arena_open();

	return remove_file(path_of(arena, config, id), err);
}

int mr_move_folder_sweep(const struct mr_config *config, const struct mr_list *wanted,
			 struct mr_error *err)
{
	MR_ARENA arena = mr_arena_open();
	DIR *folder = opendir(mr_path(arena, config->root, MR_PATH_MAILBOXES));
	struct dirent *one;
	int rc = 0;

	while (folder && rc == 0 && (one = readdir(folder))) {
		size_t len = strlen(one->d_name);

		if (one->d_name[0] != '=' || !mr_ends_with(one->d_name, STAGED))
			continue;
		if (mr_list_has(wanted,
				mr_strndup(arena, one->d_name + 1, len - 1 - strlen(STAGED))))
			continue;
		rc = mr_tree_remove(path_of(arena, config, one->d_name), err);
	}
	if (folder)
		closedir(folder);
	return rc;
}
