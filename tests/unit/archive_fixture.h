/* Archives of format 2 made by hand, whole ones and such as nobody would write: for tests and for fuzzing. */
#ifndef MR_TESTS_UNIT_ARCHIVE_FIXTURE_H
#define MR_TESTS_UNIT_ARCHIVE_FIXTURE_H

#include <string.h>

#include "adapters/archive_header.h"
#include "adapters/bzip2.h"
#include "adapters/ldif.h"
#include "adapters/tls.h"
#include "features/backup_key.h"
#include "features/backup_manifest.h"

#define FX_TIME 1767323045
#define FX_MOST 16
#define FX_KEY "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\n"
#define FX_COPIES                                                                                  \
	"dn: ou=Mail,dc=mailrepl\nobjectClass: organizationalUnit\nou: Mail\n\n"                   \
	"dn: cn=mail2.lan,ou=Mail,dc=mailrepl\nobjectClass: mailReplContainer\ncn: mail2.lan\n\n"  \
	"dn: uid=user2,cn=mail2.lan,ou=Mail,dc=mailrepl\nobjectClass: account\nuid: user2\n\n"

struct fx_member {
	const char *name, *data;
	size_t len;
	int64_t entries;
};

/* What mail1.lan makes for relay.lan. Tests change it before they write it. */
struct fx {
	struct mr_arena *arena;
	struct mr_secret key; /* of the HMAC; empty: none */
	struct mr_manifest manifest;
	struct mr_manifest_member listed[FX_MOST]; /* in the manifest */
	struct fx_member held[FX_MOST];            /* in the tar */
	size_t count;                              /* of both, at the beginning */
};

static inline const char *fx_topology(struct mr_arena *arena, int64_t *entries)
{
	static struct mr_host hosts[] = {
		{ .name = "mail1.lan",
		  .services = MR_MAIL | MR_UNIX,
		  .server_id = 1,
		  .state = MR_JOINED },
		{ .name = "relay.lan", .services = MR_MAIL, .server_id = 2, .state = MR_INVITED },
	};
	struct mr_topology topology = { .domain_id = "722a44ca-09ef-44f2-94bc-42090989a916",
					.home = "mail1.lan",
					.epoch = 1,
					.generation = 2,
					.server_id_high_water = 2,
					.hosts = hosts,
					.count = 2 };
	struct mr_entries list = { 0 };
	MR_BUF text = { 0 };

	mr_topology_format(arena, &topology, mr_dit_copy(arena, MR_MAIL, "mail1.lan"), &list);
	for (size_t i = 0; i < list.count; i++)
		mr_ldif_format(&text, list.items[i]);
	*entries = (int64_t)list.count;
	return mr_strdup(arena, mr_buf_text(&text));
}

static inline const char *fx_digest(struct mr_arena *arena, const void *data, size_t len)
{
	struct mr_sha256 *sum = mr_sha256_open();
	char *hex = (char *)mr_alloc(arena, 65);

	mr_sha256_add(sum, data, len);
	mr_sha256_close(sum, hex);
	return hex;
}

/* The manifest's row of a member as it is held. */
static inline void fx_list(struct fx *fx, size_t i)
{
	const struct fx_member *member = &fx->held[i];

	fx->listed[i] =
		(struct mr_manifest_member){ member->name, (int64_t)member->len,
					     fx_digest(fx->arena, member->data, member->len),
					     member->entries };
}

static inline void fx_add(struct fx *fx, const char *name, const char *data, int64_t entries)
{
	fx->held[fx->count] = (struct fx_member){ name, data, strlen(data), entries };
	fx_list(fx, fx->count++);
}

static inline void fx_init(struct fx *fx, struct mr_arena *arena)
{
	int64_t entries;
	const char *topology = fx_topology(arena, &entries);

	*fx = (struct fx){ .arena = arena };
	mr_secret_set(&fx->key, FX_KEY, strlen(FX_KEY));
	fx_add(fx, "topology.ldif", topology, entries);
	fx_add(fx, "tls/ca.crt", "the CA's certificate\n", -1);
	fx_add(fx, MR_BACKUP_KEY_NAME, FX_KEY, -1);
	fx_add(fx, "tls/host.crt", "relay's certificate\n", -1);
	fx_add(fx, "tls/host.key", "relay's key\n", -1);
	fx_add(fx, "templates/postfix/main.cf", "", -1);
	fx_add(fx, "mail-copies.ldif", FX_COPIES, 3);
	fx->manifest = (struct mr_manifest){ .format = 2,
					     .domain_id = "722a44ca-09ef-44f2-94bc-42090989a916",
					     .host = "mail1.lan",
					     .home = "mail1.lan",
					     .for_host = "relay.lan",
					     .server_id = 1,
					     .created = FX_TIME,
					     .generation = 2,
					     .members = fx->listed,
					     .count = fx->count,
					     .bzip2 = mr_bzip2_version() };
}

/* Members and the end of a tar, as they are held. */
static inline void fx_tar(const struct fx *fx, size_t count, struct mr_buf *tar)
{
	static const char zeros[2 * MR_ARCHIVE_BLOCK];
	char header[MR_ARCHIVE_BLOCK];
	struct mr_error err;

	for (size_t i = 0; i < count; i++) {
		const struct fx_member *member = &fx->held[i];

		if (mr_archive_header(member->name, (int64_t)member->len, FX_TIME, header, &err) <
		    0)
			abort();
		mr_buf_add(tar, header, sizeof(header));
		mr_buf_add(tar, member->data, member->len);
		mr_buf_add(tar, zeros, -member->len & (MR_ARCHIVE_BLOCK - 1));
	}
	mr_buf_add(tar, zeros, sizeof(zeros));
}

/* The manifest's stream before compressed bytes that are given: its seal and HMAC are made to fit. */
static inline void fx_seal(struct fx *fx, const void *rest, size_t len, struct mr_buf *out)
{
	struct mr_error err = { 0 };
	char *hmac = (char *)mr_alloc(fx->arena, 65);

	fx->manifest.rest_size = (int64_t)len;
	fx->manifest.rest_sha256 = fx_digest(fx->arena, rest, len);
	fx->manifest.hmac = NULL;
	if (fx->key.len) {
		mr_backup_key_hmac(&fx->key, mr_manifest_signed(fx->arena, &fx->manifest), hmac);
		fx->manifest.hmac = hmac;
	}
	if (mr_manifest_pack(&fx->manifest, out, &err) < 0)
		abort();
	mr_buf_add(out, rest, len);
}

/* The whole file from another tar than the members would give. */
static inline void fx_file(struct fx *fx, const struct mr_buf *tar, struct mr_buf *out)
{
	MR_BUF rest = { 0 };

	mr_bzip2_compress(&rest, tar->data, tar->len);
	fx_seal(fx, rest.data, rest.len, out);
}

static inline void fx_whole(struct fx *fx, struct mr_buf *out)
{
	MR_BUF tar = { 0 };

	fx_tar(fx, fx->count, &tar);
	fx_file(fx, &tar, out);
}

#endif
