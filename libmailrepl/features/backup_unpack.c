#include "features/backup.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "adapters/archive.h"
#include "adapters/ldif.h"
#include "adapters/tls.h"
#include "base/log.h"
#include "features/backup_manifest.h"

#define CHUNK ((size_t)256 * 1024)
#define TOPOLOGY_NAME "topology.ldif"
#define TOPOLOGY_MOST ((int64_t)64 << 20)
#define SMALL_MOST ((int64_t)1 << 20) /* keys, templates, configuration */

struct unpacking {
	struct mr_arena *arena;
	const char *path;
	const char *folder; /* NULL: only verify */
	const char *host;   /* only what it may have; NULL: everything */
	struct mr_archive_reader *reader;
	struct mr_manifest *manifest;
	struct mr_topology topology;
	unsigned long long done, total;
	char block[CHUNK];
};

static int refuse(const struct unpacking *un, const char *name, const char *what,
		  struct mr_error *err)
{
	return mr_fail(err, MR_E_ARCHIVE, "%s: %s: %s", un->path, name, what);
}

/* Bytes of a member as far as `most`; more than that is refused. */
static int read_text(struct unpacking *un, const char *name, size_t most, struct mr_buf *out,
		     struct mr_error *err)
{
	long n;

	while ((n = mr_archive_read(un->reader, un->block, CHUNK, err)) > 0) {
		if (out->len + (size_t)n > most)
			return refuse(un, name, _("too long"), err);
		mr_buf_add(out, un->block, (size_t)n);
	}
	return n < 0 ? -1 : 0;
}

static int read_manifest(struct unpacking *un, struct mr_error *err)
{
	struct mr_archive_member member;
	MR_BUF text = { 0 };
	int more = mr_archive_next(un->reader, &member, err);

	if (more < 0)
		return -1;
	if (more == 0 || strcmp(member.name, MR_MANIFEST_NAME) != 0)
		return refuse(un, MR_MANIFEST_NAME,
			      _("is not the first member: not an archive of mailrepl"), err);
	if (read_text(un, member.name, MR_MANIFEST_MOST, &text, err) < 0)
		return -1;
	if (mr_manifest_parse(un->arena, mr_buf_text(&text), text.len, un->manifest, err) < 0)
		return mr_fail_in(err, "%s", un->path);
	return 0;
}

static bool is_database(const char *name)
{
	return mr_ends_with(name, ".ldif") && strcmp(name, TOPOLOGY_NAME) != 0;
}

/* A small file that claims to be large is not unpacked to see whether it is true. */
static int check_sizes(struct unpacking *un, struct mr_error *err)
{
	struct statvfs disk;

	for (size_t i = 0; i < un->manifest->count; i++) {
		const struct mr_manifest_member *member = &un->manifest->members[i];
		int64_t most =
			strcmp(member->name, TOPOLOGY_NAME) == 0 ? TOPOLOGY_MOST : SMALL_MOST;

		if (!is_database(member->name) && member->size > most)
			return refuse(un, member->name, _("too long"), err);
		if (__builtin_add_overflow(un->total, (unsigned long long)member->size, &un->total))
			return refuse(un, member->name, _("too long"), err);
	}
	if (un->folder && statvfs(un->folder, &disk) == 0 &&
	    un->total > (unsigned long long)disk.f_bavail * disk.f_frsize)
		return mr_fail(err, MR_E_IO, _("%s needs %llu bytes, which %s does not have"),
			       un->path, un->total, un->folder);
	return 0;
}

