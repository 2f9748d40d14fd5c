/* Archives: what a host needs to come back, and what a peer needs to join.
 *
 * Members of <UTC>-<host>.tar.bz2, in this order; a "-for-<peer>" archive leaves out what the peer
 * may not have:
 *
 *	MANIFEST.json        format version, domain id, host, serverID, home, "for", UTC time,
 *	                     generation, members with size, SHA-256 and number of entries; size and
 *	                     SHA-256 of the compressed bytes that follow; HMAC
 *	topology.ldif        ou=Hosts, the hosts and the domains, as of the copy
 *	tls/ca.crt
 *	tls/backup.key       the domain's backup key (features/backup_key.h), if the maker has it
 *	tls/ca.key           full archive of the home only
 *	tls/host.crt, .key   of the host that the archive is for (full: of its maker)
 *	tls/peers/<host>.crt, .key   full archive of the home only
 *	mailrepl.conf        full only
 *	templates/<path>     overrides, full and peers
 *	own/<path>, changes/<path>   parameters of the administrator's, and what was changed by hand in
 *	                     rendered files: full only
 *	secrets/<file>       passwords at other servers: full only
 *	mail-owned.ldif      slapcat of what the maker owns
 *	mail-copies.ldif     slapcat of the copy's base entry with its contextCSNs and of the other
 *	                     hosts' containers
 *	unix-owned.ldif, unix-copies.ldif   not in an archive for a relay
 *
 * The manifest is the first member; it is what tells a whole archive from one that was cut and
 * compressed again.
 *
 * Format 2: not one byte is free. The manifest is a bzip2 stream of its own, which must be the one
 * that its canonical text gives (a libbz2 of another version than the maker's may compress
 * otherwise: then only the text counts). All compressed bytes after it are under its SHA-256, and
 * what they hold is compared with what the manifest makes necessary: headers byte for byte, zeros
 * where nothing may be. The canonical text without the HMAC is under an HMAC-SHA-256 of the domain's
 * backup key.
 *
 * Format 1, which mailrepl wrote before, has no HMAC, no counts and free bytes in the compressed
 * streams; it is read as far as it goes. */
#ifndef MR_FEATURES_BACKUP_H
#define MR_FEATURES_BACKUP_H

#include <stdint.h>

#include "adapters/age.h"
#include "adapters/config.h"
#include "adapters/directory.h"
#include "features/instance.h"
#include "model/plan.h"
#include "model/topology.h"

#define MR_BACKUP_FORMAT 2

struct mr_manifest_member {
	const char *name;
	int64_t size;
	const char *sha256;
	int64_t entries; /* of an LDIF; -1: it is none, or format 1 */
};

/* How far it is known that an archive is what the domain made. */
enum mr_backup_trust {
	MR_TRUST_NONE, /* no HMAC: format 1, or its maker had no backup key */
	MR_TRUST_SELF, /* the HMAC fits the key in the archive itself: compare its fingerprint */
	MR_TRUST_KEY,  /* the HMAC fits this host's own key */
};

struct mr_manifest {
	int format;
	const char *domain_id, *host, *home;
	const char *for_host; /* NULL: a full archive */
	unsigned server_id;   /* of `host` */
	int64_t created;      /* seconds since the epoch, UTC */
	long long generation;
	struct mr_manifest_member *members;
	size_t count;
	/* Of format 2: */
	const char *bzip2; /* version of the library that compressed the manifest */
	int64_t rest_size; /* bytes of the file after the manifest's stream */
	const char *rest_sha256;
	const char *hmac; /* 64 hexadecimal digits; NULL: none */
	/* Not in the file, but found out by mr_backup_read: */
	enum mr_backup_trust trust;
	const char *fingerprint; /* of its backup key; NULL: it holds none */
};

struct mr_backup {
	const char *path;
	int64_t size;
	struct mr_manifest manifest;
};

struct mr_backups {
	struct mr_backup *items;
	size_t count;
};

