#include "features/backup_list.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/paths.h"
#include "features/backup_key.h"
#include "features/backup_manifest.h"
#include "features/backup_seal.h"

#define TIME_LEN ((size_t)16) /* 20260102T030405Z */
#define PLAIN ".tar.bz2"
#define SEALED ".tar.bz2.age"

const char *mr_backup_series(struct mr_arena *arena, const char *host, const char *for_host)
{
	return for_host ? mr_printf(arena, "%s-for-%s", host, for_host) : mr_strdup(arena, host);
}

/* A host may be named mail-for-us.lan, so what the name says is shown, and compared as a whole. */
static void parse_name(struct mr_arena *arena, const char *name, struct mr_archive_item *item)
{
	struct mr_manifest *manifest = &item->archive.manifest;
	size_t len = strlen(name), suffix = strlen(item->sealed ? SEALED : PLAIN);
	struct tm utc = { 0 };
	const char *end = strptime(name, "%Y%m%dT%H%M%SZ", &utc), *last = NULL;
	char *series;

	if (end != name + TIME_LEN || *end != '-' || len <= TIME_LEN + 1 + suffix)
		return;
	series = mr_strndup(arena, end + 1, len - TIME_LEN - 1 - suffix);
	for (const char *at = series; (at = strstr(at, "-for-")); at++)
		last = at;
	manifest->created = (int64_t)timegm(&utc);
	manifest->host = last ? mr_strndup(arena, series, (size_t)(last - series)) : series;
	manifest->for_host = last ? mr_strdup(arena, last + strlen("-for-")) : NULL;
	item->series = series;
}

/* One that an administrator has renamed is the administrator's. */
static bool is_named_so(struct mr_arena *arena, const char *name,
			const struct mr_archive_item *item)
{
	const char *want = mr_manifest_file_name(arena, &item->archive.manifest);

	return strcmp(name, item->sealed ? mr_printf(arena, "%s.age", want) : want) == 0;
}

/* As mr_backup_read does it, of the manifest alone. */
static int peek(struct mr_arena *arena, const char *path, const struct mr_secret *key,
		struct mr_manifest *out, struct mr_error *err)
{
	char hex[65];

	if (mr_backup_peek(arena, path, out, err) < 0)
		return -1;
	if (!key->len || (!out->hmac && out->format == 1))
		return 0;
	if (!out->hmac)
		return mr_fail(err, MR_E_ARCHIVE, _("%s: carries no HMAC"), path);
	mr_backup_key_hmac(key, mr_manifest_signed(arena, out), hex);
	return strcmp(hex, out->hmac) == 0
		       ? 0
		       : mr_fail(err, MR_E_ARCHIVE,
				 _("%s: its HMAC is not that of this domain's backup key"), path);
}

static void look_at(struct mr_arena *arena, const char *path, const char *name, bool thorough,
		    const struct mr_secret *key, struct mr_archive_item *item)
{
	const struct mr_backup_reading reading = { .path = path, .key = key, .entries = true };
	struct mr_manifest manifest;
	struct mr_error err;
	struct stat st;
	int rc;

	item->archive.path = path;
	item->archive.size = stat(path, &st) == 0 ? st.st_size : 0;
	item->sealed = mr_ends_with(name, SEALED);
	parse_name(arena, name, item);
	rc = thorough ? mr_backup_read(arena, &reading, &manifest, &err)
		      : peek(arena, path, key, &manifest, &err);
	if (rc == 0) {
		item->archive.manifest = manifest;
		item->state = MR_ARCHIVE_GOOD;
		if (!is_named_so(arena, name, item))
			item->series = NULL;
		return;
	}
	item->fault = mr_strdup(arena, err.message);
	/* No key, no passphrase, or no terminal to ask on: that says nothing about the archive. */
	item->state = item->sealed && (err.code == MR_E_DENIED || err.code == MR_E_USAGE)
			      ? MR_ARCHIVE_SEALED
			      : MR_ARCHIVE_BAD;
}

int mr_backup_list(struct mr_arena *arena, const struct mr_config *config, bool thorough,
		   struct mr_archive_list *out, struct mr_error *err)
{
	const char *folder = mr_path(arena, config->root, config->backup_folder);
	struct mr_list names = { 0 };
	MR_SECRET key = { 0 };

	*out = (struct mr_archive_list){ 0 };
	if (!mr_path_exists(folder))
		return mr_fail(err, MR_E_NOT_FOUND,
			       _("%s: is not there (backup.folder in mailrepl.conf says where "
				 "archives are)"),
			       folder);
	mr_seal_init(config, NULL, thorough);
	if (mr_backup_key_read(config, &key, err) < 0 ||
	    mr_backup_names(arena, folder, &names, err) < 0)
		return -1;
	out->items = MR_NEW_ARRAY(arena, struct mr_archive_item, names.count + 1);
	for (size_t i = 0; i < names.count; i++)
		look_at(arena, mr_printf(arena, "%s/%s", folder, names.items[i]), names.items[i],
			thorough, &key, &out->items[out->count++]);
	return 0;
}
