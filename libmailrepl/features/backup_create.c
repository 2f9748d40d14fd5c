#include "features/backup.h"

#include <errno.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "adapters/tls.h"
#include "base/log.h"
#include "base/paths.h"
#include "features/backup_dump.h"
#include "features/backup_manifest.h"
#include "features/backup_parts.h"

#define STALE_PREFIX ".mailrepl-"

struct making {
	struct mr_arena *arena;
	const struct mr_config *config;
	const struct mr_topology *topology;
	const char *folder;
	int64_t created;
	struct mr_dumps dumps;
};

struct made {
	const char *temporary, *path;
	struct mr_backup *backup;
};

/* The lock is the caller's, so whatever is there belongs to nobody. */
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

static void add_member(struct mr_manifest *manifest, const char *name, size_t size,
		       const char *sha256)
{
	manifest->members[manifest->count++] =
		(struct mr_manifest_member){ name, (int64_t)size, sha256 };
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
		.members =
			MR_NEW_ARRAY(ma->arena, struct mr_manifest_member, parts->count + MR_DUMPS),
	};
	for (size_t i = 0; i < parts->count; i++)
		add_member(out, parts->items[i].name, parts->items[i].len,
			   digest(ma->arena, part_data(&parts->items[i]), parts->items[i].len));
	for (int i = 0; i < MR_DUMPS; i++)
		if (wanted(ma, &ma->dumps.items[i], peer))
			add_member(out, ma->dumps.items[i].name, (size_t)ma->dumps.items[i].size,
				   ma->dumps.items[i].sha256);
}

static int put_small(struct making *ma, struct mr_piece_writer *writer, const char *name,
		     const char *data, size_t len, struct mr_error *err)
{
	if (mr_piece_add_header(writer, name, (int64_t)len, ma->created, err) < 0 ||
	    mr_piece_add(writer, data, len, err) < 0)
		return -1;
	return mr_piece_pad(writer, err);
}

/* The manifest and the small members: the piece that differs from archive to archive. */
static int write_front(struct making *ma, const struct mr_manifest *manifest,
		       const struct mr_backup_parts *parts, struct mr_piece *out,
		       struct mr_error *err)
{
	const char *text = mr_manifest_format(ma->arena, manifest);
	struct mr_piece_writer *writer;
	struct mr_manifest parsed;
	int rc;

	if (mr_manifest_parse(ma->arena, text, strlen(text), &parsed, err) < 0 ||
	    mr_manifest_agrees(&parsed, ma->topology, err) < 0 ||
	    mr_piece_create(ma->folder, true, &writer, err) < 0)
		return -1;
	rc = put_small(ma, writer, MR_MANIFEST_NAME, text, strlen(text), err);
	for (size_t i = 0; rc == 0 && i < parts->count; i++)
		rc = put_small(ma, writer, parts->items[i].name, part_data(&parts->items[i]),
			       parts->items[i].len, err);
	if (rc < 0) {
		mr_piece_abandon(writer);
		return -1;
	}
	if (mr_piece_finish(writer, out, err) < 0)
		return -1;
	return mr_piece_prove(out, err);
}

typedef int (*piece_user)(const struct mr_piece *piece, int fd, struct mr_error *err);

static int for_pieces(struct making *ma, const char *peer, const struct mr_piece *front,
		      piece_user use, int fd, struct mr_error *err)
{
	if (use(front, fd, err) < 0)
		return -1;
	for (int i = 0; i < MR_DUMPS; i++)
		if (wanted(ma, &ma->dumps.items[i], peer) &&
		    (use(&ma->dumps.items[i].head, fd, err) < 0 ||
		     use(&ma->dumps.items[i].data, fd, err) < 0))
			return -1;
	return use(&ma->dumps.end, fd, err);
}

/* The full archive is unpacked and every digest compared. That proves the pieces that the others
 * share with it, so these are compared with their pieces byte for byte; their own front has been
 * proven by itself. */
static int verify(struct making *ma, const char *peer, const struct mr_piece *front,
		  const char *path, int fd, struct mr_error *err)
{
	struct mr_manifest manifest;
	char more;

	/* Read back what the disk has, not what memory still knows. */
	posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	if (!peer)
		return mr_backup_unpack(ma->arena, path, NULL, &manifest, err);
	if (lseek(fd, 0, SEEK_SET) < 0)
		return mr_fail_errno(err, "%s", path);
	if (for_pieces(ma, peer, front, mr_piece_compare, fd, err) < 0)
		return mr_fail_in(err, _("verifying %s"), path);
	return read(fd, &more, 1) == 0
		       ? 0
		       : mr_fail(err, MR_E_IO, _("%s: longer than what was written"), path);
}

