/* Pieces of an archive: a whole number of blocks of a tar (POSIX ustar), compressed as a bzip2
 * stream of its own. Streams one after the other are one bzip2 file (bzip2(1)), so what several
 * archives hold is compressed once, and while it is still being read. */
#ifndef MR_FEATURES_BACKUP_PIECE_H
#define MR_FEATURES_BACKUP_PIECE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "adapters/tls.h"

struct mr_piece {
	int fd; /* of a file without name */
	int64_t size, raw_size;
	char sha256[65]; /* of what was compressed, if `proof` was asked for */
};

struct mr_piece_writer;
/* The file is made in `folder`. Compresses with lbzip2 on all cores where it is installed,
 * otherwise with bzip2. `proof`: it will be proven. */
int mr_piece_create(const char *folder, bool proof, struct mr_piece_writer **out,
		    struct mr_error *err) MR_MUST_CHECK;
int mr_piece_add(struct mr_piece_writer *writer, const void *data, size_t len,
		 struct mr_error *err) MR_MUST_CHECK;
/* A member's header. Its name is as adapters/archive.h demands. */
int mr_piece_add_header(struct mr_piece_writer *writer, const char *name, int64_t size,
			int64_t time, struct mr_error *err) MR_MUST_CHECK;
/* Zeros up to a whole block. */
int mr_piece_pad(struct mr_piece_writer *writer, struct mr_error *err) MR_MUST_CHECK;
int mr_piece_finish(struct mr_piece_writer *writer, struct mr_piece *out,
		    struct mr_error *err) MR_MUST_CHECK; /* frees it also on failure */
/* What is compressed already. */
int mr_piece_put(const char *folder, const void *data, size_t len, struct mr_piece *out,
		 struct mr_error *err) MR_MUST_CHECK;
/* What is not secret and so little that a compressor of its own would only cost time. */
int mr_piece_put_small(const char *folder, const void *data, size_t len, struct mr_piece *out,
		       struct mr_error *err) MR_MUST_CHECK;
void mr_piece_abandon(struct mr_piece_writer *writer); /* NULL-safe */
void mr_piece_close(struct mr_piece *piece);           /* NULL-safe; zeroed is allowed */

/* Decompresses it, in this process, and compares. MR_E_IO, MR_E_ARCHIVE: it does not hold what was
 * put in. */
int mr_piece_prove(const struct mr_piece *piece, struct mr_error *err) MR_MUST_CHECK;
/* Puts its compressed bytes into the sum. */
int mr_piece_sum(const struct mr_piece *piece, struct mr_sha256 *sum,
		 struct mr_error *err) MR_MUST_CHECK;
/* Appends it to `out`. */
int mr_piece_copy(const struct mr_piece *piece, int out, struct mr_error *err) MR_MUST_CHECK;
/* Compares the next bytes of `in` with it. MR_E_IO: they differ. */
int mr_piece_compare(const struct mr_piece *piece, int in, struct mr_error *err) MR_MUST_CHECK;
/* A file in `folder` without a name, gone when it is closed. (On a filesystem that has no such files: with one for the moment between
 * two calls.) The descriptor, or -1. */
int mr_nameless_file(const char *folder, struct mr_error *err) MR_MUST_CHECK;

#endif