/* Of another's full archive: what is common, our own key, and accounts if we keep accounts. */
static bool may_have(const struct unpacking *un, const char *name)
{
	const struct mr_manifest *manifest = un->manifest;
	const char *reader = manifest->for_host ? manifest->for_host : manifest->host;
	const struct mr_host *host;
	MR_ARENA arena = mr_arena_open();

	if (!un->host || strcmp(un->host, reader) == 0)
		return true;
	host = mr_topology_host(&un->topology, un->host);
	if (mr_starts_with(name, "unix-"))
		return host && host->services & MR_UNIX;
	if (mr_starts_with(name, "tls/peers/"))
		return strcmp(name, mr_printf(arena, "tls/peers/%s.crt", un->host)) == 0 ||
		       strcmp(name, mr_printf(arena, "tls/peers/%s.key", un->host)) == 0;
	return strcmp(name, TOPOLOGY_NAME) == 0 || strcmp(name, "tls/ca.crt") == 0 ||
	       mr_starts_with(name, "templates/") || mr_starts_with(name, "mail-");
}

/* The name was checked against the list of known ones. */
static int open_file(struct unpacking *un, const char *name, int *fd, struct mr_error *err)
{
	char *path = mr_printf(un->arena, "%s/%s", un->folder, name);
	char *slash = strrchr(path, '/');

	*slash = '\0';
	if (strchr(name, '/') &&
	    mr_folder_make(path, (struct mr_file_attrs){ 0700, (uid_t)-1, (gid_t)-1 }, err) < 0)
		return -1;
	*slash = '/';
	*fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	return *fd < 0 ? mr_fail_errno(err, "%s", path) : 0;
}

static int copy_member(struct unpacking *un, const struct mr_manifest_member *want, int fd,
		       int keep, struct mr_error *err)
{
	struct mr_sha256 *sum = mr_sha256_open();
	int64_t size = 0;
	char hex[65];
	int rc = 0;
	long n;

	while (rc == 0 && (n = mr_archive_read(un->reader, un->block, CHUNK, err)) != 0) {
		if (n < 0) {
			rc = -1;
			break;
		}
		mr_sha256_add(sum, un->block, (size_t)n);
		size += n;
		un->done += (unsigned long long)n;
		if ((fd >= 0 && mr_write_all(fd, un->block, (size_t)n, err) < 0) ||
		    (keep >= 0 && mr_write_all(keep, un->block, (size_t)n, err) < 0))
			rc = mr_fail_in(err, "%s", want->name);
		mr_progress(_("verifying"), un->done, un->total);
	}
	mr_sha256_close(sum, hex);
	if (rc == 0 && (size != want->size || strcmp(hex, want->sha256) != 0))
		return refuse(un, want->name, _("altered: it is not what the manifest says"), err);
	return rc;
}

static int parse_topology(struct mr_arena *arena, int fd, const char *name, struct mr_topology *out,
			  struct mr_error *err)
{
	struct mr_entries entries = { 0 };
	struct mr_entry *entry;
	struct mr_ldif *ldif = mr_ldif_open(fd, name);
	int more;

	while ((more = mr_ldif_read(ldif, arena, &entry, err)) > 0)
		mr_entries_add(arena, &entries, entry);
	mr_ldif_close(ldif);
	if (more < 0 || mr_topology_parse(arena, &entries, out, err) < 0) {
		err->code = MR_E_ARCHIVE;
		return mr_fail_in(err, "%s", name);
	}
	return 0;
}

/* It comes right after the manifest: from here on it is known who may have what. */
static int check_topology(struct unpacking *un, int fd, struct mr_error *err)
{
	if (lseek(fd, 0, SEEK_SET) < 0)
		return mr_fail_errno(err, "%s", TOPOLOGY_NAME);
	if (parse_topology(un->arena, fd, TOPOLOGY_NAME, &un->topology, err) < 0 ||
	    mr_manifest_agrees(un->manifest, &un->topology, err) < 0)
		return mr_fail_in(err, "%s", un->path);
	if (un->host && !mr_topology_host(&un->topology, un->host))
		return mr_fail(err, MR_E_NO_HOST,
			       _("%s: %s is not among the hosts of this domain (add it on %s with "
				 "cl-replication -r)"),
			       un->path, un->host, un->manifest->home);
	return 0;
}

static int take_member(struct unpacking *un, const struct mr_manifest_member *want,
		       struct mr_error *err)
{
	bool topology = strcmp(want->name, TOPOLOGY_NAME) == 0;
	int fd = -1, keep = -1, rc = 0;

