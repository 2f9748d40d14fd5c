#include "features/backup_seal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "adapters/age.h"
#include "adapters/archive.h"
#include "adapters/password.h"
#include "base/file.h"
#include "base/paths.h"
#include "features/backup_piece.h"

#define KEYS_MOST ((size_t)64 * 1024)

static struct {
	char root[PATH_MAX];
	bool ask;
	struct mr_secret passphrase; /* no data: none yet */
	struct stat sealed;          /* whose plain copy is in `plain` */
	int plain;                   /* 0: none */
} state;

static int read_keys(const char *root, struct mr_secret *out, struct mr_error *err)
{
	MR_ARENA arena = mr_arena_open();
	const char *path = mr_path(arena, root, MR_PATH_BACKUP_AGE);
	int fd = open(path, O_RDONLY | O_CLOEXEC), rc;

	if (fd < 0)
		return mr_fail_errno(err, "%s", path);
	rc = mr_secret_read(out, fd, KEYS_MOST, err);
	close(fd);
	return rc < 0 ? mr_fail_in(err, "%s", path) : 0;
}

static int open_with_keys(int sealed, int plain, struct mr_error *err)
{
	MR_SECRET keys = { 0 };
	struct mr_age_keys with = { .identities = &keys };

	if (read_keys(state.root, &keys, err) == 0)
		return mr_age_open(&with, sealed, plain, err);
	if (err->code != MR_E_NOT_FOUND)
		return -1;
	return mr_fail(err, MR_E_DENIED, _("sealed, and this host has no key to open it (%s%s)"),
		       state.root, MR_PATH_BACKUP_AGE);
}

/* One that was wrong is forgotten, so that it is asked for again. */
static int open_with_passphrase(int sealed, const char *path, int plain, struct mr_error *err)
{
	struct mr_age_keys with = { .passphrase = &state.passphrase };
	bool asked = !state.passphrase.data;
	int rc;

	if (asked && !state.ask)
		return mr_fail(err, MR_E_DENIED, _("sealed with a passphrase"));
	if (asked && mr_passphrase_ask(path, false, &state.passphrase, err) < 0)
		return -1;
	rc = mr_age_open(&with, sealed, plain, err);
	if (rc < 0 && asked && err->code == MR_E_DENIED)
		mr_secret_close(&state.passphrase);
	return rc;
}

static int open_sealed(int sealed, const char *path, int plain, struct mr_error *err)
{
	enum mr_age_kind kind;

	if (mr_age_kind(sealed, &kind, err) < 0)
		return -1;
	return kind == MR_AGE_PASSPHRASE ? open_with_passphrase(sealed, path, plain, err)
					 : open_with_keys(sealed, plain, err);
}

static bool is_kept(const struct stat *st)
{
	const struct stat *kept = &state.sealed;

	return state.plain && st->st_dev == kept->st_dev && st->st_ino == kept->st_ino &&
	       st->st_size == kept->st_size && st->st_mtim.tv_sec == kept->st_mtim.tv_sec &&
	       st->st_mtim.tv_nsec == kept->st_mtim.tv_nsec;
}

static void forget_plain(void)
{
	if (state.plain)
		close(state.plain);
	state.plain = 0;
}

/* Before --dry-run on a machine that has nothing yet there is no state folder. */
static int work_file(struct mr_error *err)
{
	MR_ARENA arena = mr_arena_open();
	const char *folder = mr_path(arena, state.root, MR_PATH_STATE);

	if (!mr_path_exists(folder) && mr_folder_make(folder, MR_FILE_PUBLIC_FOLDER, err) < 0)
		return -1;
	return mr_nameless_file(folder, err);
}

static int unseal(int sealed, const char *path, int *out, struct mr_error *err)
{
	MR_ARENA arena = mr_arena_open();
	struct stat st;

	if (fstat(sealed, &st) < 0)
		return mr_fail_errno(err, "%s", path);
	if (!is_kept(&st)) {
		forget_plain();
		state.plain = work_file(err);
		if (state.plain < 0 || open_sealed(sealed, path, state.plain, err) < 0) {
			if (state.plain < 0)
				state.plain = 0;
			forget_plain();
			return mr_fail_in(err, "%s", path);
		}
		state.sealed = st;
	}
	/* With a position of its own. */
	*out = open(mr_printf(arena, "/proc/self/fd/%d", state.plain), O_RDONLY | O_CLOEXEC);
	return *out < 0 ? mr_fail_errno(err, "%s", path) : 0;
}

void mr_seal_init(const struct mr_config *config, const struct mr_secret *passphrase, bool ask)
{
	state.ask = ask;
	snprintf(state.root, sizeof(state.root), "%s", config->root);
	if (passphrase)
		mr_secret_set(&state.passphrase, passphrase->data, passphrase->len);
	mr_archive_set_unsealer(unseal);
}

void mr_seal_close(void)
{
	mr_archive_set_unsealer(NULL);
	forget_plain();
	mr_secret_close(&state.passphrase);
}

int mr_seal_own(struct mr_arena *arena, const struct mr_config *config, struct mr_list *out,
		struct mr_error *err)
{
	MR_SECRET keys = { 0 };

	if (read_keys(config->root, &keys, err) < 0)
		return -1;
	return mr_age_key_recipients(arena, &keys, out, err) < 0
		       ? mr_fail_in(err, "%s%s", config->root, MR_PATH_BACKUP_AGE)
		       : 0;
}

int mr_seal_make_key(struct mr_arena *arena, const struct mr_config *config, const char **recipient,
		     struct mr_error *err)
{
	const char *path = mr_path(arena, config->root, MR_PATH_BACKUP_AGE);
	const char *folder = mr_path(arena, config->root, MR_PATH_TLS);
	MR_SECRET file = { 0 };

	if (mr_path_exists(path))
		return mr_fail(err, MR_E_EXISTS,
			       _("%s: is there already, and archives may need it: move it away if "
				 "another shall be made"),
			       path);
	/* Before it joins a host makes the key that its archive is sealed to. */
	if (!mr_path_exists(folder) && mr_folder_make(folder, MR_FILE_PUBLIC_FOLDER, err) < 0)
		return -1;
	mr_age_key_create(arena, (long long)time(NULL), &file, recipient);
	return mr_file_replace(path, file.data, file.len, MR_FILE_PRIVATE, err);
}
