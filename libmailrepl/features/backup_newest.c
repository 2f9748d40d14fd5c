#include "features/backup.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/paths.h"
#include "features/backup_key.h"
#include "features/backup_seal.h"

/* Names begin with the time, so their order is that of the archives. */
int mr_backup_names(struct mr_arena *arena, const char *folder, struct mr_list *out,
		    struct mr_error *err)
{
	DIR *dir = opendir(folder);
	struct dirent *item;

	if (!dir)
		return errno == ENOENT ? 0 : mr_fail_errno(err, "%s", folder);
	while ((item = readdir(dir)))
		if (item->d_name[0] != '.' && (mr_ends_with(item->d_name, ".tar.bz2") ||
					       mr_ends_with(item->d_name, ".tar.bz2.age")))
			mr_list_add(arena, out, item->d_name);
	closedir(dir);
	mr_list_sort(out);
	return 0;
}

/* Ours is that of a killed run whose number we have got. */
static bool is_stale(const char *process)
{
	pid_t pid = atoi(process);

	return *process && strspn(process, "0123456789") == strlen(process) &&
	       (pid == getpid() || (kill(pid, 0) < 0 && errno == ESRCH));
}

int mr_backup_place(struct mr_arena *arena, const struct mr_config *config, const char *word,
		    const char **out, struct mr_error *err)
{
	const char *state = mr_path(arena, config->root, MR_PATH_STATE);
	const char *prefix = mr_printf(arena, "%s.", word);
	DIR *dir = opendir(state);
	struct dirent *item;
	int rc = 0;

	while (rc == 0 && dir && (item = readdir(dir)))
		if (mr_starts_with(item->d_name, prefix) && is_stale(item->d_name + strlen(prefix)))
			rc = mr_tree_remove(mr_printf(arena, "%s/%s", state, item->d_name), err);
	if (dir)
		closedir(dir);
	*out = mr_printf(arena, "%s/%s%d", state, prefix, (int)getpid());
	return rc;
}

struct choice {
	struct mr_arena *arena;
	mr_manifest_filter wanted;
	const void *context;
	const char *folder, *host;
	const struct mr_secret *key;
	struct mr_buf skipped; /* what did not verify and why */
	size_t others;         /* good, but not wanted */
};

static bool takes_old_format;

void mr_backup_take_old_format(void)
{
	takes_old_format = true;
}

/* Whoever could write one without HMAC would need no key, and there is no fingerprint to compare. */
static int check_trust(const char *path, const char *folder, const struct mr_manifest *manifest,
		       struct mr_error *err)
{
	struct mr_error ignored;

	if (manifest->trust != MR_TRUST_NONE)
		return 0;
	if (takes_old_format) {
		mr_log(MR_LOG_WARNING,
		       _("%s carries no HMAC: nobody can tell whether it is what %s wrote"), path,
		       manifest->host);
		return 0;
	}
	if (folder && mr_tree_remove(folder, &ignored) < 0)
		mr_log(MR_LOG_WARNING, "%s", ignored.message);
	return mr_fail(err, MR_E_ARCHIVE,
		       _("%s carries no HMAC (format %d): anybody may have written it. If you know "
			 "that it is what %s wrote, take it with --old-format"),
		       path, manifest->format, manifest->host);
}

int mr_backup_take(struct mr_arena *arena, const struct mr_config *config, const char *path,
		   const char *folder, const char *host, struct mr_manifest *out,
		   struct mr_error *err)
{
	MR_SECRET key = { 0 };
	const struct mr_backup_reading reading = {
		.path = path, .folder = folder, .host = host, .key = &key
	};

	if (mr_backup_key_read(config, &key, err) < 0 ||
	    mr_backup_read(arena, &reading, out, err) < 0)
		return -1;
	return check_trust(path, folder, out, err);
}

/* 1: taken; 0: not this one; -1: it is the one, but it cannot be unpacked here. */
static int try_archive(struct choice *choice, const char *path, struct mr_backup *out,
		       struct mr_error *err)
{
	struct mr_backup_reading reading = { .folder = choice->folder,
					     .host = choice->host,
					     .key = choice->key };
	struct stat st;

	*out = (struct mr_backup){ .path = path };
	if (mr_backup_peek(choice->arena, path, &out->manifest, err) == 0) {
		if (choice->wanted && !choice->wanted(choice->context, &out->manifest)) {
			choice->others++;
			return 0;
		}
		if (mr_tree_remove(choice->folder, err) < 0)
			return -1;
		reading.path = path;
		if (mr_backup_read(choice->arena, &reading, &out->manifest, err) == 0 &&
		    check_trust(path, choice->folder, &out->manifest, err) == 0) {
			out->size = stat(path, &st) == 0 ? st.st_size : 0;
			return 1;
		}
		if (err->code != MR_E_ARCHIVE)
			return -1;
	}
	mr_log(MR_LOG_WARNING, _("this archive is skipped: %s"), err->message);
	mr_buf_printf(&choice->skipped, "%s%s", choice->skipped.len ? "; " : "", err->message);
	return 0;
}

int mr_backup_newest_for(struct mr_arena *arena, const struct mr_config *config,
			 mr_manifest_filter wanted, const void *context, const char *folder,
			 const char *host, struct mr_backup *out, struct mr_error *err)
{
	const char *from = mr_path(arena, config->root, config->backup_folder);
	MR_SECRET key = { 0 };
	struct choice choice = { arena, wanted, context, folder, host, &key, { 0 }, 0 };
	struct mr_list names = { 0 };
	int rc = 0;

	mr_seal_init(config, NULL, true);
	if (mr_backup_key_read(config, &key, err) < 0 ||
	    mr_backup_names(arena, from, &names, err) < 0)
		return -1;
	for (size_t i = names.count; i > 0 && rc == 0; i--)
		rc = try_archive(&choice, mr_printf(arena, "%s/%s", from, names.items[i - 1]), out,
				 err);
	if (rc == 0)
		rc = mr_fail(
			err, MR_E_NOT_FOUND,
			_("no usable archive in %s (%zu for others or by others, not usable: %s)"),
			from, choice.others, choice.skipped.len ? choice.skipped.data : _("none"));
	mr_buf_close(&choice.skipped);
	return rc < 0 ? -1 : 0;
}

int mr_backup_newest(struct mr_arena *arena, const struct mr_config *config,
		     mr_manifest_filter wanted, const void *context, const char *folder,
		     struct mr_backup *out, struct mr_error *err)
{
	return mr_backup_newest_for(arena, config, wanted, context, folder, NULL, out, err);
}
