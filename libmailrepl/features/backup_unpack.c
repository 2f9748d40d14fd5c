#include "features/backup.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "adapters/ldif.h"
#include "adapters/tls.h"
#include "adapters/tls_cipher.h"
#include "base/log.h"
#include "features/backup_entries.h"
#include "features/backup_file.h"
#include "features/backup_key.h"
#include "features/backup_manifest.h"

#define CHUNK ((size_t)256 * 1024)
#define TOPOLOGY_NAME "topology.ldif"
#define CA_NAME "tls/ca.crt"
#define TOPOLOGY_MOST ((int64_t)16 << 20) /* 4,095 hosts give 5 MB */
#define TOPOLOGY_ENTRIES 10000
#define SMALL_MOST ((int64_t)1 << 20) /* keys, templates, configuration */
/* LDIF shrinks to a tenth; what claims to be more than a thousand times as large as its file is
 * there to fill disks. Small archives may. */
#define MOST_RATIO 1000
#define FREE_SIZE ((unsigned long long)64 << 20)

struct unpacking {
	struct mr_arena *arena;
	const struct mr_backup_reading *reading;
	struct mr_backup_file file;
	struct mr_manifest *manifest;
	struct mr_topology topology;
	const char *ca_cert;
	unsigned long long done, total;
	char block[CHUNK];
};

static int refuse(const struct unpacking *un, const char *name, const char *what,
		  struct mr_error *err)
{
	return mr_fail(err, MR_E_ARCHIVE, "%s: %s: %s", un->reading->path, name, what);
}

static bool is_database(const char *name)
{
	return mr_ends_with(name, ".ldif") && strcmp(name, TOPOLOGY_NAME) != 0;
}

/* A small file that claims to be large is not unpacked to see whether it is true. */
static int check_sizes(struct unpacking *un, struct mr_error *err)
{
	unsigned long long size = (unsigned long long)un->file.size;

	for (size_t i = 0; i < un->manifest->count; i++) {
		const struct mr_manifest_member *member = &un->manifest->members[i];
		int64_t most =
			strcmp(member->name, TOPOLOGY_NAME) == 0 ? TOPOLOGY_MOST : SMALL_MOST;

		if (!is_database(member->name) && member->size > most)
			return refuse(un, member->name, _("too long"), err);
		if (__builtin_add_overflow(un->total, (unsigned long long)member->size, &un->total))
			return refuse(un, member->name, _("too long"), err);
	}
	if (un->total > FREE_SIZE && un->total / MOST_RATIO > size)
		return mr_fail(err, MR_E_ARCHIVE,
			       _("%s: it claims to hold %llu bytes in a file of %llu"),
			       un->reading->path, un->total, size);
	return 0;
}

/* Of the disk that will hold `folder`, which is not there yet. */
static int check_space(const struct unpacking *un, struct mr_error *err)
{
	const char *folder = un->reading->folder;
	char *parent = mr_strdup(un->arena, folder), *slash = strrchr(parent, '/');
	struct statvfs disk;

	if (slash == parent)
		slash++;
	if (slash)
		*slash = '\0';
	if (statvfs(slash ? parent : ".", &disk) == 0 &&
	    un->total > (unsigned long long)disk.f_bavail * disk.f_frsize)
		return mr_fail(err, MR_E_IO, _("%s needs %llu bytes, and %s has %llu free"),
			       un->reading->path, un->total, slash ? parent : ".",
			       (unsigned long long)disk.f_bavail * disk.f_frsize);
	return 0;
}

static bool has_hmac(const struct unpacking *un, const struct mr_secret *key)
{
	char hex[65];

	mr_backup_key_hmac(key, mr_manifest_signed(un->arena, un->manifest), hex);
	return mr_same(hex, un->manifest->hmac, 64);
}

/* Under this host's own key, before the rest is looked at. */
static int check_hmac(const struct unpacking *un, struct mr_error *err)
{
	const struct mr_secret *key = un->reading->key;

	if (!key || !key->len || un->manifest->format == 1)
		return 0;
	if (!un->manifest->hmac)
		return refuse(un, "HMAC",
			      _("it carries none, and this host has the domain's backup key: it "
				"may come from anybody"),
			      err);
	if (!has_hmac(un, key))
		return refuse(un, "HMAC",
			      _("it does not fit the backup key of this host: altered, or made in "
				"another domain"),
			      err);
	un->manifest->trust = MR_TRUST_KEY;
	return 0;
}

