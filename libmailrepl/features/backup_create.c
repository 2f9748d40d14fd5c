#include "features/backup.h"

#include <errno.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "adapters/bzip2.h"
#include "adapters/tls.h"
#include "base/log.h"
#include "base/paths.h"
#include "features/backup_dump.h"
#include "features/backup_key.h"
#include "features/backup_manifest.h"
#include "features/backup_parts.h"
#include "features/backup_pieces.h"

#define STALE_PREFIX ".mailrepl-"

struct making {
	struct mr_arena *arena;
	const struct mr_config *config;
	const struct mr_topology *topology;
	const struct mr_backup_order *order;
	const char *folder;
	const char *work; /* where files without a name are */
	int64_t created;
	struct mr_secret key; /* the domain's backup key; empty: this host has none */
	struct mr_dumps dumps;
};

struct made {
	const char *temporary, *path;
	struct mr_backup *backup;
};

/* The lock is the caller's, so whatever is there belongs to nobody, or has lost its name in a moment. */
static int remove_stale(const char *folder, struct mr_error *err)
{
	DIR *dir = opendir(folder);
	struct dirent *item;
	int rc = 0;

	if (!dir)
		return mr_fail_errno(err, "%s", folder);
	while (rc == 0 && (item = readdir(dir)))
		if (mr_starts_with(item->d_name, STALE_PREFIX) &&
		    unlinkat(dirfd(dir), item->d_name, 0) < 0 && errno != ENOENT)
			rc = mr_fail_errno(err, "%s/%s", folder, item->d_name);
	closedir(dir);
	return rc;
}

static bool wanted(const struct making *ma, const struct mr_dump *dump, const char *peer)
{
	const struct mr_host *host = mr_topology_host(ma->topology, peer ? peer : ma->config->host);

	return dump->present && host->services & dump->service;
}

static void add_member(struct mr_manifest *manifest, const char *name, size_t size, int64_t entries,
		       const char *sha256)
{
	manifest->members[manifest->count++] =
		(struct mr_manifest_member){ name, (int64_t)size, sha256, entries };
}

static const char *digest(struct mr_arena *arena, const void *data, size_t len)
{
	struct mr_sha256 *sum = mr_sha256_open();
	char *hex = mr_alloc(arena, 65);

	mr_sha256_add(sum, data, len);
	mr_sha256_close(sum, hex);
	return hex;
}

static const char *part_data(const struct mr_backup_part *part)
{
	return part->secret.data ? part->secret.data : part->text;
}

static void fill_manifest(struct making *ma, const char *peer, const struct mr_backup_parts *parts,
			  struct mr_manifest *out)
{
	*out = (struct mr_manifest){
		.format = MR_BACKUP_FORMAT,
		.domain_id = ma->topology->domain_id,
		.host = ma->config->host,
		.home = ma->topology->home,
		.for_host = peer,
		.server_id = mr_topology_host(ma->topology, ma->config->host)->server_id,
		.created = ma->created,
		.generation = ma->topology->generation,
		.bzip2 = mr_bzip2_version(),
		.members =
			MR_NEW_ARRAY(ma->arena, struct mr_manifest_member, parts->count + MR_DUMPS),
	};
	for (size_t i = 0; i < parts->count; i++)
		add_member(out, parts->items[i].name, parts->items[i].len, parts->items[i].entries,
			   digest(ma->arena, part_data(&parts->items[i]), parts->items[i].len));
	for (int i = 0; i < MR_DUMPS; i++)
		if (wanted(ma, &ma->dumps.items[i], peer))
			add_member(out, ma->dumps.items[i].name, (size_t)ma->dumps.items[i].size,
				   ma->dumps.items[i].entries, ma->dumps.items[i].sha256);
}

/* The full archive, or the only one, is read and every digest compared. That proves the pieces that
 * the others share with it, so these are compared with their pieces byte for byte; their own parts
 * have been proven by themselves, and their manifest is read here. */
static int verify(struct making *ma, const char *peer, const struct mr_pieces *pieces,
		  const char *path, int fd, struct mr_error *err)
{
	struct mr_manifest manifest;

	/* Read back what the disk has, not what memory still knows. */
	posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	if (!peer || ma->order->for_host)
		return mr_backup_read(ma->arena,
				      &(struct mr_backup_reading){ .path = path, .key = &ma->key },
				      &manifest, err);
	if (mr_backup_peek(ma->arena, path, &manifest, err) < 0 ||
	    mr_pieces_compare(pieces, fd, err) < 0)
		return mr_fail_in(err, _("verifying %s"), path);
	return 0;
}

/* Its name, until it is opened again, is that of the descriptor. */
static int write_plain(struct making *ma, const char *peer, const struct mr_pieces *pieces,
		       const char *path, int fd, struct mr_error *err)
{
	if (mr_pieces_write(pieces, fd, err) < 0)
		return -1;
	if (fsync(fd) < 0)
		return mr_fail_errno(err, _("making %s durable"), path);
	return verify(ma, peer, pieces, path, fd, err);
}

