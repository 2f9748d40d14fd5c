#include "features/backup_pieces.h"

#include <string.h>
#include <unistd.h>

#include "features/backup_key.h"
#include "features/backup_manifest.h"

static int put_part(struct mr_piece_writer *writer, const struct mr_backup_part *part,
		    int64_t created, struct mr_error *err)
{
	const char *data = part->secret.data ? part->secret.data : part->text;

	if (mr_piece_add_header(writer, part->name, (int64_t)part->len, created, err) < 0 ||
	    mr_piece_add(writer, data, part->len, err) < 0)
		return -1;
	return mr_piece_pad(writer, err);
}

static int write_parts(const struct mr_pieces_common *common, const struct mr_backup_parts *parts,
		       int64_t created, struct mr_piece *out, struct mr_error *err)
{
	struct mr_piece_writer *writer;
	int rc = 0;

	if (mr_piece_create(common->folder, true, &writer, err) < 0)
		return -1;
	for (size_t i = 0; rc == 0 && i < parts->count; i++)
		rc = put_part(writer, &parts->items[i], created, err);
	if (rc < 0) {
		mr_piece_abandon(writer);
		return -1;
	}
	if (mr_piece_finish(writer, out, err) < 0)
		return -1;
	return mr_piece_prove(out, err);
}

static void list_pieces(const struct mr_dumps *dumps, const struct mr_manifest *manifest,
			struct mr_pieces *pieces)
{
	pieces->count = 0;
	pieces->all[pieces->count++] = &pieces->manifest;
	pieces->all[pieces->count++] = &pieces->parts;
	for (int i = 0; i < MR_DUMPS; i++) {
		if (dumps->items[i].name && mr_manifest_member(manifest, dumps->items[i].name)) {
			pieces->all[pieces->count++] = &dumps->items[i].head;
			pieces->all[pieces->count++] = &dumps->items[i].data;
		}
	}
	pieces->all[pieces->count++] = &dumps->end;
}

static int sum_rest(struct mr_arena *arena, const struct mr_pieces *pieces,
		    struct mr_manifest *manifest, struct mr_error *err)
{
	struct mr_sha256 *sum = mr_sha256_open();
	char *hex = mr_alloc(arena, 65);
	int rc = 0;

	manifest->rest_size = 0;
	for (size_t i = 1; rc == 0 && i < pieces->count; i++) {
		rc = mr_piece_sum(pieces->all[i], sum, err);
		manifest->rest_size += pieces->all[i]->size;
	}
	mr_sha256_close(sum, hex);
	manifest->rest_sha256 = hex;
	return rc;
}

static void authenticate(struct mr_arena *arena, const struct mr_secret *key,
			 struct mr_manifest *manifest)
{
	char *hmac;

	manifest->hmac = NULL;
	if (!key->len)
		return;
	hmac = mr_alloc(arena, 65);
	mr_backup_key_hmac(key, mr_manifest_signed(arena, manifest), hmac);
	manifest->hmac = hmac;
}

static int write_manifest(struct mr_arena *arena, const struct mr_pieces_common *common,
			  const struct mr_manifest *manifest, struct mr_piece *out,
			  struct mr_error *err)
{
	const char *text = mr_manifest_format(arena, manifest);
	MR_BUF compressed = { 0 };
	struct mr_manifest parsed;

	if (mr_manifest_parse(arena, text, strlen(text), &parsed, err) < 0 ||
	    mr_manifest_agrees(&parsed, common->topology, err) < 0 ||
	    mr_manifest_pack(manifest, &compressed, err) < 0)
		return -1;
	return mr_piece_put(common->folder, compressed.data, compressed.len, out, err);
}

int mr_pieces_make(struct mr_arena *arena, const struct mr_pieces_common *common,
		   const struct mr_backup_parts *parts, struct mr_manifest *manifest,
		   struct mr_pieces *out, struct mr_error *err)
{
	list_pieces(common->dumps, manifest, out);
	if (write_parts(common, parts, manifest->created, &out->parts, err) < 0 ||
	    sum_rest(arena, out, manifest, err) < 0)
		return -1;
	authenticate(arena, common->key, manifest);
	return write_manifest(arena, common, manifest, &out->manifest, err);
}

int mr_pieces_write(const struct mr_pieces *pieces, int fd, struct mr_error *err)
{
	for (size_t i = 0; i < pieces->count; i++)
		if (mr_piece_copy(pieces->all[i], fd, err) < 0)
			return -1;
	return 0;
}

int mr_pieces_compare(const struct mr_pieces *pieces, int fd, struct mr_error *err)
{
	char more;

	if (lseek(fd, 0, SEEK_SET) < 0)
		return mr_fail_errno(err, _("reading back"));
	for (size_t i = 0; i < pieces->count; i++)
		if (mr_piece_compare(pieces->all[i], fd, err) < 0)
			return -1;
	return read(fd, &more, 1) == 0
		       ? 0
		       : mr_fail(err, MR_E_IO, _("it is longer than what was written"));
}

void mr_pieces_close(struct mr_pieces *pieces)
{
	mr_piece_close(&pieces->manifest);
	mr_piece_close(&pieces->parts);
	*pieces = (struct mr_pieces){ 0 };
}
