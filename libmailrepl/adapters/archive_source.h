/* The decompressed bytes of a .bz2 file, for adapters/archive.c and archive_known.c. Nobody else needs
 * this header. */
#ifndef MR_ADAPTERS_ARCHIVE_SOURCE_H
#define MR_ADAPTERS_ARCHIVE_SOURCE_H

#include <stddef.h>

#include "base/error.h"

struct mr_archive_source;

/* What is left of an open file from where it stands: `fd` (borrowed) is moved. `path` is for
 * messages. With lbzip2 where it is installed, otherwise with the library's own filter. MR_E_ARCHIVE
 * unless that is bzip2 and ends with the end of a stream, so that a truncated file is refused at
 * once. */
int mr_archive_source_open(int fd, const char *path, struct mr_archive_source **out,
			   struct mr_error *err) MR_MUST_CHECK;
/* Fills `buf` as far as there is something: the number of bytes, 0 at the end, -1. The end is
 * reached only if the decompressor found everything sound. */
long mr_archive_source_read(struct mr_archive_source *source, char *buf, size_t size,
			    struct mr_error *err) MR_MUST_CHECK;
void mr_archive_source_close(struct mr_archive_source *source); /* NULL-safe */

#endif
