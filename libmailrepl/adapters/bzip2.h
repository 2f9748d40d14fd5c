/* bzip2 in this process (libbz2): one stream after the other. Databases go through lbzip2 on all
 * cores instead (adapters/archive_source.h). */
#ifndef MR_ADAPTERS_BZIP2_H
#define MR_ADAPTERS_BZIP2_H

#include <stdint.h>

#include "base/strings.h"

/* "1.0.8": which library it is. The same version gives the same bytes for the same data. */
const char *mr_bzip2_version(void);
/* Appends `data` as one stream, in blocks of 100 kB: memory is 1 MB. */
void mr_bzip2_compress(struct mr_buf *out, const void *data, size_t len);

/* Decompresses the one stream that begins at `offset` of `fd` (borrowed; its position is left
 * alone). Memory: 4 MB, whatever the stream says. */
struct mr_bzip2;
struct mr_bzip2 *mr_bzip2_open(int fd, int64_t offset);
/* Fills `buf` as far as there is something: the number of bytes, 0 at the end of the stream, whose
 * checksum was right, or -1: MR_E_ARCHIVE. */
long mr_bzip2_read(struct mr_bzip2 *stream, void *buf, size_t size,
		   struct mr_error *err) MR_MUST_CHECK;
int64_t mr_bzip2_end(const struct mr_bzip2 *stream); /* after the end: where in `fd` it is */
void mr_bzip2_close(struct mr_bzip2 *stream);        /* NULL-safe */

#endif