/* Of another's full archive: what is common, our own key, and accounts if we keep accounts. */
static bool may_have(const struct unpacking *un, const char *name)
{
	const struct mr_backup_reading *reading = un->reading;
	const struct mr_manifest *manifest = un->manifest;
	const char *reader = manifest->for_host ? manifest->for_host : manifest->host;
	const struct mr_host *host;
	MR_ARENA arena = mr_arena_open();

	if (!reading->host || strcmp(reading->host, reader) == 0)
		return true;
	host = mr_topology_host(&un->topology, reading->host);
	if (mr_starts_with(name, "unix-"))
		return host && host->services & MR_UNIX;
	if (mr_starts_with(name, "tls/peers/"))
		return strcmp(name, mr_printf(arena, "tls/peers/%s.crt", reading->host)) == 0 ||
		       strcmp(name, mr_printf(arena, "tls/peers/%s.key", reading->host)) == 0;
	return strcmp(name, TOPOLOGY_NAME) == 0 || strcmp(name, CA_NAME) == 0 ||
	       strcmp(name, MR_BACKUP_KEY_NAME) == 0 || mr_starts_with(name, "templates/") ||
	       mr_starts_with(name, "mail-");
}

/* The name was checked against the list of known ones. */
static int open_file(struct unpacking *un, const char *name, int *fd, struct mr_error *err)
{
	char *path = mr_printf(un->arena, "%s/%s", un->reading->folder, name);
	char *slash = strrchr(path, '/');

	*slash = '\0';
	if (strchr(name, '/') &&
	    mr_folder_make(path, (struct mr_file_attrs){ 0700, (uid_t)-1, (gid_t)-1 }, err) < 0)
		return -1;
	*slash = '/';
	*fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	return *fd < 0 ? mr_fail_errno(err, "%s", path) : 0;
}

/* A member on its way: to a file, to memory, and through the sum. */
struct copying {
	struct unpacking *un;
	struct mr_manifest_member *want;
	struct mr_sha256 *sum;
	int64_t size;
	int fd, keep; /* -1: not there */
};

static long pull(void *context, char *buf, size_t size, struct mr_error *err)
{
	struct copying *copying = context;
	struct unpacking *un = copying->un;
	long n = mr_backup_file_read(&un->file, buf, size, err);

	if (n <= 0)
		return n;
	mr_sha256_add(copying->sum, buf, (size_t)n);
	copying->size += n;
	un->done += (unsigned long long)n;
	if ((copying->fd >= 0 && mr_write_all(copying->fd, buf, (size_t)n, err) < 0) ||
	    (copying->keep >= 0 && mr_write_all(copying->keep, buf, (size_t)n, err) < 0))
		return mr_fail_in(err, "%s", copying->want->name);
	mr_progress_bytes(_("verifying"), un->done, un->total);
	return n;
}

static int count_fault(const struct unpacking *un, struct mr_manifest_member *want, int64_t count,
		       struct mr_error *err)
{
	if (want->entries < 0 || want->entries == count)
		return 0;
	return mr_fail(err, MR_E_ARCHIVE,
		       _("%s: %s: it has %lld entries, and the manifest says %lld"),
		       un->reading->path, want->name, (long long)count, (long long)want->entries);
}

/* Through the LDIF reader, which pulls. */
static int copy_entries(struct copying *copying, const char *base, struct mr_error *err)
{
	struct mr_manifest_member *want = copying->want;
	struct mr_ldif *ldif = mr_ldif_open_source(pull, copying, want->name);
	int64_t count;
	int rc = mr_backup_entries_check(ldif, want->name, base, &count, err);

	mr_ldif_close(ldif);
	if (rc < 0)
		return -1;
	if (want->entries < 0)
		want->entries = count;
	return count_fault(copying->un, want, count, err);
}

static int copy_member(struct unpacking *un, struct mr_manifest_member *want, int fd, int keep,
		       struct mr_error *err)
{
	struct copying copying = { un, want, mr_sha256_open(), 0, fd, keep };
	const char *base = mr_backup_base(un->arena, un->manifest, want->name);
	struct mr_error fault = { 0 };
	char hex[65];
	int broken = 0;
	long n;