/* Writes the full archive of this host and, on the home, one per other host, into the configured
 * folder (made 0700): each under a temporary name, fsynced, read back and verified; renamed when
 * all are good. Databases are dumped and compressed once, in files that have no name, and shared by
 * the archives. The home makes the domain's backup key if there is none yet; another host that has
 * none writes archives without HMAC, with a warning. Nothing is left behind on failure, and what a killed run left is removed. A host
 * whose certificate this host does not have is left out with a warning. Works without slapd
 * running. The caller holds MR_PATH_LOCK. */
int mr_backup_create(struct mr_arena *arena, const struct mr_config *config,
		     const struct mr_topology *topology, struct mr_backups *out,
		     struct mr_error *err) MR_MUST_CHECK;

/* What else than all archives, in the clear. */
struct mr_backup_order {
	const char *for_host; /* just the archive for this host, the own one's is the full one; NULL: all */
	const struct mr_age_seal *seal; /* NULL: in the clear; otherwise their names end in .age */
};

/* The same as ordered. What is sealed lies in the clear in files without a name below the state folder only, never in the folder of
 * the archives, which may be a remote one. MR_E_NO_HOST: `for_host` is not in the topology; MR_E_DENIED: only the home makes it;
 * MR_E_NOT_FOUND: its certificate or key is not here. */
int mr_backup_create_ordered(struct mr_arena *arena, const struct mr_config *config,
			     const struct mr_topology *topology,
			     const struct mr_backup_order *order, struct mr_backups *out,
			     struct mr_error *err) MR_MUST_CHECK;
/* For whom archives would be made: names of hosts, the own one's is the full archive. Fails as mr_backup_create_ordered does. */
int mr_backup_targets(struct mr_arena *arena, const struct mr_config *config,
		      const struct mr_topology *topology, const struct mr_backup_order *order,
		      struct mr_list *out, struct mr_error *err) MR_MUST_CHECK;

struct mr_backup_reading {
	const char *path;
	const char *
		folder; /* must be absent, is made 0700: where the members are left; NULL: nowhere */
	const char *host; /* only what this one may have is left there; NULL: everything */
	const struct mr_secret *key; /* this host's backup key; NULL or empty: it has none */
	bool entries; /* parse each LDIF too: records are well-formed, lie below their base, which
			 comes first, and are as many as the manifest says (format 1: they are
			 counted) */
};

/* Reads the whole archive, checks every byte of it against the manifest, and the manifest against
 * itself: count, order, sizes, digests, known names only, what `for` may hold; and its HMAC, under
 * `key` or, without one, under the key that it holds. Nothing is written before the manifest is
 * known to be sound, the sizes fit the file's own and the free space of the disk (else MR_E_IO), and
 * the compressed rest is what it says. `folder` is absent after a failure. MR_E_ARCHIVE says what is
 * wrong. An archive without HMAC is read if it has format 1, or if there is no `key`. Memory does
 * not grow with the archive, but for the manifest's and the topology's. */
int mr_backup_read(struct mr_arena *arena, const struct mr_backup_reading *reading,
		   struct mr_manifest *out, struct mr_error *err) MR_MUST_CHECK;

/* The same without a key, everything left in `folder` (may be NULL). */
int mr_backup_unpack(struct mr_arena *arena, const char *path, const char *folder,
		     struct mr_manifest *out, struct mr_error *err) MR_MUST_CHECK;

/* The same, but only what `host` may have is left in `folder`: of an archive that it made itself or
 * that was made for it all, of another's full archive neither that host's key nor any other's but
 * `host`'s own, and for a relay no account. The whole is verified all the same. MR_E_NO_HOST:
 * `host` is not in the archive's topology. */
int mr_backup_unpack_for(struct mr_arena *arena, const char *path, const char *folder,
			 const char *host, struct mr_manifest *out,
			 struct mr_error *err) MR_MUST_CHECK;
/* The manifest alone, not verified against the rest, `trust` and `fingerprint` not found out. */
int mr_backup_peek(struct mr_arena *arena, const char *path, struct mr_manifest *out,
		   struct mr_error *err) MR_MUST_CHECK;