/* Read back with the key of the file: the recipients' is not here. */
static int seal(struct making *ma, int plain, const char *path, int fd, struct mr_error *err)
{
	MR_SECRET file_key = { 0 };

	if (mr_age_seal(ma->order->seal, plain, fd, &file_key, err) < 0)
		return mr_fail_in(err, "%s", path);
	if (fsync(fd) < 0)
		return mr_fail_errno(err, _("making %s durable"), path);
	posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	return mr_age_compare(&file_key, fd, plain, err) < 0 ? mr_fail_in(err, "%s", path) : 0;
}

static int write_sealed(struct making *ma, const char *peer, const struct mr_pieces *pieces,
			const char *path, int fd, struct mr_error *err)
{
	int plain = mr_nameless_file(ma->work, err), rc;

	if (plain < 0)
		return -1;
	rc = write_plain(ma, peer, pieces, mr_printf(ma->arena, "/proc/self/fd/%d", plain), plain,
			 err);
	if (rc == 0)
		rc = seal(ma, plain, path, fd, err);
	close(plain);
	return rc;
}

static int write_file(struct making *ma, const char *peer, const struct mr_pieces *pieces,
		      struct made *made, struct mr_error *err)
{
	char *path = mr_printf(ma->arena, "%s/" STALE_PREFIX "XXXXXX", ma->folder);
	int fd = mkostemp(path, O_CLOEXEC), rc;

	if (fd < 0)
		return mr_fail_errno(err, _("making a file in %s"), ma->folder);
	made->temporary = path;
	rc = (ma->order->seal ? write_sealed : write_plain)(ma, peer, pieces, path, fd, err);
	made->backup->size = lseek(fd, 0, SEEK_END);
	close(fd);
	return rc;
}

static int make_one(struct making *ma, const char *peer, struct made *made, struct mr_error *err)
{
	const struct mr_pieces_common common = { ma->work, ma->topology, &ma->key, &ma->dumps };
	struct mr_manifest *manifest = &made->backup->manifest;
	struct mr_backup_parts parts = { 0 };
	struct mr_pieces pieces = { 0 };
	int rc = mr_backup_parts_read(ma->arena, ma->config, ma->topology, peer, &ma->key, &parts,
				      err);

	if (rc == 0) {
		fill_manifest(ma, peer, &parts, manifest);
		made->path = mr_printf(ma->arena, "%s/%s%s", ma->folder,
				       mr_manifest_file_name(ma->arena, manifest),
				       ma->order->seal ? ".age" : "");
		made->backup->path = made->path;
		rc = mr_pieces_make(ma->arena, &common, &parts, manifest, &pieces, err);
	}
	if (rc == 0)
		rc = write_file(ma, peer, &pieces, made, err);
	mr_pieces_close(&pieces);
	mr_backup_parts_close(&parts);
	return rc < 0 && peer ? mr_fail_in(err, _("the archive for %s"), peer) : rc;
}

/* All of them or none. */
static int rename_all(struct making *ma, struct made *made, size_t count, struct mr_error *err)
{
	for (size_t i = 0; i < count; i++) {
		if (renameat2(AT_FDCWD, made[i].temporary, AT_FDCWD, made[i].path,
			      RENAME_NOREPLACE) < 0) {
			mr_fail_errno(err, "%s", made[i].path);
			while (i-- > 0)
				unlink(made[i].path);
			return -1;
		}
	}
	return mr_folder_sync(ma->folder, err);
}

static int check_order(const struct making *ma, struct mr_error *err)
{
	const char *host = ma->order->for_host;

	if (!mr_topology_host(ma->topology, ma->config->host))
		return mr_fail(err, MR_E_NO_HOST, _("%s is not in the topology"), ma->config->host);
	if (!host || strcmp(host, ma->config->host) == 0)
		return 0;
	if (!mr_topology_host(ma->topology, host))
		return mr_fail(err, MR_E_NO_HOST,
			       _("%s is not among the hosts of this domain (cl-replication -l)"),
			       host);
	if (strcmp(ma->config->host, ma->topology->home) != 0)
		return mr_fail(err, MR_E_DENIED,
			       _("archives for other hosts are made on the home, %s"),
			       ma->topology->home);
	if (!mr_backup_peer_known(ma->config, host))
		return mr_fail(err, MR_E_NOT_FOUND,
			       _("%s: its certificate or key is not in %s%s (cl-replication -r "
				 "issues them)"),
			       host, ma->config->root, MR_PATH_PEERS);
	return 0;
}

/* The full one first, since it proves what the others share with it. */
static int choose_targets(const struct making *ma, bool warn, struct mr_list *out,
			  struct mr_error *err)
{
	const struct mr_topology *topology = ma->topology;