	if (topology && (keep = memfd_create("topology", MFD_CLOEXEC)) < 0)
		return mr_fail_errno(err, "%s", want->name);
	if (un->folder && may_have(un, want->name))
		rc = open_file(un, want->name, &fd, err);
	if (rc == 0)
		rc = copy_member(un, want, fd, keep, err);
	if (rc == 0 && topology)
		rc = check_topology(un, keep, err);
	if (fd >= 0 && close(fd) < 0 && rc == 0)
		rc = mr_fail_errno(err, _("writing %s"), want->name);
	if (keep >= 0)
		close(keep);
	return rc;
}

static int take_members(struct unpacking *un, struct mr_error *err)
{
	struct mr_archive_member member;
	int more;

	for (size_t i = 0; i < un->manifest->count; i++) {
		const struct mr_manifest_member *want = &un->manifest->members[i];

		more = mr_archive_next(un->reader, &member, err);
		if (more < 0)
			return -1;
		if (more == 0)
			return refuse(un, want->name, _("missing: the archive was cut"), err);
		if (strcmp(member.name, want->name) != 0)
			return refuse(un, member.name, _("not what the manifest names here"), err);
		if (member.size != want->size)
			return refuse(un, want->name,
				      _("altered: its size is not what the manifest says"), err);
		if (take_member(un, want, err) < 0)
			return -1;
	}
	more = mr_archive_next(un->reader, &member, err);
	return more > 0 ? refuse(un, member.name, _("not in the manifest"), err) : more;
}

static int unpack(struct unpacking *un, struct mr_error *err)
{
	int rc;

	if (mr_archive_open(un->path, &un->reader, err) < 0)
		return -1;
	rc = read_manifest(un, err);
	if (rc == 0)
		rc = check_sizes(un, err);
	if (rc == 0)
		rc = take_members(un, err);
	mr_archive_close(un->reader);
	mr_progress_end();
	return rc;
}

int mr_backup_unpack_for(struct mr_arena *arena, const char *path, const char *folder,
			 const char *host, struct mr_manifest *out, struct mr_error *err)
{
	struct unpacking *un = MR_NEW(arena, struct unpacking);
	struct mr_error ignored;

	un->arena = arena;
	un->path = path;
	un->folder = folder;
	un->host = host;
	un->manifest = out;
	if (folder && mr_path_exists(folder))
		return mr_fail(err, MR_E_EXISTS, _("%s is in the way"), folder);
	if (folder &&
	    mr_folder_make(folder, (struct mr_file_attrs){ 0700, (uid_t)-1, (gid_t)-1 }, err) < 0)
		return -1;
	if (unpack(un, err) == 0)
		return 0;
	if (folder && mr_tree_remove(folder, &ignored) < 0)
		mr_log(MR_LOG_WARNING, "%s", ignored.message);
	return -1;
}

int mr_backup_unpack(struct mr_arena *arena, const char *path, const char *folder,
		     struct mr_manifest *out, struct mr_error *err)
{
	return mr_backup_unpack_for(arena, path, folder, NULL, out, err);
}

int mr_backup_peek(struct mr_arena *arena, const char *path, struct mr_manifest *out,
		   struct mr_error *err)
{
	struct unpacking *un = MR_NEW(arena, struct unpacking);
	int rc;

	un->arena = arena;
	un->path = path;
	un->manifest = out;
	if (mr_archive_open(path, &un->reader, err) < 0)
		return -1;
	rc = read_manifest(un, err);
	mr_archive_close(un->reader);
	return rc;
}

int mr_backup_topology(struct mr_arena *arena, const char *folder, struct mr_topology *out,
		       struct mr_error *err)
{
	const char *path = mr_printf(arena, "%s/%s", folder, TOPOLOGY_NAME);
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW), rc;

	if (fd < 0)
		return mr_fail_errno(err, "%s", path);
	rc = parse_topology(arena, fd, path, out, err);
	close(fd);
	return rc;
}