static int write_file(struct making *ma, const char *peer, const struct mr_piece *front,
		      struct made *made, struct mr_error *err)
{
	char *path = mr_printf(ma->arena, "%s/" STALE_PREFIX "XXXXXX", ma->folder);
	int fd = mkostemp(path, O_CLOEXEC), rc;

	if (fd < 0)
		return mr_fail_errno(err, _("making a file in %s"), ma->folder);
	made->temporary = path;
	rc = for_pieces(ma, peer, front, mr_piece_copy, fd, err);
	if (rc == 0 && fsync(fd) < 0)
		rc = mr_fail_errno(err, _("making %s durable"), path);
	made->backup->size = lseek(fd, 0, SEEK_CUR);
	if (rc == 0)
		rc = verify(ma, peer, front, path, fd, err);
	close(fd);
	return rc;
}

static int make_one(struct making *ma, const char *peer, struct made *made, struct mr_error *err)
{
	struct mr_backup_parts parts = { 0 };
	struct mr_piece front = { 0 };
	int rc = mr_backup_parts_read(ma->arena, ma->config, ma->topology, peer, &parts, err);

	if (rc == 0) {
		fill_manifest(ma, peer, &parts, &made->backup->manifest);
		made->path = mr_printf(ma->arena, "%s/%s", ma->folder,
				       mr_manifest_file_name(ma->arena, &made->backup->manifest));
		made->backup->path = made->path;
		rc = write_front(ma, &made->backup->manifest, &parts, &front, err);
	}
	if (rc == 0)
		rc = write_file(ma, peer, &front, made, err);
	mr_piece_close(&front);
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

static int make_all(struct making *ma, struct mr_backups *out, struct mr_error *err)
{
	const struct mr_topology *topology = ma->topology;
	bool home = strcmp(ma->config->host, topology->home) == 0;
	struct made *made = MR_NEW_ARRAY(ma->arena, struct made, topology->count);
	int rc;

	out->items = MR_NEW_ARRAY(ma->arena, struct mr_backup, topology->count);
	made[0].backup = &out->items[out->count++];
	rc = make_one(ma, NULL, &made[0], err);
	for (size_t i = 0; rc == 0 && home && i < topology->count; i++) {
		const char *peer = topology->hosts[i].name;

		if (strcmp(peer, ma->config->host) == 0)
			continue;
		if (!mr_backup_peer_known(ma->config, peer)) {
			mr_log(MR_LOG_WARNING,
			       _("no archive for %s: its certificate or key is not in %s%s "
				 "(cl-replication -r issues them)"),
			       peer, ma->config->root, MR_PATH_PEERS);
			continue;
		}
		made[out->count].backup = &out->items[out->count];
		out->count++;
		rc = make_one(ma, peer, &made[out->count - 1], err);
	}
	if (rc == 0)
		rc = rename_all(ma, made, out->count, err);
	for (size_t i = 0; rc < 0 && i < out->count; i++)
		if (made[i].temporary)
			unlink(made[i].temporary);
	return rc;
}

/* Two runs within a second must not want the same name. */
static void choose_time(struct making *ma)
{
	struct mr_manifest manifest = { .host = ma->config->host, .created = (int64_t)time(NULL) };

	while (mr_path_exists(mr_printf(ma->arena, "%s/%s", ma->folder,
					mr_manifest_file_name(ma->arena, &manifest))))
		manifest.created++;
	ma->created = manifest.created;
}

int mr_backup_create(struct mr_arena *arena, const struct mr_config *config,
		     const struct mr_topology *topology, struct mr_backups *out,
		     struct mr_error *err)
{
	struct making ma = {
		.arena = arena,
		.config = config,
		.topology = topology,
		.folder = mr_path(arena, config->root, config->backup_folder),
	};
	int rc;

	*out = (struct mr_backups){ 0 };
	if (!mr_topology_host(topology, config->host))
		return mr_fail(err, MR_E_NO_HOST, _("%s is not in the topology"), config->host);
	if (mr_folder_make(ma.folder, (struct mr_file_attrs){ 0700, (uid_t)-1, (gid_t)-1 }, err) <
		    0 ||
	    remove_stale(ma.folder, err) < 0)
		return -1;
	choose_time(&ma);
	rc = mr_dumps_create(config, ma.folder, ma.created, &ma.dumps, err);
	if (rc == 0)
		rc = make_all(&ma, out, err);
	mr_dumps_close(&ma.dumps);
	return rc;
}