/* Names of the files in `folder` that look like archives, sealed or not, in the order of their times; none if there is no such
 * folder. */
int mr_backup_names(struct mr_arena *arena, const char *folder, struct mr_list *out,
		    struct mr_error *err) MR_MUST_CHECK;

/* Where to unpack: "<state>/<word>.<process>", since --dry-run takes no lock and must not share it
 * with a run that does. It is absent afterwards; what processes that are gone have left under that
 * word (keys and hashes) is removed. */
int mr_backup_place(struct mr_arena *arena, const struct mr_config *config, const char *word,
		    const char **out, struct mr_error *err) MR_MUST_CHECK;

/* mr_backup_read of `path` into `folder` (NULL: nowhere), for `host` (NULL: everything), under this
 * host's backup key. MR_E_ARCHIVE also if it carries no HMAC (format 1, or its HMAC was taken away and this
 * host has no key), but after mr_backup_take_old_format: then it is taken with a warning. */
void mr_backup_take_old_format(void); /* for the life of the process, mr_backup_newest too */
int mr_backup_take(struct mr_arena *arena, const struct mr_config *config, const char *path,
		   const char *folder, const char *host, struct mr_manifest *out, struct mr_error *err) MR_MUST_CHECK;

/* The newest archive of the configured folder that verifies (under this host's backup key, if it
 * has one) and that `wanted` accepts, unpacked into `folder`. Archives that do not verify, or carry no HMAC, are
 * named in warnings and skipped. MR_E_NOT_FOUND:
 * none; the message says what was looked for and where, and what was skipped why. */
typedef bool (*mr_manifest_filter)(const void *context, const struct mr_manifest *manifest);
int mr_backup_newest(struct mr_arena *arena, const struct mr_config *config,
		     mr_manifest_filter wanted, const void *context, const char *folder,
		     struct mr_backup *out, struct mr_error *err) MR_MUST_CHECK;
/* The same with mr_backup_unpack_for; what was left in `folder` by an earlier run is removed first
 * in both. */
int mr_backup_newest_for(struct mr_arena *arena, const struct mr_config *config,
			 mr_manifest_filter wanted, const void *context, const char *folder,
			 const char *host, struct mr_backup *out,
			 struct mr_error *err) MR_MUST_CHECK;

/* The topology of an unpacked archive. */
int mr_backup_topology(struct mr_arena *arena, const char *folder, struct mr_topology *out,
		       struct mr_error *err) MR_MUST_CHECK;

/* Writers for mr_database_load: from an unpacked archive. The copy of a service (the maker's
 * container renamed from owned to copy, contextCSNs merged on the base entry), the same without the
 * maker's container and CSN, and the maker's owned database as a *new* truth (operational
 * attributes stripped: a `fresh` seed). */
struct mr_backup_source {
	const char *folder;
	const struct mr_manifest *manifest;
	enum mr_service service;
};
int mr_backup_write_copy(void *source, int fd, struct mr_error *err);
int mr_backup_write_others(void *source, int fd, struct mr_error *err);
/* The same, with these contextCSNs of the maker's on the base entry, because its container follows:
 * what slapcat gives of the maker's owned database (`in`), as it stands in a copy. */
int mr_backup_write_others_with(const struct mr_backup_source *source, const struct mr_list *csns,
				int fd, struct mr_error *err) MR_MUST_CHECK;
int mr_backup_write_maker(const struct mr_backup_source *source, int in, int fd,
			  struct mr_error *err) MR_MUST_CHECK;
int mr_backup_write_owned(void *source, int fd, struct mr_error *err);
/* mr_backup_write_owned and what follows from it for the copy at once, each into its descriptor (pipes to two
 * readers, of whom none waits for the other for long): the same entries with the same entryUUIDs and CSNs,
 * which `stamp` gives; no -w for slapadd. */
struct mr_stamp;
int mr_backup_write_both(const struct mr_backup_source *source, const struct mr_stamp *stamp,
			 int owned, int copy, struct mr_error *err) MR_MUST_CHECK;
#endif
