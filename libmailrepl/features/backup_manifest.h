/* MANIFEST.json: what an archive is, whose, for whom, and what it must hold. Pure. */
#ifndef MR_FEATURES_BACKUP_MANIFEST_H
#define MR_FEATURES_BACKUP_MANIFEST_H

#include "features/backup.h"

#define MR_MANIFEST_NAME "MANIFEST.json"
#define MR_MANIFEST_MOST ((size_t)2 << 20) /* 4,095 hosts give 1.4 MB */

/* The canonical text: a manifest of format 2 has no other. */
char *mr_manifest_format(struct mr_arena *arena, const struct mr_manifest *manifest);
/* The same without the HMAC: what the HMAC is made of. */
char *mr_manifest_signed(struct mr_arena *arena, const struct mr_manifest *manifest);

/* Appends what an archive of format 2 begins with: the manifest as a member of a tar, whole blocks, in
 * a bzip2 stream of its own. MR_E_INVALID: it is too large (MR_MANIFEST_MOST). */
int mr_manifest_pack(const struct mr_manifest *manifest, struct mr_buf *out,
		     struct mr_error *err) MR_MUST_CHECK;

/* Parses and checks: the format is ours, or the one before; the text is canonical (format 2); names, times and digests are well-formed; members are
 * known, in their order, each once; what must be there is; nothing is there that an archive of this
 * host for that one may not hold. MR_E_ARCHIVE. */
int mr_manifest_parse(struct mr_arena *arena, const char *text, size_t len, struct mr_manifest *out,
		      struct mr_error *err) MR_MUST_CHECK;

/* The manifest beside the topology of the same archive: the same domain, home, serverID and
 * generation; both hosts known; no accounts for a relay. MR_E_ARCHIVE. */
int mr_manifest_agrees(const struct mr_manifest *manifest, const struct mr_topology *topology,
		       struct mr_error *err) MR_MUST_CHECK;

/* NULL if absent. */
const struct mr_manifest_member *mr_manifest_member(const struct mr_manifest *manifest,
						    const char *name);
/* "20260102T030405Z-mail1.lan.tar.bz2", "20260102T030405Z-mail1.lan-for-relay.lan.tar.bz2" */
char *mr_manifest_file_name(struct mr_arena *arena, const struct mr_manifest *manifest);
/* "2026-01-02T03:04:05Z" (RFC 3339) */
char *mr_manifest_time(struct mr_arena *arena, int64_t created);

#endif