	if (check_order(ma, err) < 0)
		return -1;
	mr_list_add(ma->arena, out, ma->order->for_host ? ma->order->for_host : ma->config->host);
	for (size_t i = 0; i < topology->count; i++) {
		const char *peer = topology->hosts[i].name;

		if (ma->order->for_host || strcmp(ma->config->host, topology->home) != 0 ||
		    strcmp(peer, ma->config->host) == 0)
			continue;
		if (mr_backup_peer_known(ma->config, peer))
			mr_list_add(ma->arena, out, peer);
		else if (warn)
			mr_log(MR_LOG_WARNING,
			       _("no archive for %s: its certificate or key is not in %s%s "
				 "(cl-replication -r issues them)"),
			       peer, ma->config->root, MR_PATH_PEERS);
	}
	return 0;
}

static int make_all(struct making *ma, const struct mr_list *targets, struct mr_backups *out,
		    struct mr_error *err)
{
	struct made *made = MR_NEW_ARRAY(ma->arena, struct made, targets->count);
	int rc = 0;

	out->items = MR_NEW_ARRAY(ma->arena, struct mr_backup, targets->count);
	for (size_t i = 0; rc == 0 && i < targets->count; i++) {
		bool own = strcmp(targets->items[i], ma->config->host) == 0;

		made[i].backup = &out->items[out->count++];
		rc = make_one(ma, own ? NULL : targets->items[i], &made[i], err);
	}
	if (rc == 0)
		rc = rename_all(ma, made, out->count, err);
	for (size_t i = 0; rc < 0 && i < out->count; i++)
		if (made[i].temporary)
			unlink(made[i].temporary);
	return rc;
}

/* Two runs within a second must not want the same name, sealed or not. */
static bool is_taken(const struct making *ma, const struct mr_list *targets, int64_t created)
{
	for (size_t i = 0; i < targets->count; i++) {
		bool own = strcmp(targets->items[i], ma->config->host) == 0;
		struct mr_manifest manifest = { .host = ma->config->host,
						.for_host = own ? NULL : targets->items[i],
						.created = created };
		const char *path = mr_printf(ma->arena, "%s/%s", ma->folder,
					     mr_manifest_file_name(ma->arena, &manifest));

		if (mr_path_exists(path) || mr_path_exists(mr_printf(ma->arena, "%s.age", path)))
			return true;
	}
	return false;
}

static int take_key(struct making *ma, struct mr_error *err)
{
	if (strcmp(ma->config->host, ma->topology->home) == 0)
		return mr_backup_key_make(ma->config, &ma->key, err);
	if (mr_backup_key_read(ma->config, &ma->key, err) < 0)
		return -1;
	if (!ma->key.len)
		mr_log(MR_LOG_WARNING,
		       _("%s%s is not there: the archive carries no HMAC, and nobody can tell "
			 "whether somebody changed it (copy that file from %s, which makes it with "
			 "its next cl-backup)"),
		       ma->config->root, MR_PATH_BACKUP_KEY, ma->topology->home);
	return 0;
}

int mr_backup_create_ordered(struct mr_arena *arena, const struct mr_config *config,
			     const struct mr_topology *topology,
			     const struct mr_backup_order *order, struct mr_backups *out,
			     struct mr_error *err)
{
	struct making ma = {
		.arena = arena,
		.config = config,
		.topology = topology,
		.order = order,
		.folder = mr_path(arena, config->root, config->backup_folder),
		.created = (int64_t)time(NULL),
	};
	struct mr_list targets = { 0 };
	int rc;

	*out = (struct mr_backups){ 0 };
	ma.work = order->seal ? mr_path(arena, config->root, MR_PATH_STATE) : ma.folder;
	if (choose_targets(&ma, true, &targets, err) < 0 ||
	    mr_folder_make(ma.folder, MR_FILE_PRIVATE_FOLDER, err) < 0 ||
	    remove_stale(ma.folder, err) < 0 ||
	    remove_stale(mr_path(arena, config->root, MR_PATH_STATE), err) < 0)
		return -1;
	while (is_taken(&ma, &targets, ma.created))
		ma.created++;
	rc = take_key(&ma, err);
	if (rc == 0)
		rc = mr_dumps_create(config, ma.work, ma.created, &ma.dumps, err);
	if (rc == 0)
		rc = make_all(&ma, &targets, out, err);
	mr_dumps_close(&ma.dumps);
	mr_secret_close(&ma.key);
	return rc;
}

int mr_backup_create(struct mr_arena *arena, const struct mr_config *config,
		     const struct mr_topology *topology, struct mr_backups *out,
		     struct mr_error *err)
{
	const struct mr_backup_order all = { 0 };

	return mr_backup_create_ordered(arena, config, topology, &all, out, err);
}

int mr_backup_targets(struct mr_arena *arena, const struct mr_config *config,
		      const struct mr_topology *topology, const struct mr_backup_order *order,
		      struct mr_list *out, struct mr_error *err)
{
	struct making ma = {
		.arena = arena, .config = config, .topology = topology, .order = order
	};

	return choose_targets(&ma, false, out, err);
}