	if (un->reading->entries && base)
		broken = copy_entries(&copying, base, &fault);
	/* What is wrong with the bytes comes first: what they say is then of no interest. */
	while ((n = pull(&copying, un->block, CHUNK, err)) > 0)
		continue;
	mr_sha256_close(copying.sum, hex);
	if (n < 0)
		return -1;
	if (copying.size != want->size || strcmp(hex, want->sha256) != 0)
		return refuse(un, want->name, _("altered: it is not what the manifest says"), err);
	if (broken) {
		*err = fault;
		return mr_fail_in(err, "%s", un->reading->path);
	}
	return 0;
}

static int parse_topology(struct mr_arena *arena, int fd, const char *name, struct mr_topology *out,
			  size_t *count, struct mr_error *err)
{
	struct mr_entries entries = { 0 };
	struct mr_entry *entry;
	struct mr_ldif *ldif = mr_ldif_open(fd, name);
	int more;

	while ((more = mr_ldif_read(ldif, arena, &entry, err)) > 0) {
		mr_entries_add(arena, &entries, entry);
		if (entries.count > TOPOLOGY_ENTRIES) {
			more = mr_fail(err, MR_E_ARCHIVE, _("more than %d entries"),
				       TOPOLOGY_ENTRIES);
			break;
		}
	}
	mr_ldif_close(ldif);
	*count = entries.count;
	if (more < 0 || mr_topology_parse(arena, &entries, out, err) < 0) {
		err->code = MR_E_ARCHIVE;
		return mr_fail_in(err, "%s", name);
	}
	return 0;
}

/* It comes right after the manifest: from here on it is known who may have what. */
static int check_topology(struct unpacking *un, struct mr_manifest_member *want, int fd,
			  struct mr_error *err)
{
	const char *host = un->reading->host;
	size_t count;

	if (parse_topology(un->arena, fd, TOPOLOGY_NAME, &un->topology, &count, err) < 0 ||
	    mr_manifest_agrees(un->manifest, &un->topology, err) < 0)
		return mr_fail_in(err, "%s", un->reading->path);
	if (count_fault(un, want, (int64_t)count, err) < 0)
		return -1;
	if (host && !mr_topology_host(&un->topology, host))
		return mr_fail(err, MR_E_NO_HOST,
			       _("%s: %s is not among the hosts of this domain (add it on %s with "
				 "cl-replication -r)"),
			       un->reading->path, host, un->manifest->home);
	return 0;
}

/* What an archive says of itself is worth something only if people compare the fingerprint. */
static int check_key(struct unpacking *un, int fd, struct mr_error *err)
{
	MR_SECRET key = { 0 };

	if (mr_backup_key_read_fd(fd, &key, err) < 0 || !has_hmac(un, &key))
		return refuse(un, MR_BACKUP_KEY_NAME, _("the HMAC does not fit it"), err);
	if (un->manifest->trust == MR_TRUST_NONE)
		un->manifest->trust = MR_TRUST_SELF;
	un->manifest->fingerprint = mr_backup_key_fingerprint(un->arena, un->ca_cert, &key);
	return 0;
}

static int take_ca_cert(struct unpacking *un, int fd, size_t size, struct mr_error *err)
{
	char *text = mr_alloc(un->arena, size + 1);

	if (pread(fd, text, size, 0) != (ssize_t)size)
		return mr_fail_errno(err, CA_NAME);
	un->ca_cert = text;
	return 0;
}

/* The members that tell something about the others. */
static bool is_told(const char *name)
{
	return strcmp(name, TOPOLOGY_NAME) == 0 || strcmp(name, CA_NAME) == 0 ||
	       strcmp(name, MR_BACKUP_KEY_NAME) == 0;
}

static int be_told(struct unpacking *un, struct mr_manifest_member *want, int fd,
		   struct mr_error *err)
{
	if (lseek(fd, 0, SEEK_SET) < 0)
		return mr_fail_errno(err, "%s", want->name);
	if (strcmp(want->name, TOPOLOGY_NAME) == 0)
		return check_topology(un, want, fd, err);
	if (strcmp(want->name, CA_NAME) == 0)
		return take_ca_cert(un, fd, (size_t)want->size, err);
	return check_key(un, fd, err);
}

static int take_member(struct unpacking *un, struct mr_manifest_member *want, struct mr_error *err)
{
	bool told = is_told(want->name);
	int fd = -1, keep = -1, rc = 0;

	if (told && (keep = memfd_create("member", MFD_CLOEXEC)) < 0)
		return mr_fail_errno(err, "%s", want->name);
	if (un->reading->folder && may_have(un, want->name))
		rc = open_file(un, want->name, &fd, err);
	if (rc == 0)
		rc = copy_member(un, want, fd, keep, err);
	if (rc == 0 && told)
		rc = be_told(un, want, keep, err);
	if (fd >= 0 && close(fd) < 0 && rc == 0)
		rc = mr_fail_errno(err, _("writing %s"), want->name);
	if (keep >= 0)
		close(keep);
	return rc;
}

static int take_members(struct unpacking *un, struct mr_error *err)
{
	for (size_t i = 0; i < un->manifest->count; i++) {
		struct mr_manifest_member *want = &un->manifest->members[i];

		if (mr_backup_file_member(&un->file, want, err) < 0 ||
		    take_member(un, want, err) < 0)
			return -1;
	}
	return mr_backup_file_end(&un->file, err);
}

static int make_folder(const struct unpacking *un, struct mr_error *err)
{
	return un->reading->folder
		       ? mr_folder_make(un->reading->folder, MR_FILE_PRIVATE_FOLDER, err)
		       : 0;
}

static int unpack(struct unpacking *un, struct mr_error *err)
{
	const char *folder = un->reading->folder;
	struct mr_error ignored;
	int rc;

	if (mr_backup_file_open(un->arena, un->reading->path, &un->file, un->manifest, err) < 0 ||
	    check_hmac(un, err) < 0 || check_sizes(un, err) < 0 ||
	    (folder && check_space(un, err) < 0) || mr_backup_file_begin(&un->file, err) < 0)
		return -1;
	rc = make_folder(un, err);
	if (rc == 0)
		rc = take_members(un, err);
	mr_progress_end();
	if (rc < 0 && folder && mr_tree_remove(folder, &ignored) < 0)
		mr_log(MR_LOG_WARNING, "%s", ignored.message);
	return rc;
}

int mr_backup_read(struct mr_arena *arena, const struct mr_backup_reading *reading,
		   struct mr_manifest *out, struct mr_error *err)
{
	struct unpacking *un;
	int rc;

	if (reading->folder && mr_path_exists(reading->folder))
		return mr_fail(err, MR_E_EXISTS, _("%s is in the way"), reading->folder);
	un = MR_NEW(arena, struct unpacking);
	un->arena = arena;
	un->reading = reading;
	un->manifest = out;
	rc = unpack(un, err);
	mr_backup_file_close(&un->file);
	/* Keys have gone through it. */
	explicit_bzero(un->block, sizeof(un->block));
	return rc;
}

int mr_backup_unpack_for(struct mr_arena *arena, const char *path, const char *folder,
			 const char *host, struct mr_manifest *out, struct mr_error *err)
{
	return mr_backup_read(
		arena, &(struct mr_backup_reading){ .path = path, .folder = folder, .host = host },
		out, err);
}

int mr_backup_unpack(struct mr_arena *arena, const char *path, const char *folder,
		     struct mr_manifest *out, struct mr_error *err)
{
	return mr_backup_unpack_for(arena, path, folder, NULL, out, err);
}

int mr_backup_peek(struct mr_arena *arena, const char *path, struct mr_manifest *out,
		   struct mr_error *err)
{
	struct mr_backup_file file;
	int rc = mr_backup_file_open(arena, path, &file, out, err);

	mr_backup_file_close(&file);
	return rc;
}

int mr_backup_topology(struct mr_arena *arena, const char *folder, struct mr_topology *out,
		       struct mr_error *err)
{
	const char *path = mr_printf(arena, "%s/%s", folder, TOPOLOGY_NAME);
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW), rc;
	size_t count;

	if (fd < 0)
		return mr_fail_errno(err, "%s", path);
	rc = parse_topology(arena, fd, path, out, &count, err);
	close(fd);
	return rc;
}
